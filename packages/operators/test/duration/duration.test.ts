import { SluiceError } from '@sluice/engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseByteSize } from '../../src/duration/byte-size.js'
import { parseDuration } from '../../src/duration/duration.js'

test.each([
  [0, 0],
  [1.5, 1.5],
  ['250ms', 250],
  ['10s', 10_000],
  ['1.5s', 1_500],
  ['1h30m', 5_400_000],
  ['1d', 86_400_000],
  ['2d12h', 216_000_000],
  ['1h2m3s', 3_723_000],
  ['1s500ms', 1_500],
])('%j is %d ms', (text, ms) => {
  expect(parseDuration(text, 'timeout')).toBe(ms)
})

test.each(['', '10', '10 s', '10 parsecs', '-1s', '1m1h', 's', '1e3ms', Number.NaN, -1, Number.POSITIVE_INFINITY, '1s1s'])(
  '%j is refused, and the message names what it is for',
  (text) => {
    expect(() => parseDuration(text, 'timeout of enrich')).toThrow(
      expect.objectContaining({ code: 'SLUICE_DURATION_INVALID', message: expect.stringContaining('timeout of enrich') as string }),
    )
  },
)

test('a duration of all units is the sum of its parts', () => {
  const part = fc.nat(1_000)
  fc.assert(
    fc.property(part, part, part, part, part, (d, h, m, s, ms) => {
      const expected = d * 86_400_000 + h * 3_600_000 + m * 60_000 + s * 1_000 + ms
      expect(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`, 'x')).toBe(expected)
    }),
  )
})

test.each([
  [1_000, 1_000],
  ['512b', 512],
  ['64kb', 65_536],
  ['256MB', 268_435_456],
  ['1.5gb', 1_610_612_736],
])('%j is %d bytes', (text, bytes) => {
  expect(parseByteSize(text, 'memory')).toBe(bytes)
})

test.each(['', '64', '64 parsecs', 0, -1, Number.NaN, '0kb'])('%j is no size', (text) => {
  expect(() => parseByteSize(text, 'memory')).toThrow(SluiceError)
})
