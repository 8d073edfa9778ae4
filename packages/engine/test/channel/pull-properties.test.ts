/** Pull edges against a model, on both kinds of channels: the consumer never holds more than it asked for, and everything arrives. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EndReason } from '../../src/channel/frame.js'
import type { OutputChannel } from '../../src/channel/output-channel.js'
import { RingWord } from '../../src/channel/ring-layout.js'
import { ChannelWord } from '../../src/metrics/metric-layout.js'
import { LocalHarness } from './local-harness.js'
import { positions, recordOf, recordSize } from './records.js'
import { RingHarness } from './ring-harness.js'

/** One channel, stepped by hand. */
interface Pipe {
  readonly output: OutputChannel
  readonly gateClosed: number
  /** Published and not processed. */
  readonly unprocessed: number
  readonly processed: number
  /** Of records and barriers, in their order. */
  readonly received: readonly unknown[]
  emit(value: unknown): void
  produce(action: () => void): void
  drain(): void
  consume(records: number): void
}

type Step =
  | { readonly do: 'records' | 'burst'; readonly sizes: readonly number[] }
  | { readonly do: 'flush' | 'drain' | 'watermark' | 'barrier' }
  | { readonly do: 'consume'; readonly records: number }

const sizes = fc.array(recordSize, { minLength: 1, maxLength: 20 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('records' as const), sizes }), weight: 8 },
  // What one call gives does not look at the gate.
  { arbitrary: fc.record({ do: fc.constant('burst' as const), sizes }), weight: 2 },
  {
    arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'drain' as const, 'watermark' as const, 'barrier' as const) }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ do: fc.constant('consume' as const), records: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.constant(10_000)) }),
    weight: 8,
  },
)
const prefetches = fc.oneof(fc.constantFrom(1, 1, 2, 3), fc.integer({ min: 1, max: 600 }))

function ringPipe(prefetch: number, position: number, codeGeneration: boolean, smallest: boolean): Pipe {
  const ring = new RingHarness({ prefetch, position, codeGeneration, ...(smallest ? { windowBytes: 1024 } : {}) })
  return {
    output: ring.output,
    get gateClosed() {
      return ring.gate.closed
    },
    get unprocessed() {
      return ring.unprocessed
    },
    get processed() {
      return ring.processed
    },
    get received() {
      return ring.received.flatMap((item) => (item.kind === 'record' ? [item.value] : item.kind === 'barrier' ? [item.id] : []))
    },
    emit: (value) => ring.produce(() => ring.emit(value, Number.NaN)),
    produce: (action) => ring.produce(action),
    drain: () => ring.drain(),
    consume: (records) => ring.take(() => void ring.consume(records)),
  }
}

function localPipe(prefetch: number, codeGeneration: boolean, smallest: boolean): Pipe {
  const channel = new LocalHarness(false, codeGeneration, prefetch, smallest ? 256 : undefined)
  const checked = (action: () => void): void => {
    action()
    channel.check()
  }
  return {
    output: channel.output,
    get gateClosed() {
      return channel.gate.closed
    },
    get unprocessed() {
      return channel.word(ChannelWord.records) - channel.word(ChannelWord.consumedRecords)
    },
    get processed() {
      return channel.word(ChannelWord.consumedRecords)
    },
    get received() {
      return (channel.received as unknown[][]).flatMap(([what, detail]) =>
        typeof what === 'object' ? [what] : what === 'barrier' ? [detail] : [],
      )
    },
    emit: (value) => checked(() => channel.emit(value, Number.NaN)),
    produce: checked,
    drain: () =>
      checked(() => {
        channel.output.drain()
        if (channel.output.blocked) expect(channel.output.creditArrived()).toBe(false)
      }),
    consume: (records) => checked(() => void channel.consume(records)),
  }
}

function play(pipe: Pipe, prefetch: number, steps: readonly Step[]): void {
  const sent: unknown[] = []
  let made = 0
  let watermark = 0
  let barriers = 0
  const emit = (text: number): void => {
    const value = recordOf(made++, text, 0)
    sent.push(value)
    pipe.emit(value)
  }
  for (const action of steps) {
    if (action.do === 'records') {
      for (const text of action.sizes) {
        if (pipe.gateClosed > 0) break
        expect(made - pipe.processed, 'the gate is open although nobody asks').toBeLessThan(prefetch)
        emit(text)
      }
    } else if (action.do === 'burst') {
      if (pipe.gateClosed === 0) for (const text of action.sizes) emit(text)
    } else if (action.do === 'flush') pipe.produce(() => pipe.output.flush())
    else if (action.do === 'drain') pipe.drain()
    else if (action.do === 'watermark') pipe.produce(() => pipe.output.sendWatermark(++watermark, false))
    else if (action.do === 'consume') pipe.consume(action.records)
    else if (action.do === 'barrier') {
      // At most one is on its way.
      if (pipe.received.filter((item) => typeof item === 'number').length < barriers) continue
      sent.push(++barriers)
      pipe.produce(() => void pipe.output.sendBarrier(barriers, false))
    }
    expect(pipe.unprocessed).toBeLessThanOrEqual(prefetch)
  }
  for (
    let round = 0;
    round < 20_000 && !(pipe.gateClosed === 0 && pipe.processed === made && pipe.received.length === sent.length);
    round++
  ) {
    pipe.produce(() => pipe.output.flush())
    pipe.drain()
    pipe.consume(1)
    pipe.drain()
    expect(pipe.unprocessed).toBeLessThanOrEqual(prefetch)
  }
  expect(pipe.received).toEqual(sent)
  expect(pipe.gateClosed).toBe(0)
  pipe.produce(() => pipe.output.sendEnd(EndReason.exhausted))
  expect(pipe.output.drained).toBe(true)
}

const numRuns = process.env['SLUICE_TEST_MODE'] === 'nightly' ? 5000 : 150

describe('a pull edge', { timeout: 600_000 }, () => {
  for (const codeGeneration of [true, false]) {
    it(`never holds more than it was asked for and loses nothing, over a ring, generated ${codeGeneration}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), prefetches, positions, fc.boolean(), (steps, prefetch, position, smallest) => {
          play(ringPipe(prefetch, position, codeGeneration, smallest), prefetch, steps)
        }),
        { numRuns },
      )
    })

    it(`never holds more than it was asked for and loses nothing, over a local edge, generated ${codeGeneration}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), prefetches, fc.boolean(), (steps, prefetch, smallest) => {
          play(localPipe(prefetch, codeGeneration, smallest), prefetch, steps)
        }),
        { numRuns },
      )
    })
  }

  for (const [kind, pipeOf] of [
    ['a ring', (prefetch: number) => ringPipe(prefetch, 0, true, false)],
    ['a local edge', (prefetch: number) => localPipe(prefetch, true, false)],
  ] as const) {
    it(`makes one record for each that was processed, over ${kind} in lock step`, () => {
      const pipe = pipeOf(1)
      for (let made = 1; made <= 100; made++) {
        pipe.emit({ id: made })
        expect(pipe.gateClosed).toBe(1)
        expect(pipe.unprocessed).toBe(1)
        pipe.drain()
        expect(pipe.gateClosed).toBe(1)
        pipe.consume(1)
        pipe.drain()
        expect(pipe.gateClosed).toBe(0)
      }
    })

    it(`asks again before everything is used up, over ${kind}`, () => {
      const pipe = pipeOf(10)
      for (let made = 0; made < 10; made++) pipe.emit({ id: made })
      expect(pipe.gateClosed).toBe(1)
      pipe.consume(4)
      pipe.drain()
      expect(pipe.gateClosed).toBe(1)
      pipe.consume(1)
      pipe.drain()
      expect(pipe.gateClosed).toBe(0)
      expect(pipe.unprocessed).toBe(5)
    })

    it(`lets watermarks and barriers by that nobody asked for, over ${kind}`, () => {
      const pipe = pipeOf(1)
      pipe.emit({ id: 1 })
      expect(pipe.gateClosed).toBe(1)
      pipe.produce(() => pipe.output.sendWatermark(5, false))
      pipe.produce(() => void pipe.output.sendBarrier(1, false))
      expect(pipe.output.barrierPending()).toBe(false)
      expect(pipe.output.drained).toBe(true)
      pipe.consume(1)
      expect(pipe.received).toEqual([{ id: 1 }, 1])
    })

    it(`keeps what one call gives beyond demand, over ${kind}, and gives it on as it is asked for`, () => {
      const pipe = pipeOf(3)
      for (let id = 0; id < 50; id++) pipe.emit({ id })
      pipe.produce(() => pipe.output.flush())
      for (let id = 0; id < 50; id++) {
        expect(pipe.unprocessed).toBeGreaterThan(0)
        expect(pipe.unprocessed).toBeLessThanOrEqual(3)
        if (50 - pipe.processed >= 3) expect(pipe.gateClosed).toBe(1)
        pipe.consume(1)
        pipe.drain()
      }
      expect(pipe.received).toEqual(Array.from({ length: 50 }, (_, id) => ({ id })))
      expect(pipe.gateClosed).toBe(0)
    })
  }

  it('counts a record that leaves in fragments once, and does not begin it before it is asked for', () => {
    const ring = new RingHarness({ prefetch: 1 })
    const large = { text: 'x'.repeat(2000) }
    ring.produce(() => ring.emit(large, Number.NaN))
    ring.produce(() => ring.emit(large, Number.NaN))
    const first = ring.written
    expect(ring.unprocessed).toBe(1)
    ring.take(() => void ring.consume(1))
    expect(ring.unprocessed).toBe(0)
    expect(ring.written).toBe(first)
    ring.drain()
    expect(ring.written).toBeGreaterThan(first)
    ring.settle()
    expect(ring.received.length).toBe(2)
  })

  it('is woken for what it lacks alone: a watermark without credit does not wait for records', () => {
    const ring = new RingHarness({ prefetch: 1000, windowBytes: 1024 })
    const left = (): number => (ring.word(RingWord.granted) - ring.word(RingWord.written)) | 0
    while (left() >= 32) {
      ring.produce(() => ring.emit({ text: 'x'.repeat(3) }, Number.NaN))
      ring.produce(() => ring.output.flush())
    }
    expect(ring.output.blocked).toBe(false)
    ring.produce(() => ring.output.sendWatermark(1, false))
    expect(ring.output.blocked).toBe(true)
    expect(ring.output.creditArrived()).toBe(false)
    ring.take(() => void ring.consume(100))
    expect(ring.output.creditArrived()).toBe(true)
    ring.drain()
    expect(ring.output.blocked).toBe(false)
  })
})
