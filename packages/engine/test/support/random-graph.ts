/**
 * Random graphs whose result can be told without an engine: every operator is a function of the record alone, so a sink's records are a
 * matter of counting. Records carry where they came from and the way they took.
 */
import type { LogicalGraph } from '../../src/graph/logical-graph.js'
import { type AsyncContext, SideOutputValue } from '../../src/graph/operator-context.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import type { PhysicalPlan } from '../../src/plan/physical-plan.js'
import { graphOf } from './run-graph.js'
import type { Simulation } from './simulation.js'
import { indexSource, splitSource } from './specs.js'

/** What one record says of itself. */
export interface Traveller {
  /** Source and index in it. */
  readonly o: number
  readonly s: number
  readonly k: number
  /** Operators it came through. */
  readonly p: string
  /** Which element of each expansion it was. */
  readonly x: string
}

const kinds = [
  'map',
  'filter',
  'flatMap',
  'generator',
  'split',
  'emit',
  'expand',
  'buffer',
  'asyncOrdered',
  'asyncUnordered',
  'picky',
  'pickyGenerator',
  'pickyEmit',
  'pickyAsync',
] as const
type Kind = (typeof kinds)[number]
export const kindCount: number = kinds.length

const portsOf = (kind: Kind): readonly string[] => (kind === 'split' ? ['a', 'b', 'rest'] : kind === 'expand' ? ['out', 'side'] : ['out'])
/** How many streams come out of an operator. */
export const streamsOf = (kind: number): number => portsOf(kinds[kind % kinds.length] as Kind).length

/** Numbers that decide everything; each is taken modulo what there is to choose from. */
export interface GraphChoices {
  readonly sources: readonly { readonly reads: number; readonly count: number; readonly parallelism: number }[]
  readonly nodes: readonly {
    readonly kind: number
    readonly inputs: readonly number[]
    readonly partitioning: readonly number[]
    readonly parallelism: number
    /** How long its function takes, in ms. */
    readonly costMs?: number
  }[]
  readonly slowSinks: boolean
}

interface StreamOf {
  readonly node: string
  readonly port: number
}

export interface Arrival {
  readonly subtask: number
  readonly record: Traveller
}

export interface RandomGraph {
  readonly graph: LogicalGraph
  /** By sink name. */
  readonly arrived: ReadonlyMap<string, Arrival[]>
  /** What each source gave, by source index, as the tap behind it saw it. */
  readonly given: readonly Traveller[][]
  /** Opened minus closed, by name of what was opened; and how often something was closed twice. */
  readonly open: Map<string, number>
  /** By sink name: what should arrive, and whether the order per key and way is kept. */
  expected(plan: PhysicalPlan): Map<string, { readonly records: Traveller[]; readonly ordered: boolean }>
}

const SPLIT_RECORDS = 1000

const through = (record: Traveller, id: number): Traveller => ({ ...record, p: `${record.p}/${id}` })
const element = (record: Traveller, index: number): Traveller => ({ ...record, x: `${record.x}.${String(index).padStart(2, '0')}` })

/** Whether an operator with a policy for errors throws on a record. */
const fails = (id: number, record: Traveller): boolean => (record.s + id) % 5 === 0

/** The effect of an operator on one record: by port. */
function effect(kind: Kind, id: number, record: Traveller): readonly (readonly Traveller[])[] {
  const next = through(record, id)
  const copies = Array.from({ length: (record.s + id) % 4 }, (_, index) => element(next, index))
  switch (kind) {
    case 'filter':
      return [(record.s + id) % 3 === 0 ? [] : [record]]
    case 'flatMap':
    case 'generator':
      return [copies]
    case 'split': {
      const port = (record.s + id) % 3
      return [0, 1, 2].map((one) => (one === port ? [record] : []))
    }
    case 'expand':
      return [copies.filter((_, index) => index % 2 === 0), copies.filter((_, index) => index % 2 === 1)]
    case 'map':
    case 'emit':
    case 'buffer':
    case 'asyncOrdered':
    case 'asyncUnordered':
      return [[next]]
    case 'picky':
    case 'pickyEmit':
    case 'pickyAsync':
      return [fails(id, record) ? [] : [next]]
    case 'pickyGenerator':
      return [fails(id, record) ? copies.slice(0, 1) : copies]
  }
}

export function randomGraph(choices: GraphChoices, simulationOf: () => Simulation): RandomGraph {
  const open = new Map<string, number>()
  const opened = (name: string, by: number): void => void open.set(name, (open.get(name) ?? 0) + by)
  const given: Traveller[][] = choices.sources.map(() => [])
  const arrived = new Map<string, Arrival[]>()
  const nodes: Parameters<typeof graphOf>[0][number][] = []
  const edges: Parameters<typeof graphOf>[1][number][] = []
  const streams: StreamOf[] = []
  const used = new Set<StreamOf>()
  const steps: { readonly name: string; readonly kind: Kind; readonly id: number; readonly inputs: readonly StreamOf[] }[] = []

  choices.sources.forEach(({ reads, count, parallelism }, origin) => {
    const traveller = (seq: number): Traveller => ({ o: origin, s: seq, k: seq % 7, p: '', x: '' })
    nodes.push({
      name: `source ${origin}`,
      parallelism,
      spec: sourceOf(reads % 3, count, traveller, simulationOf, opened),
      ports: ['out', 'deadLetters'],
    })
    nodes.push({
      name: `tap ${origin}`,
      parallelism,
      spec: {
        kind: 'map',
        fn: (record: Traveller) => {
          given[origin]?.push(record)
          return record
        },
      },
    })
    edges.push({ from: `source ${origin}`, to: `tap ${origin}` })
    streams.push({ node: `tap ${origin}`, port: 0 })
  })

  choices.nodes.forEach((choice, id) => {
    const name = `node ${id}`
    const kind = kinds[choice.kind % kinds.length] as Kind
    // An operator with an expansion at its end reads one input like any other; every node may have several.
    const inputs = [...new Set(choice.inputs.map((input) => streams[input % streams.length] as StreamOf))]
    inputs.forEach((stream, index) => {
      used.add(stream)
      const partitioning = (['forward', 'hash', 'rebalance', 'broadcast', undefined, undefined, 'hash'] as const)[
        (choice.partitioning[index] ?? 0) % 7
      ]
      edges.push({
        from: stream.node,
        port: stream.port,
        to: name,
        partitioning,
        ...(partitioning === 'hash' ? { keyOf: (record: Traveller) => record.k } : {}),
      })
    })
    const ports = portsOf(kind)
    nodes.push({ name, parallelism: choice.parallelism, ports, spec: specOf(kind, id, simulationOf, opened, choice.costMs ?? 0) })
    steps.push({ name, kind, id, inputs })
    ports.forEach((_, port) => streams.push({ node: name, port }))
  })

  const sinks: { readonly name: string; readonly stream: StreamOf }[] = []
  streams.forEach((stream, index) => {
    if (used.has(stream)) return
    const name = `sink ${index}`
    const records: Arrival[] = []
    arrived.set(name, records)
    sinks.push({ name, stream })
    edges.push({ from: stream.node, port: stream.port, to: name })
    if (choices.slowSinks && index % 4 === 1) {
      nodes.push({ name, parallelism: 1 + (index % 3), ports: [], spec: gatheringSink(index, records, simulationOf) })
      return
    }
    nodes.push({
      name,
      parallelism: 1 + (index % 3),
      spec: {
        kind: 'sink',
        create: ({ subtask }) => ({
          open: () => opened(name, 1),
          write: (batch) => {
            for (const record of batch) records.push({ subtask: subtask.index, record: record as Traveller })
            return choices.slowSinks && index % 2 === 0 ? simulationOf().delay(index % 5) : undefined
          },
          finish: () => (choices.slowSinks ? simulationOf().delay(30) : undefined),
          close: () => opened(name, -1),
        }),
      },
    })
  })
  const graph = graphOf(nodes, edges)

  return {
    graph,
    arrived,
    given,
    open,
    expected(plan) {
      const records = new Map<string, Traveller[]>()
      const ordered = new Map<string, boolean>()
      const keyOf = (stream: StreamOf): string => `${stream.node}:${stream.port}`
      given.forEach((list, origin) => {
        records.set(`tap ${origin}:0`, list)
        ordered.set(`tap ${origin}:0`, true)
      })
      const nodeOf = (name: string): number => nodes.findIndex((node) => node.name === name)
      const parallelismOf = (node: number): number => plan.tasks.find((task) => task.nodes.includes(node))?.parallelism ?? 0
      /** What comes over an edge, and whether in order. */
      const over = (from: StreamOf, to: string): { readonly records: Traveller[]; readonly ordered: boolean } => {
        const fromNode = nodeOf(from.node)
        const toNode = nodeOf(to)
        const edge = graph.edges.find((one) => one.from.node === fromNode && one.from.port === from.port && one.to.node === toNode)
        const planned = plan.edges.find((one) => one.logical === edge?.id)
        const list = records.get(keyOf(from)) ?? []
        const straight = ordered.get(keyOf(from)) ?? false
        const [before, after] = [parallelismOf(fromNode), parallelismOf(toNode)]
        if (planned?.partitioning === 'broadcast')
          return { records: list.flatMap((record) => Array.from({ length: after }, () => record)), ordered: straight && after === 1 }
        return { records: list, ordered: straight && (planned?.partitioning !== 'rebalance' || (before === 1 && after === 1)) }
      }
      for (const { name, kind, id, inputs } of steps) {
        const incoming = inputs.map((stream) => over(stream, name))
        // Filters leave no trace on records: where two inputs carry the same way, nobody can tell their orders apart.
        const ways = incoming.map((one) => new Set(one.records.map(({ o, p }) => `${o} ${p}`)))
        const apart = ways.reduce((sum, { size }) => sum + size, 0) === new Set(ways.flatMap((way) => [...way])).size
        const straight = incoming.every((one) => one.ordered) && apart && kind !== 'asyncUnordered'
        const outputs = incoming.flatMap((one) => one.records).map((record) => effect(kind, id, record))
        for (let port = 0; port < portsOf(kind).length; port++) {
          records.set(
            `${name}:${port}`,
            outputs.flatMap((one) => one[port] ?? []),
          )
          ordered.set(`${name}:${port}`, straight)
        }
      }
      return new Map(sinks.map(({ name, stream }) => [name, over(stream, name)]))
    },
  }
}

/** A consumer of batches, some of which take a while; one after the other, so that order can be told. */
function gatheringSink(index: number, records: Arrival[], simulationOf: () => Simulation): OperatorSpec {
  return {
    kind: 'async',
    fn: (batch: readonly Traveller[], { subtask }: AsyncContext) => {
      for (const record of batch) records.push({ subtask: subtask.index, record })
      return (batch[0]?.s ?? 0) % 2 === 0 ? simulationOf().delay(index % 5) : undefined
    },
    ordered: false,
    timeoutMs: 1e9,
    discardsResults: true,
    mayChain: true,
    gathers: { recordsMax: 1 + (index % 7), timeMs: 10 },
  }
}

function sourceOf(
  reads: number,
  count: number,
  traveller: (seq: number) => Traveller,
  simulationOf: () => Simulation,
  opened: (name: string, by: number) => void,
): OperatorSpec {
  if (reads === 0) return indexSource(count, traveller)
  const splits = Array.from({ length: 5 }, (_, split) => split)
  return splitSource(splits, async (split) => {
    const first = (split as number) * SPLIT_RECORDS
    let next = 0
    const batch = () => {
      if (next >= count / 5) return undefined
      const size = next % 3 === 1 ? 0 : Math.ceil(count / 12)
      const from = next
      next = size === 0 ? next + 1 : next + size
      return { records: Array.from({ length: Math.max(size, 1) }, (_, index) => traveller(first + from + index)) }
    }
    if (reads === 2) await simulationOf().delay(2)
    opened(`reader ${split as number} of ${traveller(0).o}`, 1)
    return {
      next:
        reads === 1
          ? batch
          : () =>
              simulationOf()
                .delay(next % 4)
                .then(batch),
      close: () => opened(`reader ${split as number} of ${traveller(0).o}`, -1),
    }
  })
}

function specOf(
  kind: Kind,
  id: number,
  simulationOf: () => Simulation,
  opened: (name: string, by: number) => void,
  costMs: number,
): OperatorSpec {
  const work = (record: Traveller): readonly (readonly Traveller[])[] => {
    if (costMs > 0) simulationOf().spend(costMs)
    return effect(kind, id, record)
  }
  const one = (record: Traveller): Traveller => work(record)[0]?.[0] as Traveller
  const checked = (record: Traveller): Traveller => {
    if (fails(id, record)) throw new Error('picky')
    return one(record)
  }
  const life = { open: () => opened(`operator ${id}`, 1), close: () => opened(`operator ${id}`, -1) }
  switch (kind) {
    case 'map':
      return { kind: 'map', fn: one }
    case 'filter':
      return { kind: 'filter', fn: (record: Traveller) => work(record)[0]?.length === 1 }
    case 'flatMap':
      return { kind: 'flatMap', fn: (record: Traveller) => work(record)[0] }
    case 'generator':
      return {
        kind: 'flatMap',
        fn: function* (record: Traveller) {
          yield* work(record)[0] ?? []
        },
      }
    case 'split':
      return { kind: 'split', predicates: [0, 1].map((port) => (record: Traveller) => (record.s + id) % 3 === port) }
    case 'emit':
      return {
        kind: 'general',
        create: (context) => ({ ...life, process: (record, timestamp) => context.emit(one(record as Traveller), timestamp) }),
      }
    case 'expand':
      return {
        kind: 'general',
        create: (context) => ({
          ...life,
          process: (record, timestamp) => {
            const [main = [], side = []] = work(record as Traveller)
            context.expand([...main, ...side.map((value) => new SideOutputValue('side', value))], timestamp)
          },
        }),
      }
    case 'buffer':
      return {
        kind: 'general',
        create: (context) => {
          let held: Traveller[] = []
          const take = (): Traveller[] => {
            const taken = held
            held = []
            return taken
          }
          return {
            ...life,
            process(record, timestamp) {
              if (held.push(one(record as Traveller)) === 1) context.setDeadline(context.now() + 5)
              if (held.length >= 10) for (const value of take()) context.emit(value, timestamp)
            },
            onDeadline: () => context.expand(take(), Number.NaN),
            onEnd: take,
            onStop: take,
          }
        },
      }
    case 'picky':
      return { kind: 'map', fn: checked, onError: 'drop' }
    case 'pickyGenerator':
      return {
        kind: 'flatMap',
        fn: function* (record: Traveller) {
          yield* work(record)[0] ?? []
          if (fails(id, record)) throw new Error('picky')
        },
        onError: 'drop',
      }
    case 'pickyEmit':
      return {
        kind: 'general',
        create: (context) => ({ ...life, process: (record, timestamp) => context.emit(checked(record as Traveller), timestamp) }),
        onError: 'drop',
      }
    case 'pickyAsync':
      return {
        kind: 'async',
        fn: (record: Traveller) =>
          record.s % 3 === 0
            ? checked(record)
            : simulationOf()
                .delay((record.s * 7) % 9)
                .then(() => checked(record)),
        ordered: true,
        concurrency: 6,
        timeoutMs: 1e9,
        discardsResults: false,
        mayChain: false,
        onError: 'drop',
      }
    case 'asyncOrdered':
    case 'asyncUnordered':
      return {
        kind: 'async',
        fn: (record: Traveller) =>
          record.s % 4 === 0
            ? one(record)
            : simulationOf()
                .delay((record.s * 7) % 9)
                .then(() => one(record)),
        ordered: kind === 'asyncOrdered',
        concurrency: 6,
        timeoutMs: 1e9,
        discardsResults: false,
        mayChain: false,
      }
  }
}

/** The records of a group that must come in order: same origin subtask, way, key and receiving subtask. */
export function outOfOrder(
  arrivals: readonly Arrival[],
  lanesOf: (origin: number) => { readonly parallelism: number; readonly splits: boolean },
): string | undefined {
  const last = new Map<string, readonly [number, string]>()
  for (const { subtask, record } of arrivals) {
    const { parallelism, splits } = lanesOf(record.o)
    const lane = splits ? Math.floor(record.s / SPLIT_RECORDS) % parallelism : (record.s % 128) % parallelism
    const group = [record.o, lane, record.p, record.k, subtask].join(' ')
    const before = last.get(group)
    if (before !== undefined && (record.s < before[0] || (record.s === before[0] && record.x <= before[1])))
      return `${JSON.stringify(record)} after ${before.join(' ')}`
    last.set(group, [record.s, record.x])
  }
  return undefined
}
