import { expect, test } from 'vitest'
import { wantsColour } from '../../src/format/colours.js'
import { printable, printableLine, shorten } from '../../src/format/printable.js'
import { formatTable } from '../../src/format/table.js'
import {
  formatAmount,
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatRecordRate,
  formatShare,
} from '../../src/format/units.js'

test.each([
  [0, '0'],
  [7.256, '7.26'],
  [99.96, '100'],
  [999, '999'],
  [999.6, '1 k'],
  [1_234_567, '1.23 M'],
  [999_999, '1 M'],
  [2.5e13, '25 T'],
  [Number.NaN, '-'],
])('count %d is %s', (value, text) => {
  expect(formatCount(value)).toBe(text)
})

test('rates and sizes carry their unit', () => {
  expect(formatRecordRate(1_200_000)).toBe('1.2 M rec/s')
  expect(formatRecordRate(12)).toBe('12 rec/s')
  expect(formatByteRate(34e6)).toBe('34 MB/s')
  expect(formatByteRate(512)).toBe('512 B/s')
  expect(formatBytes(512)).toBe('512 B')
  expect(formatBytes(128 * 1024)).toBe('128 KiB')
  expect(formatBytes(1.5 * 1024 ** 2)).toBe('1.5 MiB')
  expect(formatShare(0.714)).toBe('71 %')
  expect(formatAmount(1, 'record')).toBe('1 record')
  expect(formatAmount(3_000_000, 'record')).toBe('3,000,000 records')
})

test.each([
  [0, '0 ms'],
  [0.05, '50 us'],
  [12.34, '12.3 ms'],
  [999.4, '999 ms'],
  [999.7, '1 s'],
  [1240, '1.24 s'],
  [59_999, '1 min 0 s'],
  [125_000, '2 min 5 s'],
  [4_320_000, '1 h 12 min'],
])('%d ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('a table is aligned, also where cells are coloured', () => {
  const red = `${String.fromCharCode(27)}[31mHIGH${String.fromCharCode(27)}[39m`
  expect(
    formatTable(
      [{ title: 'edge' }, { title: 'rate', align: 'right' }, { title: 'level' }],
      [
        ['a -> b', '1', red],
        ['a long one', '1,000', 'OK'],
      ],
    ).split('\n'),
  ).toEqual(['edge         rate  level', `a -> b          1  ${red}`, 'a long one  1,000  OK'])
})

test('text of others cannot move the cursor or forge a line', () => {
  const escape = String.fromCharCode(27)
  expect(printable(`a${escape}[2Jb\r\nc`)).toBe('a\\x1b[2Jb\\x0d\nc')
  expect(printableLine('a\nb\tc')).toBe('a\\nb c')
  expect([shorten('abcdef', 6), shorten('abcdefg', 6)]).toEqual(['abcdef', 'abc...'])
})

test.each([
  [{ asked: true, env: {}, isTerminal: true }, true],
  [{ asked: true, env: {}, isTerminal: false }, false],
  [{ asked: false, env: { FORCE_COLOR: '1' }, isTerminal: true }, false],
  [{ asked: true, env: { NO_COLOR: '1', FORCE_COLOR: '1' }, isTerminal: true }, false],
  [{ asked: true, env: { NO_COLOR: '' }, isTerminal: true }, true],
  [{ asked: true, env: { FORCE_COLOR: '1' }, isTerminal: false }, true],
  [{ asked: true, env: { FORCE_COLOR: '0' }, isTerminal: true }, false],
  [{ asked: true, env: { TERM: 'dumb' }, isTerminal: true }, false],
])('colour for %j: %s', (question, colour) => {
  expect(wantsColour(question)).toBe(colour)
})
