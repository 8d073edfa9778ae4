/** Both sides of one ring on one thread, stepped by hand, with every rule of the protocol checked between two steps. */
import { expect } from 'vitest'
import { ConsumerMetrics, ProducerMetrics } from '../../src/channel/channel-metrics.js'
import { CONTROL_RESERVE_BYTES, type EndReasonCode, FRAME_ALIGN_BYTES } from '../../src/channel/frame.js'
import { Gate } from '../../src/channel/gate.js'
import { Input } from '../../src/channel/input-channel.js'
import { RingInput } from '../../src/channel/ring-input.js'
import { allocateRing, RingWord, windowBytesMax, windowBytesMin } from '../../src/channel/ring-layout.js'
import { RingOutput } from '../../src/channel/ring-output.js'
import { createRecordDecoder, createRecordEncoder } from '../../src/codec/index.js'
import { controlBytes, Doorbell } from '../../src/control/control-layout.js'
import { CHANNEL_WORDS, ChannelWord } from '../../src/metrics/metric-layout.js'
import { createEmit, type Emit } from '../../src/task/edge-output.js'

export type Item =
  | { readonly kind: 'record'; readonly value: unknown; readonly timestamp: number }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'barrier'; readonly id: number }
  | { readonly kind: 'end'; readonly reason: EndReasonCode }

export interface RingHarnessOptions {
  readonly capacityBytes?: number
  readonly maxFrameBytes?: number
  readonly windowBytes?: number
  readonly timed?: boolean
  /** A pull edge. */
  readonly prefetch?: number
  /** Where the positions stand at the beginning. */
  readonly position?: number
  readonly codeGeneration?: boolean
  readonly maxRecordBytes?: number
}

export class RingHarness {
  readonly capacity: number
  readonly maxFrameBytes: number
  readonly shared: SharedArrayBuffer
  readonly words: Int32Array
  readonly metrics: Float64Array = new Float64Array(CHANNEL_WORDS)
  readonly gate: Gate = new Gate()
  readonly output: RingOutput
  readonly input: RingInput
  readonly emit: Emit
  readonly received: Item[] = []
  readonly minWindow: number
  readonly maxWindow: number
  readonly prefetch: number | undefined
  nowMs = 1
  controls = 0
  readonly #producerBell: Doorbell
  readonly #consumerBell: Doorbell
  readonly #position: number
  readonly #timed: boolean
  #granted: number

  constructor(options: RingHarnessOptions = {}) {
    const { capacityBytes = 4096, timed = false, position = 0, codeGeneration = true, maxRecordBytes = 1 << 20 } = options
    this.capacity = capacityBytes
    this.maxFrameBytes = options.maxFrameBytes ?? capacityBytes / 8
    this.minWindow = windowBytesMin(this.maxFrameBytes)
    this.maxWindow = windowBytesMax(capacityBytes, this.maxFrameBytes)
    const windowBytes = options.windowBytes ?? this.maxWindow
    this.prefetch = options.prefetch
    this.shared = allocateRing(capacityBytes, windowBytes)
    this.words = new Int32Array(this.shared)
    if (options.prefetch !== undefined) this.words[RingWord.requested] = position + options.prefetch
    this.words[RingWord.written] = position
    this.words[RingWord.consumed] = position
    this.words[RingWord.granted] = position + windowBytes
    this.#position = position | 0
    this.#granted = (position + windowBytes) | 0
    this.#timed = timed
    const control = new SharedArrayBuffer(controlBytes(2))
    this.#producerBell = new Doorbell(control, 2, 0)
    this.#consumerBell = new Doorbell(control, 2, 1)
    const identity = { edge: 'a.out -> b[0]', fromIndex: 1, toIndex: 2 }
    const { shared, maxFrameBytes, prefetch } = this
    const common = { id: 0, edgeName: 'a -> b', identity, shared, maxFrameBytes, timed, maxRecordBytes, prefetch }
    const encoder = createRecordEncoder({
      onDefine: (definition) => this.output.define(definition),
      maxRecordBytes,
      generate: codeGeneration,
    })
    this.output = new RingOutput({
      ...common,
      encoder,
      bell: this.#consumerBell,
      gate: this.gate,
      clock: { nowMs: () => this.nowMs, monotonicMs: () => this.nowMs },
      metrics: new ProducerMetrics(this.metrics, 0),
    })
    this.input = new RingInput({
      ...common,
      input: 0,
      windowBytes,
      decoder: createRecordDecoder({ generate: codeGeneration }),
      bell: this.#producerBell,
      metrics: new ConsumerMetrics(this.metrics, 0),
    })
    this.emit = createEmit(
      {
        name: 'a -> b',
        consumer: { name: 'b' },
        partitioning: 'forward',
        timed,
        encoder,
        channels: [this.output],
        keyOf: undefined,
        keyGroups: 1,
        checkRecords: false,
      },
      codeGeneration,
    )
  }

  word(index: number): number {
    return Atomics.load(this.words, index)
  }

  get written(): number {
    return (this.word(RingWord.written) - this.#position) | 0
  }

  get consumed(): number {
    return (this.word(RingWord.consumed) - this.#position) | 0
  }

  /** Takes at most `records` records and the control frames between them; true where something came. */
  consume(records: number): boolean {
    const { input } = this
    let left = records
    let moved = false
    for (;;) {
      if (input.index === input.count) {
        // Nobody reads on behind the end.
        if (input.ended) return moved
        const found = input.next()
        if (found === Input.empty) return moved
        moved = true
        if (found === Input.watermark) this.received.push({ kind: 'watermark', watermark: input.watermark })
        else if (found === Input.barrier) this.received.push({ kind: 'barrier', id: input.barrierId })
        else if (found === Input.end) this.received.push({ kind: 'end', reason: input.endReason })
        if (found !== Input.records) continue
      }
      while (left > 0 && input.index < input.count) {
        left--
        moved = true
        const value = input.decoder.decode(input.view, input.bytes, input.cursor)
        const timestamp = this.#timed ? (input.times[input.timesAt + input.index] as number) : Number.NaN
        input.index++
        this.received.push({ kind: 'record', value, timestamp })
      }
      if (input.index < input.count) return moved
      input.release()
    }
  }

  /** A step of the producer under the eyes of a sleeping consumer: whoever has reason to wake must have been rung. */
  produce(action: () => void): void {
    const seen = this.#consumerBell.announceParked()
    const wasReady = this.input.ready()
    action()
    if (!wasReady && this.input.ready()) expect(this.#rung(this.#consumerBell, seen), 'the consumer sleeps over data').toBe(true)
    this.#consumerBell.announceAwake()
    this.check()
  }

  /** A step of the consumer under the eyes of a sleeping producer. */
  take(action: () => void): void {
    const seen = this.#producerBell.announceParked()
    const hadCredit = this.output.blocked && this.output.creditArrived()
    const requested = this.word(RingWord.requested)
    action()
    const asked = this.word(RingWord.requested) !== requested
    // It is woken for half a window at the latest; a consumer that goes on will get there.
    const left = (this.word(RingWord.written) - this.word(RingWord.consumed)) | 0
    if (!hadCredit && this.output.blocked && this.output.creditArrived() && (asked || left <= this.input.windowBytes >> 1))
      expect(this.#rung(this.#producerBell, seen), 'the producer sleeps over credit').toBe(true)
    this.#producerBell.announceAwake()
    this.check()
  }

  drain(): void {
    this.produce(() => this.output.drain())
    // What `drain` could not use is not worth waking up for.
    if (this.output.blocked) expect(this.output.creditArrived(), 'credit that drain does not use').toBe(false)
  }

  check(): void {
    const written = this.word(RingWord.written)
    const consumed = this.word(RingWord.consumed)
    const granted = this.word(RingWord.granted)
    const control = this.controls * FRAME_ALIGN_BYTES
    const held = (written - consumed) | 0
    expect(held).toBeGreaterThanOrEqual(0)
    expect(held).toBeLessThanOrEqual(this.capacity - CONTROL_RESERVE_BYTES + control)
    expect((written - granted) | 0, 'data beyond the credit').toBeLessThanOrEqual(control)
    expect((granted - this.#granted) | 0, 'credit taken back').toBeGreaterThanOrEqual(0)
    expect((granted - consumed) | 0, 'credit beyond the largest window').toBeLessThanOrEqual(this.maxWindow)
    this.#granted = granted
    expect(this.gate.closed).toBe(this.output.blocked ? 1 : 0)
    // Totals are exact and do not wrap; positions do.
    expect((this.#total(ChannelWord.bytes) - this.written) | 0).toBe(0)
    expect((this.#total(ChannelWord.consumedBytes) - this.consumed) | 0).toBe(0)
    expect(this.#total(ChannelWord.consumedRecords)).toBeLessThanOrEqual(this.#total(ChannelWord.records))
    expect(this.unprocessed, 'records that nobody asked for').toBeLessThanOrEqual(this.prefetch ?? Number.POSITIVE_INFINITY)
  }

  /** Records that were published and are not processed. */
  get unprocessed(): number {
    return this.#total(ChannelWord.records) - this.#total(ChannelWord.consumedRecords)
  }

  /** Records that were processed, as the producer may know. */
  get processed(): number {
    return this.#total(ChannelWord.consumedRecords)
  }

  /** Both sides step until nothing moves: then everything must have arrived. */
  settle(): void {
    for (let round = 0; round < 100_000; round++) {
      const before = [this.written, this.consumed, this.received.length].join()
      this.produce(() => this.output.flush())
      this.drain()
      this.take(() => void this.consume(Number.POSITIVE_INFINITY))
      if (before === [this.written, this.consumed, this.received.length].join()) break
    }
    expect(this.output.blocked, 'blocked although the ring is empty').toBe(false)
    expect(this.output.drained).toBe(true)
    expect(this.gate.closed).toBe(0)
    expect(this.written).toBe(this.consumed)
    expect(this.#total(ChannelWord.records)).toBe(this.#total(ChannelWord.consumedRecords))
    expect(this.#total(ChannelWord.bytes)).toBe(this.#total(ChannelWord.consumedBytes))
    expect(this.#total(ChannelWord.stagedBytes)).toBe(0)
    expect(this.#total(ChannelWord.stallSinceMs)).toBe(0)
  }

  #total(word: number): number {
    return this.metrics[word] as number
  }

  #rung(bell: Doorbell, seen: number): boolean {
    return Atomics.load(bell.words, bell.bellAt) !== seen
  }
}
