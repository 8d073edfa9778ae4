/**
 * Barriers that overtake: what was delivered before the snapshot, what is captured, and what is delivered behind the barrier make up what was sent, in order,
 * wherever the barrier stands and whenever either side takes its snapshot.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChannelSlice } from '../../src/channel/channel-slice.js'
import { decodeSlices } from '../../src/channel/decode-slice.js'
import type { Gate } from '../../src/channel/gate.js'
import { Input } from '../../src/channel/input-channel.js'
import type { LocalInput, LocalOutput } from '../../src/channel/local-channel.js'
import type { RingInput } from '../../src/channel/ring-input.js'
import type { RingOutput } from '../../src/channel/ring-output.js'
import { LocalHarness } from './local-harness.js'
import { positions, recordOf, recordSize } from './records.js'
import { RingHarness } from './ring-harness.js'

interface Channel {
  readonly output: RingOutput | LocalOutput
  readonly input: RingInput | LocalInput
  readonly gate: Gate
  readonly emit: (record: unknown, timestamp: number) => void
  check(): void
}

type Sent = readonly [record: unknown, timestamp: number]

type Step =
  /** `insists`: the first one is emitted although there is no credit, as by an operator that emits several at once. */
  | { readonly do: 'records'; readonly sizes: readonly number[]; readonly shape: number; readonly insists: boolean }
  | { readonly do: 'flush' | 'drain' | 'watermark' | 'overtake' | 'begin' | 'take' | 'abandon' }
  | { readonly do: 'barrier'; readonly overtakes: boolean }
  | { readonly do: 'consume'; readonly records: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('records' as const),
      sizes: fc.array(recordSize, { minLength: 1, maxLength: 20 }),
      shape: fc.integer({ min: 0, max: 12 }),
      insists: fc.boolean(),
    }),
    weight: 8,
  },
  { arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'drain' as const, 'watermark' as const) }), weight: 5 },
  { arbitrary: fc.record({ do: fc.constant('consume' as const), records: fc.oneof(fc.nat(12), fc.constant(10_000)) }), weight: 6 },
  { arbitrary: fc.record({ do: fc.constant('barrier' as const), overtakes: fc.boolean() }), weight: 3 },
  {
    arbitrary: fc.record({ do: fc.constantFrom('overtake' as const, 'begin' as const, 'take' as const, 'take' as const) }),
    weight: 6,
  },
  { arbitrary: fc.record({ do: fc.constant('abandon' as const) }), weight: 1 },
)

/** Both sides of one checkpoint after the other, and what each of them knows. */
class Play {
  readonly sent: Sent[] = []
  readonly received: Sent[] = []
  watermark = 0
  ids = 0
  /** How many checkpoints were compared, and how many of them had something captured. */
  compared = 0
  captured = 0
  #checkpoint = 1
  /** At the producer's snapshot. */
  #sentAt: { readonly records: number; readonly watermark: number } | undefined
  #producerSlice: ChannelSlice | undefined
  /** At the consumer's. */
  #receivedAt: { readonly records: number; readonly watermark: number } | undefined
  #consumerSlices: readonly ChannelSlice[] | undefined

  constructor(
    readonly channel: Channel,
    readonly timed: boolean,
    readonly codeGeneration: boolean,
  ) {}

  do(action: Step): void {
    const { output, gate, emit } = this.channel
    if (action.do === 'records') {
      action.sizes.forEach((size, at) => {
        if (gate.closed > 0 && !(action.insists && at === 0)) return
        const record = recordOf(this.ids, size, action.shape)
        const timestamp = this.timed ? this.ids * 10 : Number.NaN
        this.ids++
        this.sent.push([record, timestamp])
        emit(record, timestamp)
      })
    } else if (action.do === 'flush') output.flush()
    else if (action.do === 'drain') output.drain()
    else if (action.do === 'watermark') output.sendWatermark(++this.watermark, this.watermark % 2 === 0)
    else if (action.do === 'consume') this.consume(action.records)
    else if (action.do === 'barrier') this.barrier(action.overtakes)
    else if (action.do === 'overtake') this.overtake()
    else if (action.do === 'begin') this.begin()
    else if (action.do === 'take') this.take()
    else this.abandon()
    this.channel.check()
  }

  barrier(overtakes: boolean): void {
    if (this.#sentAt !== undefined) return
    this.#sentAt = { records: this.sent.length, watermark: this.watermark }
    const slice = this.channel.output.sendBarrier(this.#checkpoint, overtakes)
    if (overtakes) {
      expect(this.channel.output.barrierPending()).toBe(false)
      this.#producerSlice = slice
    } else expect(slice).toBeUndefined()
  }

  overtake(): void {
    const { output } = this.channel
    if (!output.barrierPending()) return
    const slice = output.overtake(this.#checkpoint)
    if (this.#sentAt !== undefined) this.#producerSlice = slice
  }

  begin(): void {
    if (this.#receivedAt !== undefined) return
    const { input } = this.channel
    this.#receivedAt = { records: this.received.length, watermark: Math.max(0, input.watermark) }
    input.beginCapture(this.#checkpoint)
  }

  take(): void {
    if (this.#receivedAt === undefined || this.#consumerSlices !== undefined) return
    const { input } = this.channel
    const taken = input.takeCapture()
    if (taken === 'incomplete') {
      expect(input.arrivedBarrier).toBeLessThan(this.#checkpoint)
      return
    }
    this.#consumerSlices = taken
    this.#compare()
  }

  abandon(): void {
    if (this.#receivedAt !== undefined) this.channel.input.abandonCapture()
    this.#next()
  }

  consume(records: number): void {
    const { input } = this.channel
    let left = records
    while (!input.ended) {
      if (input.index === input.count) {
        const found = input.next()
        if (found === Input.empty) return
        if (found === Input.barrier && input.barrierId === this.#checkpoint) {
          expect(this.#receivedAt, 'a barrier is delivered that was captured').toBeUndefined()
          this.begin()
        }
        if (found !== Input.records) continue
      }
      while (left > 0 && input.index < input.count) {
        left--
        const at = input.index
        const timestamp = (time: number | undefined): number => (this.timed ? (time as number) : Number.NaN)
        if (input.isRing) {
          const ring = input as RingInput
          this.received.push([ring.decoder.decode(ring.view, ring.bytes, ring.cursor), timestamp(ring.times[ring.timesAt + at])])
        } else this.received.push([(input as LocalInput).records[at], timestamp(input.times[at])])
        input.index++
      }
      if (input.index < input.count) return
      input.release()
    }
  }

  /** Both sides finish the checkpoint that is under way, and everything flows out. */
  finish(): void {
    this.barrier(true)
    this.overtake()
    this.begin()
    this.take()
    expect(this.#receivedAt, 'not every checkpoint was compared').toBeUndefined()
    this.channel.output.sendEnd(0)
    for (let round = 0; round < 10_000 && !this.channel.input.ended; round++) {
      this.channel.output.drain()
      this.consume(Number.POSITIVE_INFINITY)
    }
    expect(this.received).toEqual(this.sent)
    expect(this.channel.input.watermark).toBe(this.watermark === 0 ? Number.NEGATIVE_INFINITY : this.watermark)
    expect(this.channel.gate.closed).toBe(0)
    expect(this.channel.output.drained).toBe(true)
  }

  #compare(): void {
    const sent = this.#sentAt
    const received = this.#receivedAt
    if (sent === undefined || received === undefined) throw new Error('a capture is complete before the barrier was sent')
    const slices = [...(this.#consumerSlices ?? []), ...(this.#producerSlice === undefined ? [] : [this.#producerSlice])]
    // Each slice goes through storage by itself.
    const stored = slices.map((slice) => structuredClone(slice))
    const { values, times } = decodeSlices(stored, this.codeGeneration)
    const expected = this.sent.slice(received.records, sent.records)
    expect(values).toEqual(expected.map(([record]) => record))
    expect([...times]).toEqual(expected.map(([, timestamp]) => timestamp))
    const newest = slices.findLast(({ watermark }) => !Number.isNaN(watermark))
    expect(newest?.watermark ?? received.watermark).toBe(sent.watermark)
    if (newest !== undefined) expect(newest.idle).toBe(sent.watermark % 2 === 0)
    for (const { edge, fromIndex, toIndex, timed } of slices)
      expect({ edge, fromIndex, toIndex, timed }).toEqual({ edge: 'a.out -> b[0]', fromIndex: 1, toIndex: 2, timed: this.timed })
    this.compared++
    if (values.length > 0) this.captured++
    this.#next()
  }

  #next(): void {
    this.#checkpoint++
    this.#sentAt = undefined
    this.#producerSlice = undefined
    this.#receivedAt = undefined
    this.#consumerSlices = undefined
  }
}

function isComparedNow(play: Play, steps: readonly Step[]): void {
  for (const action of steps) play.do(action)
  play.finish()
}

describe('what a barrier overtakes', () => {
  for (const timed of [false, true]) {
    for (const codeGeneration of [true, false]) {
      it(`on a ring is state, timed ${timed}, generated ${codeGeneration}`, () => {
        let captured = 0
        fc.assert(
          fc.property(fc.array(step, { maxLength: 60 }), positions, fc.boolean(), (steps, position, smallest) => {
            const windowBytes = smallest ? { windowBytes: 1024 } : {}
            const ring = new RingHarness({ timed, codeGeneration, position, ...windowBytes })
            ring.controls = 1
            const play = new Play(ring, timed, codeGeneration)
            isComparedNow(play, steps)
            captured += play.captured
          }),
          { numRuns: 250 },
        )
        expect(captured).toBeGreaterThan(50)
      })
    }

    it(`on a local queue is state, timed ${timed}`, () => {
      let captured = 0
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
          const play = new Play(new LocalHarness(timed, true), timed, true)
          isComparedNow(play, steps)
          captured += play.captured
        }),
        { numRuns: 250 },
      )
      expect(captured).toBeGreaterThan(50)
    })
  }

  it.each([true, false])('is exact at every record of a frame, behind and in front of the barrier, on a ring %s', (isRing) => {
    for (const before of Array.from({ length: 30 }, (_, records) => records)) {
      for (const first of ['producer', 'consumer'] as const) {
        const play = new Play(isRing ? new RingHarness({ timed: true }) : new LocalHarness(true, true), true, true)
        const emit = (): void =>
          play.do({ do: 'records', sizes: Array.from({ length: 15 }, (_, size) => size * 3), shape: 1, insists: true })
        emit()
        play.do({ do: 'watermark' })
        emit()
        play.do({ do: 'flush' })
        play.consume(before)
        if (first === 'producer') play.barrier(true)
        play.begin()
        emit()
        play.do({ do: 'flush' })
        play.consume(20)
        if (first === 'consumer') play.barrier(true)
        emit()
        play.finish()
        expect(play.captured).toBe(1)
      }
    }
  })

  it('may lie in the middle of a record and of a definition', () => {
    for (const shape of [0, 12]) {
      let inTheMiddle = 0
      for (let fragments = 0; fragments < 24; fragments++) {
        const ring = new RingHarness({ windowBytes: 1024 })
        const play = new Play(ring, false, true)
        play.do({ do: 'records', sizes: [5000], shape, insists: true })
        // Each turn lets a few fragments through.
        for (let turn = 0; turn < fragments; turn++) {
          play.consume(0)
          ring.output.drain()
        }
        if (ring.output.blocked && ring.consumed > 0) inTheMiddle++
        play.barrier(true)
        play.consume(0)
        play.begin()
        play.finish()
        expect(play.compared).toBeGreaterThan(0)
      }
      expect(inTheMiddle).toBeGreaterThan(3)
    }
  })
})

describe('a barrier', () => {
  it('waits behind a watermark that has no credit, and is dropped for a newer one', () => {
    const ring = new RingHarness({ windowBytes: 1024 })
    while (ring.gate.closed === 0) ring.emit({ text: 'x'.repeat(100) }, Number.NaN)
    for (let checkpoint = 1; checkpoint <= 1000; checkpoint++) {
      ring.output.sendWatermark(checkpoint, false)
      expect(ring.output.sendBarrier(checkpoint, false)).toBeUndefined()
      expect(ring.output.barrierPending()).toBe(true)
      expect(ring.input.arrivedBarrier).toBe(0)
    }
    ring.settle()
    expect(ring.output.barrierPending()).toBe(false)
    expect(ring.received.filter(({ kind }) => kind !== 'record')).toEqual([
      { kind: 'watermark', watermark: 1000 },
      { kind: 'barrier', id: 1000 },
    ])
  })

  it('needs neither credit nor room', () => {
    const ring = new RingHarness({ windowBytes: 1024 })
    while (ring.gate.closed === 0) ring.emit({ text: 'x'.repeat(100) }, Number.NaN)
    const written = ring.written
    for (let checkpoint = 1; checkpoint <= 1000; checkpoint++) ring.produce(() => void ring.output.sendBarrier(checkpoint, true))
    expect(ring.written).toBe(written)
    expect(ring.input.arrivedBarrier).toBe(1000)
    expect(ring.input.bytesAhead(1000)).toBe(written)
    expect(ring.input.bytesAhead(1001)).toBe(written)
  })

  it.each([true, false])('that was given up is not delivered, on a ring %s', (isRing) => {
    const { output, input, emit } = isRing ? new RingHarness() : new LocalHarness(false, true)
    emit({ id: 1 }, Number.NaN)
    output.sendBarrier(3, false)
    input.forgetBarriers(3)
    expect(input.next()).toBe(Input.records)
    input.index = input.count
    if (input.isRing) {
      const ring = input as RingInput
      ring.decoder.decode(ring.view, ring.bytes, ring.cursor)
    }
    input.release()
    expect(input.next()).toBe(Input.empty)
    expect(input.ready()).toBe(false)
    output.sendBarrier(4, false)
    expect(input.ready()).toBe(true)
    expect(input.next()).toBe(Input.barrier)
    expect(input.barrierId).toBe(4)
    expect(input.next()).toBe(Input.empty)
  })
})

describe('a gate while something runs on', () => {
  it.each([true, false])('closes once more when the overdraft holds as much as it may, on a ring %s', (isRing) => {
    const { output, gate, emit } = isRing ? new RingHarness({ windowBytes: 1024 }) : new LocalHarness(false, true)
    const record = { text: 'x'.repeat(100) }
    while (gate.closed === 0) emit(record, Number.NaN)
    gate.runsOn = true
    gate.closed = 0
    let emitted = 0
    while (gate.closed === 0 && emitted < 100_000) {
      emit(record, Number.NaN)
      emitted++
    }
    expect(emitted).toBeLessThan(2000)
    expect(gate.closed).toBe(1)
    expect(gate.exhausted).toBe(true)
    // What follows of the same element changes nothing.
    for (let more = 0; more < 5; more++) emit(record, Number.NaN)
    output.flush()
    expect(gate.closed).toBe(1)
  })
})
