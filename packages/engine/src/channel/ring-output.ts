/**
 * The producing side of a ring. Runs on the producer's thread.
 *
 * Records are encoded into a staging frame, which is published when it is full and at the end of every step. A sealed frame
 * that has no credit waits in the overdraft, in order, and closes the gate of the chain; so the overdraft holds at most what
 * one element of the chain emits. Invariants, asserted on both sides: data never pass `granted`, nothing passes the capacity,
 * a frame never wraps. A barrier is published by words of the header: behind the overdraft, or in front of it.
 */
import { Buffer } from 'node:buffer'
import { MISFIT, type RecordEncoder } from '../codec/contract.js'
import { shapeIdOf } from '../codec/definition.js'
import type { Doorbell } from '../control/control-layout.js'
import type { Clock } from '../environment/environment.js'
import { assert, SluiceError } from '../errors/sluice-error.js'
import type { ProducerMetrics } from './channel-metrics.js'
import type { ChannelIdentity, ChannelSlice } from './channel-slice.js'
import {
  alignFrame,
  CONTROL_RESERVE_BYTES,
  DEFINITION_BYTES_MAX,
  type EndReasonCode,
  FRAGMENT_INNER_SHIFT,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FrameKind,
  type FrameKindCode,
  recordsPerFrame,
} from './frame.js'
import type { Gate } from './gate.js'
import type { OutputChannel } from './output-channel.js'
import { controlFrame, type PendingFrame, watermarkFrame, writePending } from './pending-frame.js'
import { demandStep, RING_HEADER_BYTES, RingWord } from './ring-layout.js'
import { SliceWriter } from './slice-frames.js'

export interface RingOutputOptions {
  readonly id: number
  readonly edgeName: string
  readonly identity: ChannelIdentity
  readonly shared: SharedArrayBuffer
  readonly maxFrameBytes: number
  readonly timed: boolean
  readonly maxRecordBytes: number
  /** The consumer asks for so many records; undefined: it takes what credit allows. */
  readonly prefetch?: number | undefined
  readonly encoder: RecordEncoder
  /** The consumer's doorbell. */
  readonly bell: Doorbell
  readonly gate: Gate
  readonly clock: Clock
  readonly metrics: ProducerMetrics
}

/** Returned by `stageSlowly` when the record left in fragments and nothing was staged. */
const STAGED_ELSEWHERE = -1
const Lack = { credit: 0, room: 1, demand: 2 } as const
type LackCode = (typeof Lack)[keyof typeof Lack]
/** Staging frames kept for reuse; more are needed only while the overdraft is longer. */
const SPARE_FRAMES_MAX = 4

export class RingOutput implements OutputChannel {
  readonly isRing: boolean = true
  readonly id: number
  blocked = false
  // The staging frame: read and written by generated code, once per record.
  view!: DataView
  bytes!: Buffer
  times!: Float64Array
  at = 0
  count = 0
  readonly limit: number
  /** Records at which the staging frame is sealed; on a pull edge no more than are asked for. Set anew only while nothing is staged. */
  maxRecords: number

  readonly #options: RingOutputOptions
  readonly #words: Int32Array
  readonly #ring: Buffer
  readonly #ringWords: Int32Array
  readonly #ringTimes: Float64Array
  readonly #capacity: number
  readonly #timed: boolean
  readonly #overdraftBytesMax: number
  readonly #pending: PendingFrame[] = []
  readonly #spare: { bytes: Buffer; view: DataView; times: Float64Array }[] = []
  /** By shape id: the definitions that were published. */
  readonly #definitions: Uint8Array[] = []
  #barriers: number
  #barriersPending = 0
  #pendingBytes = 0
  #pendingWatermark = Number.NaN
  #pendingIdle = false
  #written: number
  #consumed: number
  #granted: number
  /** What the last refusal lacked. */
  #lacks: LackCode = Lack.credit
  readonly #pulls: boolean
  /** Most records of a frame, whatever is asked for. */
  readonly #frameRecordsMax: number
  /** Of a pull edge, as the word of the ring: records asked for, sealed, and published. */
  #requested: number
  #sealed: number
  #published: number

  constructor(options: RingOutputOptions) {
    this.id = options.id
    this.#options = options
    this.#capacity = options.shared.byteLength - RING_HEADER_BYTES
    this.#words = new Int32Array(options.shared, 0, RING_HEADER_BYTES / 4)
    this.#ring = Buffer.from(options.shared, RING_HEADER_BYTES, this.#capacity)
    this.#ringWords = new Int32Array(options.shared, RING_HEADER_BYTES, this.#capacity / 4)
    this.#ringTimes = new Float64Array(options.shared, RING_HEADER_BYTES, this.#capacity / 8)
    this.#timed = options.timed
    const { prefetch } = options
    const recordsMax = recordsPerFrame(options.maxFrameBytes)
    this.limit = options.maxFrameBytes - FRAME_HEADER_BYTES - (options.timed ? recordsMax * 8 : 0)
    this.#pulls = prefetch !== undefined
    this.#frameRecordsMax = prefetch === undefined ? recordsMax : Math.min(recordsMax, demandStep(prefetch))
    this.maxRecords = this.#frameRecordsMax
    this.#requested = Atomics.load(this.#words, RingWord.requested)
    this.#sealed = (this.#requested - (prefetch ?? 0)) | 0
    this.#published = this.#sealed
    this.#overdraftBytesMax = 2 * options.maxFrameBytes + Math.max(options.maxRecordBytes, DEFINITION_BYTES_MAX)
    this.#written = Atomics.load(this.#words, RingWord.written)
    this.#consumed = Atomics.load(this.#words, RingWord.consumed)
    this.#granted = Atomics.load(this.#words, RingWord.granted)
    this.#barriers = Atomics.load(this.#words, RingWord.barriers)
    this.#takeStaging()
  }

  get drained(): boolean {
    return this.count === 0 && this.#pending.length === 0
  }

  /**
   * The slow half of staging one record, called when the fast encoder returned MISFIT or NO_ROOM. Returns the new end in the staging
   * frame, or STAGED_ELSEWHERE.
   */
  stageSlowly(record: unknown, timestamp: number, code: number): number {
    const { encoder } = this.#options
    let end = code
    try {
      for (;;) {
        if (end === MISFIT) encoder.prepare(record)
        else if (this.count > 0) this.seal()
        else {
          this.#stageLarge(encoder.encodeLarge(record), timestamp)
          return STAGED_ELSEWHERE
        }
        end = encoder.encode(record, this.view, this.bytes, this.at, this.limit)
        if (end >= 0) return end
      }
    } catch (error) {
      throw error instanceof SluiceError ? error.at({ edge: this.#options.edgeName }) : error
    }
  }

  /** A shape definition for the consumer; everything staged so far goes before it. */
  define(definition: Uint8Array): void {
    this.seal()
    const bytes = Buffer.from(definition)
    const fits = bytes.length + FRAME_HEADER_BYTES <= this.#options.maxFrameBytes
    this.#submit({
      kind: fits ? FrameKind.shape : FrameKind.fragment,
      count: fits ? 1 : FrameKind.shape << FRAGMENT_INNER_SHIFT,
      detail: bytes.length,
      times: undefined,
      bytes,
      length: bytes.length,
      sent: 0,
    })
  }

  /** Closes the staging frame: publishes it, or moves it to the overdraft. */
  seal(): void {
    if (this.count === 0) return
    const times = this.#timed ? this.times : undefined
    const { count, at } = this
    this.count = 0
    this.at = 0
    if (this.#pulls) {
      this.#sealAsked(count, at, times)
      return
    }
    if (this.#pending.length === 0 && this.#publish(FrameKind.records, count, at, times, count, this.bytes, 0, at)) return
    this.#enqueue({ kind: FrameKind.records, count, detail: at, times, bytes: this.bytes, length: at, sent: 0 })
    this.#takeStaging()
  }

  /** The same of a pull edge: what nobody asked for waits, in as many bytes as it has, because such frames are many and small. */
  #sealAsked(count: number, at: number, times: Float64Array | undefined): void {
    this.#sealed = (this.#sealed + count) | 0
    const published =
      this.#pending.length === 0 && this.#hasDemand(count) && this.#publish(FrameKind.records, count, at, times, count, this.bytes, 0, at)
    if (!published) {
      const bytes = Buffer.from(this.bytes.subarray(0, at))
      this.#enqueue({ kind: FrameKind.records, count, detail: at, times: times?.slice(0, count), bytes, length: at, sent: 0 })
    }
    this.#updateBlocked()
  }

  /** Whether so many more records may be published. */
  #hasDemand(records: number): boolean {
    if (!this.#pulls || ((this.#requested - this.#published - records) | 0) >= 0) return true
    this.#requested = Atomics.load(this.#words, RingWord.requested)
    if (((this.#requested - this.#published - records) | 0) >= 0) return true
    this.#lacks = Lack.demand
    return false
  }

  /** Records that are asked for and not made; nothing is staged. */
  get #demand(): number {
    return (this.#requested - this.#sealed) | 0
  }

  flush(): void {
    this.seal()
  }

  drain(): void {
    if (this.#pulls) this.seal()
    const pending = this.#pending
    let taken = 0
    while (taken < pending.length && this.#publishPending(pending[taken] as PendingFrame)) {
      const frame = pending[taken] as PendingFrame
      this.#pendingBytes -= frame.length
      if (frame.kind === FrameKind.records && !this.#pulls && this.#spare.length < SPARE_FRAMES_MAX)
        this.#spare.push({ bytes: frame.bytes, view: viewOf(frame.bytes), times: frame.times ?? this.times })
      taken++
    }
    if (taken > 0) {
      pending.splice(0, taken)
      this.#options.metrics.staged(this.#pendingBytes)
    }
    if (pending.length === 0) this.#sendPendingWatermark()
    this.#updateBlocked()
  }

  creditArrived(): boolean {
    if (this.#pulls && this.#demandArrived()) return true
    if (this.#pending.length === 0 && Number.isNaN(this.#pendingWatermark)) return false
    // Only what was lacking counts: the other word may have moved on long ago without being read.
    switch (this.#lacks) {
      case Lack.room:
        return Atomics.load(this.#words, RingWord.consumed) !== this.#consumed
      case Lack.credit:
        return Atomics.load(this.#words, RingWord.granted) !== this.#granted
      case Lack.demand:
        return false
    }
  }

  /** More is asked for than was known: enough for what waits, or, where nothing does, for a record. */
  #demandArrived(): boolean {
    const requested = Atomics.load(this.#words, RingWord.requested)
    const first = this.#pending[0]
    if (first !== undefined) return this.#lacks === Lack.demand && ((requested - this.#published - recordsOf(first)) | 0) >= 0
    return this.#demand <= 0 && ((requested - this.#sealed) | 0) > 0
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
      this.#publishBarrier(checkpoint)
      return this.#overtaken(this.#pending.length, this.#pendingWatermark)
    }
    this.#submitWatermark()
    if (this.#pending.length === 0) this.#publishBarrier(checkpoint)
    else {
      this.#barriersPending++
      this.#enqueue(controlFrame(FrameKind.barrier, 0, checkpoint))
    }
    return undefined
  }

  overtake(checkpoint: number): ChannelSlice | undefined {
    const at = this.#pending.findIndex(({ kind, detail }) => kind === FrameKind.barrier && detail === checkpoint)
    if (at < 0) return undefined
    this.#dropBarrier()
    this.#publishBarrier(checkpoint)
    return this.#overtaken(at, Number.NaN)
  }

  barrierPending(): boolean {
    return this.#barriersPending > 0
  }

  get overdrawn(): boolean {
    return this.#pendingBytes > this.#options.maxFrameBytes
  }

  sendEnd(reason: EndReasonCode): void {
    this.seal()
    // Nobody reads on behind the end.
    this.#submitWatermark()
    this.#submit(controlFrame(FrameKind.end, reason, 0))
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

  #publishBarrier(checkpoint: number): void {
    const words = this.#words
    const number = (this.#barriers + 1) | 0
    Atomics.store(words, RingWord.barrierId + (number & 1), checkpoint)
    Atomics.store(words, RingWord.barrierAt + (number & 1), this.#written)
    Atomics.store(words, RingWord.barriers, number)
    this.#barriers = number
    this.#options.bell.ring()
  }

  /** A copy of the first frames that wait, with the watermark behind them; NaN: none. */
  #overtaken(count: number, watermark: number): ChannelSlice | undefined {
    const writer = new SliceWriter()
    for (let k = 0; k < count; k++) writePending(this.#pending[k] as PendingFrame, writer)
    if (!Number.isNaN(watermark)) writer.mark(watermark, this.#pendingIdle)
    const { identity, timed } = this.#options
    return writer.finish(
      identity,
      'producer',
      timed,
      this.#definitions.filter((definition) => definition !== undefined),
    )
  }

  /** What comes next must not pass the newest watermark: it goes before it, in the place of one that nothing stands behind. */
  #submitWatermark(): void {
    if (Number.isNaN(this.#pendingWatermark)) return
    const frame = watermarkFrame(this.#pendingWatermark, this.#pendingIdle)
    const last = this.#pending.at(-1)
    if (last?.kind === FrameKind.watermark) this.#pending[this.#pending.length - 1] = frame
    else this.#submit(frame)
    this.#forgetWatermark()
  }

  #sendPendingWatermark(): void {
    if (!Number.isNaN(this.#pendingWatermark) && this.#publishPending(watermarkFrame(this.#pendingWatermark, this.#pendingIdle)))
      this.#forgetWatermark()
  }

  #forgetWatermark(): void {
    this.#options.metrics.watermark(this.#pendingWatermark)
    this.#pendingWatermark = Number.NaN
  }

  #stageLarge(encoded: Uint8Array, timestamp: number): void {
    if (this.#pulls) this.#sealed = (this.#sealed + 1) | 0
    this.#submit({
      kind: FrameKind.fragment,
      count: FrameKind.records << FRAGMENT_INNER_SHIFT,
      detail: encoded.length,
      times: Float64Array.of(timestamp),
      bytes: Buffer.from(encoded),
      length: encoded.length,
      sent: 0,
    })
    if (this.#pulls) this.#updateBlocked()
  }

  #submit(frame: PendingFrame): void {
    if (this.#pending.length === 0 && this.#publishPending(frame)) return
    this.#enqueue(frame)
  }

  #enqueue(frame: PendingFrame): void {
    this.#pending.push(frame)
    this.#pendingBytes += frame.length
    assert(this.#pendingBytes <= this.#overdraftBytesMax, `the overdraft of edge ${this.#options.edgeName} is larger than its bound`)
    this.#options.metrics.staged(this.#pendingBytes)
    this.#updateBlocked()
    const { gate } = this.#options
    if (gate.runsOn && this.overdrawn) gate.exhaust()
  }

  #publishPending(frame: PendingFrame): boolean {
    const { kind, count, detail, times, bytes, length } = frame
    if (kind === FrameKind.barrier) {
      this.#barriersPending--
      this.#publishBarrier(detail)
      return true
    }
    if (frame.sent === 0 && !this.#hasDemand(recordsOf(frame))) return false
    if (kind !== FrameKind.fragment) {
      if (!this.#publish(kind, count, detail, times, times === undefined ? 0 : count, bytes, 0, length)) return false
      if (kind === FrameKind.shape) this.#definitions[shapeIdOf(bytes)] = bytes
      return true
    }
    const chunk = this.#options.maxFrameBytes - FRAME_HEADER_BYTES - 8
    while (frame.sent < frame.length) {
      const to = Math.min(frame.length, frame.sent + chunk)
      const last = to === frame.length ? 1 : 0
      if (!this.#publish(FrameKind.fragment, frame.count | last, frame.detail, frame.times ?? NO_TIME, 1, frame.bytes, frame.sent, to))
        return false
      frame.sent = to
    }
    if (count >> FRAGMENT_INNER_SHIFT === FrameKind.shape) this.#definitions[shapeIdOf(bytes)] = bytes
    return true
  }

  #publish(
    kind: FrameKindCode,
    count: number,
    detail: number,
    times: Float64Array | undefined,
    timesCount: number,
    source: Buffer,
    from: number,
    to: number,
  ): boolean {
    const timesBytes = times === undefined ? 0 : timesCount * 8
    const size = alignFrame(FRAME_HEADER_BYTES + timesBytes + to - from)
    if (!this.#reserve(size, kind === FrameKind.end)) return false
    const start = this.#written & (this.#capacity - 1)
    this.#header(start, size, kind, count, detail)
    if (times !== undefined) {
      const base = (start + FRAME_HEADER_BYTES) >> 3
      for (let k = 0; k < timesCount; k++) this.#ringTimes[base + k] = times[k] as number
    }
    if (to > from) source.copy(this.#ring, start + FRAME_HEADER_BYTES + timesBytes, from, to)
    this.#written = (this.#written + size) | 0
    Atomics.store(this.#words, RingWord.written, this.#written)
    const lastOfRecord = kind === FrameKind.fragment && (count & 1) === 1 && count >> FRAGMENT_INNER_SHIFT === FrameKind.records
    const records = kind === FrameKind.records ? count : lastOfRecord ? 1 : 0
    if (this.#pulls) this.#published = (this.#published + records) | 0
    this.#options.metrics.published(size, records)
    this.#options.bell.ring()
    return true
  }

  /** Makes sure that a frame of this size may be written at `written` without wrapping; publishes a pad where it must. */
  #reserve(size: number, control: boolean): boolean {
    for (;;) {
      const toEnd = this.#capacity - (this.#written & (this.#capacity - 1))
      const need = size > toEnd ? toEnd : size
      if (!control && ((this.#written + need - this.#granted) | 0) > 0) {
        this.#granted = Atomics.load(this.#words, RingWord.granted)
        if (((this.#written + need - this.#granted) | 0) > 0) {
          this.#lacks = Lack.credit
          return false
        }
      }
      const room = control ? this.#capacity : this.#capacity - CONTROL_RESERVE_BYTES
      if (((this.#written - this.#consumed) | 0) + need > room) {
        this.#consumed = Atomics.load(this.#words, RingWord.consumed)
        if (((this.#written - this.#consumed) | 0) + need > room) {
          this.#lacks = Lack.room
          return false
        }
      }
      if (size <= toEnd) return true
      this.#header(this.#written & (this.#capacity - 1), toEnd, FrameKind.pad, 0, 0)
      this.#written = (this.#written + toEnd) | 0
      Atomics.store(this.#words, RingWord.written, this.#written)
      this.#options.metrics.published(toEnd, 0)
      this.#options.bell.ring()
    }
  }

  #header(start: number, length: number, kind: FrameKindCode, count: number, detail: number): void {
    const ring = this.#ringWords
    const word = start >> 2
    ring[word] = length
    ring[word + 1] = FRAME_MAGIC | kind
    ring[word + 2] = count
    ring[word + 3] = detail
  }

  /** Whether a record may be made; the next frame ends where demand does. */
  #isAsked(): boolean {
    if (this.#demand <= 0) this.#requested = Atomics.load(this.#words, RingWord.requested)
    const demand = this.#demand
    this.maxRecords = demand > 0 ? Math.min(demand, this.#frameRecordsMax) : this.#frameRecordsMax
    return demand > 0
  }

  /** On a pull edge nothing is staged. */
  #updateBlocked(): void {
    const blocked = this.#pending.length > 0 || !Number.isNaN(this.#pendingWatermark) || (this.#pulls && !this.#isAsked())
    if (blocked === this.blocked) return
    this.blocked = blocked
    const { gate, metrics, clock } = this.#options
    Atomics.store(this.#words, RingWord.awaitsCredit, blocked ? 1 : 0)
    if (blocked) {
      gate.closed++
      metrics.stallBegins(clock.monotonicMs())
    } else {
      gate.closed--
      metrics.stallEnds(clock.monotonicMs())
    }
  }

  #takeStaging(): void {
    const spare = this.#spare.pop()
    if (spare !== undefined) {
      this.bytes = spare.bytes
      this.view = spare.view
      this.times = spare.times
      return
    }
    this.bytes = Buffer.from(new ArrayBuffer(this.limit))
    this.view = viewOf(this.bytes)
    this.times = new Float64Array(this.#timed ? this.maxRecords : 1)
  }
}

/** Records that are asked for before a frame may be published; one that leaves in fragments is asked for before the first of them. */
function recordsOf({ kind, count }: PendingFrame): number {
  if (kind === FrameKind.records) return count
  return kind === FrameKind.fragment && count >> FRAGMENT_INNER_SHIFT === FrameKind.records ? 1 : 0
}

const NO_TIME = Float64Array.of(Number.NaN)

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
