import { expect, test } from 'vitest'
import { makeColours } from '../../src/format/colours.js'
import { PrettyPrinter } from '../../src/log/pretty-printer.js'

const common = { level: 'info', time: '2026-01-02T03:04:05.006Z', job: 'orders' }

/** Without the time, which is local. */
function print(printer: PrettyPrinter, line: Record<string, unknown>): string {
  const text = printer.print({ ...common, ...line })
  expect(text).toMatch(/^\d\d:\d\d:05\.006 {2}/)
  return text.slice('12:03:04.123  '.length)
}

const planned = {
  event: 'job.planned',
  msg: '3 tasks',
  memory: { plannedBytes: 1024 ** 2, budgetBytes: 256 * 1024 ** 2 },
  notes: ['flights runs at parallelism 1: it has one split'],
  edges: [
    { edge: 'flights -> sum', partitioning: 'hash', from: 2, to: 2 },
    { edge: 'sum -> a longer name', partitioning: 'rebalance', from: 2, to: 1 },
  ],
}

const pressure = {
  event: 'edge.pressure',
  edge: 'flights -> sum',
  partitioning: 'hash',
  channels: 4,
  recordsPerSecond: 1_234_567,
  bytesPerSecond: 34e6,
  fill: 0.934,
  blockedMsPerSecond: { max: 714, mean: 500 },
  pressure: 'HIGH',
}

test('the plan comes with its memory and its notes', () => {
  expect(print(new PrettyPrinter(makeColours(false)), planned)).toBe(
    'planned     3 tasks, 1 MiB planned of 256 MiB\n                          note: flights runs at parallelism 1: it has one split\n',
  )
})

test('lines of one report stand below each other', () => {
  const printer = new PrettyPrinter(makeColours(false))
  print(printer, planned)
  const lines = [
    print(printer, pressure),
    print(printer, {
      ...pressure,
      edge: 'sum -> a longer name',
      recordsPerSecond: 3,
      bytesPerSecond: 0,
      fill: 0,
      blockedMsPerSecond: { max: 0, mean: 0 },
      pressure: 'OK',
    }),
  ]
  expect(lines).toEqual([
    'edge        flights -> sum        hash 2x2       1.23 M rec/s    34 MB/s  fill 0.93  blocked  71 %  HIGH\n',
    'edge        sum -> a longer name  rebalance 2x1       3 rec/s      0 B/s  fill 0.00  blocked   0 %  OK\n',
  ])
})

test('an edge line stands without a plan too', () => {
  expect(print(new PrettyPrinter(makeColours(false)), pressure)).toContain('edge        flights -> sum  hash 4')
})

test('a line of the user names operator and subtask, and shows the fields', () => {
  const printer = new PrettyPrinter(makeColours(false))
  expect(
    print(printer, { level: 'warn', event: 'user.log', operator: 'parse', subtask: 1, msg: 'odd row', fields: { row: 12, text: 'a b' } }),
  ).toBe('log         warn  parse[1]  odd row  row=12  text="a b"\n')
  expect(print(printer, { event: 'user.log', msg: 'plain' })).toBe('log         plain\n')
})

test('a text of the user forges no line and moves no cursor', () => {
  const forged = `x\n12:00:00.000  finished ${String.fromCharCode(27)}[2J`
  const text = print(new PrettyPrinter(makeColours(false)), { event: 'user.log', msg: forged })
  expect(text).not.toContain(String.fromCharCode(27))
  expect(text.split('\n')[1]).toMatch(/^ {26}12:00/)
})

test('colour is used where it is wanted', () => {
  expect(new PrettyPrinter(makeColours(true)).print({ ...common, ...pressure })).toContain(`${String.fromCharCode(27)}[31mHIGH`)
})
