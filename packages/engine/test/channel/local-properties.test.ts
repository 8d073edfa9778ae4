import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EndReason } from '../../src/channel/frame.js'
import { Input } from '../../src/channel/input-channel.js'
import { LOCAL_FRAME_RECORDS } from '../../src/channel/local-channel.js'
import { ChannelWord } from '../../src/metrics/metric-layout.js'
import { LIMITS, LocalHarness, WINDOW } from './local-harness.js'

type Step =
  | { readonly do: 'records'; readonly count: number; readonly size: number }
  | { readonly do: 'flush' | 'drain' | 'watermark' | 'barrier' }
  | { readonly do: 'consume'; readonly records: number }
  | { readonly do: 'adapt'; readonly busyMs: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('records' as const),
      count: fc.integer({ min: 1, max: 400 }),
      size: fc.constantFrom(0, 10, 100, 3000),
    }),
    weight: 8,
  },
  {
    arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'drain' as const, 'watermark' as const, 'barrier' as const) }),
    weight: 6,
  },
  { arbitrary: fc.record({ do: fc.constant('consume' as const), records: fc.integer({ min: 1, max: 600 }) }), weight: 7 },
  { arbitrary: fc.record({ do: fc.constant('adapt' as const), busyMs: fc.double({ min: 0.001, max: 1000, noNaN: true }) }), weight: 2 },
)

describe('a local channel', () => {
  for (const timed of [false, true]) {
    it(`keeps its rules and loses nothing at any interleaving, timed ${timed}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, codeGeneration) => {
          const channel = new LocalHarness(timed, codeGeneration)
          const sent: unknown[] = []
          let ids = 0
          let watermark = 0
          let barriers = 0
          for (const action of steps) {
            channel.nowMs++
            if (action.do === 'records') {
              for (let k = 0; k < action.count && channel.gate.closed === 0; k++) {
                const record = { id: ids, text: 'x'.repeat(action.size) }
                const timestamp = timed ? ids : Number.NaN
                ids++
                sent.push([record, timestamp])
                channel.emit(record, timestamp)
              }
            } else if (action.do === 'flush') channel.output.flush()
            else if (action.do === 'drain') {
              channel.output.drain()
              if (channel.output.blocked) expect(channel.output.creditArrived()).toBe(false)
            } else if (action.do === 'watermark') channel.output.sendWatermark(++watermark, false)
            else if (action.do === 'barrier') {
              // One is on its way at a time; an older one that waits would be dropped.
              if (channel.received.filter((item) => (item as unknown[])[0] === 'barrier').length < barriers) continue
              sent.push(['barrier', ++barriers])
              channel.output.sendBarrier(barriers, false)
            } else if (action.do === 'consume') channel.consume(action.records)
            else if (action.do === 'adapt') channel.input.adapt(action.busyMs, LIMITS)
            channel.check()
          }
          sent.push(['end', EndReason.exhausted])
          channel.output.sendEnd(EndReason.exhausted)
          for (let moved = true; moved; ) {
            moved = channel.consume(Number.POSITIVE_INFINITY)
            channel.output.drain()
            if (channel.input.ready() && !channel.input.ended) moved = true
            channel.check()
          }
          const isWatermark = (item: unknown): boolean => (item as unknown[])[0] === 'watermark'
          expect(channel.received.filter((item) => !isWatermark(item))).toEqual(sent)
          const watermarks = channel.received.filter(isWatermark).map((item) => (item as number[])[1] as number)
          expect(watermarks).toEqual([...new Set(watermarks)].sort((left, right) => left - right))
          expect(watermarks.at(-1) ?? 0).toBe(watermark)
          expect(channel.output.drained).toBe(true)
          expect(channel.gate.closed).toBe(0)
          expect(channel.word(ChannelWord.consumedRecords)).toBe(ids)
          expect(channel.word(ChannelWord.consumedBytes)).toBe(channel.word(ChannelWord.bytes))
          expect(channel.word(ChannelWord.stagedBytes)).toBe(0)
          expect(channel.word(ChannelWord.stallSinceMs)).toBe(0)
        }),
        { numRuns: 100 },
      )
    })
  }

  it('takes at most a frame beyond its window', () => {
    const channel = new LocalHarness(false, true)
    let emitted = 0
    while (channel.gate.closed === 0) {
      channel.emit({ id: emitted++, text: 'x'.repeat(60) }, Number.NaN)
      if (emitted % 7 === 0) channel.output.flush()
    }
    const recordBytes = channel.word(ChannelWord.bytes) / channel.word(ChannelWord.records)
    expect(emitted * recordBytes).toBeLessThanOrEqual(WINDOW + LOCAL_FRAME_RECORDS * recordBytes)
    expect(channel.word(ChannelWord.bytes)).toBeLessThanOrEqual(WINDOW)
  })

  it('holds at most 8,192 records, however small', () => {
    const channel = new LocalHarness(false, true)
    channel.input.adapt(1, LIMITS)
    for (let round = 0; round < 200; round++) {
      channel.emit(round, Number.NaN)
      channel.output.flush()
      channel.consume(1)
      channel.input.adapt(0.0001, { minBytes: 1 << 30, maxBytes: 1 << 30, targetMs: 100 })
    }
    let emitted = 0
    while (channel.gate.closed === 0) channel.emit(emitted++, Number.NaN)
    expect(channel.word(ChannelWord.records) - channel.word(ChannelWord.consumedRecords)).toBeLessThanOrEqual(8192)
    expect(emitted).toBeLessThanOrEqual(8192 + LOCAL_FRAME_RECORDS)
  })

  it('holds its records in few frames, however few each step gave', () => {
    const channel = new LocalHarness(true, true)
    let emitted = 0
    while (channel.gate.closed === 0) {
      channel.emit(emitted, emitted)
      emitted++
      channel.output.flush()
    }
    let frames = 0
    const got: number[] = []
    for (const { input } = channel; input.next() === Input.records; frames++) {
      for (; input.index < input.count; input.index++) got.push(input.records[input.index] as number, input.times[input.index] as number)
      input.release()
    }
    expect(got).toEqual(Array.from({ length: emitted - 1 }, (_, id) => [id, id]).flat())
    expect(frames).toBeLessThanOrEqual(Math.ceil(emitted / LOCAL_FRAME_RECORDS) + 1)
  })

  it('does not keep records that have been processed', () => {
    const channel = new LocalHarness(false, true)
    for (let round = 0; round < 50; round++) {
      for (let k = 0; k < 10; k++) channel.emit({ id: k }, Number.NaN)
      channel.output.flush()
      const { input } = channel
      expect(input.next()).toBe(Input.records)
      const { records } = input
      input.index = input.count
      input.release()
      expect(records.some((record) => record !== undefined)).toBe(false)
    }
  })

  it('refuses what cannot be encoded, at the latest with its frame', () => {
    const refused = [
      { value: () => 1, code: 'SLUICE_RECORD_NOT_ENCODABLE' },
      { value: Symbol('s'), code: 'SLUICE_RECORD_NOT_ENCODABLE' },
      { value: new (class Order {})(), code: 'SLUICE_RECORD_CLASS_INSTANCE' },
      { value: Promise.resolve(1), code: 'SLUICE_RECORD_PROMISE' },
    ]
    for (const { value, code } of refused) {
      const channel = new LocalHarness(false, true)
      expect(() => channel.emit(value, Number.NaN)).toThrow(expect.objectContaining({ code }))
    }
  })
})
