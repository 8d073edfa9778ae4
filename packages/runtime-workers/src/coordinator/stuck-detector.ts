/**
 * Tells of subtasks that do not come back from a step (an endless loop in user code, a blocking call) once per episode. Reads the
 * shared metrics words, which stay true while their worker is inside a long function. Runs in the coordinator.
 */
import { type LogicalGraph, type MetricsSnapshot, type PhysicalPlan, type StuckSubtask, stuckSubtasks } from '@sluice/engine'

export interface StuckDetectorOptions {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly stuckAfterMs: number
}

/** Two readings of the start of one episode differ by rounding only. */
const SAME_EPISODE_MS = 0.5

export class StuckDetector {
  readonly #options: StuckDetectorOptions
  /** Start of the episode that was told last. */
  readonly #toldMs = new Map<string, number>()

  constructor(options: StuckDetectorOptions) {
    this.#options = options
  }

  /** Episodes that passed the limit and were not told yet. */
  check(snapshot: MetricsSnapshot): StuckSubtask[] {
    const { graph, plan, stuckAfterMs } = this.#options
    return stuckSubtasks(graph, plan, snapshot, stuckAfterMs).filter(({ operator, subtask, forMs }) => {
      const key = `${operator}/${subtask}`
      const sinceMs = snapshot.atMs - forMs
      if (Math.abs((this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY) - sinceMs) < SAME_EPISODE_MS) return false
      this.#toldMs.set(key, sinceMs)
      return true
    })
  }
}
