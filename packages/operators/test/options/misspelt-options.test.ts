/** Jobs run without their types being looked at: an option that is misspelt would be no option, and so is refused wherever there are options. */
import { describe, expect, it } from 'vitest'
import {
  approxDistinct,
  count,
  countWindow,
  defineJob,
  discard,
  fromArray,
  fromAsyncIterable,
  fromCsv,
  fromJsonLines,
  fromObservable,
  fromParquet,
  fromReadable,
  fromText,
  fromWebStream,
  generate,
  type KeyedStream,
  listState,
  mapState,
  print,
  quantiles,
  session,
  sliding,
  type Stream,
  toCsv,
  toJsonLines,
  toParquet,
  toReadable,
  toWebReadable,
  toWebStream,
  tumbling,
  valueState,
} from '../../src/index.js'

type Numbers = Stream<number, never>
type Keyed = KeyedStream<number, number, never>

const wrong = (option: string): object => ({ [option]: 1 })
const state = { state: {}, onRecord() {}, onLeft() {}, onRight() {} } as never
const broadcast = { broadcast: { seen: mapState() }, onRecord() {}, onBroadcast() {} } as never
const keeping = (seen: unknown) => ({ state: { seen }, onRecord() {} }) as never
const EXPIRES = { after: '1d', ...wrong('refrehs') }
const none = async () => {}

function declaring(use: (numbers: Numbers, keyed: Keyed) => unknown): () => unknown {
  return () =>
    defineJob({ name: 'test' }, (job) => {
      const numbers = job.source('numbers', fromArray([1])).withTimestamps((n) => n)
      use(
        numbers,
        numbers.keyBy((n) => n),
      )
    }).declare({}, { collect: false })
}

describe('an option that is misspelt is refused with the one that was meant', () => {
  it.each<[what: string, meant: string, use: (numbers: Numbers, keyed: Keyed) => unknown]>([
    ['map', 'onError', (numbers) => numbers.map((n) => n, wrong('onEror'))],
    ['withTimestamps', 'onError', (numbers) => numbers.withTimestamps((n) => n, wrong('onEror'))],
    ['op', 'retry', (numbers) => numbers.mapAsync('op', async (n) => n, wrong('retyr'))],
    ['process op', 'onError', (numbers) => numbers.process('op', (n) => [n], wrong('onEror'))],
    ['process op', 'onError', (_numbers, keyed) => keyed.process('op', (n) => [n], wrong('onEror'))],
    ['process op', 'onError', (_numbers, keyed) => keyed.process('op', state, wrong('onEror'))],
    ['coProcess op', 'onError', (_numbers, keyed) => keyed.coProcess('op', keyed, state, wrong('onEror'))],
    ['connectBroadcast op', 'onError', (numbers) => numbers.connectBroadcast('op', numbers, broadcast, wrong('onEror'))],
    ['lookupJoin op', 'onError', (_numbers, keyed) => keyed.lookupJoin('op', none, (n) => n, wrong('onEror'))],
    ['batch op', 'records', (numbers) => numbers.batch('op', { time: '1s', ...wrong('recods') })],
    ['shed op', 'parallelism', (numbers) => numbers.shed('op', { policy: 'drop-oldest' }, wrong('paralelism'))],
    ["shed op with policy 'drop-oldest'", 'records', (numbers) => numbers.shed('op', { policy: 'drop-oldest', ...wrong('recods') })],
    ['rateLimit op', 'burst', (numbers) => numbers.rateLimit('op', { rate: 1, ...wrong('brust') })],
    ['reduce op', 'emit', (_numbers, keyed) => keyed.reduce('op', (left) => left, wrong('emmit'))],
    ['aggregate op', 'emit', (_numbers, keyed) => keyed.aggregate('op', { n: count() }, wrong('emmit'))],
    ['dedupe op', 'time', (_numbers, keyed) => keyed.dedupe('op', { ttl: '1s', ...wrong('tiem') })],
    ['topN op', 'emit', (_numbers, keyed) => keyed.topN('op', 1, (a, b) => a - b, wrong('emmit'))],
    ['join op', 'type', (_numbers, keyed) => keyed.join('op', keyed, (left) => left, wrong('typ'))],
    [
      'windowJoin op',
      'allowedLateness',
      (_numbers, keyed) => keyed.windowJoin('op', keyed, (left) => left, { window: tumbling('1s'), ...wrong('allowedLatenes') }),
    ],
    ['intervalJoin op', 'before', (_numbers, keyed) => keyed.intervalJoin('op', keyed, (left) => left, wrong('befor'))],
    ['temporalJoin op', 'type', (_numbers, keyed) => keyed.temporalJoin('op', keyed, (left) => left, wrong('typ'))],
    [
      'the window of op',
      'allowedLateness',
      (_numbers, keyed) => keyed.window(tumbling('1s'), wrong('allowedLatenes')).aggregate('op', { n: count() }),
    ],
    ['ttl of join op', 'left', (_numbers, keyed) => keyed.join('op', keyed, (left) => left, { ttl: wrong('lef') })],
    ['cache of lookupJoin op', 'entries', (_numbers, keyed) => keyed.lookupJoin('op', none, (n) => n, { cache: wrong('entires') })],
    [
      'queue of rateLimit op',
      'bytes',
      (numbers) => numbers.rateLimit('op', { rate: 1, key: (n) => n, queue: { records: 5, ...wrong('byts') } }),
    ],
    [
      'target of rateLimit op',
      'latency',
      (numbers) => numbers.rateLimit('op', { algorithm: 'gradient', observe: 'op', min: 1, max: 9, target: wrong('latncy') } as never),
    ],
    ['alignment of withTimestamps', 'group', (numbers) => numbers.withTimestamps((n) => n, { alignment: wrong('gruop') as never })],
    ['state seen of process op', 'ttl', (_numbers, keyed) => keyed.process('op', keeping(valueState(wrong('tll'))))],
    ['state seen of process op', 'ttl', (_numbers, keyed) => keyed.process('op', keeping(listState(wrong('tll'))))],
    [
      'ttl of state seen of process op',
      'refresh',
      (_numbers, keyed) => keyed.process('op', keeping(valueState({ ttl: EXPIRES as never }))),
    ],
    ['the window of op', 'trigger', (numbers) => numbers.windowAll(countWindow(2), wrong('triger')).reduce('op', (left) => left)],
    ['process op', 'parallelism', (_numbers, keyed) => keyed.window(tumbling('1s')).process('op', () => [], wrong('paralelism'))],
    ['tumbling', 'offset', (_numbers, keyed) => keyed.window(tumbling('1s', wrong('ofset'))).aggregate('op', { n: count() })],
    ['sliding', 'offset', (_numbers, keyed) => keyed.window(sliding('2s', '1s', wrong('ofset'))).aggregate('op', { n: count() })],
    ['session', 'time', (_numbers, keyed) => keyed.window(session('1s', wrong('tiem'))).aggregate('op', { n: count() })],
    ['sink op', 'parallelism', (numbers) => numbers.sink('op', discard(), wrong('paralelism'))],
  ])('%s: %s', (what, meant, use) => {
    expectRefusal(declaring(use), what, meant)
  })

  it.each<[what: string, meant: string, use: () => unknown]>([
    ['fromCsv', 'delimiter', () => fromCsv('x', wrong('delimeter'))],
    ['fromJsonLines', 'onInvalid', () => fromJsonLines('x', wrong('onInvalide'))],
    ['fromText', 'orderedSplits', () => fromText('x', wrong('orderdSplits'))],
    ['fromParquet', 'columns', () => fromParquet('x', wrong('colums'))],
    ['generate', 'count', () => generate((n) => n, wrong('cuont'))],
    ['fromReadable', 'format', () => fromReadable(() => undefined as never, wrong('fromat'))],
    ['fromWebStream', 'format', () => fromWebStream(() => undefined as never, wrong('fromat'))],
    ['fromAsyncIterable', 'pinned', () => fromAsyncIterable(() => [], wrong('pined'))],
    ['fromObservable', 'overflow', () => fromObservable(() => undefined as never, wrong('overfow'))],
    ['buffer of fromObservable', 'records', () => fromObservable(() => undefined as never, { buffer: wrong('recods') })],
    ['print', 'limit', () => print(wrong('limt'))],
    ['toCsv', 'header', () => toCsv('x', wrong('haeder'))],
    ['toJsonLines', 'onError', () => toJsonLines('x', wrong('onEror'))],
    ['toParquet', 'columns', () => toParquet('x', wrong('colums'))],
    ['toReadable', 'format', () => toReadable(none, wrong('fromat') as never)],
    ['toWebReadable', 'format', () => toWebReadable(none, wrong('fromat') as never)],
    ['toWebStream', 'format', () => toWebStream(() => undefined as never, wrong('fromat') as never)],
    ['approxDistinct', 'error', () => approxDistinct((n) => n, wrong('eror'))],
    ['quantiles', 'error', () => quantiles((n: number) => n, [0.5], wrong('eror'))],
  ])('%s: %s', (what, meant, use) => {
    expectRefusal(use, what, meant)
  })
})

it('what is no object is no options', () => {
  const none = null as never
  for (const use of [
    () => fromCsv('x', none),
    () => fromJsonLines('x', none),
    () => fromParquet('x', none),
    () => generate((n) => n, none),
    declaring((_numbers, keyed) =>
      keyed.lookupJoin(
        'op',
        async () => {},
        (n) => n,
        none,
      ),
    ),
    declaring((_numbers, keyed) =>
      keyed.lookupJoin(
        'op',
        async () => {},
        (n) => n,
        { on: () => 1 } as never,
      ),
    ),
    declaring((numbers) => numbers.shed('op', { policy: 'drop-oldest' }, none)),
  ])
    expect(use).toThrow(
      expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringMatching(/ takes an object of options/) as string }),
    )
})

function expectRefusal(use: () => unknown, what: string, meant: string): void {
  expect(use).toThrow(
    expect.objectContaining({
      code: 'SLUICE_OPTIONS_INVALID',
      message: expect.stringContaining(`${what} has no option `) as string,
      hint: expect.stringContaining(`Did you mean ${meant}?`) as string,
    }),
  )
}
