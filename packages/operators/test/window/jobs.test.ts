/** Whole jobs with windows: results depend neither on parallelism nor on who runs when. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Simulation } from '../../../engine/test/support/simulation.js'
import {
  count,
  countTrigger,
  countWindow,
  defineJob,
  earlyTrigger,
  eventTimeTrigger,
  fromArray,
  globalWindow,
  type KeyedStream,
  last,
  session,
  sliding,
  sum,
  tumbling,
  values,
  type WindowedStream,
} from '../../src/index.js'

interface Order {
  readonly id: number
  readonly customer: string
  readonly amount: number
  readonly at: number
}

type Result = Readonly<Record<string, unknown>>
type Orders = KeyedStream<string, Order, never>

const BOUND = 50

/** Runs a job over orders whose timestamps are out of order by less than the bound; gives back what reaches its end, sorted. */
async function run(
  orders: readonly Order[],
  windows: (orders: Orders) => { readonly results: unknown; readonly late: unknown },
  parallelism: number,
  seed: number,
  perRecord = false,
): Promise<{ readonly results: readonly string[]; readonly late: number }> {
  const collected = new Map<string, unknown[]>()
  const host = {
    collect(stream: string, records: readonly unknown[]): void {
      collected.set(stream, [...(collected.get(stream) ?? []), ...records])
    },
    writeOut(): void {},
  }
  const graph = defineJob({ name: 'test' }, (job) => {
    const stream = job
      .source('orders', fromArray(orders))
      .withTimestamps((order) => order.at, { outOfOrderness: BOUND, perRecord })
      .keyBy((order) => order.customer)
    return windows(stream) as never
  }).declare({}, { collect: true })
  await new Simulation(graph, { parallelism, seed, host }).run()
  return {
    results: (collected.get('results') ?? []).map((result) => JSON.stringify(result)).toSorted(),
    late: collected.get('late')?.length ?? 0,
  }
}

const forms: Readonly<Record<string, (orders: Orders) => { readonly results: unknown; readonly late: unknown }>> = {
  tumbling(orders) {
    const results = orders.window(tumbling(40)).aggregate('w', { n: count(), amount: sum((order) => order.amount) })
    return { results, late: results.late }
  },
  sliding(orders) {
    const results = orders.window(sliding(60, 25, { offset: 5 })).aggregate('w', { n: count(), amount: sum((order) => order.amount) })
    return { results, late: results.late }
  },
  session(orders) {
    const results = orders.window(session(20)).aggregate('w', { n: count(), amount: sum((order) => order.amount) })
    return { results, late: results.late }
  },
  process(orders) {
    const results = orders
      .window(session(20))
      .process('w', (records, { key, window }) => [
        { key, window, ids: records.map(({ id }) => id).toSorted((left, right) => left - right) },
      ])
    return { results, late: results.late }
  },
  'two after another'(orders) {
    const results = orders
      .window(tumbling(10))
      .aggregate('short', { n: count() })
      .keyBy(({ key }) => key)
      .window(sliding(40, 20))
      .aggregate('long', { n: sum((short) => short.n), windows: count() })
    return { results, late: results.late }
  },
  'global with early results'(orders) {
    // Only what is final can be compared: early results come by the clock.
    const results = orders.window(globalWindow(), { trigger: earlyTrigger('1h') }).aggregate('w', { n: count() })
    return { results, late: results.late }
  },
}

const arbitraryOrders: fc.Arbitrary<readonly Order[]> = fc
  .array(
    fc.record({ customer: fc.constantFrom('a', 'b', 'c', 'd', 'e'), amount: fc.nat(100), step: fc.nat(12), behind: fc.nat(BOUND - 1) }),
    {
      minLength: 1,
      maxLength: 120,
    },
  )
  .map((moves) => {
    let at = -200
    return moves.map(({ customer, amount, step, behind }, id) => {
      at += step
      return { id, customer, amount, at: at - behind }
    })
  })

test.each(Object.entries(forms))('%s: the same results at every parallelism and interleaving, none late', async (_name, form) => {
  await fc.assert(
    fc.asyncProperty(arbitraryOrders, fc.nat(), async (orders, seed) => {
      const one = await run(orders, form, 1, seed)
      expect(one.late).toBe(0)
      expect(one.results.length).toBeGreaterThan(0)
      expect(await run(orders, form, 1, seed + 1)).toEqual(one)
      expect(await run(orders, form, 2, seed + 2)).toEqual(one)
    }),
    { numRuns: 15 },
  )
})

test('a windowed job: results, windows and what was late', async () => {
  const at = (...times: readonly number[]): readonly Order[] => times.map((time, id) => ({ id, customer: 'ann', amount: 1, at: time }))
  const tumblingByTen = (orders: Orders): { readonly results: unknown; readonly late: unknown } => {
    const results = orders
      .window(tumbling(10))
      .aggregate('w', { n: count(), ids: values((order) => order.id), latest: last((order) => order.id) })
    return { results, late: results.late }
  }
  const { results } = await run(at(3, 12, 5, 25), tumblingByTen, 1, 1)
  expect(results.map((result) => JSON.parse(result) as Result)).toEqual([
    { key: 'ann', window: { start: 0, end: 10 }, n: 2, ids: [0, 2], latest: 2 },
    { key: 'ann', window: { start: 10, end: 20 }, n: 1, ids: [1], latest: 1 },
    { key: 'ann', window: { start: 20, end: 30 }, n: 1, ids: [3], latest: 3 },
  ])
  const full = await run(
    at(1, 2, 3, 4, 5),
    (orders) => {
      const counted = orders.window(countWindow(2)).aggregate('w', { n: count() })
      return { results: counted, late: counted.late }
    },
    2,
    3,
  )
  expect(full.results.map((result) => (JSON.parse(result) as Result)['n'])).toEqual([1, 2, 2])
})

test.each<[string, (orders: Orders) => WindowedStream<string, Order, never>]>([
  ['count', (orders) => orders.window(countWindow(2))],
  ['global', (orders) => orders.window(globalWindow(), { trigger: eventTimeTrigger() })],
])('what %s windows give at the end is not late for what follows', async (_name, windows) => {
  const orders = [
    { id: 0, customer: 'ann', amount: 1, at: 15 },
    { id: 1, customer: 'bob', amount: 1, at: 1_000 },
    { id: 2, customer: 'bob', amount: 1, at: 2_000 },
  ]
  const again = (stream: Orders): { readonly results: unknown; readonly late: unknown } => {
    const results = windows(stream)
      .aggregate('first', { n: count() })
      .keyBy(({ key }) => key)
      .window(tumbling(10))
      .aggregate('second', { n: sum((first) => first.n) })
    return { results, late: results.late }
  }
  const { results, late } = await run(orders, again, 1, 1, true)
  expect(late).toBe(0)
  expect(results.map((result) => [(JSON.parse(result) as Result)['key'], (JSON.parse(result) as Result)['n']])).toEqual([
    ['ann', 1],
    ['bob', 2],
  ])
})

test('generators of windows that one record fires have each the context of their window, whenever they are pulled', async () => {
  const orders = Array.from({ length: 300 }, (_, id): Order => ({ id, customer: 'ann', amount: 1, at: 7 * id }))
  const { results } = await run(
    orders,
    (stream) => {
      const fired = stream.window(sliding(20, 1), { trigger: countTrigger(1) }).process('w', function* (records, { window }) {
        yield [window.start, records.length, records.every(({ at }) => at >= window.start && at < window.end)] as const
      })
      return { results: fired, late: fired.late }
    },
    2,
    3,
  )
  // Every record is in twenty windows and fires each.
  expect(new Set(results).size).toBe(20 * 300)
  expect(results.filter((result) => result.includes('false'))).toEqual([])
})
