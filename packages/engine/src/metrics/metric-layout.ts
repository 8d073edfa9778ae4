/**
 * Where each metric lies in the shared metrics memory: Float64 words, cumulative, one writer per 64-byte line, read by the
 * coordinator at any time without a message. Times are ms of the process-wide monotonic clock.
 *
 *   subtask s:   four lines, written by its worker
 *   channel c:   one line written by the producing worker, two by the consuming worker
 *   operator o:  six words per (subtask, node of its chain), and its losses by reason and dead letters by code (`drop-counts.ts`), written by the
 *                subtask's worker; where its calls are guarded `CALL_WORDS` more (`call-words.ts`)
 */
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { CALL_WORDS } from './call-words.js'
import { DROP_WORDS } from './drop-counts.js'

const WORDS_PER_LINE = 8

const SUBTASK_WORDS = 32
export const SubtaskWord = {
  busyMs: 0,
  queuedMs: 1,
  backpressuredMs: 2,
  idleMs: 3,
  /** A `SubtaskState`; open since `stateSinceMs`: whoever reads adds the open interval. */
  state: 4,
  stateSinceMs: 5,
  recordsIn: 6,
  /** Records that reached the sinks of this subtask; what it sent over edges is counted by its channels. */
  recordsWritten: 7,
  watermark: 8,
  stateBytes: 9,
  /** Channel id that lacks credit, -1: none. */
  blockedChannel: 10,
  asyncInFlight: 11,
  dropped: 12,
  deadLetters: 13,
  /** 1 once every input ended and everything was flushed. */
  finished: 14,
  /** Position in the chain of the operator known to be active, -1: unknown. */
  activeOperator: 15,
  /** Records that came too late: every window they belong to was gone. */
  lateRecords: 16,
  /** Since when its input is idle, where watermarks are made here; elsewhere: since when all its inputs are (monotonic ms). 0: it is not. */
  idleSinceMs: 17,
  /** The watermark made here, for sources that wait for each other; Infinity while idle and at the end. */
  sourceWatermark: 18,
  /** Splits of a source that this subtask has not begun. */
  unopenedSplits: 19,
  /** The split being read, -1: none. */
  split: 20,
  /** Of the idle time: how long a source that had records waited for others of its alignment group. */
  alignedMs: 21,
  /** Of the idle time: how long an input was refused because the barrier of a checkpoint had not arrived on all of them. */
  refusingMs: 22,
  /** Of the busy time: how long snapshots were taken and written. */
  checkpointMs: 23,
  /** Records that its operator holds back (see `HoldingOperator`), and their bytes as far as it counts them. */
  heldRecords: 24,
  heldBytes: 25,
  /** Asynchronous calls times the ms that they were in flight; open since `inFlightSinceMs` with `asyncInFlight`: whoever reads adds that. */
  inFlightMs: 26,
  inFlightSinceMs: 27,
  /** Of the busy time: how long asynchronous work at its limit, or a write, was awaited. */
  awaitingMs: 28,
} as const

/**
 * What a subtask does between and during steps. `queued`: ready, but its worker runs another. `waiting` (async work at its limit) counts as busy,
 * `aligned` (a source that waits for others of its group) and `refusing` (nothing to read but what stands behind a barrier) as idle.
 */
export const SubtaskState = {
  idle: 0,
  queued: 1,
  backpressured: 2,
  busy: 3,
  waiting: 4,
  finished: 5,
  aligned: 6,
  refusing: 7,
} as const
export type SubtaskStateCode = (typeof SubtaskState)[keyof typeof SubtaskState]

export const CHANNEL_WORDS = 24
export const ChannelWord = {
  // written by the producer's worker
  bytes: 0,
  records: 1,
  blockedMs: 2,
  longestStallMs: 3,
  stalls: 4,
  /** Start of the open stall, 0: none. */
  stallSinceMs: 5,
  /** Bytes in staging and overdraft. */
  stagedBytes: 6,
  producerWatermark: 7,
  // written by the consumer's worker
  consumedBytes: 8,
  consumedRecords: 9,
  /** Time in which the consumer was idle with this channel empty; what it refused to read is not. */
  starvedMs: 10,
  starvedSinceMs: 11,
  windowBytes: 12,
  /** Moving average of bytes consumed per busy second. */
  bytesPerBusySecond: 13,
  consumerWatermark: 14,
  windowShrinks: 15,
  /** Of a local channel, while its consumer waits for the barrier of a checkpoint: what stands in front of it. Rings tell it themselves. */
  bytesAhead: 16,
} as const

const OPERATOR_WORDS = 6
export const OperatorWord = {
  /** Sampled: ms spent in this operator's function, in the records counted beside it. */
  sampledMs: 0,
  sampledRecords: 1,
  /** Records that came too late for it. */
  lateRecords: 2,
  /** Records done, and the time from the call to the result in ms: of asynchronous operators and sinks that another operator observes. */
  completed: 3,
  latencyMs: 4,
  /** Errors that its code counted. */
  errors: 5,
} as const

export interface MetricLayout {
  readonly words: number
  readonly subtaskAt: (subtask: number) => number
  readonly channelAt: (channel: number) => number
  /** `position`: index of the node in its task's chain. */
  readonly operatorAt: (subtask: number, position: number) => number
  /** Losses of an operator by reason: `DROP_WORDS`. */
  readonly dropsAt: (subtask: number, position: number) => number
  /** Dead letters of an operator by code, in the same form. */
  readonly lettersAt: (subtask: number, position: number) => number
  /** Calls of an operator: `CALL_WORDS`; undefined where they are not guarded. */
  readonly callsAt: (subtask: number, position: number) => number | undefined
}

export function layoutMetrics(plan: PhysicalPlan): MetricLayout {
  const channelsAt = plan.subtasks.length * SUBTASK_WORDS
  const operatorsAt = channelsAt + plan.channels.length * CHANNEL_WORDS
  const operatorBase: number[] = []
  let words = operatorsAt
  for (const subtask of plan.subtasks) {
    operatorBase.push(words)
    const count = (plan.tasks[subtask.task]?.nodes.length ?? 0) * OPERATOR_WORDS
    words += Math.ceil(count / WORDS_PER_LINE) * WORDS_PER_LINE
  }
  const dropBase: number[] = []
  for (const subtask of plan.subtasks) {
    dropBase.push(words)
    words += (plan.tasks[subtask.task]?.nodes.length ?? 0) * 2 * DROP_WORDS
  }
  words = Math.ceil(words / WORDS_PER_LINE) * WORDS_PER_LINE
  const callBase: (ReadonlyMap<number, number> | undefined)[] = []
  for (const subtask of plan.subtasks) {
    const { nodes = [], guarded = [] } = plan.tasks[subtask.task] ?? {}
    callBase.push(guarded.length === 0 ? undefined : new Map(guarded.map((node, at) => [nodes.indexOf(node), words + at * CALL_WORDS])))
    words += guarded.length * CALL_WORDS
  }
  return {
    words,
    subtaskAt: (subtask) => subtask * SUBTASK_WORDS,
    channelAt: (channel) => channelsAt + channel * CHANNEL_WORDS,
    operatorAt: (subtask, position) => (operatorBase[subtask] ?? 0) + position * OPERATOR_WORDS,
    dropsAt: (subtask, position) => (dropBase[subtask] ?? 0) + 2 * position * DROP_WORDS,
    lettersAt: (subtask, position) => (dropBase[subtask] ?? 0) + (2 * position + 1) * DROP_WORDS,
    callsAt: (subtask, position) => callBase[subtask]?.get(position),
  }
}
