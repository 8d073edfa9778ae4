/** Whole jobs with keyed state, timers and broadcast state: what they give depends neither on parallelism nor on who runs when. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Simulation } from '../../../engine/test/support/simulation.js'
import { defineJob, fromArray, type JobBuilder, listState, mapState, type Stream, valueState } from '../../src/index.js'

interface Event {
  readonly key: string
  readonly at: number
  readonly amount: number
}

interface RunOptions {
  readonly parallelism: number
  readonly seed: number
  readonly ringBytes?: number
}

/** Runs a job; gives back what reached the end of the stream it returned. */
async function run(declare: (job: JobBuilder) => Stream<unknown>, options: RunOptions): Promise<unknown[]> {
  const collected: unknown[] = []
  const host = {
    collect(_stream: string, records: readonly unknown[]): void {
      collected.push(...records)
    },
    writeOut(): void {},
  }
  const graph = defineJob({ name: 'test' }, (job) => ({ results: declare(job) })).declare({}, { collect: true })
  await new Simulation(graph, { host, codeGeneration: options.seed % 2 === 0, ...options }).run()
  return collected
}

const sorted = (values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value)).toSorted()

const BOUND = 5

interface Fired {
  readonly key: string
  readonly time: number
  readonly sum: number
}

/** What the job below gives, from one array of timers that is sorted whenever time advances. */
function expected(events: readonly Event[]): readonly Fired[] {
  const results: Fired[] = []
  const sums = new Map<string, number>()
  let timers: { readonly key: string; readonly time: number; readonly order: number }[] = []
  let order = 0
  let watermark = Number.NEGATIVE_INFINITY
  const set = (key: string, time: number): void => {
    if (!timers.some((timer) => timer.key === key && timer.time === time)) timers.push({ key, time, order: order++ })
  }
  const fire = (): void => {
    for (;;) {
      timers.sort((left, right) => left.time - right.time || left.order - right.order)
      const [next] = timers
      if (next === undefined || next.time > watermark) return
      timers.shift()
      const sum = sums.get(next.key) ?? 0
      results.push({ key: next.key, time: next.time, sum })
      if (sum > 0) {
        sums.set(next.key, sum - 3)
        set(next.key, next.time + 4)
      } else sums.delete(next.key)
    }
  }
  for (const { key, at, amount } of events) {
    sums.set(key, (sums.get(key) ?? 0) + amount)
    if (amount % 3 === 0) set(key, at + 10)
    if (amount % 3 === 1) timers = timers.filter((timer) => timer.key !== key || timer.time !== at + 8)
    if (amount % 5 === 0) set(key, at - 20)
    fire()
    watermark = Math.max(watermark, at - BOUND - 1)
    fire()
  }
  watermark = Number.POSITIVE_INFINITY
  fire()
  return results
}

const events = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    step: fc.integer({ min: 0, max: 6 }),
    early: fc.integer({ min: 0, max: BOUND }),
    amount: fc.integer({ min: 0, max: 7 }),
  }),
  { maxLength: 60 },
)

test('timers fire as in a naive model, whoever runs when', async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.integer({ min: 1, max: 3 }), fc.nat(), fc.boolean(), async (steps, parallelism, seed, lazily) => {
      let now = 1_000
      const input = steps.map(({ key, step, early, amount }): Event => {
        now += step
        return { key, at: now - early, amount }
      })
      const results = await run(
        (job) =>
          job
            .source('events', fromArray(input), { parallelism: 1 })
            .withTimestamps((event) => event.at, { outOfOrderness: BOUND, perRecord: true })
            .keyBy((event) => event.key)
            .process('p', {
              state: { sum: valueState<number>({ default: 0 }) },
              onRecord({ at, amount }, { state, timers }) {
                state.sum.set(state.sum.get() + amount)
                if (amount % 3 === 0) timers.eventTime.set(at + 10)
                if (amount % 3 === 1) timers.eventTime.cancel(at + 8)
                if (amount % 5 === 0) timers.eventTime.set(at - 20)
              },
              onTimer({ time }, { key, state, timers }) {
                const give = function* (): Generator<Fired> {
                  const sum = state.sum.get()
                  yield { key, time, sum }
                  if (sum > 0) {
                    state.sum.set(sum - 3)
                    timers.eventTime.set(time + 4)
                  } else state.sum.clear()
                }
                return lazily ? give() : [...give()]
              },
            }),
        { parallelism, seed },
      )
      const ofKey = (all: readonly unknown[], key: string): readonly unknown[] => all.filter((one) => (one as Fired).key === key)
      const model = expected(input)
      for (const key of ['a', 'b', 'c', 'd']) expect(ofKey(results, key)).toEqual(ofKey(model, key))
    }),
    { numRuns: 60 },
  )
})

test('a handler that yields more than there is credit for goes on with its own state', async () => {
  const input = Array.from({ length: 40 }, (_none, index) => ({ key: `k${index % 3}`, at: index, amount: index }))
  const declare = (job: JobBuilder): Stream<unknown> =>
    job
      .source('events', fromArray(input), { parallelism: 1 })
      .keyBy((event) => event.key)
      .process('p', {
        state: { seen: listState<number>(), count: valueState<number>({ default: 0 }) },
        *onRecord(event, { key, state }) {
          state.seen.add(event.amount)
          for (let part = 0; part < 50; part++) {
            state.count.set(state.count.get() + 1)
            yield `${key} ${state.seen.size} ${state.count.get()}`
          }
        },
      })
      .rebalance()
      .map((text) => text)
  const all = sorted(await run(declare, { parallelism: 1, seed: 1 }))
  expect(all).toHaveLength(2_000)
  expect(all).toContain(JSON.stringify('k0 14 700'))
  for (const seed of [2, 3, 4]) expect(sorted(await run(declare, { parallelism: 3, seed, ringBytes: 4096 }))).toEqual(all)
})

test('coProcess: two streams meet by key in one state', async () => {
  const left = Array.from({ length: 50 }, (_none, index) => ({ key: index % 7, at: index, amount: index }))
  const right = Array.from({ length: 30 }, (_none, index) => ({ id: index % 9, at: index, paid: 2 * index }))
  const declare = (job: JobBuilder): Stream<unknown> => {
    const payments = job
      .source('right', fromArray(right))
      .withTimestamps((payment) => payment.at)
      .keyBy((payment) => payment.id)
    return job
      .source('left', fromArray(left))
      .withTimestamps((order) => order.at)
      .keyBy((order) => order.key)
      .coProcess('balance', payments, {
        state: { balance: valueState<number>({ default: 0 }), sides: mapState<string, number>() },
        onLeft(order, { state, timers }) {
          state.balance.set(state.balance.get() - order.amount)
          state.sides.set('left', (state.sides.get('left') ?? 0) + 1)
          timers.eventTime.set(1_000)
        },
        onRight(payment, { state, timers }) {
          state.balance.set(state.balance.get() + payment.paid)
          state.sides.set('right', (state.sides.get('right') ?? 0) + 1)
          timers.eventTime.set(1_000)
        },
        onTimer: (_timer, { key, state }) => [[key, state.balance.get(), state.sides.get('left') ?? 0, state.sides.get('right') ?? 0]],
      })
  }
  const model = Array.from({ length: 9 }, (_none, key) => {
    const orders = left.filter((order) => order.key === key)
    const payments = right.filter((payment) => payment.id === key)
    const balance = payments.reduce((sum, { paid }) => sum + paid, 0) - orders.reduce((sum, { amount }) => sum + amount, 0)
    return [key, balance, orders.length, payments.length]
  })
  for (const [parallelism, seed] of [
    [1, 1],
    [2, 2],
    [3, 3],
  ] as const) {
    expect(sorted(await run(declare, { parallelism, seed }))).toEqual(sorted(model))
  }
})

test('connectBroadcast: every subtask of a keyed stream knows every rule', async () => {
  const rules = Array.from({ length: 20 }, (_none, index) => ({ id: index % 12, limit: index }))
  const input = Array.from({ length: 60 }, (_none, index) => ({ key: index % 12, at: index }))
  const declare = (job: JobBuilder): Stream<unknown> => {
    const broadcast = job.source('rules', fromArray(rules), { parallelism: 1 })
    return job
      .source('events', fromArray(input))
      .withTimestamps((event) => event.at)
      .keyBy((event) => event.key)
      .connectBroadcast('limits', broadcast, {
        state: { count: valueState<number>({ default: 0 }) },
        broadcast: { limits: mapState<number, number>() },
        onRecord(_event, { state, timers }) {
          state.count.set(state.count.get() + 1)
          timers.eventTime.set(1_000)
        },
        onBroadcast(rule, { broadcast: { limits } }) {
          limits.set(rule.id, rule.limit)
        },
        onTimer: (_timer, { key, state, broadcast: { limits } }) => [[key, state.count.get(), limits.get(key), limits.size]],
      })
  }
  const model = Array.from({ length: 12 }, (_none, key) => [key, 5, key < 8 ? key + 12 : key, 12])
  for (const [parallelism, seed] of [
    [1, 1],
    [2, 2],
    [3, 3],
  ] as const) {
    expect(sorted(await run(declare, { parallelism, seed }))).toEqual(sorted(model))
  }
})
