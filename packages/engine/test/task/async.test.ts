import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { Gate } from '../../src/channel/gate.js'
import type { AsyncContext } from '../../src/graph/operator-context.js'
import { AsyncTable } from '../../src/task/async-table.js'
import type { AsyncCallContext } from '../../src/task/operator-contexts.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { type AsyncOptions, asyncMap, collectInto, flatMap, indexSource, map, range, sink } from '../support/specs.js'

async function ask(
  fn: (record: number, simulation: Simulation, context: AsyncContext) => unknown,
  options: AsyncOptions & {
    readonly count?: number
    readonly seed?: number
    readonly parallelism?: number
    readonly codeGeneration?: boolean
  },
): Promise<{ readonly got: unknown[]; readonly simulation: Simulation }> {
  const { count = 300, seed = 1, parallelism = 1, codeGeneration = true, ...async } = options
  const got: unknown[] = []
  const graph = graphOf(
    [
      { name: 'numbers', spec: indexSource(count, (index) => index) },
      { name: 'ask', spec: asyncMap((record: number, context: AsyncContext) => fn(record, simulation, context), async) },
      { name: 'out', spec: collectInto(got), parallelism: 1 },
    ],
    [
      { from: 'numbers', to: 'ask' },
      { from: 'ask', to: 'out' },
    ],
  )
  const simulation: Simulation = new Simulation(graph, { workers: 2, parallelism, seed, codeGeneration, ringBytes: 4096 })
  await simulation.run()
  return { got, simulation }
}

describe.each([
  ['generated', true],
  ['interpreted', false],
])('an asynchronous operator, %s', (_name, codeGeneration) => {
  it('keeps the order of its inputs where it is ordered, sync results among them', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { got } = await ask(
        (record, simulation) => {
          if (record % 3 === 0) return record
          return simulation.delay((record * 7) % 11).then(() => record)
        },
        { ordered: true, seed, codeGeneration },
      )
      expect(got).toEqual(range(300))
    }
  })

  it('loses nothing where it is not, and gives first what is done first', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { got } = await ask(
        (record, simulation) => (record % 5 === 0 ? record : simulation.delay(record === 1 ? 5000 : record % 4).then(() => record)),
        { ordered: false, seed, codeGeneration },
      )
      expect((got as number[]).toSorted((left, right) => left - right)).toEqual(range(300))
      expect(got.indexOf(1)).toBeGreaterThan(200)
    }
  })

  it('never has more in flight than its share of the concurrency', async () => {
    for (const ordered of [true, false]) {
      let open = 0
      let most = 0
      await ask(
        async (record, simulation) => {
          most = Math.max(most, ++open)
          await simulation.delay(record % 6)
          open--
          return record
        },
        { ordered, concurrency: 5, parallelism: 2, codeGeneration },
      )
      expect(most).toBe(5)
    }
  })

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('no answer')
      },
    ],
    ['rejects', (): Promise<unknown> => Promise.reject(new TypeError('no answer'))],
  ])('says where it %s', async (_how, fail) => {
    const run = ask((record, simulation) => (record === 77 ? fail() : simulation.delay(3).then(() => record)), {
      ordered: true,
      codeGeneration,
    })
    await expect(run).rejects.toMatchObject({
      code: 'SLUICE_OPERATOR_FAILED',
      message: 'ask (subtask 0) threw TypeError: no answer',
      coordinates: { operator: 'ask', subtask: 0 },
    })
  })

  it('fails where a record takes longer than its timeout, although everything else goes on', async () => {
    for (const ordered of [true, false]) {
      let simulationOf: Simulation | undefined
      const run = ask(
        (record, simulation) => {
          simulationOf = simulation
          return simulation.delay(record === 50 ? 1e9 : 1).then(() => record)
        },
        { ordered, timeoutMs: 200, concurrency: 8, codeGeneration, count: 2000 },
      )
      await expect(run).rejects.toMatchObject({ code: 'SLUICE_TIMEOUT', coordinates: { operator: 'ask', subtask: 0 } })
      expect(simulationOf?.nowMs).toBeLessThan(3000)
    }
  })

  it('fails after its timeout although a sink of the same chain never settles', async () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(3, (index) => index) },
        { name: 'ask', spec: asyncMap((record: number) => (record === 1 ? new Promise(() => {}) : record), { timeoutMs: 500 }) },
        { name: 'out', spec: sink(() => ({ write: () => new Promise<void>(() => {}) })) },
      ],
      [
        { from: 'numbers', to: 'ask' },
        { from: 'ask', to: 'out' },
      ],
    )
    await expect(new Simulation(graph, { workers: 0, codeGeneration }).run()).rejects.toMatchObject({ code: 'SLUICE_TIMEOUT' })
  })

  it('consumes without results, in a chain with what comes before it', async () => {
    const got: number[] = []
    let open = 0
    let most = 0
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(100, (index) => index) },
        { name: 'twice', spec: flatMap((record: number) => [record * 2, record * 2 + 1]) },
        { name: 'same', spec: map((record: number) => record) },
        {
          name: 'each',
          ports: [],
          spec: asyncMap(
            (record: number) => {
              got.push(record)
              if (record % 3 === 0) return undefined
              most = Math.max(most, ++open)
              return simulation.delay(record % 7).then(() => open--)
            },
            { discardsResults: true, mayChain: true, concurrency: 2, ordered: false },
          ),
        },
      ],
      [
        { from: 'numbers', to: 'twice' },
        { from: 'twice', to: 'same' },
        { from: 'same', to: 'each' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0, codeGeneration })
    await simulation.run()
    expect(simulation.plan.tasks).toHaveLength(1)
    expect(got).toEqual(range(200))
    expect(most).toBeLessThanOrEqual(2)
    expect(open).toBe(0)
  })

  it('gives each record an id of its own', async () => {
    const ids = new Set<string>()
    await ask((record, _simulation, context) => ids.add(context.recordId) && record, { ordered: true, parallelism: 2, codeGeneration })
    expect(ids.size).toBe(300)
  })

  it('refuses records that are promises', async () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(3, (index) => index) },
        { name: 'wrong', spec: map((record: number) => Promise.resolve(record)) },
        { name: 'each', ports: [], spec: asyncMap(() => undefined, { discardsResults: true, mayChain: true }) },
      ],
      [
        { from: 'numbers', to: 'wrong' },
        { from: 'wrong', to: 'each' },
      ],
    )
    await expect(new Simulation(graph, { workers: 0, codeGeneration }).run()).rejects.toMatchObject({ code: 'SLUICE_RECORD_PROMISE' })
  })
})

describe('the table of records in flight', () => {
  it('keeps no result that has left, although one record stays in flight', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const refs: WeakRef<object>[] = []
    const table = new AsyncTable({
      operator: 'ask',
      sharesContext: true,
      limit: 4,
      ordered: false,
      timeoutMs: 60_000,
      discardsResults: false,
      gate: new Gate(),
      monotonicMs: () => 1,
      call: () => undefined,
      contextOf: () => ({}) as AsyncCallContext,
      wake: () => {},
      fail: () => {},
    })
    table.connect((record) => refs.push(new WeakRef(record as object)))
    for (let record = 0; record < 2000; record++) {
      table.nextContext()
      table.take(record === 0 ? new Promise(() => {}) : Promise.resolve({ record }), Number.NaN, record)
      await Promise.resolve()
      table.drain()
      table.checkTimes(1)
    }
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    expect(refs.length).toBeGreaterThan(1900)
    expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(200)
  })
})
