/**
 * Windows in random graphs that are stopped, drained or left to end at any step: no operator sees a record or a watermark before everything
 * that was due has left, or a record that the watermark has passed; what was read is counted once, and after a stop nothing that is open fires.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import type { OperatorContext } from '../../src/graph/operator-context.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { asyncMap, flatMap, general, indexSource, map, readerOf, range, sink } from '../support/specs.js'
import { splits, timestamps } from '../support/time-specs.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'
const BOUND_MS = 100
const SIZE_MS = 200

interface Event {
  readonly t: number
  readonly key: number
  /** Events that it stands for. */
  readonly n: number
}

interface Witness {
  readonly misplaced: string[]
  late: number
  ends: number
}

/** Tumbling windows per key that say where something comes out of its place. */
function strictWindows(witness: Witness, sizeMs: number, how: 'emit' | 'expand' | 'generate'): OperatorSpec {
  return general((context: OperatorContext) => {
    const open = new Map<number, Map<number, number>>()
    let at = Number.NEGATIVE_INFINITY
    let due: Event[] = []
    let ended = false
    const say = (what: string): void => {
      witness.misplaced.push(`${context.operator} ${context.subtask.index}: ${what}, ${due.length} due at ${at}`)
    }
    return {
      process(value, timestamp) {
        const { key, n, t } = value as Event
        if (due.length > 0 || ended) say(`record ${timestamp}`)
        if (timestamp !== t) say(`record of ${t} with ${timestamp}`)
        const end = Math.floor(timestamp / sizeMs) * sizeMs + sizeMs
        if (timestamp <= at) witness.late++
        if (end - 1 <= at) return
        let window = open.get(end)
        if (window === undefined) open.set(end, (window = new Map()))
        window.set(key, (window.get(key) ?? 0) + n)
      },
      onWatermark(watermark) {
        if (due.length > 0 || ended || watermark <= at) say(`watermark ${watermark}`)
        at = watermark
        if (watermark === Number.POSITIVE_INFINITY) witness.ends++
        for (const end of [...open.keys()].filter((one) => one - 1 <= watermark).sort((left, right) => left - right)) {
          due.push(...[...(open.get(end) ?? [])].map(([key, n]) => ({ key, n, t: end - 1 })))
          open.delete(end)
        }
      },
      fire() {
        const [next, ...rest] = due
        if (next === undefined) return false
        due = rest
        if (how === 'emit') context.emit(next, next.t)
        else if (how === 'expand') context.expand([next], next.t)
        else
          context.expand(
            (function* () {
              yield next
            })(),
            next.t,
          )
        return true
      },
      onEnd() {
        if (due.length > 0 || open.size > 0) say('end')
        ended = true
      },
    }
  })
}

const choices = fc.record({
  sources: fc.array(
    fc.record({
      kind: fc.constantFrom('index', 'endless', 'splits', 'ordered splits'),
      count: fc.nat(300),
      parallelism: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  rules: fc.constantFrom('none', 'few', 'endless'),
  perRecord: fc.boolean(),
  before: fc.array(fc.constantFrom('map', 'async', 'unordered', 'flatMap', 'rebalance', 'broadcastOne'), { maxLength: 2 }),
  windows: fc.array(
    fc.record({
      parallelism: fc.integer({ min: 1, max: 3 }),
      how: fc.constantFrom('emit', 'expand', 'generate'),
      behind: fc.constantFrom('none', 'none', 'flatMap', 'async', 'unordered', 'time'),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  consumers: fc.array(fc.constantFrom('sink', 'slow sink', 'consumer', 'slow consumer', 'slow chained consumer'), {
    minLength: 1,
    maxLength: 2,
  }),
  command: fc.constantFrom('end', 'drain', 'stop', 'abort'),
  step: fc.integer({ min: 1, max: 400 }),
})

const setting = fc.record({
  seed: fc.nat(),
  workers: fc.nat(3),
  chaining: fc.boolean(),
  ringBytes: fc.constantFrom(4096, 65_536),
  codeGeneration: fc.boolean(),
  tickMsMax: fc.constantFrom(0.05, 1, 20),
})

type Nodes = Parameters<typeof graphOf>[0][number]
type Edges = Parameters<typeof graphOf>[1][number]
const keyOf = ({ key }: Event): number => key

it('a job that ends in any way at any step fires what is due, in its place', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(choices, setting, async (choice, options) => {
      const { sources, rules, perRecord, before, windows, consumers, command, step } = choice
      const witness: Witness = { misplaced: [], late: 0, ends: 0 }
      const given: Event[] = []
      const results: Event[][] = consumers.map(() => [])
      const nodes: Nodes[] = []
      const edges: Edges[] = []
      const endless = command !== 'end'
      const eventOf = (source: number, index: number): Event => ({
        t: index * 10 + ((index * 7919 + source * 31) % BOUND_MS),
        key: index % 5,
        n: 1,
      })
      const note = (event: Event): Event => {
        given.push(event)
        return event
      }
      const time = timestamps({ strategy: { outOfOrdernessMs: BOUND_MS }, perRecord })
      let streams = sources.map(({ kind, count, parallelism }, source) => {
        const parts = kind === 'splits' || kind === 'ordered splits' ? 3 : 0
        const size = Math.ceil(count / Math.max(1, parts))
        const spec =
          parts === 0
            ? indexSource(
                kind === 'endless' && endless ? undefined : count,
                (index) => note(eventOf(source, index)),
                kind === 'endless' ? 2000 : undefined,
              )
            : splits(
                parts,
                async (split) => {
                  await simulation.delay(split * 3)
                  const records = range(count)
                    .slice(split * size, (split + 1) * size)
                    .map((index) => eventOf(source, index))
                  return readerOf(
                    range(Math.ceil(records.length / 37)).map((batch) => ({ records: records.slice(batch * 37, (batch + 1) * 37) })),
                  )
                },
                { bounded: true, orderedSplits: kind === 'ordered splits' },
              )
        nodes.push({ name: `source ${source}`, spec, parallelism })
        nodes.push({ name: `noted ${source}`, spec: map(parts === 0 ? (event: Event) => event : note), parallelism })
        nodes.push({ name: `time ${source}`, spec: time, parallelism })
        edges.push({ from: `source ${source}`, to: `noted ${source}` }, { from: `noted ${source}`, to: `time ${source}` })
        return `time ${source}`
      })
      const slow = (event: Event) => (event.t % 3 === 0 ? event : simulation.delay((event.t * 7) % 11).then(() => event))
      const specOf = (kind: string): OperatorSpec => {
        if (kind === 'async' || kind === 'unordered') return asyncMap(slow, { ordered: kind === 'async', concurrency: 5 })
        if (kind === 'time') return timestamps({ strategy: { outOfOrdernessMs: SIZE_MS }, perRecord })
        return kind === 'flatMap'
          ? flatMap(function* (event: Event) {
              yield { ...event, n: event.n - 1 }
              yield { ...event, n: 1 }
            })
          : map((event: Event) => event)
      }
      before.forEach((kind, index) => {
        const name = `between ${index}`
        nodes.push({ name, parallelism: kind === 'broadcastOne' ? 1 : 1 + (index % 3), spec: specOf(kind) })
        const partitioning = kind === 'rebalance' ? 'rebalance' : kind === 'broadcastOne' ? 'broadcast' : undefined
        for (const from of streams) edges.push({ from, to: name, timed: true, partitioning })
        streams = [name]
      })
      if (rules !== 'none') {
        nodes.push({
          name: 'rules',
          spec: indexSource(rules === 'few' || !endless ? 3 : undefined, () => ({ rule: true }), 100),
          parallelism: 1,
        })
      }
      windows.forEach(({ parallelism, how, behind }, index) => {
        const name = `windows ${index}`
        nodes.push({ name, parallelism, spec: strictWindows(witness, SIZE_MS * 2 ** index, how) })
        for (const from of streams) edges.push({ from, to: name, timed: true, partitioning: 'hash', keyOf })
        if (index === 0 && rules !== 'none') {
          const read = nodes.at(-1)?.spec as Extract<OperatorSpec, { kind: 'general' }>
          nodes[nodes.length - 1] = {
            name,
            parallelism,
            spec: general((context) => {
              const inner = read.create(context)
              const { process } = inner
              return Object.assign(inner, {
                process: (value: unknown, timestamp: number, input: number) => {
                  if (input === 0) process(value, timestamp, 0)
                },
              })
            }),
          }
          edges.push({ from: 'rules', to: name, input: 1, partitioning: 'broadcast' })
        }
        streams = [name]
        if (behind === 'none') return
        nodes.push({ name: `behind ${index}`, parallelism: behind === 'time' ? parallelism : 1 + (index % 3), spec: specOf(behind) })
        edges.push({ from: name, to: `behind ${index}`, timed: true })
        streams = [`behind ${index}`]
      })
      consumers.forEach((kind, index) => {
        const name = `consumer ${index}`
        const list = results[index] as Event[]
        const take = (event: Event): Promise<void> | undefined => {
          list.push(event)
          return kind === 'consumer' ? undefined : simulation.delay(event.key % 3)
        }
        const spec = kind.endsWith('sink')
          ? sink(() => ({
              write: (batch) => {
                list.push(...(batch as Event[]))
                return kind === 'sink' ? undefined : simulation.delay(list.length % 4)
              },
            }))
          : asyncMap(take, { discardsResults: true, mayChain: kind !== 'slow consumer', concurrency: 2, ordered: false })
        nodes.push({ name, parallelism: windows.at(-1)?.parallelism ?? 1, spec, ports: [] })
        for (const from of streams) edges.push({ from, to: name, timed: true })
      })
      const simulation: Simulation = new Simulation(graphOf(nodes, edges), { memoryBytes: 1 << 30, spinsMax: 200_000, ...options })
      const code = command === 'abort' ? Command.abort : command === 'stop' ? Command.stop : Command.drain
      if (command !== 'end') {
        let sent = false
        const send = (): void => {
          if (!sent) simulation.command(code)
          sent = true
        }
        simulation.atStep(step, send)
        void simulation.delay(2000).then(send)
      }
      await simulation.run()
      expect(witness.misplaced).toEqual([])
      expect(witness.late).toBe(0)
      const total = given.reduce((sum, { n }) => sum + n, 0)
      for (const list of results) {
        const counted = list.reduce((sum, { n }) => sum + n, 0)
        if (command === 'end' || command === 'drain') expect(counted).toBe(total)
        else expect(counted).toBeLessThanOrEqual(total)
      }
      const exhausted = command === 'end' || command === 'drain'
      if (exhausted) expect(witness.ends).toBe(windows.reduce((sum, { parallelism }) => sum + parallelism, 0))
    }),
    { numRuns: nightly ? 2000 : 60 },
  )
})
