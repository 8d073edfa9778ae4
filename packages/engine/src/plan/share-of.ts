/**
 * Numbers a user gives (concurrency, rate, batch bounds) are per operator; a subtask gets its share. The first subtasks
 * get one more where a whole number does not divide evenly, so the shares always add up to the total.
 */
export function shareOf(total: number, parallelism: number, index: number): number {
  return Math.floor(total / parallelism) + (index < total % parallelism ? 1 : 0)
}
