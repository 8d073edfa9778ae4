import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EndReason } from '../../src/channel/frame.js'
import { positions, recordOf, recordSize } from './records.js'
import { type Item, RingHarness, type RingHarnessOptions } from './ring-harness.js'

type Step =
  | { readonly do: 'records'; readonly sizes: readonly number[]; readonly shape: number }
  | { readonly do: 'flush' | 'drain' | 'watermark' | 'barrier' }
  | { readonly do: 'consume'; readonly records: number }
  | { readonly do: 'adapt'; readonly bytesPerSecond: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('records' as const),
      sizes: fc.array(recordSize, { minLength: 1, maxLength: 20 }),
      shape: fc.integer({ min: 0, max: 12 }),
    }),
    weight: 8,
  },
  {
    arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'drain' as const, 'watermark' as const, 'barrier' as const) }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ do: fc.constant('consume' as const), records: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(10_000)) }),
    weight: 7,
  },
  { arbitrary: fc.record({ do: fc.constant('adapt' as const), bytesPerSecond: fc.integer({ min: 1, max: 200_000 }) }), weight: 2 },
)

function play(options: RingHarnessOptions, steps: readonly Step[]): void {
  const ring = new RingHarness(options)
  const sent: Item[] = []
  /** By watermark: how many items were sent before it. */
  const sentBefore = new Map<number, number>()
  let ids = 0
  let watermark = 0
  let barriers = 0
  for (const action of steps) {
    ring.nowMs += 3
    if (action.do === 'records') {
      for (const text of action.sizes) {
        // A chain takes the next record only while the gate is open.
        if (ring.gate.closed > 0) break
        const timestamp = options.timed === true ? ids * 10 : Number.NaN
        const value = recordOf(ids++, text, action.shape)
        sent.push({ kind: 'record', value, timestamp })
        ring.produce(() => ring.emit(value, timestamp))
      }
    } else if (action.do === 'flush') ring.produce(() => ring.output.flush())
    else if (action.do === 'drain') ring.drain()
    else if (action.do === 'watermark') {
      sentBefore.set(++watermark, sent.length)
      ring.produce(() => ring.output.sendWatermark(watermark, false))
    } else if (action.do === 'barrier') {
      // At most one is on its way.
      if (ring.received.filter((item) => item.kind === 'barrier').length < barriers) continue
      sent.push({ kind: 'barrier', id: ++barriers })
      ring.produce(() => void ring.output.sendBarrier(barriers, false))
    } else if (action.do === 'consume') ring.take(() => void ring.consume(action.records))
    else if (action.do === 'adapt') {
      const limits = { minBytes: ring.minWindow, maxBytes: ring.maxWindow, targetMs: 100 }
      ring.take(() => ring.input.adapt(Math.max(0.001, (ring.consumed / action.bytesPerSecond) * 1000), limits))
      expect(ring.input.windowBytes).toBeGreaterThanOrEqual(ring.minWindow)
      expect(ring.input.windowBytes).toBeLessThanOrEqual(ring.maxWindow)
    }
  }
  ring.controls = 1
  ring.produce(() => ring.output.sendEnd(EndReason.stopped))
  sent.push({ kind: 'end', reason: EndReason.stopped })
  ring.settle()
  expect(ring.received.filter((item) => item.kind !== 'watermark')).toEqual(sent)
  let last = 0
  let items = 0
  for (const item of ring.received) {
    if (item.kind !== 'watermark') {
      items++
      continue
    }
    expect(item.watermark).toBeGreaterThan(last)
    last = item.watermark
    expect(items, 'a watermark before a record that came before it').toBeGreaterThanOrEqual(sentBefore.get(item.watermark) ?? Number.NaN)
  }
  expect(last, 'the newest watermark arrives').toBe(watermark)
}

describe('a ring', () => {
  for (const timed of [false, true]) {
    for (const codeGeneration of [true, false]) {
      it(`keeps its rules and loses nothing at any interleaving, timed ${timed}, generated ${codeGeneration}`, () => {
        fc.assert(
          fc.property(
            fc.array(step, { maxLength: 60 }),
            positions,
            fc.boolean(),
            fc.constantFrom(4096, 8192),
            (steps, position, smallest, capacityBytes) => {
              const windowBytes = smallest ? { windowBytes: capacityBytes / 4 } : {}
              play({ timed, codeGeneration, position, capacityBytes, ...windowBytes }, steps)
            },
          ),
          { numRuns: 150 },
        )
      })
    }
  }

  it('needs only room for the end, when there is no credit', () => {
    const ring = new RingHarness({ windowBytes: 1024 })
    while (ring.gate.closed === 0) ring.produce(() => ring.emit({ text: 'x'.repeat(100) }, Number.NaN))
    const full = ring.written
    expect(full).toBeLessThanOrEqual(1024)
    expect(full).toBeGreaterThan(1024 - 512)
    // Behind data that has no credit they wait; at once when it has left.
    ring.controls = 1
    ring.produce(() => void ring.output.sendBarrier(7, false))
    ring.produce(() => ring.output.sendEnd(EndReason.exhausted))
    expect(ring.written).toBe(full)
    ring.settle()
    expect(ring.received.slice(-2)).toEqual([
      { kind: 'barrier', id: 7 },
      { kind: 'end', reason: EndReason.exhausted },
    ])
    const idle = new RingHarness({ windowBytes: 1024 })
    for (let sent = 0; ((idle.word(17) - idle.word(0)) | 0) >= 160; sent++) {
      idle.produce(() => idle.emit({ text: 'x'.repeat(100) }, Number.NaN))
      idle.produce(() => idle.output.flush())
    }
    idle.controls = 1
    expect(idle.gate.closed).toBe(0)
    idle.produce(() => void idle.output.sendBarrier(1, false))
    idle.produce(() => idle.output.sendEnd(EndReason.exhausted))
    expect(idle.output.drained).toBe(true)
  })

  it('carries a definition that is larger than any record may be', () => {
    const ring = new RingHarness({ maxRecordBytes: 800 })
    const value = Object.fromEntries(Array.from({ length: 100 }, (_, field) => [`a rather long name of field number ${field}`, field]))
    ring.produce(() => ring.emit(value, Number.NaN))
    ring.settle()
    expect(ring.received).toEqual([{ kind: 'record', value, timestamp: Number.NaN }])
  })

  it('keeps only the newest watermark while there is no credit', () => {
    const ring = new RingHarness({ windowBytes: 1024 })
    while (ring.gate.closed === 0) {
      ring.produce(() => ring.emit({ text: 'x'.repeat(100) }, Number.NaN))
      ring.produce(() => ring.output.flush())
    }
    for (let watermark = 1; watermark <= 1000; watermark++) ring.produce(() => ring.output.sendWatermark(watermark, false))
    ring.settle()
    expect(ring.received.filter((item) => item.kind === 'watermark')).toEqual([{ kind: 'watermark', watermark: 1000 }])
  })

  it('says that a barrier is there before it is reached', () => {
    const ring = new RingHarness({})
    ring.produce(() => ring.emit({ text: 'x'.repeat(100) }, Number.NaN))
    expect(ring.input.arrivedBarrier).toBe(0)
    ring.produce(() => void ring.output.sendBarrier(42, false))
    expect(ring.input.arrivedBarrier).toBe(42)
    expect(ring.input.bytesAhead(42)).toBe(ring.written)
    ring.settle()
    expect(ring.received.map(({ kind }) => kind)).toEqual(['record', 'barrier'])
    expect(ring.input.bytesAhead(42)).toBe(0)
  })
})
