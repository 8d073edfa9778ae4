import { type Cause, type Headroom, SluiceError } from '@sluice/engine'
import { expect, test } from 'vitest'
import { makeColours } from '../../src/format/colours.js'
import { type EventEntry, type JobLogLine, jobLogEvents } from '../../src/log/events.js'
import {
  checkpointLine,
  failedLine,
  plannedLine,
  restartingLine,
  restoredLine,
  startedLine,
  stoppingLine,
} from '../../src/log/life-cycle-lines.js'
import { PrettyPrinter } from '../../src/log/pretty-printer.js'
import {
  activeLine,
  finishedLine,
  idleLine,
  lostLines,
  noticeLine,
  reportLines,
  stalledLine,
  stuckLine,
  userLine,
} from '../../src/log/report-lines.js'
import { causesInWords } from '../../src/report/pressure-tables.js'
import { readErrorFacts } from '../../src/report/error-facts.js'
import { formatResultTables } from '../../src/report/result-tables.js'
import { graph, plan, pressureOf, reportOf } from '../support/reports.js'

const checkpoint = { intervalMs: 1_000, directory: 'd', mode: 'aligned', alignedTimeoutMs: undefined, timeoutMs: 1, retain: 3 } as const
const completed = {
  type: 'checkpoint.completed',
  id: 7,
  purpose: 'final',
  final: 'stopped',
  mode: 'aligned',
  durationMs: 12.3456,
  startDelayMs: 1,
  alignmentMs: 2,
  syncMs: 3,
  asyncMs: 4,
  bytes: 2048,
  channelBytes: 0,
  throttledMs: 0,
  slowestSubtask: 'sum (subtask 1)',
  path: '/d/chk-7',
} as const
const underWay = {
  type: 'checkpoint.progress',
  id: 8,
  purpose: 'periodic',
  mode: 'aligned',
  sinceMs: 6_400.4,
  missing: ['sum (subtask 0)', 'sum (subtask 1)', 'out (subtask 0)', 'out (subtask 1)', 'out (subtask 2)'],
  subtasks: [2, 3, 4, 5, 6],
  ahead: [
    { edge: 'flights -> sum', bytes: 2_097_152 },
    { edge: 'sum -> out', bytes: 10 },
  ],
} as const
const failed = {
  type: 'checkpoint.failed',
  id: 8,
  purpose: 'periodic',
  reason: 'timeout',
  error: new Error('late'),
  consecutive: 2,
  durationMs: 5,
  missing: ['sum (subtask 0)'],
} as const
const leftover = { type: 'checkpoint.cleanup-failed', path: '/d/chk-1', error: new Error('denied') } as const
const restored = {
  run: 'r',
  id: 7,
  path: '/d/chk-7',
  kind: 'checkpoint',
  completedMs: 0,
  skipped: [{ path: '/d/chk-8', error: new Error('cut short') }],
  warnings: ['param a was 1 and is 2'],
} as const
const held = reportOf(714)
const result = {
  outputs: {},
  durationMs: 1234.56,
  recordsIn: 3_000_000,
  recordsOut: 12,
  stopped: false,
  aborted: false,
  unfinished: { calls: 1, heldRecords: 8_000, channelBytes: 2_048 },
  plan,
  totals: held,
  pressure: pressureOf(714),
  restarts: 1,
  checkpoints: { run: 'r', completed: 2, failed: 1, durationMaxMs: 12, syncMaxMs: 1, last: completed },
  userMetrics: [{ operator: 'sum', subtask: 0, name: 'hits', kind: 'count', value: 3 } as const],
}
const error = new SluiceError('SLUICE_OPERATOR_FAILED', 'it threw', {
  operator: 'sum',
  subtask: 1,
  edge: 'a -> b',
  position: 'line 3',
  declaredAt: '/job.ts:1:2',
  cause: new Error('x'),
})

const stalled = {
  operator: 'sum',
  subtask: 1,
  watermark: Date.UTC(2024, 0, 2, 3, 4, 5, 6),
  forMs: 40_000.4,
  heldBy: { operator: 'flights', subtask: 0, split: 3, unopenedSplits: 0 },
  through: ['flights -> sum'],
}
const late = { ...held, late: [{ operator: 'sum', lateRecords: 1234, added: 17 }] }

const dropped = { operator: 'sum', reason: 'queue full', edge: 'flights -> sum', count: 500, total: 12_345, perSecond: 100 }
const letters = [{ operator: 'enrich', reason: 'ECONNREFUSED', edge: undefined, count: 12, total: 340, perSecond: 12 }]
const lossy = { ...held, dropped: [dropped, { ...dropped, operator: 'flights', reason: 'invalid', edge: undefined, count: 1, total: 1 }] }

const charge = {
  operator: 'charge',
  dependency: 'payments',
  calls: 1_200,
  attempts: 1_212,
  failures: 30,
  retries: 12,
  refused: 4,
  deadLetters: 1,
  meanMs: 210.44,
  underWay: 8,
  breaker: 'open',
  breakerOpenMs: 1_234.5,
} as const
const blame = {
  kind: 'breaker',
  dependency: 'payments',
  underWay: 0.44,
  limit: 8,
  meanMs: 2_100.55,
  waiting: 7.66,
  breaker: { state: 'open', forMs: 12_000.4 },
  record: { id: 'charge/0/7', attempt: 3, behind: 5, forMs: undefined },
  others: [{ operator: 'refund', underWay: 3.14 }],
  error: 'connect ECONNREFUSED',
} as const
/** Its calls hold the source back. */
const calling = { ...late, calls: [charge], bottleneck: { ...held.bottleneck!, kind: 'breaker', calls: blame } as const }

const lines: readonly JobLogLine[] = [
  plannedLine(graph, plan, { input: 'a.csv', token: '***' }, { checkpoint }),
  startedLine(149.6, { attempt: 2, restored: 7 }),
  restoredLine(restored),
  restartingLine({ attempt: 2, delayMs: 1_000, error, checkpoint: 7 }, '/'),
  ...[completed, failed, leftover].map((event) => checkpointLine(event)).filter((line) => line !== undefined),
  ...reportLines({ ...calling, edges: late.edges.map((edge) => ({ ...edge, prefetch: 1 })) }),
  ...lostLines({ dropped: lossy.dropped, deadLetters: letters, late: late.late }),
  idleLine({ operator: 'flights', subtask: 1, split: 3, unopenedSplits: 0, idleMs: 12.5 }),
  activeLine({ operator: 'flights', subtask: 1, split: 3, unopenedSplits: 0, idleMs: 61_234 }),
  stalledLine(stalled),
  stuckLine({ operator: 'sum', subtask: 1, worker: 0, forMs: 12_345.6 }),
  checkpointLine(underWay) as JobLogLine,
  noticeLine({
    level: 'info',
    message: 'orders listens on http://127.0.0.1:8080/orders',
    event: 'source.listening',
    operator: 'orders',
    subtask: 0,
    worker: 1,
    fields: { url: 'http://127.0.0.1:8080/orders', host: '127.0.0.1', port: 8080 },
  }),
  noticeLine({
    level: 'warn',
    message: 'the circuit breaker of payments is open',
    event: 'breaker.changed',
    operator: 'pay',
    subtask: 0,
    worker: 1,
    fields: { dependency: 'payments', from: 'closed', to: 'open', because: 'half of 20 calls failed', afterMs: 12, unsaid: 0 },
  }),
  userLine({ level: 'warn', message: 'odd', operator: 'sum', subtask: 0, fields: { row: 3 }, worker: 1 }),
  stoppingLine('SIGINT', 10_000),
  finishedLine(result),
  failedLine(readErrorFacts(error), 12, '/'),
]

test.each<[string, EventEntry]>(Object.entries(jobLogEvents))('%s has every documented field and no other', (event, { fields }) => {
  const line = lines.find((one) => one.event === event)
  expect(Object.keys(line?.fields ?? {}).toSorted()).toEqual(Object.keys(fields).toSorted())
})

test('what a stop did not wait for is told with where it is', () => {
  const { unfinished, ...whole } = result
  expect(finishedLine(result).msg).toMatch(
    /records\/s\n8,000 records held back, 2 KiB of records between operators, 1 call did not flow out: checkpoint 7 has it, and --restore latest goes on with it$/,
  )
  expect(finishedLine({ ...result, unfinished: { calls: 0, heldRecords: 0, channelBytes: 0 } }).msg).toMatch(
    /\nwhat was in flight did not flow out: /,
  )
  expect(finishedLine({ ...whole, unfinished: undefined }).msg).toMatch(/records\/s$/)
  expect(unfinished.calls).toBe(1)
})

test('checkpoints, restores and restarts in words', () => {
  expect(checkpointLine(completed)?.msg).toBe('7 (the last one: stopped) aligned in 12.3 ms, 2 KiB, records stood still for 3 ms: /d/chk-7')
  expect(checkpointLine(failed)).toMatchObject({
    level: 'warn',
    msg: '8 was given up, 2 in a row: late',
    fields: { missing: failed.missing },
  })
  const full = new SluiceError('SLUICE_CHECKPOINT_STORAGE', 'cannot write /d/a: ENOSPC', { hint: 'Free space.' })
  expect(checkpointLine({ ...failed, error: full, consecutive: 1 })?.msg).toBe('8 was given up: cannot write /d/a: ENOSPC\nFree space.')
  expect(checkpointLine(underWay)).toMatchObject({
    msg:
      '8 aligned, for 6.4 s now: not acknowledged by sum (subtask 0), sum (subtask 1), out (subtask 0), out (subtask 1) and 1 more' +
      '; in front of its barriers 2 MiB on flights -> sum, 10 B on sum -> out',
    fields: { missing: underWay.missing, ahead: underWay.ahead, sinceMs: 6_400 },
  })
  expect(checkpointLine({ ...underWay, missing: [], subtasks: [], ahead: [] })?.msg).toBe(
    '8 aligned, for 6.4 s now: its manifest is being written',
  )
  expect(checkpointLine({ type: 'checkpoint.triggered', id: 1, purpose: 'periodic', mode: 'aligned' })).toBeUndefined()
  expect(restoredLine(restored)).toMatchObject({
    level: 'warn',
    msg: 'goes on from checkpoint 7 of 1970-01-01T00:00:00.000Z: /d/chk-7\n/d/chk-8 is damaged and left out: cut short\nparam a was 1 and is 2',
  })
  expect(restartingLine({ attempt: 2, delayMs: 1_000, error, checkpoint: undefined }, '/').msg).toBe(
    'SLUICE_OPERATOR_FAILED: it threw\nattempt 2 begins in 1 s, from the beginning: no checkpoint was complete',
  )
})

test('a checkpoint that took long says what took its time, and when storage held records up', () => {
  const long = {
    ...completed,
    purpose: 'periodic',
    final: undefined,
    durationMs: 4_000,
    startDelayMs: 600,
    alignmentMs: 3_000,
    asyncMs: 90,
  } as const
  expect(checkpointLine(long)?.msg).toBe(
    '7 aligned in 4 s, 2 KiB, records stood still for 3 ms; up to 3 s of alignment, sum (subtask 1) was the last: /d/chk-7',
  )
  expect(checkpointLine({ ...long, startDelayMs: 1_000, alignmentMs: 0, asyncMs: 2_000, throttledMs: 1_500 })?.msg).toBe(
    '7 aligned in 4 s, 2 KiB, records stood still for 3 ms; up to 1 s until barriers came, up to 2 s until all was durable, sum (subtask 1) was the last' +
      '; storage was slow: no records were taken for 1.5 s until more of it was written: /d/chk-7',
  )
  expect(checkpointLine({ ...long, durationMs: 90 })?.msg).not.toContain('up to')
})

test('fields that do not apply are left out', () => {
  expect(userLine({ level: 'info', message: 'x', worker: 0 }).fields).toEqual({})
  expect(
    Object.keys(failedLine(readErrorFacts(Object.assign(new SluiceError('SLUICE_USAGE', 'x'), { stack: '' })), 0, '/').fields).toSorted(),
  ).toEqual(['code', 'durationMs', 'error', 'hint'])
})

test('the plan says which edges stand between tasks, which chain was not made and why, what is guaranteed', () => {
  const { fields, msg } = plannedLine(graph, plan, {}, { checkpoint })
  expect(msg).toMatch(/^3 tasks, 5 subtasks on 2 workers, 2 edges, \d+ rings? of \d+ KiB$/)
  expect(fields).toMatchObject({
    workers: 2,
    subtasks: 5,
    edges: [
      { edge: 'flights -> sum', partitioning: 'hash', from: 2, to: 2, channels: 4, rings: 2, boundBytes: expect.any(Number) as number },
      { edge: 'sum -> out', partitioning: 'rebalance', from: 2, to: 1, channels: 2 },
    ],
    chains: [
      { edge: 'flights -> sum', chained: false, because: expect.any(String) as string },
      { edge: 'sum -> out', chained: false, because: expect.any(String) as string },
    ],
    delivery: [
      { operator: 'flights', role: 'source', guarantee: 'exactly-once', because: expect.any(String) as string },
      { operator: 'out', role: 'sink', guarantee: 'at-least-once', because: expect.any(String) as string },
    ],
  })
})

test('a report: one line per edge, and the bottleneck while some edge is above OK', () => {
  expect(reportLines(held).map(({ event, fields }) => [event, fields['edge'] ?? fields['operator'], fields['pressure']])).toEqual([
    ['edge.pressure', 'flights -> sum', 'HIGH'],
    ['edge.pressure', 'sum -> out', 'OK'],
    ['job.bottleneck', 'sum', undefined],
    ['job.headroom', undefined, undefined],
  ])
  expect(reportLines(held)[3]?.msg).toBe('headroom 0 %: flow control starts at 2.4 M rec/s (measured: sum (subtask 0))')
  expect(reportLines(held)[0]?.fields).toMatchObject({
    recordsPerSecond: 1_200_000,
    bytesPerSecond: 34_000_000,
    blockedMsPerSecond: { max: 714, mean: 714 },
  })
  expect(reportLines(held)[2]?.fields).toMatchObject({ because: ['flights -> sum'], heldBackMsPerSecond: { flights: 714 }, busy: 1 })
  expect(reportLines(reportOf(50)).map(({ event }) => event)).toEqual(['edge.pressure', 'edge.pressure', 'job.headroom'])
})

test('headroom says whether it was measured or estimated', () => {
  const headroom = {
    headroom: 0.6,
    how: 'estimated',
    limitedBy: 'worker 0',
    recordsPerSecond: 4_000,
    recordsPerSecondPeak: 5_000,
    recordsPerSecondMax: 10_000,
  } as const
  const told = (given: Headroom) => reportLines({ ...held, edges: [], bottleneck: undefined, headroom: given }).map(({ msg }) => msg)
  expect(told(headroom)).toEqual([
    'headroom 60 %: 4 k rec/s, flow control would start at about 10 k rec/s (estimated: worker 0 is used most)',
  ])
  expect(told({ ...headroom, how: 'measured' })).toEqual([
    'headroom 60 %: 4 k rec/s, flow control started at 10 k rec/s (measured: worker 0 is used most)',
  ])
  expect(told({ ...headroom, recordsPerSecond: 0 })).toEqual([])
  expect(formatResultTables({ ...held, headroom }, makeColours(false))).toMatch(/^headroom 60 %: 5 k rec\/s, /m)
})

test('in words a report is one compact, aligned line per edge', () => {
  const printer = new PrettyPrinter(makeColours(false))
  const words = lines.map(({ level, event, msg, fields }) =>
    printer.print({ level, time: '2026-01-02T03:04:05.006Z', job: 'flights', event, msg, ...fields }),
  )
  expect(words.filter((_, index) => lines[index]?.event === 'edge.pressure').map((line) => line.slice('12:03:04.123  '.length))).toEqual([
    'edge        flights -> sum  hash 2x2        1.2 M rec/s    34 MB/s  fill 1.00  blocked  71 %  HIGH  prefetch 1\n',
    'edge        sum -> out      rebalance 2x1   600 k rec/s    17 MB/s  fill 1.00  blocked   0 %  OK  prefetch 1\n',
  ])
  expect(words.join('')).toContain(
    'sum (subtask 0) is the bottleneck: busy 100 %, holds source flights back 71 % of the time through flights -> sum',
  )
  expect(words.join('')).toContain('finished    3,000,000 records in, 12 records out in 1.23 s, 2.43 M records/s\n')
})

test('who holds event time back is told in words', () => {
  const words = (change: Partial<typeof stalled>): string => stalledLine({ ...stalled, ...change }).msg
  expect(words({})).toBe(
    'sum (subtask 1) stands at 2024-01-02T03:04:05.006Z for 40 s although records arrive: flights (subtask 0, split 3) holds it back',
  )
  expect(words({ watermark: Number.NEGATIVE_INFINITY, heldBy: { ...stalled.heldBy, unopenedSplits: 4 } })).toBe(
    'sum (subtask 1) has no watermark yet although records arrive: flights (subtask 0, split 3) has 4 splits to begin; say orderedSplits: true if they are in the order of time',
  )
  expect(words({ heldBy: { ...stalled.heldBy, operator: 'sum', subtask: 1 } })).toMatch(/: the time of its records does not advance$/)
  const { heldBy: _heldBy, ...alone } = stalled
  expect(stalledLine({ ...alone, heldBy: undefined })).toMatchObject({ msg: expect.stringMatching(/no input is left/) as string })
  expect(idleLine({ operator: 'ticks', subtask: 0, split: undefined, unopenedSplits: 0, idleMs: 3 })).toMatchObject({
    msg: 'ticks (subtask 0) is idle: event time no longer waits for it',
    fields: { operator: 'ticks', subtask: 0, idleMs: 3 },
  })
})

test('a source that waited for its group has a column for that', () => {
  const [first, ...others] = held.subtasks
  const waited = { ...held, subtasks: [{ ...first!, idleMsPerSecond: 900, alignedMsPerSecond: 850 }, ...others] }
  expect(formatResultTables(waited, makeColours(false))).toMatch(/idle +aligned +records in.*\n.* 90 % +85 % /)
  expect(formatResultTables(held, makeColours(false))).not.toContain('aligned')
})

test('late records are told while they grow, and at the end', () => {
  const lines = lostLines({ dropped: [], deadLetters: [], late: late.late })
  expect(lines.map(({ event, msg }) => [event, msg])).toEqual([
    ['records.late', expect.stringMatching(/^17 records came too late for sum, 1\.23 k so far: /)],
  ])
  expect(finishedLine({ ...result, totals: late }).fields['late']).toEqual([{ operator: 'sum', lateRecords: 1234 }])
  const [first, ...others] = held.subtasks
  expect(formatResultTables({ ...held, subtasks: [{ ...first!, lateRecords: 7 }, ...others] }, makeColours(false))).toMatch(/late\n.* 7\n/)
})

test('calls are told by operator: what was made, failed, tried again and refused, where it waits, and at the end', () => {
  const told = reportLines({ ...calling, edges: [], headroom: undefined })
  expect(told.map(({ event }) => event)).toEqual(['job.bottleneck', 'operator.calls'])
  expect(told[0]?.fields['calls']).toEqual({
    dependency: 'payments',
    underWay: 0.4,
    limit: 8,
    meanMs: 2_100.6,
    waiting: 7.7,
    breaker: { state: 'open', forMs: 12_000 },
    record: { id: 'charge/0/7', attempt: 3, behind: 5 },
    others: [{ operator: 'refund', underWay: 3.1 }],
    error: 'connect ECONNREFUSED',
  })
  expect(told[1]).toMatchObject({
    msg: 'charge: 1,200 calls, 30 attempts failed, 12 tried again, 4 refused, 1 dead letter, 210 ms each, 8 under way, circuit breaker open',
    fields: { ...charge, meanMs: 210.4, breakerOpenMs: 1_235 },
  })
  const { dependency: _dependency, breaker: _breaker, ...plain } = charge
  const quiet = {
    ...plain,
    calls: 1,
    attempts: 1,
    failures: 0,
    retries: 0,
    refused: 0,
    deadLetters: 0,
    meanMs: undefined,
    underWay: 1,
    breakerOpenMs: 0,
  }
  expect(reportLines({ ...late, edges: [], bottleneck: undefined, headroom: undefined, calls: [quiet] }).map(({ msg }) => msg)).toEqual([
    'charge: 1 call, 1 under way',
  ])
  const silent = { ...quiet, calls: 0, attempts: 0, underWay: 0 }
  expect(reportLines({ ...late, edges: [], bottleneck: undefined, headroom: undefined, calls: [silent] })).toEqual([])
  expect(finishedLine({ ...result, totals: calling }).fields['calls']).toEqual([{ ...charge, meanMs: 210.4, breakerOpenMs: 1_235 }])
  expect(formatResultTables(calling, makeColours(false))).toMatch(
    /^calls +of +calls +failed +tried again +refused +dead letters +mean +breaker open\ncharge +payments +1,200 +30 +12 +4 +1 +210 ms +1\.23 s$/m,
  )
  expect(formatResultTables({ ...late, calls: [silent] }, makeColours(false))).toMatch(
    /^calls +calls +failed +tried again +refused +dead letters +mean\ncharge +0 +0 +0 +0 +0 +-$/m,
  )
  expect(formatResultTables(late, makeColours(false))).not.toContain('tried again')
})

test.each<[Partial<Cause>, string]>([
  [{ kind: 'operator' }, 'charge'],
  [{ kind: 'limit' }, 'charge (its limit)'],
  [{ kind: 'worker', workers: [-1, 1] }, 'charge (the main thread, worker 1 saturated)'],
  [{ kind: 'breaker', dependency: 'payments' }, 'charge (circuit breaker of payments)'],
  [{ kind: 'retry' }, 'charge (retries)'],
  [{ kind: 'budget', dependency: 'payments' }, 'charge (retry budget of payments)'],
  [{ kind: 'retryAfter', dependency: 'payments' }, 'charge (pause asked for by payments)'],
  [{ kind: 'bulkhead', dependency: 'payments' }, 'charge (no place among the calls of payments)'],
  [{ kind: 'calls' }, 'charge (calls)'],
])('who held whom: %j', (cause, words) => {
  expect(causesInWords([{ kind: 'operator', operator: 'charge', workers: [0], share: 1, ...cause }])).toBe(words)
})

test('dead letters are told by operator and code, and at the end', () => {
  expect(lostLines({ dropped: [], deadLetters: letters, late: [] })).toMatchObject([
    {
      event: 'records.deadLettered',
      msg: 'enrich gave 12 dead letters (ECONNREFUSED), 12/s; 340 so far',
      fields: { operator: 'enrich', code: 'ECONNREFUSED', count: 12, total: 340 },
    },
  ])
  const lost = { ...held, deadLetters: letters }
  expect(finishedLine({ ...result, totals: lost }).fields['deadLetters']).toEqual([
    { operator: 'enrich', code: 'ECONNREFUSED', total: 340 },
  ])
  expect(formatResultTables(lost, makeColours(false))).toMatch(/^dead letters +code +records\nenrich +ECONNREFUSED +340$/m)
})

test('losses are told by operator and reason, and at the end', () => {
  expect(lostLines({ dropped: lossy.dropped, deadLetters: [], late: [] }).map(({ msg }) => msg)).toEqual([
    'sum dropped 500 records (queue full), 100/s, of flights -> sum; 12.3 k so far',
    'flights dropped 1 record (invalid), 100/s; 1 so far',
  ])
  expect(finishedLine({ ...result, totals: lossy }).fields['dropped']).toEqual([
    { operator: 'sum', reason: 'queue full', edge: 'flights -> sum', total: 12_345 },
    { operator: 'flights', reason: 'invalid', total: 1 },
  ])
  expect(formatResultTables(lossy, makeColours(false))).toMatch(
    /^losses +reason +records +edge\nsum +queue full +12,345 +flights -> sum\nflights +invalid +1 +-$/m,
  )
})

test('a stopped job says so first', () => {
  expect(finishedLine({ ...result, stopped: true })).toMatchObject({
    msg: expect.stringMatching(/^stopped: 3,000,000/) as string,
    fields: { stopped: true },
  })
})

test('the tables show each edge and each subtask', () => {
  const tables = formatResultTables(held, makeColours(false)).split('\n')
  expect(tables[1]).toMatch(/^edge +partitioning +rate +bytes +blocked +longest stall +pressure$/)
  expect(tables[2]).toMatch(/^flights -> sum +hash, 4 channels +1\.2 M rec\/s +34 MB\/s +71 % +12 ms +HIGH$/)
  expect(tables[5]).toMatch(/^operators +subtask +worker +busy +queued +held back +idle +records in +records out$/)
  expect(tables[6]).toMatch(/^flights +0 +0 +29 % +0 % +71 % +0 % +1,200,000 +1,200,000$/)
  expect(tables[12]).toMatch(/^sum \(subtask 0\) is the bottleneck: .* through flights -> sum$/)
  expect(formatResultTables(reportOf(0), makeColours(false))).not.toContain('bottleneck')
})

test('what was dropped and what is held have columns of their own', () => {
  const [first, ...others] = held.subtasks
  const holds = { ...held, subtasks: [{ ...first!, heldRecords: 1234 }, ...others] }
  expect(formatResultTables(holds, makeColours(false))).toMatch(/holds\n.* 1,234\n/)
  const lossy = { ...held, subtasks: [{ ...first!, dropped: 5, deadLetters: 1 }, ...others] }
  expect(formatResultTables(lossy, makeColours(false))).toMatch(/dropped +dead letters\n.* 5 +1\n/)
})
