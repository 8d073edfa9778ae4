/** Everything a report says about the time between two snapshots. Pure: the same for a report interval and for a whole run. */
import type { LogicalGraph } from '../graph/logical-graph.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { defaultSettings } from '../plan/settings.js'
import { type CallReport, callReports } from './call-reports.js'
import { type DroppedRecords, droppedRecords } from './dropped-records.js'
import { type EdgePressure, edgePressures } from './edge-pressure.js'
import { type Bottleneck, findBottleneck } from './find-bottleneck.js'
import { type Headroom, headroomOf } from './headroom.js'
import { measureInterval } from './interval.js'
import { lateRecords, type LateRecords } from './late-records.js'
import type { MetricsSnapshot } from './read-metrics.js'
import { type StuckSubtask, stuckSubtasks } from './stuck-subtasks.js'
import { type SubtaskReport, subtaskReports } from './subtask-report.js'

export interface IntervalReport {
  /** Monotonic clock of the process, in ms. */
  readonly atMs: number
  readonly intervalMs: number
  /** By planned edge id. */
  readonly edges: readonly EdgePressure[]
  /** By subtask id. */
  readonly subtasks: readonly SubtaskReport[]
  /** undefined while nobody is held back for more than a tenth of the time. */
  readonly bottleneck: Bottleneck | undefined
  readonly headroom: Headroom | undefined
  readonly stuck: readonly StuckSubtask[]
  /** Operators for which records came too late, so far. */
  readonly late: readonly LateRecords[]
  /** What operators lost on purpose so far, by reason. */
  readonly dropped: readonly DroppedRecords[]
  /** Dead letters that operators gave so far, by the code of the error. */
  readonly deadLetters: readonly DroppedRecords[]
  /** Operators whose calls are guarded. */
  readonly calls: readonly CallReport[]
}

/**
 * The report between two snapshots of one run; for the whole run take `zeroMetrics` as the previous one.
 *
 * @example
 * const report = reportInterval(graph, plan, previous, readMetrics(plan, metrics, nowMs))
 * report.bottleneck?.message // 'write (subtask 1) is the bottleneck: busy 98 %, holds source flights back 71 % of the time through ...'
 */
export function reportInterval(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  previous: MetricsSnapshot,
  current: MetricsSnapshot,
  options: { readonly stuckAfterMs?: number | undefined } = {},
): IntervalReport {
  const interval = measureInterval(previous, current)
  const dropped = droppedRecords(graph, plan, previous, current)
  return {
    atMs: current.atMs,
    intervalMs: interval.elapsedMs,
    edges: edgePressures(graph, plan, interval),
    subtasks: subtaskReports(plan, interval),
    bottleneck: findBottleneck(graph, plan, interval),
    headroom: headroomOf(graph, plan, interval, dropped),
    stuck: stuckSubtasks(graph, plan, current, options.stuckAfterMs ?? defaultSettings.stuckAfterMs),
    late: lateRecords(graph, plan, previous, current),
    dropped,
    deadLetters: droppedRecords(graph, plan, previous, current, 'deadLetters'),
    calls: callReports(graph, plan, previous, interval),
  }
}
