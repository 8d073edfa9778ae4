/** A report, a stuck operator, the end of a run and user code's own lines, as lines of the log. Pure. */
import type { EdgePressure, IntervalReport, StuckSubtask, SubtaskReport } from '@sluice/engine'
import type { RunLogEntry, RunResult } from '@sluice/runtime-workers'
import { formatAmount, formatByteRate, formatCount, formatDuration, formatRecordRate, formatShare } from '../format/units.js'
import type { JobLogLine } from './events.js'

type Fields = Readonly<Record<string, unknown>>

/** One line per edge and, while some edge is above `OK`, one for the bottleneck. */
export function reportLines(report: IntervalReport): readonly JobLogLine[] {
  const edges = report.edges.map(
    (edge): JobLogLine => ({ level: 'info', event: 'edge.pressure', msg: edgeInWords(edge), fields: edgeFields(edge) }),
  )
  const { bottleneck } = report
  if (bottleneck === undefined) return edges
  const { kind, operator, subtask, worker, busy, because, message } = bottleneck
  const heldBackMsPerSecond = Object.fromEntries(bottleneck.heldBackMsPerSecond.map(({ source, ms }) => [source, rounded(ms)]))
  const fields = { kind, operator, subtask, worker, busy: rounded(busy, 3), because, heldBackMsPerSecond }
  return [...edges, { level: 'info', event: 'job.bottleneck', msg: message, fields }]
}

export function stuckLine({ operator, subtask, worker, forMs }: StuckSubtask): JobLogLine {
  return {
    level: 'warn',
    event: 'operator.stuck',
    msg: `${operator} (subtask ${subtask}) has been inside one call for ${formatDuration(forMs)}: its worker does nothing else meanwhile`,
    fields: { operator, subtask, worker, forMs: rounded(forMs) },
  }
}

export function userLine({ level, message, operator, subtask, fields }: RunLogEntry): JobLogLine {
  const known: Fields = { operator, subtask, fields: fields === undefined || Object.keys(fields).length === 0 ? undefined : fields }
  return {
    level,
    event: 'user.log',
    msg: message,
    fields: Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
  }
}

export function finishedLine(result: RunResult<unknown>): JobLogLine {
  const { durationMs, recordsIn, recordsOut, stopped, totals, userMetrics } = result
  const recordsPerSecond = durationMs > 0 ? (recordsIn / durationMs) * 1000 : 0
  return {
    level: 'info',
    event: 'job.finished',
    msg: `${stopped ? 'stopped: ' : ''}${formatAmount(recordsIn, 'record')} in, ${formatAmount(recordsOut, 'record')} out in ${formatDuration(durationMs)}, ${formatCount(recordsPerSecond)} records/s`,
    fields: {
      durationMs: rounded(durationMs),
      recordsIn,
      recordsOut,
      recordsPerSecond: rounded(recordsPerSecond),
      stopped,
      edges: totals.edges.map(edgeFields),
      subtasks: totals.subtasks.map(subtaskFields),
      ...(totals.bottleneck === undefined ? {} : { bottleneck: totals.bottleneck.message }),
      ...(totals.headroom === undefined ? {} : { headroom: totals.headroom }),
      userMetrics,
    },
  }
}

/** `level` is the severity of a line: what the engine calls the level of an edge is `pressure` in the log. */
function edgeFields({ level, ...edge }: EdgePressure): Fields {
  const { max, mean } = edge.blockedMsPerSecond
  return {
    ...edge,
    recordsPerSecond: rounded(edge.recordsPerSecond),
    bytesPerSecond: rounded(edge.bytesPerSecond),
    fill: rounded(edge.fill, 3),
    blockedMsPerSecond: { max: rounded(max), mean: rounded(mean) },
    longestStallMs: rounded(edge.longestStallMs, 1),
    starvedMsPerSecond: rounded(edge.starvedMsPerSecond),
    queueMs: rounded(edge.queueMs, 3),
    pressure: level,
  }
}

function subtaskFields(subtask: SubtaskReport): Fields {
  return {
    task: subtask.task,
    subtask: subtask.subtask,
    worker: subtask.worker,
    busyMsPerSecond: rounded(subtask.busyMsPerSecond),
    queuedMsPerSecond: rounded(subtask.queuedMsPerSecond),
    backpressuredMsPerSecond: rounded(subtask.backpressuredMsPerSecond),
    idleMsPerSecond: rounded(subtask.idleMsPerSecond),
    recordsIn: subtask.recordsIn,
    recordsOut: subtask.recordsOut,
    dropped: subtask.dropped,
    deadLetters: subtask.deadLetters,
  }
}

function edgeInWords({ edge, recordsPerSecond, bytesPerSecond, blockedMsPerSecond, level }: EdgePressure): string {
  const blocked = formatShare(blockedMsPerSecond.max / 1000)
  return `${edge}: ${formatRecordRate(recordsPerSecond)}, ${formatByteRate(bytesPerSecond)}, blocked ${blocked}, ${level}`
}

function rounded(value: number, digits = 0): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}
