/** Where a rule of the API is broken, the compiler says so in a sentence. */
import { expect, test } from 'vitest'
import { compile } from '../support/compile.js'

const head = `import { count, defineJob, fromArray, parseDuration, type Stream, toCsv, toJsonLines, tumbling } from 'sluice'
declare const orders: Stream<{ id: number; name: string; note: string | undefined }, 'no timestamps'>
`

const async = 'An async function is not allowed here: use mapAsync(name, fn, { concurrency })'
const otherKeys = 'The keys of both streams must have the same type: keys of different types never meet'
const unaskedUpdates =
  "This stream gives updates: ask the sink to apply them ({ updates: 'table' }) or to write each of them ({ updates: 'log' })"
const undefinedKey = 'A key must not be undefined: filter such records out first, or give them a key such as null'

const wrong: Readonly<Record<string, readonly [code: string, sentence: string]>> = {
  'async map': ['orders.map(async (order) => order.id)', async],
  'sometimes a promise': ['orders.map((order) => (order.id > 1 ? order.id : Promise.resolve(1)))', async],
  'async filter': ['orders.filter(async (order) => order.id > 1)', async],
  'async flatMap': ['orders.flatMap(async (order) => [order.id])', async],
  'async generator': ['orders.flatMap(async function* (order) { yield order.id })', async],
  'async process': ["orders.process('p', async (order) => [order])", async],
  'async handler': ["orders.process('p', { onRecord: async (order) => [order] })", async],
  'async guard': ['orders.split({ even: async (order) => order.id % 2 === 0 })', async],
  'async key': ['orders.keyBy(async (order) => order.id)', async],
  'flatMap to text': ['orders.flatMap((order) => order.name)', 'A string would flow on character by character: return an array of records'],
  'flatMap to one record': [
    'orders.flatMap((order) => order.id)',
    'Return an array or another iterable of records, be a generator that yields them, or return nothing',
  ],
  'undefined key': ['orders.keyBy((order) => order.note)', undefinedKey],
  'undefined in a key': ['orders.keyBy((order) => [order.id, order.note])', undefinedKey],
  'function as key': ['orders.keyBy((order) => () => order.id)', 'A key is plain data: a function or a symbol cannot be one'],
  'output named rest': ['orders.split({ rest: () => true })', "An output must not be named 'rest': that is what the others leave over"],
  'output named deadLetters': [
    'orders.split({ deadLetters: () => true })',
    "An output must not be named 'deadLetters': those are the records on which a predicate failed",
  ],
  'aggregate named key': [
    "orders.keyBy((order) => order.id).aggregate('a', { key: count() })",
    "An aggregate must not be named 'key': every result has the key under that name",
  ],
  'aggregate named window': [
    "orders.keyBy((order) => order.id).aggregate('a', { window: count() })",
    "An aggregate must not be named 'window': a windowed result has its window under that name",
  ],
  'join of different keys': ['orders.keyBy((order) => order.id).join("j", orders.keyBy((order) => order.name), (left) => left)', otherKeys],
  'co-process of different keys': [
    "orders.keyBy((order) => order.id).coProcess('c', orders.keyBy((order) => order.name), { state: {}, onLeft() {}, onRight() {} })",
    otherKeys,
  ],
  'window join of different keys': [
    "orders.keyBy((order) => order.id).windowJoin('j', orders.keyBy((order) => order.name), (left) => left, { window: tumbling('1s', { time: 'processing' }) })",
    otherKeys,
  ],
  'interval join without timestamps': [
    "orders.keyBy((order) => order.id).intervalJoin('j', orders.keyBy((order) => order.id), (left) => left, { after: '1h' })",
    'An interval join needs timestamps: assign them with withTimestamps on both sides',
  ],
  'temporal join without timestamps': [
    "orders.keyBy((order) => order.id).temporalJoin('j', orders.keyBy((order) => order.id), (left) => left)",
    'A temporal join needs timestamps: assign them with withTimestamps on both sides',
  ],
  'async join': ["orders.keyBy((order) => order.id).join('j', orders.keyBy((order) => order.id), async (left) => left)", async],
  'async lookup row': [
    "orders.lookupJoin('l', fromArray([{ id: 1 }]), async (order, row) => row, { on: (order) => order.id, key: (row) => row.id })",
    async,
  ],
  'updates to a file': [
    "orders.keyBy((order) => order.id).topN('t', 3, (left, right) => left.id - right.id).sink('s', toJsonLines('x.jsonl'))",
    unaskedUpdates,
  ],
  'updates to columns': [
    "orders.keyBy((order) => order.id).topN('t', 3, (left, right) => left.id - right.id).sink('s', toCsv('x.csv'))",
    unaskedUpdates,
  ],
  'async declaration': [
    "defineJob({ name: 'j' }, async (job) => { job.source('s', fromArray([1])) })",
    'The declaration of a job must be synchronous: async work belongs into sources, resources and mapAsync',
  ],
  'declaration that returns a number': [
    "defineJob({ name: 'j' }, () => 1)",
    'The declaration of a job returns nothing, or an object of streams by name',
  ],
  'keyed stream returned': [
    "defineJob({ name: 'j' }, (job) => ({ s: job.source('s', fromArray([1])).keyBy((value) => value) }))",
    'The declaration of a job returns nothing, or an object of streams by name',
  ],
}

test('broken rules are told in sentences, one diagnostic on the line', { timeout: 120_000 }, () => {
  const diagnostics = compile(Object.fromEntries(Object.entries(wrong).map(([name, [code]]) => [name, head + code])))
  const told = Object.entries(wrong).map(([name, [, sentence]]) => {
    const messages = diagnostics[name]?.map((message) => message.replaceAll('\\"', '"')) ?? []
    return [name, messages.length, messages[0]?.startsWith('3: '), messages[0]?.includes(sentence) === true ? sentence : messages[0]]
  })
  expect(told).toEqual(Object.entries(wrong).map(([name, [, sentence]]) => [name, 1, true, sentence]))
})
