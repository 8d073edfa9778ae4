import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChannelSlice, SliceFrames } from '../../src/channel/channel-slice.js'
import { decodeSlices } from '../../src/channel/decode-slice.js'
import { Input } from '../../src/channel/input-channel.js'
import { ReplayInput } from '../../src/channel/replay-input.js'
import { SluiceError } from '../../src/errors/sluice-error.js'
import { RingHarness } from './ring-harness.js'

/** Both parts of a channel: records of two shapes, one record in the middle of its fragments, and what waited at the producer. */
function slices(timed = true): readonly [ChannelSlice, ChannelSlice] {
  const ring = new RingHarness({ windowBytes: 1024, timed })
  for (let id = 0; id < 5; id++) ring.emit({ id }, id)
  ring.emit({ id: 5, text: 'x'.repeat(3000) }, 5)
  for (let id = 6; id < 10; id++) ring.emit({ id, text: '' }, id)
  ring.output.flush()
  const producer = ring.output.sendBarrier(1, true) as ChannelSlice
  ring.input.beginCapture(1)
  const [consumer] = ring.input.takeCapture() as readonly ChannelSlice[]
  return [consumer as ChannelSlice, producer]
}

const framesOf = ({ content }: ChannelSlice): SliceFrames => content as SliceFrames
const withFrames = (slice: ChannelSlice, frames: Uint8Array): ChannelSlice => ({ ...slice, content: { ...framesOf(slice), frames } })

describe('slices of a channel', () => {
  it.each([true, false])('give back the records of both sides, timed %s', (timed) => {
    const { values, times } = decodeSlices(slices(timed), true)
    expect(values.map((value) => (value as { id: number }).id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect([...times]).toEqual(values.map((_, id) => (timed ? id : Number.NaN)))
  })

  it('are an error, naming the edge, where a part is missing or out of order', () => {
    const [consumer, producer] = slices()
    for (const wrong of [[consumer], [producer], [producer, consumer], [consumer, producer, producer], [consumer, consumer, producer]])
      expect(() => decodeSlices(wrong, true)).toThrow(
        expect.objectContaining({ code: 'SLUICE_CHECKPOINT_CORRUPT', coordinates: { edge: 'a.out -> b[0]' } }),
      )
  })

  it('are an error where they are cut short anywhere but between records', () => {
    const [consumer, producer] = slices()
    const { frames } = framesOf(producer)
    let complete = 0
    for (let length = 0; length < frames.length; length++) {
      try {
        decodeSlices([consumer, withFrames(producer, frames.slice(0, length))], true)
        complete++
      } catch (error) {
        expect((error as SluiceError).code).toBe('SLUICE_CHECKPOINT_CORRUPT')
      }
    }
    // Behind the fragment, behind a definition, and within the filling of a frame.
    expect(complete).toBeLessThan(40)
  })

  it('are never anything but records or a coded error, whatever was changed', () => {
    const [consumer, producer] = slices()
    const { frames } = framesOf(producer)
    let refused = 0
    fc.assert(
      fc.property(fc.nat(frames.length - 1), fc.nat(255), fc.boolean(), (at, byte, generate) => {
        const changed = Uint8Array.from(frames)
        changed[at] = byte
        try {
          decodeSlices([consumer, withFrames(producer, changed)], generate)
        } catch (error) {
          refused++
          expect(error).toBeInstanceOf(SluiceError)
          expect((error as SluiceError).code).toBe('SLUICE_CHECKPOINT_CORRUPT')
        }
      }),
      { numRuns: 2000 },
    )
    expect(refused).toBeGreaterThan(20)
  })

  it('are an error where timestamps are missing', () => {
    const [consumer] = slices()
    const content = { kind: 'values' as const, values: [1, 2], times: Float64Array.of(1) }
    expect(() => decodeSlices([{ ...consumer, content }], true)).toThrow(expect.objectContaining({ code: 'SLUICE_CHECKPOINT_CORRUPT' }))
  })
})

describe('restored records', () => {
  it('are read like those of a local queue, and what is left can be asked for at every record', () => {
    const values = ['a', 'b', 'c']
    for (let processed = 0; processed <= values.length; processed++) {
      const input = new ReplayInput({ id: -1, input: 2, values, times: Float64Array.of(1, 2, 3) })
      expect(input.rest().values).toEqual(values)
      expect(input.ready()).toBe(true)
      expect(input.next()).toBe(Input.records)
      expect([input.isRing, input.count, input.records, input.drained]).toEqual([false, 3, values, false])
      input.index = processed
      expect(input.rest()).toEqual({ values: values.slice(processed), times: Float64Array.of(1, 2, 3).slice(processed) })
      if (processed < values.length) continue
      input.release()
      expect(input.drained).toBe(true)
      expect(input.ready()).toBe(false)
      expect(input.next()).toBe(Input.empty)
      expect(input.rest().values).toEqual([])
    }
  })

  it('are drained from the beginning where there are none', () => {
    const input = new ReplayInput({ id: -1, input: 0, values: [], times: new Float64Array(0) })
    expect(input.drained).toBe(true)
    expect(input.next()).toBe(Input.empty)
  })
})
