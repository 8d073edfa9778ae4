/**
 * The shared metrics words as plain data at one instant. Read by the coordinator's thread while the workers write: intervals
 * that are still open (a state, a stall, a starved input) are counted up to now, so that a subtask inside a long
 * synchronous function tells the truth too. Totals are cumulative; rates come from two snapshots.
 */
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { type CallCounts, readCallCounts } from './call-words.js'
import { type DropCount, readDropCounts } from './drop-counts.js'
import { ChannelWord, layoutMetrics, OperatorWord, SubtaskState, type SubtaskStateCode, SubtaskWord } from './metric-layout.js'

/** All metrics of a job at one instant. Plain data. */
export interface MetricsSnapshot {
  /** Monotonic clock of the process, in ms. */
  readonly atMs: number
  /** By subtask id. */
  readonly subtasks: readonly SubtaskMetrics[]
  /** By channel id. */
  readonly channels: readonly ChannelMetrics[]
  /** By subtask id, then by position in the chain. */
  readonly operators: readonly (readonly OperatorMetricsSample[])[]
}

export interface SubtaskMetrics {
  /** Time per state since the start, open intervals included; the four add up to wall time until the subtask has finished. */
  readonly busyMs: number
  readonly queuedMs: number
  readonly backpressuredMs: number
  readonly idleMs: number
  /** Of the idle time: how long a source waited for others of its alignment group. */
  readonly alignedMs: number
  /** Of the idle time: how long an input was refused because the barrier of a checkpoint had not arrived on all of them. */
  readonly refusingMs: number
  /** Of the busy time: how long snapshots were taken and written. */
  readonly checkpointMs: number
  /** Of the busy time: how long asynchronous work at its limit, or a write, was awaited. */
  readonly awaitingMs: number
  readonly state: SubtaskStateCode
  /** Start of the state it is in; 0: not started. */
  readonly stateSinceMs: number
  readonly recordsIn: number
  /** Sent over edges, or written by sinks of the chain. */
  readonly recordsOut: number
  /** Of those, what reached sinks. */
  readonly recordsWritten: number
  /** Ms since the epoch; -Infinity before the first. */
  readonly watermark: number
  readonly stateBytes: number
  /** Channel that lacks credit, -1: none. */
  readonly blockedChannel: number
  readonly asyncInFlight: number
  /** Asynchronous calls times the ms that they were in flight, open ones included: over a time, the mean in flight. */
  readonly inFlightMs: number
  /** Records that its operator holds back: a queue in front of a slow consumer, a limit of a rate. */
  readonly heldRecords: number
  /** Their bytes, as far as the operator counts them. */
  readonly heldBytes: number
  readonly dropped: number
  readonly deadLetters: number
  readonly lateRecords: number
  /** Since when its input is idle (monotonic ms), 0: it is not. */
  readonly idleSinceMs: number
  /** Of a source: the split being read, -1: none. */
  readonly split: number
  readonly unopenedSplits: number
  readonly finished: boolean
  /** Position in the chain of the operator known to be active, -1: unknown. */
  readonly activeOperator: number
}

export interface ChannelMetrics {
  /** Published. On local channels an estimate of the encoded size. */
  readonly bytes: number
  readonly records: number
  /** Time in which the producer lacked credit, the open stall included. */
  readonly blockedMs: number
  /** Of the stalls that ended. */
  readonly longestStallMs: number
  readonly stalls: number
  /** How long the open stall lasts already, 0: none. */
  readonly openStallMs: number
  readonly stagedBytes: number
  readonly producerWatermark: number
  readonly consumedBytes: number
  readonly consumedRecords: number
  /** Time in which the consumer was idle with this channel empty, the open interval included; what it refused to read is not. */
  readonly starvedMs: number
  readonly windowBytes: number
  readonly bytesPerBusySecond: number
  readonly consumerWatermark: number
  readonly windowShrinks: number
  /** Of a local channel: what stands in front of the barrier that its consumer waits for. */
  readonly bytesAhead: number
}

/** Time spent in one operator's own function, in the records sampled; and what it counted. */
export interface OperatorMetricsSample {
  readonly sampledMs: number
  readonly sampledRecords: number
  readonly lateRecords: number
  /** Records that it lost on purpose, by reason, since the start. */
  readonly dropped: readonly DropCount[]
  /** Its dead letters, by the code of the error, since the start. */
  readonly deadLetters: readonly DropCount[]
  /** Where its calls are guarded. */
  readonly calls?: CallCounts | undefined
}

/** Reads everything at `nowMs` of the monotonic clock that the workers stamp with. */
export function readMetrics(plan: PhysicalPlan, metrics: Float64Array, nowMs: number): MetricsSnapshot {
  const layout = layoutMetrics(plan)
  const channels = plan.channels.map(({ id }) => readChannel(metrics, layout.channelAt(id), nowMs))
  const sent: number[] = plan.subtasks.map(() => 0)
  for (const { id, fromSubtask } of plan.channels) sent[fromSubtask] = (sent[fromSubtask] ?? 0) + (channels[id]?.records ?? 0)
  return {
    atMs: nowMs,
    subtasks: plan.subtasks.map(({ id }) => readSubtask(metrics, layout.subtaskAt(id), nowMs, sent[id] ?? 0)),
    channels,
    operators: plan.subtasks.map(({ id, task }) =>
      (plan.tasks[task]?.nodes ?? []).map((_, position) => {
        const at = layout.operatorAt(id, position)
        const calls = layout.callsAt(id, position)
        return {
          sampledMs: word(metrics, at + OperatorWord.sampledMs),
          sampledRecords: word(metrics, at + OperatorWord.sampledRecords),
          lateRecords: word(metrics, at + OperatorWord.lateRecords),
          dropped: readDropCounts(metrics, layout.dropsAt(id, position)),
          deadLetters: readDropCounts(metrics, layout.lettersAt(id, position)),
          ...(calls === undefined ? {} : { calls: readCallCounts(metrics, calls, nowMs) }),
        }
      }),
    ),
  }
}

/** What `readMetrics` gives before anything ran: the start of a report over the whole run. */
export function zeroMetrics(plan: PhysicalPlan, startedAtMs: number): MetricsSnapshot {
  return readMetrics(plan, new Float64Array(layoutMetrics(plan).words), startedAtMs)
}

const READS_MAX = 3

function readSubtask(metrics: Float64Array, at: number, nowMs: number, sent: number): SubtaskMetrics {
  const read = (offset: number): number => word(metrics, at + offset)
  let stateSinceMs = read(SubtaskWord.stateSinceMs)
  let state = read(SubtaskWord.state) as SubtaskStateCode
  const totals = { busyMs: 0, queuedMs: 0, backpressuredMs: 0, idleMs: 0, alignedMs: 0, refusingMs: 0, awaitingMs: 0 }
  // A change of state during the read would count its interval twice or not at all.
  for (let reads = 0; reads < READS_MAX; reads++) {
    totals.busyMs = read(SubtaskWord.busyMs)
    totals.queuedMs = read(SubtaskWord.queuedMs)
    totals.backpressuredMs = read(SubtaskWord.backpressuredMs)
    totals.idleMs = read(SubtaskWord.idleMs)
    totals.alignedMs = read(SubtaskWord.alignedMs)
    totals.refusingMs = read(SubtaskWord.refusingMs)
    totals.awaitingMs = read(SubtaskWord.awaitingMs)
    const again = read(SubtaskWord.stateSinceMs)
    if (again === stateSinceMs) break
    stateSinceMs = again
    state = read(SubtaskWord.state) as SubtaskStateCode
  }
  const open = openMs(stateSinceMs, nowMs)
  switch (state) {
    case SubtaskState.busy:
      totals.busyMs += open
      break
    case SubtaskState.waiting:
      totals.busyMs += open
      totals.awaitingMs += open
      break
    case SubtaskState.queued:
      totals.queuedMs += open
      break
    case SubtaskState.backpressured:
      totals.backpressuredMs += open
      break
    case SubtaskState.aligned:
      totals.idleMs += open
      totals.alignedMs += open
      break
    case SubtaskState.refusing:
      totals.idleMs += open
      totals.refusingMs += open
      break
    case SubtaskState.idle:
    case SubtaskState.finished:
      totals.idleMs += open
      break
  }
  // Words of a subtask that has not started are all 0, which would mean operator 0, channel 0 and the year 1970.
  const started = stateSinceMs !== 0
  return {
    ...totals,
    checkpointMs: read(SubtaskWord.checkpointMs),
    state,
    stateSinceMs,
    recordsIn: read(SubtaskWord.recordsIn),
    recordsOut: read(SubtaskWord.recordsWritten) + sent,
    recordsWritten: read(SubtaskWord.recordsWritten),
    watermark: started ? read(SubtaskWord.watermark) : Number.NEGATIVE_INFINITY,
    stateBytes: read(SubtaskWord.stateBytes),
    blockedChannel: started ? read(SubtaskWord.blockedChannel) : -1,
    asyncInFlight: read(SubtaskWord.asyncInFlight),
    inFlightMs: read(SubtaskWord.inFlightMs) + read(SubtaskWord.asyncInFlight) * openMs(read(SubtaskWord.inFlightSinceMs), nowMs),
    heldRecords: read(SubtaskWord.heldRecords),
    heldBytes: read(SubtaskWord.heldBytes),
    dropped: read(SubtaskWord.dropped),
    deadLetters: read(SubtaskWord.deadLetters),
    lateRecords: read(SubtaskWord.lateRecords),
    idleSinceMs: read(SubtaskWord.idleSinceMs),
    split: started ? read(SubtaskWord.split) : -1,
    unopenedSplits: read(SubtaskWord.unopenedSplits),
    finished: read(SubtaskWord.finished) === 1,
    activeOperator: started ? read(SubtaskWord.activeOperator) : -1,
  }
}

function readChannel(metrics: Float64Array, at: number, nowMs: number): ChannelMetrics {
  const read = (offset: number): number => word(metrics, at + offset)
  const openStallMs = openMs(read(ChannelWord.stallSinceMs), nowMs)
  return {
    // Consumed first: what is in flight is then never negative.
    consumedBytes: read(ChannelWord.consumedBytes),
    consumedRecords: read(ChannelWord.consumedRecords),
    bytes: read(ChannelWord.bytes),
    records: read(ChannelWord.records),
    blockedMs: read(ChannelWord.blockedMs) + openStallMs,
    longestStallMs: read(ChannelWord.longestStallMs),
    stalls: read(ChannelWord.stalls),
    openStallMs,
    stagedBytes: read(ChannelWord.stagedBytes),
    producerWatermark: read(ChannelWord.producerWatermark),
    starvedMs: read(ChannelWord.starvedMs) + openMs(read(ChannelWord.starvedSinceMs), nowMs),
    windowBytes: read(ChannelWord.windowBytes),
    bytesPerBusySecond: read(ChannelWord.bytesPerBusySecond),
    consumerWatermark: read(ChannelWord.consumerWatermark),
    windowShrinks: read(ChannelWord.windowShrinks),
    bytesAhead: read(ChannelWord.bytesAhead),
  }
}

function openMs(sinceMs: number, nowMs: number): number {
  return sinceMs === 0 ? 0 : Math.max(0, nowMs - sinceMs)
}

function word(metrics: Float64Array, at: number): number {
  return metrics[at] ?? 0
}
