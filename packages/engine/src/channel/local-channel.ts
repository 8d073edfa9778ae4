/**
 * A local edge: a queue of references between two subtasks of one thread, with the credit interface of a ring.
 *
 * Credit is counted in bytes: records times the mean encoded size, of which one record of each frame is measured. The queue also
 * holds at most LOCAL_RECORDS_MAX records. Frames are handed over and come back for reuse.
 *
 * On a pull edge the queue holds besides no more records than the consumer asks for. A frame that has more is handed over in parts.
 */
import type { RecordEncoder } from '../codec/contract.js'
import type { Clock } from '../environment/environment.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { ConsumerMetrics, ProducerMetrics } from './channel-metrics.js'
import { ConsumptionRate, nextWindow, type WindowLimits } from './credit-window.js'
import type { ChannelIdentity, ChannelSlice } from './channel-slice.js'
import { EndReason, type EndReasonCode, FrameKind, type FrameKindCode } from './frame.js'
import type { Gate } from './gate.js'
import { Input, type InputChannel, type InputCode } from './input-channel.js'
import type { OutputChannel } from './output-channel.js'
import { demandStep } from './ring-layout.js'

/** Records of one local frame. */
export const LOCAL_FRAME_RECORDS = 256
/** Records that a local queue holds at most, whatever their size. */
const LOCAL_RECORDS_MAX = 8192
/** What a record counts at least, in bytes. */
const RECORD_BYTES_MIN = 32
/** Weight of a new sample in the mean size. */
const SAMPLE_WEIGHT = 0.25
const SPARE_FRAMES_MAX = 8
/** So many frames may wait for credit while a suspended expansion runs on. */
const PENDING_FRAMES_MAX = 2

interface LocalFrame {
  kind: FrameKindCode
  records: unknown[]
  times: Float64Array
  count: number
  /** Watermark, barrier id or end reason. */
  detail: number
  /** Of a watermark. */
  idle: boolean
  bytes: number
  /** Records that were handed over before the rest. */
  sent: number
}

export interface LocalChannelOptions {
  readonly id: number
  readonly input: number
  readonly edgeName: string
  readonly identity: ChannelIdentity
  readonly timed: boolean
  /** The window it begins with; what is adaptive begins small, so that a slow consumer holds its producer back from the first record. */
  readonly windowBytes: number
  /** The consumer asks for so many records; undefined: it takes what credit allows. */
  readonly prefetch?: number | undefined
  readonly encoder: RecordEncoder
  readonly gate: Gate
  readonly clock: Clock
  readonly producerMetrics: ProducerMetrics
  readonly consumerMetrics: ConsumerMetrics
}

/** What both sides share. */
class LocalQueue {
  readonly frames: LocalFrame[] = []
  readonly spare: LocalFrame[] = []
  queuedBytes = 0
  queuedRecords = 0
  newestBarrier = 0
  windowBytes: number
  /** Records that may be queued or under way at the consumer. */
  readonly recordsMax: number
  /** Records of one frame in the queue: of a pull edge half of what is asked for, so that the other half comes meanwhile. */
  readonly frameRecordsMax: number

  constructor(readonly options: LocalChannelOptions) {
    const { windowBytes, prefetch } = options
    this.windowBytes = windowBytes
    this.recordsMax = Math.min(LOCAL_RECORDS_MAX, prefetch ?? LOCAL_RECORDS_MAX)
    this.frameRecordsMax = prefetch === undefined ? LOCAL_FRAME_RECORDS : Math.min(LOCAL_FRAME_RECORDS, demandStep(prefetch))
  }

  /** Records that are asked for and not queued. */
  get demand(): number {
    return this.recordsMax - this.queuedRecords
  }

  takeFrame(): LocalFrame {
    return (
      this.spare.pop() ?? {
        kind: FrameKind.records,
        records: new Array<unknown>(LOCAL_FRAME_RECORDS).fill(undefined),
        // NaN where the edge is untimed: nothing is written there.
        times: new Float64Array(LOCAL_FRAME_RECORDS).fill(Number.NaN),
        count: 0,
        detail: 0,
        idle: false,
        bytes: 0,
        sent: 0,
      }
    )
  }

  returnFrame(frame: LocalFrame): void {
    if (this.spare.length >= SPARE_FRAMES_MAX) return
    frame.records.fill(undefined, 0, frame.count)
    frame.sent = 0
    this.spare.push(frame)
  }

  /** Moves the records of a small frame into the last one that waits: a queue holds records, not frames that are nearly empty. */
  join(frame: LocalFrame): boolean {
    const last = this.frames.at(-1)
    if (last === undefined || last.kind !== FrameKind.records || last.count + frame.count > this.frameRecordsMax) return false
    for (let k = 0; k < frame.count; k++) {
      last.records[last.count + k] = frame.records[k]
      last.times[last.count + k] = frame.times[k] as number
    }
    last.count += frame.count
    last.bytes += frame.bytes
    this.returnFrame(frame)
    return true
  }

  pushBarrier(checkpoint: number): void {
    this.newestBarrier = checkpoint
    this.frames.push(controlFrame(FrameKind.barrier, checkpoint))
  }

  /** Whether a frame may be queued: an empty queue takes one of any size. */
  hasCredit(bytes: number, records: number): boolean {
    return this.queuedRecords === 0 || (this.queuedBytes + bytes <= this.windowBytes && this.queuedRecords + records <= this.recordsMax)
  }
}

/** Records of frames as state. The records themselves are shared with whoever processes them: they do not change. */
class ValueLog {
  /** As credit counts them. */
  bytes = 0
  readonly #values: unknown[] = []
  readonly #times: number[] = []
  #watermark = Number.NaN
  #idle = false
  #ended: EndReasonCode | undefined

  mark(watermark: number, idle: boolean): void {
    this.#watermark = watermark
    this.#idle = idle
  }

  add(frame: LocalFrame, from: number): void {
    if (frame.kind === FrameKind.watermark) this.mark(frame.detail, frame.idle)
    else if (frame.kind === FrameKind.end) this.#ended = frame.detail as EndReasonCode
    else if (frame.kind === FrameKind.records) {
      this.bytes += frame.bytes
      for (let k = from; k < frame.count; k++) {
        this.#values.push(frame.records[k])
        this.#times.push(frame.times[k] as number)
      }
    }
  }

  /** undefined where nothing was added. */
  finish({ identity, timed }: LocalChannelOptions, side: ChannelSlice['side']): ChannelSlice | undefined {
    if (this.#values.length === 0 && Number.isNaN(this.#watermark) && this.#ended === undefined) return undefined
    const { edge, fromIndex, toIndex } = identity
    const content = { kind: 'values' as const, values: this.#values, times: Float64Array.from(timed ? this.#times : []) }
    return { edge, fromIndex, toIndex, side, timed, content, watermark: this.#watermark, idle: this.#idle, ended: this.#ended }
  }
}

export class LocalOutput implements OutputChannel {
  readonly isRing: boolean = false
  readonly id: number
  blocked = false
  // The staging frame: written by generated code, once per record.
  records: unknown[]
  times: Float64Array
  count = 0
  /** Records at which the staging frame is sealed; on a pull edge no more than are asked for. Set anew only while nothing is staged. */
  maxRecords: number

  readonly #queue: LocalQueue
  readonly #pending: LocalFrame[] = []
  #staging: LocalFrame
  readonly #pulls: boolean
  /** Records in `#pending`. */
  #pendingRecords = 0
  #meanBytes = 0
  #pendingWatermark = Number.NaN
  #pendingIdle = false
  #barriersPending = 0

  constructor(queue: LocalQueue) {
    this.id = queue.options.id
    this.#queue = queue
    this.#pulls = queue.options.prefetch !== undefined
    this.maxRecords = queue.frameRecordsMax
    this.#staging = queue.takeFrame()
    this.records = this.#staging.records
    this.times = this.#staging.times
  }

  get drained(): boolean {
    return this.count === 0 && this.#pending.length === 0
  }

  /** The slow half of the check of a record: everything but plain objects with the usual prototype. */
  check(record: unknown): void {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      if (typeof record !== 'function' && typeof record !== 'symbol') return
    } else if (Object.getPrototypeOf(record) === Object.prototype || Object.getPrototypeOf(record) === null) return
    this.#measure(record)
  }

  seal(): void {
    if (this.count === 0) return
    const frame = this.#staging
    frame.kind = FrameKind.records
    frame.count = this.count
    this.#measure(frame.records[0])
    frame.bytes = this.count * Math.max(RECORD_BYTES_MIN, this.#meanBytes)
    this.count = 0
    this.#staging = this.#queue.takeFrame()
    this.records = this.#staging.records
    this.times = this.#staging.times
    this.#submit(frame)
    if (this.#pulls) this.#updateBlocked()
  }

  /** Records that are asked for and not made; nothing is staged. */
  get #demand(): number {
    return this.#queue.demand - this.#pendingRecords
  }

  flush(): void {
    this.seal()
  }

  drain(): void {
    if (this.#pulls) this.seal()
    const pending = this.#pending
    while (pending.length > 0 && this.#publishPending(pending[0] as LocalFrame)) pending.shift()
    if (pending.length === 0) this.#sendPendingWatermark()
    this.#updateBlocked()
  }

  creditArrived(): boolean {
    const first = this.#pending[0]
    if (first === undefined) return !Number.isNaN(this.#pendingWatermark) || (this.#pulls && this.#demand > 0)
    if (!this.#pulls || first.kind !== FrameKind.records) return this.#queue.hasCredit(first.bytes, first.count)
    const records = this.#askedOf(first)
    return records > 0 && this.#queue.hasCredit((records * first.bytes) / first.count, records)
  }

  sendWatermark(watermark: number, idle: boolean): void {
    this.seal()
    this.#pendingWatermark = watermark
    this.#pendingIdle = idle
    if (this.#pending.length === 0) this.#sendPendingWatermark()
    this.#updateBlocked()
  }

  sendBarrier(checkpoint: number, overtake: boolean): ChannelSlice | undefined {
    this.seal()
    this.#dropBarrier()
    if (overtake) {
      this.#queue.pushBarrier(checkpoint)
      return this.#overtaken(this.#pending.length, this.#pendingWatermark)
    }
    this.#sendPendingWatermark()
    if (this.#pending.length > 0) this.#barriersPending++
    this.#submit(controlFrame(FrameKind.barrier, checkpoint))
    return undefined
  }

  overtake(checkpoint: number): ChannelSlice | undefined {
    const at = this.#pending.findIndex(({ kind, detail }) => kind === FrameKind.barrier && detail === checkpoint)
    if (at < 0) return undefined
    this.#dropBarrier()
    this.#queue.pushBarrier(checkpoint)
    return this.#overtaken(at, Number.NaN)
  }

  barrierPending(): boolean {
    return this.#barriersPending > 0
  }

  get overdrawn(): boolean {
    return this.#pending.length > PENDING_FRAMES_MAX
  }

  sendEnd(reason: EndReasonCode): void {
    this.seal()
    // Nobody reads on behind the end: the newest watermark goes before it.
    this.#sendPendingWatermark()
    this.#submit(controlFrame(FrameKind.end, reason))
  }

  /** At most one waits: an older one was given up. */
  #dropBarrier(): void {
    if (this.#barriersPending === 0) return
    this.#barriersPending = 0
    this.#pending.splice(
      this.#pending.findIndex(({ kind }) => kind === FrameKind.barrier),
      1,
    )
  }

  /** A copy of the first frames that wait, with the watermark behind them; NaN: none. */
  #overtaken(count: number, watermark: number): ChannelSlice | undefined {
    const log = new ValueLog()
    for (let k = 0; k < count; k++) log.add(this.#pending[k] as LocalFrame, (this.#pending[k] as LocalFrame).sent)
    if (!Number.isNaN(watermark)) log.mark(watermark, this.#pendingIdle)
    return log.finish(this.#queue.options, 'producer')
  }

  #sendPendingWatermark(): void {
    if (Number.isNaN(this.#pendingWatermark)) return
    // Nothing stands behind the one that waits: it is replaced.
    if (this.#pending.at(-1)?.kind === FrameKind.watermark) this.#pending.pop()
    this.#submit({ ...controlFrame(FrameKind.watermark, this.#pendingWatermark), idle: this.#pendingIdle })
    this.#queue.options.producerMetrics.watermark(this.#pendingWatermark)
    this.#pendingWatermark = Number.NaN
  }

  /** Mean encoded size from one record; also where a record that cannot be encoded is found out. */
  #measure(record: unknown): void {
    try {
      const bytes = this.#queue.options.encoder.sizeOf(record)
      this.#meanBytes = this.#meanBytes === 0 ? bytes : this.#meanBytes + SAMPLE_WEIGHT * (bytes - this.#meanBytes)
    } catch (error) {
      throw error instanceof SluiceError ? error.at({ edge: this.#queue.options.edgeName }) : error
    }
  }

  #submit(frame: LocalFrame): void {
    this.#pendingRecords += frame.count
    if (this.#pending.length === 0 && this.#publishPending(frame)) return
    this.#pending.push(frame)
    this.#updateBlocked()
    const { gate } = this.#queue.options
    if (gate.runsOn && this.overdrawn) gate.exhaust()
  }

  #publishPending(frame: LocalFrame): boolean {
    if (this.#pulls && frame.kind === FrameKind.records) return this.#publishAsked(frame)
    if (!this.#publish(frame)) return false
    this.#pendingRecords -= frame.count
    return true
  }

  /** As much of a frame as is asked for; true where that is all of it. */
  #publishAsked(frame: LocalFrame): boolean {
    for (let records = this.#askedOf(frame); records > 0; records = this.#askedOf(frame)) {
      const whole = records === frame.count
      const part = whole ? frame : this.#partOf(frame, records)
      if (!this.#publish(part)) {
        if (!whole) this.#queue.returnFrame(part)
        return false
      }
      this.#pendingRecords -= records
      if (whole) return true
      frame.sent += records
    }
    if (frame.sent < frame.count) return false
    this.#queue.returnFrame(frame)
    return true
  }

  /** Records of a frame that may be handed over now, as one frame. */
  #askedOf({ count, sent }: LocalFrame): number {
    return Math.min(count - sent, this.#queue.demand, this.#queue.frameRecordsMax)
  }

  #partOf({ records, times, bytes, count, sent }: LocalFrame, length: number): LocalFrame {
    const part = this.#queue.takeFrame()
    part.kind = FrameKind.records
    part.count = length
    part.bytes = (length * bytes) / count
    for (let k = 0; k < length; k++) {
      part.records[k] = records[sent + k]
      part.times[k] = times[sent + k] as number
    }
    return part
  }

  #publish(frame: LocalFrame): boolean {
    const queue = this.#queue
    if (frame.kind === FrameKind.records) {
      if (!queue.hasCredit(frame.bytes, frame.count)) return false
      queue.queuedBytes += frame.bytes
      queue.queuedRecords += frame.count
      queue.options.producerMetrics.published(frame.bytes, frame.count)
      if (queue.join(frame)) return true
    }
    if (frame.kind === FrameKind.barrier) {
      if (this.#barriersPending > 0) this.#barriersPending--
      queue.pushBarrier(frame.detail)
    } else queue.frames.push(frame)
    return true
  }

  /** Nothing is staged. */
  #updateBlocked(): void {
    let blocked = this.#pending.length > 0
    if (this.#pulls) {
      const demand = this.#demand
      if (demand <= 0) blocked = true
      // The next frame ends where demand does. What nobody asked for waits in frames of the usual size.
      this.maxRecords = demand > 0 ? Math.min(demand, this.#queue.frameRecordsMax) : LOCAL_FRAME_RECORDS
    }
    if (blocked === this.blocked) return
    this.blocked = blocked
    const { gate, clock, producerMetrics } = this.#queue.options
    let staged = 0
    for (const { bytes, count, sent } of this.#pending) staged += sent === 0 ? bytes : (bytes * (count - sent)) / count
    producerMetrics.staged(staged)
    if (blocked) {
      gate.closed++
      producerMetrics.stallBegins(clock.monotonicMs())
    } else {
      gate.closed--
      producerMetrics.stallEnds(clock.monotonicMs())
    }
  }
}

export class LocalInput implements InputChannel {
  readonly isRing: boolean = false
  readonly id: number
  readonly input: number
  count = 0
  index = 0
  watermark: number = Number.NEGATIVE_INFINITY
  idle = false
  barrierId = 0
  ended = false
  endReason: EndReasonCode = EndReason.exhausted
  // The current records: read by generated code.
  records: unknown[] = []
  times: Float64Array = new Float64Array(0)

  readonly #queue: LocalQueue
  #current: LocalFrame | undefined
  /** Barriers up to this one are not delivered (any more). */
  #deliveredUpTo = 0
  #capture: { readonly checkpoint: number; readonly log: ValueLog; closed: boolean } | undefined
  readonly #rate: ConsumptionRate = new ConsumptionRate()
  #bytesSinceAdapt = 0
  /** Of the current frame: what was counted already. */
  #bytesCounted = 0

  constructor(queue: LocalQueue) {
    this.id = queue.options.id
    this.input = queue.options.input
    this.#queue = queue
    queue.options.consumerMetrics.window(queue.windowBytes, 0, false)
  }

  get windowBytes(): number {
    return this.#queue.windowBytes
  }

  ready(): boolean {
    return this.#queue.frames.length > 0
  }

  next(): InputCode {
    for (;;) {
      const frame = this.#queue.frames.shift()
      if (frame === undefined) return Input.empty
      if (this.#capture !== undefined) this.#log(frame)
      if (frame.kind === FrameKind.records) {
        this.#current = frame
        this.records = frame.records
        this.times = frame.times
        this.count = frame.count
        this.index = 0
        return Input.records
      }
      if (frame.kind === FrameKind.watermark) {
        this.watermark = frame.detail
        this.idle = frame.idle
        this.#queue.options.consumerMetrics.watermark(frame.detail)
        return Input.watermark
      }
      if (frame.kind === FrameKind.barrier) {
        if (frame.detail <= this.#deliveredUpTo) continue
        this.#deliveredUpTo = frame.detail
        this.barrierId = frame.detail
        return Input.barrier
      }
      this.ended = true
      this.endReason = frame.detail as EndReasonCode
      return Input.end
    }
  }

  release(): void {
    const frame = this.#current as LocalFrame
    const queue = this.#queue
    this.#current = undefined
    this.count = 0
    this.index = 0
    queue.queuedBytes -= frame.bytes
    queue.queuedRecords -= frame.count
    this.#bytesSinceAdapt += frame.bytes
    queue.options.consumerMetrics.consumed(frame.bytes, frame.count)
    queue.returnFrame(frame)
  }

  adapt(busyMs: number, limits: WindowLimits, choked = false): void {
    const queue = this.#queue
    const rate = this.#rate
    const doneBytes = this.#current === undefined ? 0 : (this.#current.bytes * this.index) / this.count
    const bytes = this.#bytesSinceAdapt + doneBytes - this.#bytesCounted
    if (bytes > 0 || (this.count > 0 && !choked)) rate.add(bytes, busyMs)
    else if (choked && busyMs > 0) rate.choke(limits)
    this.#bytesSinceAdapt = 0
    this.#bytesCounted = doneBytes
    const windowBytes = nextWindow(queue.windowBytes, rate.bytesPerBusySecond, limits)
    queue.options.consumerMetrics.window(windowBytes, rate.bytesPerBusySecond, windowBytes < queue.windowBytes)
    queue.windowBytes = windowBytes
  }

  get arrivedBarrier(): number {
    return this.#queue.newestBarrier
  }

  forgetBarriers(upTo: number): void {
    if (upTo > this.#deliveredUpTo) this.#deliveredUpTo = upTo
  }

  bytesAhead(checkpoint: number): number {
    const { frames, newestBarrier, queuedBytes } = this.#queue
    if (newestBarrier < checkpoint) return queuedBytes
    const at = frames.findIndex(({ kind, detail }) => kind === FrameKind.barrier && detail >= checkpoint)
    if (at < 0) return 0
    let bytes = this.#current?.bytes ?? 0
    for (let k = 0; k < at; k++) bytes += (frames[k] as LocalFrame).bytes
    return bytes
  }

  beginCapture(checkpoint: number): void {
    const { frames, newestBarrier } = this.#queue
    this.forgetBarriers(checkpoint)
    const closed = newestBarrier >= checkpoint && !frames.some(({ kind, detail }) => kind === FrameKind.barrier && detail >= checkpoint)
    this.#capture = { checkpoint, log: new ValueLog(), closed }
    if (!closed && this.#current !== undefined) this.#capture.log.add(this.#current, this.index)
  }

  takeCapture(): readonly ChannelSlice[] | 'incomplete' {
    const capture = this.#capture
    if (capture === undefined) return []
    const { frames, newestBarrier, options } = this.#queue
    if (newestBarrier < capture.checkpoint) return 'incomplete'
    for (let k = 0; k < frames.length && !capture.closed; k++) this.#log(frames[k] as LocalFrame)
    this.#capture = undefined
    const slice = capture.log.finish(options, 'consumer')
    return slice === undefined ? [] : [slice]
  }

  get captured(): boolean {
    return this.#capture !== undefined && this.#queue.newestBarrier >= this.#capture.checkpoint
  }

  get captureBytes(): number {
    return this.#capture?.log.bytes ?? 0
  }

  abandonCapture(): void {
    this.#capture = undefined
  }

  /** Keeps a frame that is read, or is looked at, while the barrier of a checkpoint is awaited. */
  #log(frame: LocalFrame): void {
    const capture = this.#capture
    if (capture === undefined || capture.closed) return
    if (frame.kind === FrameKind.barrier) capture.closed = frame.detail >= capture.checkpoint
    else capture.log.add(frame, 0)
  }

  starvedBegins(nowMs: number): void {
    this.#queue.options.consumerMetrics.starvedBegins(nowMs)
  }

  starvedEnds(nowMs: number): void {
    this.#queue.options.consumerMetrics.starvedEnds(nowMs)
  }
}

/** Both ends of one local channel. */
export function createLocalChannel(options: LocalChannelOptions): { output: LocalOutput; input: LocalInput } {
  const queue = new LocalQueue(options)
  return { output: new LocalOutput(queue), input: new LocalInput(queue) }
}

function controlFrame(kind: FrameKindCode, detail: number): LocalFrame {
  return { kind, records: [], times: new Float64Array(0), count: 0, detail, idle: false, bytes: 0, sent: 0 }
}
