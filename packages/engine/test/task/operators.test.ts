import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import { type OperatorContext, SideOutputValue } from '../../src/graph/operator-context.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { asyncMap, collectInto, flatMap, general, indexSource, map, range, sink } from '../support/specs.js'

const WATERMARKS = { strategy: { outOfOrdernessMs: 0 }, idleAfterMs: undefined, perRecord: false }

const forms: [string, SimulationOptions][] = [
  ['generated', { codeGeneration: true }],
  ['interpreted', { codeGeneration: false }],
]
const shapes: [string, SimulationOptions][] = [
  ['chained', { workers: 0 }],
  ['over local edges', { workers: 0, chaining: false }],
  ['over the smallest rings', { workers: 3, parallelism: 1, chaining: false, ringBytes: 4096 }],
]

describe.each(forms)('operators, %s', (_form, form) => {
  describe.each(shapes)('%s', (_shape, shape) => {
    const options = { ...form, ...shape }

    it('sends side outputs to the port of their tag, and drops those that nobody reads', async () => {
      const main: unknown[] = []
      const odd: unknown[] = []
      const spec = general((context) => ({
        process(value, timestamp) {
          const record = value as number
          context.expand(
            [record, new SideOutputValue(record % 2 === 0 ? 'even' : 'odd', -record), new SideOutputValue('unheard of', 7)],
            timestamp,
          )
        },
      }))
      const one = graphOf(
        [
          { name: 'numbers', spec: indexSource(500, (index) => index) },
          { name: 'tag', spec, ports: ['out', 'odd', 'even'] },
          { name: 'out', spec: collectInto(main) },
          { name: 'odd', spec: collectInto(odd) },
        ],
        [
          { from: 'numbers', to: 'tag' },
          { from: 'tag', to: 'out' },
          { from: 'tag', to: 'odd', port: 1 },
        ],
      )
      await new Simulation(one, options).run()
      expect(main).toEqual(range(500))
      expect(odd).toEqual(
        range(500)
          .filter((id) => id % 2 === 1)
          .map((id) => -id),
      )
      const alone: unknown[] = []
      const two = graphOf(
        [
          { name: 'numbers', spec: indexSource(500, (index) => index) },
          { name: 'tag', spec },
          { name: 'out', spec: collectInto(alone) },
        ],
        [
          { from: 'numbers', to: 'tag' },
          { from: 'tag', to: 'out' },
        ],
      )
      await new Simulation(two, options).run()
      expect(alone).toEqual(range(500))
    })

    it('pulls nested generators in order, suspended anywhere', async () => {
      const records: string[] = []
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(20, (index) => index) },
          {
            name: 'outer',
            spec: flatMap(function* (record: number) {
              for (let k = 0; k < 9; k++) yield `${record}.${k}`
            }),
          },
          { name: 'middle', spec: flatMap((record: string) => [`${record}a`, `${record}b`]) },
          {
            name: 'inner',
            spec: flatMap(function* (record: string) {
              for (let k = 0; k < 7; k++) yield { at: `${record}.${k}`, text: 'x'.repeat(50) }
            }),
          },
          { name: 'at', spec: map((record: { at: string }) => record.at) },
          { name: 'out', spec: collectInto(records) },
        ],
        [
          { from: 'numbers', to: 'outer' },
          { from: 'outer', to: 'middle' },
          { from: 'middle', to: 'inner' },
          { from: 'inner', to: 'at', partitioning: 'rebalance' },
          { from: 'at', to: 'out' },
        ],
      )
      await new Simulation(graph, { ...options, seed: 3 }).run()
      expect(records).toEqual(
        range(20).flatMap((record) => range(9).flatMap((k) => ['a', 'b'].flatMap((ab) => range(7).map((j) => `${record}.${k}${ab}.${j}`)))),
      )
    })

    it('expands what an operator gives at the end, as there is credit', async () => {
      let pulled = 0
      let written = 0
      let ahead = 0
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(3, (index) => index) },
          {
            name: 'late',
            spec: general(() => ({
              process() {},
              *onEnd() {
                for (let k = 0; k < 20_000; k++) {
                  pulled++
                  ahead = Math.max(ahead, pulled - written)
                  yield { k, text: 'x'.repeat(40) }
                }
              },
            })),
          },
          {
            name: 'out',
            spec: sink(() => ({
              write: (batch) => {
                written += batch.length
              },
            })),
          },
        ],
        [
          { from: 'numbers', to: 'late' },
          { from: 'late', to: 'out' },
        ],
      )
      await new Simulation(graph, options).run()
      expect(written).toBe(20_000)
      if (shape.ringBytes !== undefined) expect(ahead).toBeLessThan(300)
    })

    it('calls onStop instead of onEnd when the job is stopped, and lets what is in flight flow out', async () => {
      const got: unknown[] = []
      let given = 0
      let ended = 0
      const holder = (): ReturnType<typeof general> =>
        general((context: OperatorContext) => {
          let held: unknown[] = []
          return {
            process(value, timestamp) {
              if (held.push(value) < 10) return
              for (const one of held) context.emit(one, timestamp)
              held = []
            },
            onEnd() {
              ended++
            },
            *onStop() {
              yield* held
            },
          }
        })
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(undefined, (index) => (given = index + 1) - 1) },
          { name: 'hold', spec: holder() },
          { name: 'hold again', spec: holder() },
          { name: 'out', spec: collectInto(got) },
        ],
        [
          { from: 'numbers', to: 'hold' },
          { from: 'hold', to: 'hold again' },
          { from: 'hold again', to: 'out' },
        ],
      )
      const simulation = new Simulation(graph, options)
      simulation.atStep(60, () => simulation.command(Command.stop))
      await simulation.run()
      expect(given).toBeGreaterThan(100)
      expect(got).toEqual(range(given))
      expect(ended).toBe(0)
    })

    it('calls onEnd when the job is drained', async () => {
      const got: unknown[] = []
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(undefined, (index) => index) },
          {
            name: 'count',
            spec: general(() => {
              let records = 0
              return {
                process() {
                  records++
                },
                onEnd: () => [records],
                onStop: () => ['stopped'],
              }
            }),
          },
          { name: 'out', spec: collectInto(got) },
        ],
        [
          { from: 'numbers', to: 'count' },
          { from: 'count', to: 'out' },
        ],
      )
      const simulation = new Simulation(graph, options)
      simulation.atStep(40, () => simulation.command(Command.drain))
      await simulation.run()
      expect(got).toEqual([expect.any(Number)])
    })

    it('gives sinks batches of 1 to 256 records, one after the other', async () => {
      const sizes: number[] = []
      let open = 0
      let most = 0
      let total = 0
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(12, (index) => index) },
          {
            name: 'burst',
            spec: general((context) => ({
              process(value, timestamp) {
                for (let k = 0; k < 700; k++) context.emit({ value, k }, timestamp)
              },
            })),
          },
          {
            name: 'out',
            spec: sink(() => ({
              write: async (batch) => {
                most = Math.max(most, ++open)
                sizes.push(batch.length)
                const before = JSON.stringify(batch)
                await simulation.delay(sizes.length % 3)
                expect(JSON.stringify(batch)).toBe(before)
                total += batch.length
                open--
              },
            })),
          },
        ],
        [
          { from: 'numbers', to: 'burst' },
          { from: 'burst', to: 'out' },
        ],
      )
      const simulation: Simulation = new Simulation(graph, options)
      await simulation.run()
      expect(total).toBe(12 * 700)
      expect(most).toBe(1)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(256)
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1)
    })

    it('gives an operator the records of all of its inputs, with the number of the input', async () => {
      const got: string[] = []
      const graph = graphOf(
        [
          { name: 'left', spec: indexSource(1000, (index) => index) },
          { name: 'right', spec: indexSource(700, (index) => index) },
          {
            name: 'both',
            spec: general((context) => ({
              process(value, timestamp, input) {
                context.emit(`${input}:${value as number}`, timestamp)
              },
            })),
          },
          { name: 'out', spec: collectInto(got) },
        ],
        [
          { from: 'left', to: 'both', input: 0 },
          { from: 'right', to: 'both', input: 1 },
          { from: 'both', to: 'out' },
        ],
      )
      await new Simulation(graph, options).run()
      expect(got.filter((one) => one.startsWith('0'))).toEqual(range(1000).map((id) => `0:${id}`))
      expect(got.filter((one) => one.startsWith('1'))).toEqual(range(700).map((id) => `1:${id}`))
    })

    it('has no timestamps for an untimed input beside a timed one', async () => {
      const times = new Set<string>()
      const timestamps = (source: string, spec: ReturnType<typeof map>) => [
        { name: source, spec: indexSource(900, (index) => ({ index, source })) },
        { name: `${source} on`, spec },
      ]
      const graph = graphOf(
        [
          ...timestamps('timed', { kind: 'timestamps', watermarks: WATERMARKS, fn: (record: { index: number }) => 5000 + record.index }),
          ...timestamps(
            'untimed',
            map((record: unknown) => record),
          ),
          {
            name: 'both',
            spec: general(() => ({
              process(value, timestamp) {
                const { index, source } = value as { index: number; source: string }
                times.add(`${source} ${Number.isNaN(timestamp) ? 'none' : timestamp - index}`)
              },
            })),
          },
          { name: 'out', spec: collectInto([]) },
        ],
        [
          { from: 'timed', to: 'timed on' },
          { from: 'untimed', to: 'untimed on' },
          { from: 'timed on', to: 'both', timed: true },
          { from: 'untimed on', to: 'both' },
          { from: 'both', to: 'out' },
        ],
      )
      await new Simulation(graph, options).run()
      expect([...times].sort()).toEqual(['timed 5000', 'untimed none'])
    })
  })

  it('pulls the rest of an element before the next result of an asynchronous operator', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const got: string[] = []
      let open: number | undefined
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(100, (index) => index) },
          {
            name: 'ask',
            spec: asyncMap(async (record: number) => {
              await simulation.delay(record % 5)
              return record
            }),
          },
          {
            name: 'rows',
            spec: general((context) => ({
              process(value, timestamp) {
                expect(open, 'a record in the middle of another').toBe(undefined)
                const record = value as number
                context.expand(
                  (function* () {
                    open = record
                    for (let k = 0; k < 30; k++) yield `${record}.${k} ${'x'.repeat(40)}`
                    open = undefined
                  })(),
                  timestamp,
                )
              },
            })),
          },
          { name: 'out', spec: collectInto(got) },
        ],
        [
          { from: 'numbers', to: 'ask' },
          { from: 'ask', to: 'rows' },
          { from: 'rows', to: 'out', partitioning: 'rebalance' },
        ],
      )
      const simulation: Simulation = new Simulation(graph, { ...form, workers: 2, parallelism: 1, ringBytes: 4096, seed })
      await simulation.run()
      expect(got.map((row) => row.split(' ')[0])).toEqual(range(100).flatMap((record) => range(30).map((k) => `${record}.${k}`)))
    }
  })
})
