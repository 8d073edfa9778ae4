/**
 * A local edge: a queue of references between two subtasks of one thread, with the credit interface of a ring.
 *
 * Credit is counted in bytes: records times the mean encoded size, of which one record of each frame is measured. The queue also
 * holds at most LOCAL_RECORDS_MAX records. Frames are handed over and come back for reuse.
 */
import type { RecordEncoder } from '../codec/contract.js'
import type { Clock } from '../environment/environment.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { ConsumerMetrics, ProducerMetrics } from './channel-metrics.js'
import { nextRate, nextWindow, type WindowLimits } from './credit-window.js'
import { EndReason, type EndReasonCode, FrameKind, type FrameKindCode } from './frame.js'
import type { Gate } from './gate.js'
import { Input, type InputChannel, type InputCode } from './input-channel.js'
import type { OutputChannel } from './output-channel.js'

/** Records of one local frame. */
export const LOCAL_FRAME_RECORDS = 256
/** Records that a local queue holds at most, whatever their size. */
const LOCAL_RECORDS_MAX = 8192
/** What a record counts at least, in bytes. */
const RECORD_BYTES_MIN = 32
/** Weight of a new sample in the mean size. */
const SAMPLE_WEIGHT = 0.25
const SPARE_FRAMES_MAX = 8

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
}

export interface LocalChannelOptions {
  readonly id: number
  readonly input: number
  readonly edgeName: string
  /** The window it begins with; what is adaptive begins small, so that a slow consumer holds its producer back from the first record. */
  readonly windowBytes: number
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
  windowBytes: number

  constructor(readonly options: LocalChannelOptions) {
    this.windowBytes = options.windowBytes
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
      }
    )
  }

  returnFrame(frame: LocalFrame): void {
    if (this.spare.length >= SPARE_FRAMES_MAX) return
    frame.records.fill(undefined, 0, frame.count)
    this.spare.push(frame)
  }

  /** Moves the records of a small frame into the last one that waits: a queue holds records, not frames that are nearly empty. */
  join(frame: LocalFrame): boolean {
    const last = this.frames.at(-1)
    if (last === undefined || last.kind !== FrameKind.records || last.count + frame.count > LOCAL_FRAME_RECORDS) return false
    for (let k = 0; k < frame.count; k++) {
      last.records[last.count + k] = frame.records[k]
      last.times[last.count + k] = frame.times[k] as number
    }
    last.count += frame.count
    last.bytes += frame.bytes
    this.returnFrame(frame)
    return true
  }

  /** Whether a frame may be queued: an empty queue takes one of any size. */
  hasCredit(bytes: number, records: number): boolean {
    return this.queuedRecords === 0 || (this.queuedBytes + bytes <= this.windowBytes && this.queuedRecords + records <= LOCAL_RECORDS_MAX)
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
  readonly maxRecords: number = LOCAL_FRAME_RECORDS

  readonly #queue: LocalQueue
  readonly #pending: LocalFrame[] = []
  #staging: LocalFrame
  #meanBytes = 0
  #pendingWatermark = Number.NaN
  #pendingIdle = false

  constructor(queue: LocalQueue) {
    this.id = queue.options.id
    this.#queue = queue
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
  }

  flush(): void {
    this.seal()
  }

  drain(): void {
    const pending = this.#pending
    while (pending.length > 0 && this.#publish(pending[0] as LocalFrame)) pending.shift()
    if (pending.length === 0) this.#sendPendingWatermark()
    this.#updateBlocked()
  }

  creditArrived(): boolean {
    const first = this.#pending[0]
    return first === undefined ? !Number.isNaN(this.#pendingWatermark) : this.#queue.hasCredit(first.bytes, first.count)
  }

  sendWatermark(watermark: number, idle: boolean): void {
    this.seal()
    this.#pendingWatermark = watermark
    this.#pendingIdle = idle
    if (this.#pending.length === 0) this.#sendPendingWatermark()
    this.#updateBlocked()
  }

  sendBarrier(checkpointId: number): void {
    this.seal()
    this.#submit(controlFrame(FrameKind.barrier, checkpointId))
  }

  sendEnd(reason: EndReasonCode): void {
    this.seal()
    // Nobody reads on behind the end: the newest watermark goes before it.
    this.#sendPendingWatermark()
    this.#submit(controlFrame(FrameKind.end, reason))
  }

  #sendPendingWatermark(): void {
    if (Number.isNaN(this.#pendingWatermark)) return
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
    if (this.#pending.length === 0 && this.#publish(frame)) return
    this.#pending.push(frame)
    this.#updateBlocked()
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
    queue.frames.push(frame)
    return true
  }

  #updateBlocked(): void {
    const blocked = this.#pending.length > 0
    if (blocked === this.blocked) return
    this.blocked = blocked
    const { gate, clock, producerMetrics } = this.#queue.options
    let staged = 0
    for (const frame of this.#pending) staged += frame.bytes
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
  #bytesPerBusySecond = 0
  #bytesSinceAdapt = 0

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
    const frame = this.#queue.frames.shift()
    if (frame === undefined) return Input.empty
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
      this.barrierId = frame.detail
      return Input.barrier
    }
    this.ended = true
    this.endReason = frame.detail as EndReasonCode
    return Input.end
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

  adapt(busyMs: number, limits: WindowLimits): void {
    const queue = this.#queue
    this.#bytesPerBusySecond = nextRate(this.#bytesPerBusySecond, this.#bytesSinceAdapt, busyMs)
    this.#bytesSinceAdapt = 0
    const windowBytes = nextWindow(queue.windowBytes, this.#bytesPerBusySecond, limits)
    queue.options.consumerMetrics.window(windowBytes, this.#bytesPerBusySecond, windowBytes < queue.windowBytes)
    queue.windowBytes = windowBytes
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
  return { kind, records: [], times: new Float64Array(0), count: 0, detail, idle: false, bytes: 0 }
}
