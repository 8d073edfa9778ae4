import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FRAGMENT_INNER_SHIFT, FRAME_MAGIC, FrameKind } from '../../src/channel/frame.js'
import { Input } from '../../src/channel/input-channel.js'
import { RING_HEADER_BYTES, RingWord } from '../../src/channel/ring-layout.js'
import { SluiceError } from '../../src/errors/sluice-error.js'
import { RingHarness } from './ring-harness.js'

interface Header {
  readonly length: number
  readonly tagged: number
  readonly count: number
  readonly detail: number
}

/** A ring in which someone has written this header and says that so many bytes are there. */
function ringWith(
  header: Header,
  available = header.length,
  options: { readonly timed?: boolean; readonly position?: number } = {},
): RingHarness {
  const ring = new RingHarness(options)
  const position = options.position ?? 0
  const words = new Int32Array(ring.shared, RING_HEADER_BYTES + (position & (ring.capacity - 1)), 4)
  words.set([header.length, header.tagged, header.count, header.detail])
  Atomics.store(ring.words, RingWord.written, (position + available) | 0)
  return ring
}

const tag = (kind: number): number => FRAME_MAGIC | kind
const good: Header = { length: 64, tagged: tag(FrameKind.records), count: 1, detail: 1 }
const fragment = (count: number): number => (FrameKind.records << FRAGMENT_INNER_SHIFT) | count

describe('a corrupt frame', () => {
  it.each<[string, Header, number?]>([
    ['no magic', { ...good, tagged: FrameKind.records }],
    ['kind 0', { ...good, tagged: tag(0) }],
    ['a barrier, which is none', { ...good, tagged: tag(FrameKind.barrier) }],
    ['an unknown kind', { ...good, tagged: tag(10) }],
    ['length 0', { ...good, length: 0 }, 64],
    ['a negative length', { ...good, length: -16 }, 64],
    ['a length below the header', { ...good, length: 8 }, 64],
    ['a length that is not aligned', { ...good, length: 40 }, 64],
    ['a length beyond what is available', { ...good, length: 128 }, 64],
    ['a length beyond the largest frame', { ...good, length: 1024 }],
    ['more available than the ring holds', good, 8192],
    ['less than nothing available', good, -64],
    ['no records', { ...good, count: 0 }],
    ['fewer records than none', { ...good, count: -3 }],
    ['more records than bytes', { ...good, count: 20, detail: 10 }],
    ['more records than a frame may have', { length: 512, tagged: tag(FrameKind.records), count: 70_000, detail: 480 }],
    ['records beyond the frame', { ...good, detail: 49 }],
    ['a negative payload', { ...good, detail: -1 }],
    ['a definition beyond the frame', { ...good, tagged: tag(FrameKind.shape), detail: 4000 }],
    ['a definition of nothing', { ...good, tagged: tag(FrameKind.shape), detail: 0 }],
    ['a watermark without a payload', { ...good, length: 16, tagged: tag(FrameKind.watermark) }],
    ['a fragment without a payload', { length: 16, tagged: tag(FrameKind.fragment), count: fragment(0), detail: 100 }],
    ['a fragment of a record larger than allowed', { length: 64, tagged: tag(FrameKind.fragment), count: fragment(0), detail: 1 << 30 }],
    ['a fragment of a record of no size', { length: 64, tagged: tag(FrameKind.fragment), count: fragment(0), detail: 0 }],
    ['a last fragment too early', { length: 64, tagged: tag(FrameKind.fragment), count: fragment(1), detail: 100 }],
    ['a complete record without a last fragment', { length: 64, tagged: tag(FrameKind.fragment), count: fragment(0), detail: 30 }],
  ])('is an error that names the edge: %s', (_name, header, available) => {
    const ring = ringWith(header, available)
    let thrown: unknown
    try {
      ring.input.next()
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'SLUICE_CHANNEL_CORRUPT', coordinates: { edge: 'a -> b' } })
  })

  it('is an error: one that runs past the end of the ring', () => {
    const ring = ringWith({ ...good, length: 128 }, 128, { position: 4096 - 64 })
    expect(() => ring.input.next()).toThrow(expect.objectContaining({ code: 'SLUICE_CHANNEL_CORRUPT' }))
  })

  it('is an error: timestamps that leave no room for the records', () => {
    const ring = ringWith({ ...good, count: 6, detail: 6 }, 64, { timed: true })
    expect(() => ring.input.next()).toThrow(expect.objectContaining({ code: 'SLUICE_CHANNEL_CORRUPT' }))
  })

  it('is an error: records that end elsewhere than the frame says', () => {
    const ring = new RingHarness()
    ring.emit({ id: 1 }, Number.NaN)
    ring.output.flush()
    const words = new Int32Array(ring.shared, RING_HEADER_BYTES)
    for (let at = 0; ; at += (words[at] as number) >> 2)
      if (words[at + 1] === tag(FrameKind.records)) {
        words[at + 3] = (words[at + 3] as number) + 1
        break
      }
    expect(() => ring.consume(10)).toThrow(expect.objectContaining({ code: 'SLUICE_CHANNEL_CORRUPT' }))
  })

  it('never makes a loop nor anything but a coded error, whatever the bytes', () => {
    const word = fc.oneof(fc.integer(), fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 12 }).map(tag))
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 4, maxLength: 256 }),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        (noise, frames, timed) => {
          const ring = new RingHarness({ timed })
          new Int32Array(ring.shared, RING_HEADER_BYTES).set(noise)
          Atomics.store(ring.words, RingWord.written, frames * 16)
          try {
            for (let taken = 0; ring.input.next() !== Input.empty; taken++) {
              expect(taken).toBeLessThan(256)
              if (ring.input.count > 0) break
            }
          } catch (error) {
            expect(error).toBeInstanceOf(SluiceError)
            expect((error as SluiceError).code).toMatch(/CORRUPT/)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})
