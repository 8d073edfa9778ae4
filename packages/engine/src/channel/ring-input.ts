/**
 * The consuming side of a ring. Runs on the consumer's thread.
 *
 * A frame is validated, its records are decoded one by one by the driver, and it is released when the last one is processed; the
 * release grants credit: granted = max(granted, consumed + window). A window shrinks by granting later.
 *
 * On a pull edge records are asked for beside that, by their number, half of the prefetch at a time.
 *
 * The words of barriers are looked at whenever `written` is loaded anew, behind it: so no frame behind a barrier is ever current before the
 * barrier was delivered.
 */
import { Buffer } from 'node:buffer'
import type { Cursor, RecordDecoder } from '../codec/contract.js'
import type { Doorbell } from '../control/control-layout.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { ConsumerMetrics } from './channel-metrics.js'
import type { ChannelIdentity, ChannelSlice } from './channel-slice.js'
import { ConsumptionRate, nextWindow, wakeStep, type WindowLimits } from './credit-window.js'
import {
  CONTROL_RESERVE_BYTES,
  DEFINITION_BYTES_MAX,
  EndReason,
  type EndReasonCode,
  FRAGMENT_INNER_SHIFT,
  FRAME_ALIGN_BYTES,
  FRAME_HEADER_BYTES,
  FRAME_KIND_MASK,
  FRAME_KIND_MAX,
  FRAME_MAGIC,
  FRAME_RECORDS_MAX,
  FrameKind,
  type FrameKindCode,
} from './frame.js'
import { Input, type InputChannel, type InputCode } from './input-channel.js'
import { demandStep, RING_HEADER_BYTES, RingWord } from './ring-layout.js'
import { SliceWriter } from './slice-frames.js'

/** What an untimed edge has for timestamps: a chain may have timed inputs beside it. */
const NO_TIMES: Float64Array = new Float64Array(FRAME_RECORDS_MAX).fill(Number.NaN)
/** Kinds that have one 8-byte word before the rest of their payload. */
const WORD_BYTES = 8

export interface RingInputOptions {
  readonly id: number
  readonly input: number
  readonly edgeName: string
  readonly identity: ChannelIdentity
  readonly shared: SharedArrayBuffer
  readonly maxFrameBytes: number
  readonly timed: boolean
  readonly maxRecordBytes: number
  /** The window it begins with; what is adaptive begins small, so that a slow consumer holds its producer back from the first record. */
  readonly windowBytes: number
  /** So many records are asked for; undefined: what credit allows comes. */
  readonly prefetch?: number | undefined
  readonly decoder: RecordDecoder
  /** The producer's doorbell. */
  readonly bell: Doorbell
  readonly metrics: ConsumerMetrics
}

/** State of the channel while the barrier of a checkpoint is awaited or passed. */
interface Capture {
  readonly checkpoint: number
  readonly writer: SliceWriter
  /** In force in front of the first frame. */
  readonly definitions: readonly Uint8Array[]
  /** The barrier was reached: what comes now is not part of it. */
  closed: boolean
}

export class RingInput implements InputChannel {
  readonly isRing: boolean = true
  readonly id: number
  readonly input: number
  count = 0
  index = 0
  watermark: number = Number.NEGATIVE_INFINITY
  idle = false
  barrierId = 0
  ended = false
  endReason: EndReasonCode = EndReason.exhausted
  windowBytes: number
  // The current records: read by generated code.
  readonly decoder: RecordDecoder
  readonly cursor: Cursor = { at: 0 }
  view: DataView
  bytes: Buffer
  /** Timestamps of the current frame: record k has `times[timesAt + k]`. */
  times: Float64Array
  timesAt = 0

  readonly #options: RingInputOptions
  readonly #words: Int32Array
  readonly #ringView: DataView
  readonly #ringBytes: Buffer
  readonly #ringTimes: Float64Array
  readonly #ringWords: Int32Array
  readonly #capacity: number
  #written: number
  #consumed: number
  #granted: number
  /** Records are asked for again when so many were processed; 0: no pull edge. */
  readonly #demandStep: number
  #requested: number
  /** Records that were read. */
  #taken: number
  /** Records that were processed and are not asked for again yet: fewer than a step. */
  #owed = 0
  #frameBytes = 0
  #payloadEnd = 0
  readonly #rate: ConsumptionRate = new ConsumptionRate()
  #bytesSinceAdapt = 0
  /** Of the current frame: what was counted already. */
  #bytesCounted = 0
  /** Credit that is free before the producer is woken. */
  #wakeStep: number
  #assembly: Buffer = Buffer.alloc(0)
  #assembled = 0
  #assembling = false
  /** Of the record or definition that is being reassembled. */
  #assemblyInner: FrameKindCode = FrameKind.records
  #assemblyTime: number = Number.NaN
  /** How many barriers were seen, the newest of them, and whether it is still to be reached. */
  #barriers = 0
  #newestBarrier = 0
  #barrierAt = 0
  #barrierAhead = false
  /** Barriers up to this one are not delivered (any more). */
  #deliveredUpTo = 0
  #capture: Capture | undefined

  constructor(options: RingInputOptions) {
    this.id = options.id
    this.input = options.input
    this.#options = options
    this.decoder = options.decoder
    const capacity = options.shared.byteLength - RING_HEADER_BYTES
    this.#capacity = capacity
    this.#words = new Int32Array(options.shared, 0, RING_HEADER_BYTES / 4)
    this.#ringView = new DataView(options.shared, RING_HEADER_BYTES, capacity)
    this.#ringBytes = Buffer.from(options.shared, RING_HEADER_BYTES, capacity)
    this.#ringTimes = new Float64Array(options.shared, RING_HEADER_BYTES, capacity / 8)
    this.#ringWords = new Int32Array(options.shared, RING_HEADER_BYTES, capacity / 4)
    this.view = this.#ringView
    this.bytes = this.#ringBytes
    this.times = this.#ringTimes
    this.#consumed = Atomics.load(this.#words, RingWord.consumed)
    // What was written before is found by the first `next`.
    this.#written = this.#consumed
    this.#granted = Atomics.load(this.#words, RingWord.granted)
    const { prefetch } = options
    this.#demandStep = prefetch === undefined ? 0 : demandStep(prefetch)
    this.#requested = Atomics.load(this.#words, RingWord.requested)
    this.#taken = (this.#requested - (prefetch ?? 0)) | 0
    this.windowBytes = options.windowBytes
    this.#wakeStep = wakeStep(this.windowBytes, 0, options.maxFrameBytes)
    options.metrics.window(this.windowBytes, 0, false)
    this.#grant()
  }

  get arrivedBarrier(): number {
    this.#lookForBarrier()
    return this.#newestBarrier
  }

  ready(): boolean {
    if (this.#written !== this.#consumed || Atomics.load(this.#words, RingWord.written) !== this.#consumed) return true
    this.#lookForBarrier()
    return this.#barrierAhead && this.#newestBarrier > this.#deliveredUpTo && this.#barrierAt === this.#consumed
  }

  next(): InputCode {
    for (;;) {
      if (this.#barrierAhead && this.#barrierAt === this.#consumed && this.#passBarrier()) return Input.barrier
      if (this.#written === this.#consumed) {
        this.#written = Atomics.load(this.#words, RingWord.written)
        if (this.#lookForBarrier()) continue
        if (this.#written === this.#consumed) return Input.empty
      }
      const start = this.#consumed & (this.#capacity - 1)
      const word = start >> 2
      const length = this.#ringWords[word] as number
      const tagged = this.#ringWords[word + 1] as number
      const count = this.#ringWords[word + 2] as number
      const detail = this.#ringWords[word + 3] as number
      const kind = tagged & FRAME_KIND_MASK
      this.#validate(start, length, tagged, kind, (this.#written - this.#consumed) | 0)
      this.#frameBytes = length
      if (this.#capture !== undefined) this.#log(start, length, kind)
      const payload = start + FRAME_HEADER_BYTES
      if (kind === FrameKind.records) {
        const { timed } = this.#options
        const timesBytes = timed ? count * 8 : 0
        // A record takes a byte at least.
        if (count <= 0 || count > FRAME_RECORDS_MAX || detail < count || FRAME_HEADER_BYTES + timesBytes + detail > length)
          this.#corrupt(`a frame of ${count} records with ${detail} bytes in ${length}`)
        this.#openRecords(this.#ringView, this.#ringBytes, payload + timesBytes, detail, count)
        this.times = timed ? this.#ringTimes : NO_TIMES
        this.timesAt = timed ? payload >> 3 : 0
        return Input.records
      }
      if (kind === FrameKind.fragment) {
        if (this.#takeFragment(payload, length, count, detail)) return Input.records
        continue
      }
      if (this.#assembling && kind !== FrameKind.pad) this.#corrupt('a frame between the fragments of a record')
      if (kind === FrameKind.watermark) {
        if (length < FRAME_HEADER_BYTES + WORD_BYTES) this.#corrupt(`a watermark of ${length} bytes`)
        this.watermark = this.#ringView.getFloat64(payload, true)
        this.idle = count === 1
      } else if (kind === FrameKind.shape) {
        if (detail <= 0 || FRAME_HEADER_BYTES + detail > length) this.#corrupt(`a definition of ${detail} bytes in ${length}`)
        this.decoder.define(this.#ringBytes.subarray(payload, payload + detail))
      } else if (kind === FrameKind.end) {
        this.ended = true
        this.endReason = count as EndReasonCode
      }
      this.#releaseBytes(length, 0)
      if (kind === FrameKind.watermark) {
        this.#options.metrics.watermark(this.watermark)
        return Input.watermark
      }
      if (kind === FrameKind.end) return Input.end
    }
  }

  release(): void {
    if (this.cursor.at !== this.#payloadEnd) this.#corrupt(`records end at ${this.cursor.at} of ${this.#payloadEnd}`)
    const { count } = this
    this.count = 0
    this.index = 0
    if (this.#demandStep > 0) this.#ask(count)
    if (this.view !== this.#ringView) {
      // A reassembled record: its fragments were released when they were copied.
      this.view = this.#ringView
      this.bytes = this.#ringBytes
      this.#assembly = Buffer.alloc(0)
      this.#options.metrics.consumed(0, 1)
      return
    }
    this.#releaseBytes(this.#frameBytes, count)
  }

  adapt(busyMs: number, limits: WindowLimits, choked = false): void {
    const rate = this.#rate
    // The part of the current frame that is done: a slow consumer is at one for longer than a period.
    const doneBytes = this.count > 0 && this.view === this.#ringView ? (this.#frameBytes * this.index) / this.count : 0
    const bytes = this.#bytesSinceAdapt + doneBytes - this.#bytesCounted
    if (bytes > 0 || (this.count > 0 && !choked)) rate.add(bytes, busyMs)
    else if (choked && busyMs > 0) rate.choke(limits)
    this.#bytesSinceAdapt = 0
    this.#bytesCounted = doneBytes
    const windowBytes = nextWindow(this.windowBytes, rate.bytesPerBusySecond, limits)
    this.#options.metrics.window(windowBytes, rate.bytesPerBusySecond, windowBytes < this.windowBytes)
    this.windowBytes = windowBytes
    this.#wakeStep = wakeStep(windowBytes, bytes, this.#options.maxFrameBytes)
    this.#grant()
  }

  bytesAhead(checkpoint: number): number {
    this.#lookForBarrier()
    if (this.#newestBarrier < checkpoint) return (Atomics.load(this.#words, RingWord.written) - this.#consumed) | 0
    return this.#barrierAhead ? (this.#barrierAt - this.#consumed) | 0 : 0
  }

  forgetBarriers(upTo: number): void {
    if (upTo > this.#deliveredUpTo) this.#deliveredUpTo = upTo
  }

  beginCapture(checkpoint: number): void {
    this.#lookForBarrier()
    this.forgetBarriers(checkpoint)
    const closed = this.#newestBarrier >= checkpoint && !this.#barrierAhead
    const writer = new SliceWriter()
    this.#capture = { checkpoint, writer, definitions: this.decoder.definitions(), closed }
    if (this.#assembling) {
      // Its beginning was read, its end stands behind here or still at the producer.
      if (!closed || this.#barrierAt === this.#consumed)
        writer.fragment(this.#assemblyInner, this.#assemblyTime, this.#assembly, 0, this.#assembled)
    } else if (!closed && this.index < this.count) {
      const times = this.#options.timed ? this.times : undefined
      writer.records(this.count - this.index, times, this.timesAt + this.index, this.bytes, this.cursor.at, this.#payloadEnd)
    }
  }

  takeCapture(): readonly ChannelSlice[] | 'incomplete' {
    const capture = this.#capture
    if (capture === undefined) return []
    this.#lookForBarrier()
    if (this.#newestBarrier < capture.checkpoint) return 'incomplete'
    if (!capture.closed && this.#barrierAhead) {
      // The current frame is kept already.
      let at = this.#consumed
      if (this.count > 0 && this.view === this.#ringView) at = (at + this.#frameBytes) | 0
      while (at !== this.#barrierAt) at = (at + this.#logAt(at)) | 0
    }
    this.#capture = undefined
    const { identity, timed } = this.#options
    const slice = capture.writer.finish(identity, 'consumer', timed, capture.definitions)
    return slice === undefined ? [] : [slice]
  }

  get captured(): boolean {
    if (this.#capture === undefined) return false
    this.#lookForBarrier()
    return this.#newestBarrier >= this.#capture.checkpoint
  }

  get captureBytes(): number {
    return this.#capture?.writer.bytes ?? 0
  }

  abandonCapture(): void {
    this.#capture = undefined
  }

  starvedBegins(nowMs: number): void {
    this.#options.metrics.starvedBegins(nowMs)
  }

  starvedEnds(nowMs: number): void {
    this.#options.metrics.starvedEnds(nowMs)
  }

  /** Reads the words of the newest barrier; true where there is one that was not known. */
  #lookForBarrier(): boolean {
    const words = this.#words
    let number = Atomics.load(words, RingWord.barriers)
    if (number === this.#barriers) return false
    for (;;) {
      const id = Atomics.load(words, RingWord.barrierId + (number & 1))
      const at = Atomics.load(words, RingWord.barrierAt + (number & 1))
      const again = Atomics.load(words, RingWord.barriers)
      if (again === number) {
        this.#barriers = number
        this.#newestBarrier = id
        this.#barrierAt = at
        this.#barrierAhead = true
        return true
      }
      number = again
    }
  }

  /** The newest barrier was reached; true where it is to be delivered. */
  #passBarrier(): boolean {
    this.#barrierAhead = false
    const id = this.#newestBarrier
    if (this.#capture !== undefined && id >= this.#capture.checkpoint) this.#capture.closed = true
    if (id <= this.#deliveredUpTo) return false
    this.#deliveredUpTo = id
    this.barrierId = id
    return true
  }

  /** Keeps a frame that is being read while the barrier of a checkpoint is awaited. */
  #log(start: number, length: number, kind: number): void {
    const capture = this.#capture as Capture
    if (capture.closed) return
    const { writer } = capture
    if (kind === FrameKind.records || kind === FrameKind.fragment || kind === FrameKind.shape) writer.frame(this.#ringBytes, start, length)
    else if (kind === FrameKind.watermark && length >= FRAME_HEADER_BYTES + WORD_BYTES)
      writer.mark(this.#ringView.getFloat64(start + FRAME_HEADER_BYTES, true), this.#ringWords[(start >> 2) + 2] === 1)
    else if (kind === FrameKind.end) writer.end(this.#ringWords[(start >> 2) + 2] as number)
  }

  /** Keeps a frame that stands between here and the barrier, unread; answers its length. */
  #logAt(position: number): number {
    const start = position & (this.#capacity - 1)
    const word = start >> 2
    const length = this.#ringWords[word] as number
    const tagged = this.#ringWords[word + 1] as number
    const kind = tagged & FRAME_KIND_MASK
    this.#validate(start, length, tagged, kind, (this.#barrierAt - position) | 0)
    this.#log(start, length, kind)
    return length
  }

  /** Asks for as many records as were processed, a step at a time; the producer that waits for them is woken. */
  #ask(processed: number): void {
    this.#owed += processed
    if (this.#owed < this.#demandStep) return
    this.#requested = (this.#requested + this.#owed) | 0
    this.#owed = 0
    Atomics.store(this.#words, RingWord.requested, this.#requested)
    if (Atomics.load(this.#words, RingWord.awaitsCredit) !== 0) this.#options.bell.ring()
  }

  #openRecords(view: DataView, bytes: Buffer, at: number, length: number, count: number): void {
    if (this.#demandStep > 0) {
      this.#taken = (this.#taken + count) | 0
      const beyond = (this.#taken - this.#requested) | 0
      if (beyond > 0) this.#corrupt(`${beyond} records more than were asked for`)
    }
    this.view = view
    this.bytes = bytes
    this.cursor.at = at
    this.#payloadEnd = at + length
    this.count = count
    this.index = 0
  }

  /** Copies a fragment and releases it; true when the record is complete and current. */
  #takeFragment(payload: number, length: number, count: number, total: number): boolean {
    if (length <= FRAME_HEADER_BYTES + WORD_BYTES) this.#corrupt(`a fragment of ${length} bytes`)
    const inner = count >> FRAGMENT_INNER_SHIFT
    const last = (count & 1) === 1
    if (!this.#assembling) {
      const bound = inner === FrameKind.shape ? DEFINITION_BYTES_MAX : this.#options.maxRecordBytes
      if (total <= 0 || total > bound) this.#corrupt(`a record of ${total} bytes in fragments`)
      this.#assembly = Buffer.allocUnsafeSlow(total)
      this.#assembled = 0
      this.#assembling = true
      this.#assemblyInner = inner as FrameKindCode
    }
    const from = payload + WORD_BYTES
    const bytes = Math.min(length - FRAME_HEADER_BYTES - WORD_BYTES, this.#assembly.length - this.#assembled)
    this.#ringBytes.copy(this.#assembly, this.#assembled, from, from + bytes)
    this.#assembled += bytes
    const timestamp = this.#ringTimes[payload >> 3] as number
    this.#assemblyTime = timestamp
    this.#releaseBytes(length, 0)
    if (last !== (this.#assembled === this.#assembly.length))
      this.#corrupt(`fragments of ${this.#assembled} of ${this.#assembly.length} bytes`)
    if (!last) return false
    this.#assembling = false
    if (inner === FrameKind.shape) {
      this.decoder.define(this.#assembly)
      this.#assembly = Buffer.alloc(0)
      return false
    }
    const { buffer, byteOffset, length: size } = this.#assembly
    this.#openRecords(new DataView(buffer, byteOffset, size), this.#assembly, 0, size, 1)
    this.times = Float64Array.of(timestamp)
    this.timesAt = 0
    return true
  }

  #releaseBytes(bytes: number, records: number): void {
    this.#consumed = (this.#consumed + bytes) | 0
    this.#bytesSinceAdapt += bytes
    this.#options.metrics.consumed(bytes, records)
    Atomics.store(this.#words, RingWord.consumed, this.#consumed)
    this.#grant()
  }

  #grant(): void {
    const granted = (this.#consumed + this.windowBytes) | 0
    if (((granted - this.#granted) | 0) > 0) {
      this.#granted = granted
      Atomics.store(this.#words, RingWord.granted, granted)
    }
    if (Atomics.load(this.#words, RingWord.awaitsCredit) === 0) return
    // A producer that spins sees the credit; one that sleeps is woken when there is enough of it.
    const left = (Atomics.load(this.#words, RingWord.written) - this.#consumed) | 0
    if (left <= this.windowBytes - this.#wakeStep) this.#options.bell.ring()
  }

  #validate(start: number, length: number, tagged: number, kind: number, available: number): void {
    const bound = kind === FrameKind.pad ? this.#capacity - start : this.#options.maxFrameBytes
    if (
      (tagged & ~FRAME_KIND_MASK) !== FRAME_MAGIC ||
      kind === 0 ||
      kind > FRAME_KIND_MAX ||
      kind === FrameKind.barrier ||
      length < FRAME_HEADER_BYTES ||
      length % FRAME_ALIGN_BYTES !== 0 ||
      length > bound ||
      start + length > this.#capacity ||
      length > available ||
      available > this.#capacity ||
      (kind === FrameKind.records && ((this.#written - this.#granted) | 0) > CONTROL_RESERVE_BYTES)
    )
      this.#corrupt(`a frame header at ${start}: kind ${kind}, ${length} bytes, ${available} available`)
  }

  #corrupt(what: string): never {
    throw new SluiceError('SLUICE_CHANNEL_CORRUPT', `Edge ${this.#options.edgeName}, channel ${this.id}: ${what} is not valid.`, {
      edge: this.#options.edgeName,
    })
  }
}
