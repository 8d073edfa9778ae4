/** A report, a stuck operator, the end of a run and user code's own lines, as lines of the log. Pure. */
import type {
  CallBlame,
  CallReport,
  Cause,
  DroppedRecords,
  EdgePressure,
  Headroom,
  IdleInput,
  IntervalReport,
  LateRecords,
  StalledWatermark,
  StuckSubtask,
  SubtaskReport,
} from '@sluice/engine'
import type { LostEvent, NoticeEvent, RunLogEntry, RunResult } from '@sluice/runtime-workers'
import { formatAmount, formatBytes, formatByteRate, formatCount, formatDuration, formatRecordRate, formatShare } from '../format/units.js'
import { headroomInWords } from '../report/headroom-in-words.js'
import { heldEdges } from '../report/pressure-tables.js'
import type { JobLogLine } from './events.js'

/** Farthest from the epoch that a Date can be. */
const DATE_MS_MAX = 8.64e15

type Fields = Readonly<Record<string, unknown>>

/** One line per operator and reason for which records were lost or became dead letters, one per operator for which some came too late. */
export function lostLines({ dropped, deadLetters, late }: LostEvent): readonly JobLogLine[] {
  return [...dropped.map(droppedLine), ...deadLetters.map(letterLine), ...late.map(lateLine)]
}

/** One line per edge, one per operator whose calls are protected; one for the bottleneck while some edge is above `OK`, else one for the headroom. */
export function reportLines(report: IntervalReport): readonly JobLogLine[] {
  const { headroom } = report
  return [
    ...pressureLines(report),
    ...callLines(report),
    ...(headroom === undefined || headroom.recordsPerSecond === 0 ? [] : [headroomLine(headroom)]),
  ]
}

function headroomLine(headroom: Headroom): JobLogLine {
  return {
    level: 'info',
    event: 'job.headroom',
    msg: headroomInWords(headroom, headroom.recordsPerSecond),
    fields: headroomFields(headroom),
  }
}

function headroomFields({ headroom, how, limitedBy, recordsPerSecond, recordsPerSecondPeak, recordsPerSecondMax }: Headroom): Fields {
  return {
    headroom: rounded(headroom, 3),
    how,
    limitedBy,
    recordsPerSecond: rounded(recordsPerSecond),
    recordsPerSecondPeak: rounded(recordsPerSecondPeak),
    recordsPerSecondMax: rounded(recordsPerSecondMax),
  }
}

function pressureLines(report: IntervalReport): readonly JobLogLine[] {
  const edges = report.edges.map(
    (edge): JobLogLine => ({ level: 'info', event: 'edge.pressure', msg: edgeInWords(edge), fields: edgeFields(edge) }),
  )
  const { bottleneck } = report
  if (bottleneck === undefined) return edges
  const { kind, operator, subtask, worker, busy, calls, because, aligning, message } = bottleneck
  const heldBackMsPerSecond = Object.fromEntries(bottleneck.heldBackMsPerSecond.map(({ source, ms }) => [source, rounded(ms)]))
  const blame = calls === undefined ? {} : { calls: blameFields(calls) }
  const fields = { kind, operator, subtask, worker, busy: rounded(busy, 3), ...blame, because, aligning, heldBackMsPerSecond }
  return [...edges, { level: 'info', event: 'job.bottleneck', msg: message, fields }]
}

/** Without `kind`, which the line has already. */
function blameFields({ dependency, underWay, limit, meanMs, waiting, breaker, record, others, error }: CallBlame): Fields {
  return present({
    dependency,
    underWay: rounded(underWay, 1),
    limit,
    meanMs: meanMs === undefined ? undefined : rounded(meanMs, 1),
    waiting: rounded(waiting, 1),
    breaker: breaker === undefined ? undefined : { state: breaker.state, forMs: rounded(breaker.forMs) },
    record:
      record === undefined ? undefined : present({ ...record, forMs: record.forMs === undefined ? undefined : rounded(record.forMs) }),
    others: others?.map(({ operator, underWay: calls }) => ({ operator, underWay: rounded(calls, 1) })),
    error,
  })
}

/** Operators that call something, or wait for it. */
function callLines({ calls }: IntervalReport): readonly JobLogLine[] {
  return calls
    .filter(({ attempts, refused, underWay, breaker = 'closed' }) => attempts > 0 || refused > 0 || underWay > 0 || breaker !== 'closed')
    .map((report) => ({ level: 'info', event: 'operator.calls', msg: callsInWords(report), fields: callFields(report) }))
}

/** "enrich: 1,200 calls, 30 attempts failed, 12 tried again, 210 ms each, breaker open". */
function callsInWords({
  operator,
  calls,
  failures,
  retries,
  refused,
  deadLetters,
  meanMs,
  underWay,
  breaker = 'closed',
}: CallReport): string {
  const facts = [
    formatAmount(calls, 'call'),
    ...(failures > 0 ? [`${formatAmount(failures, 'attempt')} failed`] : []),
    ...(retries > 0 ? [`${formatCount(retries)} tried again`] : []),
    ...(refused > 0 ? [`${formatCount(refused)} refused`] : []),
    ...(deadLetters > 0 ? [formatAmount(deadLetters, 'dead letter')] : []),
    ...(meanMs === undefined ? [] : [`${formatDuration(meanMs)} each`]),
    `${formatCount(underWay)} under way`,
    ...(breaker === 'closed' ? [] : [`circuit breaker ${breaker}`]),
  ]
  return `${operator}: ${facts.join(', ')}`
}

function callFields({ meanMs, breakerOpenMs, ...report }: CallReport): Fields {
  return present({ ...report, meanMs: meanMs === undefined ? undefined : rounded(meanMs, 1), breakerOpenMs: rounded(breakerOpenMs) })
}

/** Without what is undefined. */
function present(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

export function stuckLine({ operator, subtask, worker, forMs }: StuckSubtask): JobLogLine {
  return {
    level: 'warn',
    event: 'operator.stuck',
    msg: `${operator} (subtask ${subtask}) has been inside one call for ${formatDuration(forMs)}: its worker does nothing else meanwhile`,
    fields: { operator, subtask, worker, forMs: rounded(forMs) },
  }
}

export function idleLine(input: IdleInput): JobLogLine {
  return {
    level: 'warn',
    event: 'source.idle',
    msg: `${inputInWords(input)} is idle: event time no longer waits for it`,
    fields: inputFields(input),
  }
}

export function activeLine(input: IdleInput): JobLogLine {
  return {
    level: 'info',
    event: 'source.active',
    msg: `${inputInWords(input)} is active again, after ${formatDuration(input.idleMs)}: event time waits for it`,
    fields: inputFields(input),
  }
}

export function stalledLine({ operator, subtask, watermark, forMs, heldBy, through }: StalledWatermark): JobLogLine {
  const stands = Number.isFinite(watermark) ? `stands at ${isoTime(watermark)} for ${formatDuration(forMs)}` : 'has no watermark yet'
  return {
    level: 'warn',
    event: 'watermark.stalled',
    msg: `${operator} (subtask ${subtask}) ${stands} although records arrive: ${blameInWords(heldBy, operator, subtask)}`,
    fields: {
      operator,
      subtask,
      watermark: isoTime(watermark),
      forMs: rounded(forMs),
      ...(heldBy === undefined ? {} : { heldBy }),
      through,
    },
  }
}

function droppedLine({ operator, reason, edge, count, total, perSecond }: DroppedRecords): JobLogLine {
  const rate = `${formatCount(perSecond)}/s`
  return {
    level: 'warn',
    event: 'records.dropped',
    msg: `${operator} dropped ${formatAmount(count, 'record')} (${reason}), ${rate}${edge === undefined ? '' : `, of ${edge}`}; ${formatCount(total)} so far`,
    fields: { operator, reason, ...(edge === undefined ? {} : { edge }), count, total, perSecond: rounded(perSecond, 1) },
  }
}

function letterLine({ operator, reason, count, total, perSecond }: DroppedRecords): JobLogLine {
  return {
    level: 'warn',
    event: 'records.deadLettered',
    msg: `${operator} gave ${formatAmount(count, 'dead letter')} (${reason}), ${formatCount(perSecond)}/s; ${formatCount(total)} so far`,
    fields: { operator, code: reason, count, total, perSecond: rounded(perSecond, 1) },
  }
}

function lateLine({ operator, lateRecords, added }: LateRecords): JobLogLine {
  return {
    level: 'warn',
    event: 'records.late',
    msg: `${formatAmount(added, 'record')} came too late for ${operator}, ${formatCount(lateRecords)} so far: read its \`late\` stream, or allow more outOfOrderness`,
    fields: { operator, lateRecords, added },
  }
}

function inputFields({ operator, subtask, split, idleMs }: IdleInput): Fields {
  return { operator, subtask, ...(split === undefined ? {} : { split }), idleMs: rounded(idleMs) }
}

function inputInWords({ operator, subtask, split }: Pick<IdleInput, 'operator' | 'subtask' | 'split'>): string {
  return `${operator} (subtask ${subtask}${split === undefined ? '' : `, split ${split}`})`
}

function blameInWords(heldBy: StalledWatermark['heldBy'], operator: string, subtask: number): string {
  if (heldBy === undefined) return 'no input is left that could move it'
  if (heldBy.unopenedSplits > 0) {
    const splits = formatAmount(heldBy.unopenedSplits, 'split')
    return `${inputInWords(heldBy)} has ${splits} to begin; say orderedSplits: true if they are in the order of time`
  }
  const itself = heldBy.operator === operator && heldBy.subtask === subtask
  return itself ? 'the time of its records does not advance' : `${inputInWords(heldBy)} holds it back`
}

/** Null where there is no such time: before the first watermark, and behind the last. */
function isoTime(epochMs: number): string | null {
  return Math.abs(epochMs) <= DATE_MS_MAX ? new Date(epochMs).toISOString() : null
}

/** What the engine's own code in a thread says; its fields are those of the catalogue. */
export function noticeLine({ level, message, event, operator, subtask, worker, fields }: NoticeEvent): JobLogLine {
  return { level, event, msg: message, fields: { operator, subtask, worker, ...fields } }
}

export function userLine({ level, message, operator, subtask, fields }: RunLogEntry): JobLogLine {
  const known: Fields = { operator, subtask, fields: fields === undefined || Object.keys(fields).length === 0 ? undefined : fields }
  return {
    level,
    event: 'user.log',
    msg: message,
    fields: present(known),
  }
}

export function finishedLine(result: RunResult<unknown>): JobLogLine {
  const { durationMs, recordsIn, recordsOut, stopped, unfinished, totals, pressure, restarts, checkpoints, userMetrics } = result
  const recordsPerSecond = durationMs > 0 ? (recordsIn / durationMs) * 1000 : 0
  return {
    level: 'info',
    event: 'job.finished',
    msg: `${stopped ? 'stopped: ' : ''}${formatAmount(recordsIn, 'record')} in, ${formatAmount(recordsOut, 'record')} out in ${formatDuration(durationMs)}, ${formatCount(recordsPerSecond)} records/s${unfinishedInWords(result)}`,
    fields: {
      durationMs: rounded(durationMs),
      recordsIn,
      recordsOut,
      recordsPerSecond: rounded(recordsPerSecond),
      stopped,
      ...(unfinished === undefined ? {} : { unfinished }),
      edges: totals.edges.map(edgeFields),
      subtasks: totals.subtasks.map(subtaskFields),
      dropped: totals.dropped.map(({ operator, reason, edge, total }) => ({
        operator,
        reason,
        ...(edge === undefined ? {} : { edge }),
        total,
      })),
      deadLetters: totals.deadLetters.map(({ operator, reason, total }) => ({ operator, code: reason, total })),
      late: totals.late.map(({ operator, lateRecords }) => ({ operator, lateRecords })),
      calls: totals.calls.map(callFields),
      held: heldEdges(pressure).map(({ edge, flow }) => ({
        edge,
        share: rounded(flow?.heldShare ?? 0, 3),
        ms: rounded(flow?.heldMs ?? 0),
        longestStallMs: rounded(flow?.longestStallMs ?? 0, 1),
        causes: flow?.causes.map(causeFields) ?? [],
      })),
      sources: pressure.sources.map(({ source, heldBack, on }) => ({ source, heldBack: rounded(heldBack, 3), on: on.map(causeFields) })),
      ...(totals.bottleneck === undefined ? {} : { bottleneck: totals.bottleneck.message }),
      ...(totals.headroom === undefined ? {} : { headroom: headroomFields(totals.headroom) }),
      restarts,
      ...(checkpoints === undefined ? {} : { checkpoints: { ...checkpoints, last: checkpoints.last?.path } }),
      userMetrics,
    },
  }
}

/** What a stop did not wait for, and where it is. */
function unfinishedInWords({ unfinished, checkpoints }: RunResult<unknown>): string {
  if (unfinished === undefined) return ''
  const { calls, heldRecords, channelBytes } = unfinished
  const parts = [
    ...(heldRecords === 0 ? [] : [`${formatAmount(heldRecords, 'record')} held back`]),
    ...(channelBytes === 0 ? [] : [`${formatBytes(channelBytes)} of records between operators`]),
    ...(calls === 0 ? [] : [formatAmount(calls, 'call')]),
  ]
  const what = parts.length === 0 ? 'what was in flight' : parts.join(', ')
  return `\n${what} did not flow out: checkpoint ${checkpoints?.last?.id} has it, and --restore latest goes on with it`
}

function causeFields({ kind, operator, dependency, workers, share }: Cause): Fields {
  return { kind, operator, ...(dependency === undefined ? {} : { dependency }), workers, share: rounded(share, 3) }
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
    alignedMsPerSecond: rounded(subtask.alignedMsPerSecond),
    refusingMsPerSecond: rounded(subtask.refusingMsPerSecond),
    checkpointMsPerSecond: rounded(subtask.checkpointMsPerSecond, 1),
    recordsIn: subtask.recordsIn,
    recordsOut: subtask.recordsOut,
    dropped: subtask.dropped,
    deadLetters: subtask.deadLetters,
    lateRecords: subtask.lateRecords,
    heldRecords: subtask.heldRecords,
    heldBytes: subtask.heldBytes,
    watermark: isoTime(subtask.watermark),
  }
}

function edgeInWords({ edge, recordsPerSecond, bytesPerSecond, prefetch, blockedMsPerSecond, level }: EdgePressure): string {
  const blocked = formatShare(blockedMsPerSecond.max / 1000)
  const asked = prefetch === undefined ? '' : `, prefetch ${formatCount(prefetch)}`
  return `${edge}: ${formatRecordRate(recordsPerSecond)}, ${formatByteRate(bytesPerSecond)}${asked}, blocked ${blocked}, ${level}`
}

function rounded(value: number, digits = 0): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}
