/** What time fires may go to a consumer in the same chain whose calls turn out to be asynchronous: its limit closes the gate in the middle of a visit. */
import { describe, expect, it } from 'vitest'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { asyncMap, flatMap, indexSource, range } from '../support/specs.js'
import { countWindows, timestamps, type WindowResult } from '../support/time-specs.js'

const RECORDS = 200
const SIZE_MS = 20

const places: [string, SimulationOptions][] = [
  ['in one chain', { workers: 0, parallelism: 1 }],
  ['interpreted', { workers: 0, parallelism: 1, codeGeneration: false }],
]

describe.each(places)('a consumer that returns promises, %s', (_name, options) => {
  it.each(['directly', 'through a flatMap'] as const)('gets every window %s, although each closes the gate', async (how) => {
    const results: WindowResult[] = []
    const consume = (result: WindowResult) => {
      results.push(result)
      return simulation.delay(0.5)
    }
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(RECORDS, (index) => ({ t: index })) },
        { name: 'time', spec: timestamps({ perRecord: true }) },
        { name: 'windows', spec: countWindows(SIZE_MS, ({ t }) => t % 5) },
        { name: 'twice', spec: flatMap((result: WindowResult) => (how === 'directly' ? [result] : [result, result])) },
        { name: 'consume', spec: asyncMap(consume, { discardsResults: true, mayChain: true, concurrency: 1 }), ports: [] },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'windows', timed: true },
        { from: 'windows', to: 'twice', timed: true },
        { from: 'twice', to: 'consume', timed: true },
      ],
    )
    const simulation: Simulation = new Simulation(graph, options)
    expect(simulation.plan.tasks).toHaveLength(1)
    await simulation.run()
    const expected = range(RECORDS / SIZE_MS).flatMap((window) =>
      range(5).map((key) => ({ key, end: (window + 1) * SIZE_MS, count: SIZE_MS / 5 })),
    )
    const seen = results.map(({ key, end, count }) => ({ key, end, count }))
    expect(seen).toEqual(how === 'directly' ? expected : expected.flatMap((result) => [result, result]))
  })
})

describe.each(places)('a consumer behind asynchronous work, %s', (_name, options) => {
  it.each([true, false])('makes room for the watermark before the next record is taken, ordered: %s', async (ordered) => {
    const results: unknown[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(RECORDS, (index) => ({ t: index })) },
        { name: 'time', spec: timestamps({ perRecord: true }) },
        { name: 'ask', spec: asyncMap((record: object) => simulation.delay(0.3).then(() => record), { ordered, concurrency: 5 }) },
        {
          name: 'consume',
          spec: asyncMap(
            (record: object) => {
              results.push(record)
              return simulation.delay(0.5)
            },
            { discardsResults: true, mayChain: true, concurrency: 2 },
          ),
          ports: [],
        },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'ask', timed: true },
        { from: 'ask', to: 'consume', timed: true },
      ],
    )
    const simulation: Simulation = new Simulation(graph, options)
    expect(simulation.plan.tasks).toHaveLength(2)
    await simulation.run()
    expect(results).toHaveLength(RECORDS)
  })
})
