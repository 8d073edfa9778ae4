/**
 * Which worker hosts which subtask. Tasks as wide as the workers are dealt out by index, so that forward edges stay on one
 * worker; narrower ones go where the fewest subtasks are, those that share something to one worker. Deterministic: ties go to the lower worker.
 */
import { HOST_WORKER } from './physical-plan.js'

export interface PlacementTask {
  readonly parallelism: number
  readonly onHost: boolean
  readonly isSource: boolean
  /** Tasks it reads from, with whether the edge is a forward one. */
  /** Tasks with the same text go to the same worker; their parallelism is 1. */
  readonly colocation?: string | undefined
  readonly producers: readonly { readonly task: number; readonly forward: boolean }[]
}

/** Workers by task and subtask index. `tasks` are in topological order. */
export function placeSubtasks(tasks: readonly PlacementTask[], workers: number): readonly (readonly number[])[] {
  const load = Array.from({ length: workers }, () => 0)
  const placed: (readonly number[] | undefined)[] = tasks.map(() => undefined)
  const place = (task: number, at: readonly number[]): void => {
    placed[task] = at
    for (const worker of at) if (worker !== HOST_WORKER) load[worker] = (load[worker] ?? 0) + 1
  }

  for (const [id, task] of tasks.entries()) {
    if (task.onHost || workers === 0)
      place(
        id,
        indexes(task.parallelism, () => HOST_WORKER),
      )
    else if (task.parallelism >= workers)
      place(
        id,
        indexes(task.parallelism, (index) => index % workers),
      )
  }
  const shared = new Map<string, readonly number[]>()
  for (const [id, task] of tasks.entries()) {
    if (placed[id] !== undefined) continue
    const { colocation } = task
    const at = colocation === undefined ? undefined : shared.get(colocation)
    if (at !== undefined) place(id, at)
    else if (task.parallelism === 1) place(id, [placeSingle(task, tasks, placed, load)])
    else place(id, alignedWith(task, tasks, placed) ?? leastLoaded(load, task.parallelism))
    if (colocation !== undefined) shared.set(colocation, placed[id] ?? [])
  }
  return placed.map((at) => at ?? [])
}

/** A forward edge costs nothing where both sides share a worker. */
function alignedWith(
  task: PlacementTask,
  tasks: readonly PlacementTask[],
  placed: readonly (readonly number[] | undefined)[],
): readonly number[] | undefined {
  for (const producer of task.producers) {
    const at = placed[producer.task]
    if (producer.forward && at !== undefined && tasks[producer.task]?.onHost === false) return at
  }
  return undefined
}

/**
 * One subtask: the least loaded worker, but not the one of a single source that feeds it: reading and working are the two
 * things that a job with one lane can do at the same time.
 */
function placeSingle(
  task: PlacementTask,
  tasks: readonly PlacementTask[],
  placed: readonly (readonly number[] | undefined)[],
  load: readonly number[],
): number {
  const ofSources = new Set<number>()
  const ofProducers = new Set<number>()
  for (const producer of task.producers) {
    const from = tasks[producer.task]
    const worker = placed[producer.task]?.[0]
    if (from?.parallelism !== 1 || worker === undefined) continue
    ofProducers.add(worker)
    if (from.isSource) ofSources.add(worker)
  }
  const free = load.map((_, worker) => worker).filter((worker) => !ofSources.has(worker))
  const candidates = free.length > 0 ? free : load.map((_, worker) => worker)
  const cost = (worker: number): number => 2 * (load[worker] ?? 0) + (ofProducers.has(worker) ? 1 : 0)
  return candidates.reduce((best, worker) => (cost(worker) < cost(best) ? worker : best))
}

/** The `count` least loaded workers, in ascending order. */
function leastLoaded(load: readonly number[], count: number): readonly number[] {
  return load
    .map((_, worker) => worker)
    .sort((a, b) => (load[a] ?? 0) - (load[b] ?? 0) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b)
}

function indexes<T>(count: number, of: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => of(index))
}
