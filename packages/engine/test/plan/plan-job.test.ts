import { describe, expect, it } from 'vitest'
import { type PhysicalPlan, HOST_WORKER } from '../../src/plan/physical-plan.js'
import { describePlan } from '../../src/plan/describe-plan.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { edgeName, type JobSettings } from '../../src/graph/logical-graph.js'
import { async, GraphBuilder, map, sink, source } from '../support/graph-builder.js'

function plan(builder: GraphBuilder, settings: JobSettings = {}): PhysicalPlan {
  const graph = builder.build()
  return planJob(graph, resolveSettings(graph.settings, { cores: 2, ...settings }))
}

const names = (of: PhysicalPlan): readonly string[] => of.tasks.map((task) => task.name)
const workersOf = (of: PhysicalPlan, task: number): readonly number[] =>
  (of.tasks[task]?.subtasks ?? []).map((subtask) => of.subtasks[subtask]?.worker ?? Number.NaN)
const reason = (of: PhysicalPlan, edge: number): string | undefined => of.chaining[edge]?.because

const linear = (): GraphBuilder =>
  new GraphBuilder().node('numbers', source).node('double', map).node('out', sink).edge('numbers', 'double').edge('double', 'out')

describe('chaining', () => {
  it('fuses a linear job of equal parallelism into one task per subtask', () => {
    const planned = plan(linear())
    expect(names(planned)).toEqual(['numbers -> double -> out'])
    expect(planned.subtasks.map((subtask) => subtask.worker)).toEqual([0, 1])
    expect(planned.edges).toEqual([])
    expect(planned.channels).toEqual([])
    expect(planned.memory.plannedBytes).toBe(0)
  })

  it('keeps edges apart on which records of a restored checkpoint wait', () => {
    const graph = linear().build()
    const unchained = new Set(graph.edges.slice(0, 1).map((edge) => edgeName(graph, edge)))
    const planned = planJob(graph, { ...resolveSettings(graph.settings, { cores: 2 }), unchained })
    expect(planned.chaining.map((decision) => decision.because)).toEqual(['records of the restored checkpoint wait there', undefined])
    expect(names(planned)).toEqual(['numbers', 'double -> out'])
  })

  it('says why it does not chain when it is switched off', () => {
    const planned = plan(linear(), { chaining: false })
    expect(names(planned)).toEqual(['numbers', 'double', 'out'])
    expect(planned.chaining.map((decision) => decision.because)).toEqual(['chaining is switched off', 'chaining is switched off'])
    expect(planned.edges.map((edge) => [edge.name, edge.partitioning, edge.channels.length])).toEqual([
      ['numbers -> double', 'forward', 2],
      ['double -> out', 'forward', 2],
    ])
    expect(planned.channels.every((channel) => channel.kind === 'local')).toBe(true)
  })

  it('does not chain over a key exchange, but does where both sides have one subtask', () => {
    const keyed = (): GraphBuilder =>
      new GraphBuilder()
        .node('numbers', source)
        .node('sum', map)
        .node('out', sink)
        .edge('numbers', 'sum', { partitioning: 'hash' })
        .edge('sum', 'out')
    const wide = plan(keyed())
    expect(names(wide)).toEqual(['numbers', 'sum -> out'])
    expect(reason(wide, 0)).toBe('records are dealt out by key')
    expect(wide.edges[0]).toMatchObject({ partitioning: 'hash', channels: [0, 1, 2, 3] })
    expect(wide.channels.map((channel) => channel.kind)).toEqual(['local', 'ring', 'ring', 'local'])
    expect(names(plan(keyed(), { parallelism: 1 }))).toEqual(['numbers -> sum -> out'])
  })

  it('keeps asynchronous work at the head of its chain', () => {
    const builder = linear()
      .node('slow', async({ concurrency: 4 }))
      .node('end', sink)
      .edge('double', 'slow')
      .edge('slow', 'end')
    const planned = plan(builder)
    expect(names(planned)).toEqual(['numbers -> double -> out', 'slow -> end'])
    expect(reason(planned, 2)).toBe('slow does asynchronous work')
  })

  it('chains a function known to be synchronous', () => {
    const builder = new GraphBuilder()
      .node('numbers', source)
      .node('each', async({ mayChain: true, discardsResults: true }))
      .edge('numbers', 'each')
    expect(names(plan(builder))).toEqual(['numbers -> each'])
  })

  it('keeps an explicit rebalance and broadcast', () => {
    const builder = linear()
      .node('turn', sink)
      .node('all', sink)
      .edge('double', 'turn', { partitioning: 'rebalance' })
      .edge('double', 'all', { partitioning: 'broadcast' })
    const planned = plan(builder, { parallelism: 1 })
    expect(reason(planned, 2)).toBe('records are dealt out in turn')
    expect(reason(planned, 3)).toBe('every subtask gets every record')
  })

  it('names every reason', () => {
    const builder = new GraphBuilder()
      .node('a', source)
      .node('b', source)
      .node('slow', async({ concurrency: 1 }))
      .node('out', sink, { pinnedToHost: true })
      .edge('a', 'slow')
      .edge('b', 'slow')
      .edge('slow', 'out')
    const planned = plan(builder)
    expect(reason(planned, 0)).toBe('parallelism 2 and 1 differ, it has 2 inputs, slow does asynchronous work')
    expect(reason(planned, 2)).toBe('out is bound to the calling thread')
  })

  it('lets a chain branch', () => {
    const builder = linear().node('keep', map).node('other', sink).edge('double', 'keep').edge('keep', 'other')
    const planned = plan(builder)
    expect(names(planned)).toEqual(['numbers -> double -> (out, keep -> other)'])
    expect(planned.tasks[0]?.nodes).toEqual([0, 1, 2, 3, 4])
  })
})

describe('colocation', () => {
  const port = { colocation: 'listen 127.0.0.1:8080' }

  it('puts sources that share something into one thread, each with one subtask', () => {
    const builder = new GraphBuilder({ parallelism: 3 })
      .node('a', source, port)
      .node('b', source)
      .node('c', source, port)
      .node('d', source, { ...port, parallelism: 2 })
      .node('out', sink)
      .edge('a', 'out')
      .edge('b', 'out')
      .edge('c', 'out')
      .edge('d', 'out')
    const planned = planJob(builder.build(), resolveSettings(builder.settings, { cores: 3 }))
    const workersOf = (name: string): readonly (number | undefined)[] =>
      (planned.tasks.find((task) => task.name === name)?.subtasks ?? []).map((id) => planned.subtasks[id]?.worker)
    expect(workersOf('a')).toHaveLength(1)
    expect(workersOf('c')).toEqual(workersOf('a'))
    expect(workersOf('d')).toEqual(workersOf('a'))
    expect(workersOf('b')).toHaveLength(3)
    expect(planned.notes).toContain('d runs at parallelism 1 instead of 2: it shares "listen 127.0.0.1:8080", which one thread has')
    expect(describePlan(builder.build(), planned, 'text')).toContain('in one thread with all of "listen 127.0.0.1:8080"')
  })

  it('takes all of them to the calling thread, or none', () => {
    const builder = new GraphBuilder()
      .node('a', source, { ...port, pinnedToHost: true })
      .node('b', source, port)
      .node('out', sink)
      .edge('a', 'out')
      .edge('b', 'out')
    expect(() => plan(builder)).toThrow('a and b share "listen 127.0.0.1:8080", and only a is bound to the calling thread')
  })
})

describe('parallelism', () => {
  it('caps with the reason', () => {
    const builder = new GraphBuilder({ parallelism: 4, keyGroups: 3 })
      .node('in', source, { parallelismMax: { value: 2, because: 'it has 2 splits' } })
      .node('sum', map)
      .node('slow', async({ concurrency: 1 }))
      .node('host', sink, { pinnedToHost: true })
      .node('own', sink, { parallelism: 5 })
      .edge('in', 'sum', { partitioning: 'hash' })
      .edge('sum', 'slow')
      .edge('slow', 'host')
      .edge('slow', 'own')
    const planned = plan(builder)
    expect(planned.tasks.map((task) => [task.name, task.parallelism])).toEqual([
      ['in', 2],
      ['sum', 3],
      ['slow', 1],
      ['host', 1],
      ['own', 5],
    ])
    expect(planned.notes).toEqual([
      'in runs at parallelism 2 instead of 4: it has 2 splits',
      'sum runs at parallelism 3 instead of 4: the job has 3 key groups',
      'slow runs at parallelism 1 instead of 4: its concurrency is 1',
      'host runs at parallelism 1 instead of 4: it is bound to the calling thread',
    ])
  })

  it('rebalances where the two sides differ, also where forward was asked for', () => {
    const builder = new GraphBuilder()
      .node('in', source)
      .node('out', sink, { parallelism: 1 })
      .edge('in', 'out', { partitioning: 'forward' })
    const planned = plan(builder)
    expect(planned.edges[0]?.partitioning).toBe('rebalance')
    expect(planned.notes).toEqual(['records from in to out are dealt out in turn: parallelism 2 and 1 differ'])
  })
})

describe('placement', () => {
  it('runs everything on the calling thread without workers', () => {
    const planned = plan(linear(), { workers: 0, chaining: false })
    expect(planned.workers).toBe(0)
    expect(planned.subtasks.map((subtask) => subtask.worker)).toEqual([HOST_WORKER, HOST_WORKER, HOST_WORKER])
    expect(planned.channels.map((channel) => channel.kind)).toEqual(['local', 'local'])
  })

  it('puts a single source and its single consumer on two workers', () => {
    const builder = new GraphBuilder({ parallelism: 1 })
      .node('a', source)
      .node('b', source)
      .node('slow', async(), {})
      .node('end', sink)
      .edge('a', 'slow', { partitioning: 'rebalance' })
      .edge('slow', 'end', { partitioning: 'rebalance' })
      .node('drop', sink)
      .edge('b', 'drop', { partitioning: 'rebalance' })
    const planned = plan(builder)
    expect(names(planned)).toEqual(['a', 'b', 'slow', 'end', 'drop'])
    expect([0, 1, 2, 3, 4].map((task) => workersOf(planned, task))).toEqual([[0], [1], [1], [0], [0]])
  })

  it('deals wide tasks out by index and aligns narrow ones', () => {
    const builder = new GraphBuilder()
      .node('wide', source, { parallelism: 5 })
      .node('pair', map, { parallelism: 2 })
      .node('slow', async({ concurrency: 2 }), { parallelism: 2 })
      .node('end', sink, { pinnedToHost: true })
      .edge('wide', 'pair')
      .edge('pair', 'slow')
      .edge('slow', 'end')
    const planned = plan(builder, { workers: 3 })
    expect(workersOf(planned, 0)).toEqual([0, 1, 2, 0, 1])
    expect(workersOf(planned, 1)).toEqual([0, 2])
    expect(workersOf(planned, 2)).toEqual([0, 2])
    expect(workersOf(planned, 3)).toEqual([HOST_WORKER])
  })

  it('starts no worker that has nothing to do', () => {
    const planned = plan(linear(), { workers: 4, parallelism: 1 })
    expect(planned.workers).toBe(1)
    expect(planned.notes).toEqual(['the job needs 1 of 4 workers: there is nothing for more to do'])
    const hosted = new GraphBuilder().node('in', source, { pinnedToHost: true }).node('out', sink, { pinnedToHost: true }).edge('in', 'out')
    expect(plan(hosted, { parallelism: 1 }).workers).toBe(0)
  })
})

describe('notes', () => {
  it('tells of streams that nobody reads and of sources that cannot be read again', () => {
    const once = { kind: 'source', reads: 'splits', splits: () => [], open: () => ({ next: () => undefined }), replayable: false } as const
    const builder = new GraphBuilder()
      .node('stdin', once, { ports: ['out', 'deadLetters'], parallelismMax: { value: 1, because: 'there is one stdin' } })
      .node('sizes', { kind: 'split', predicates: [() => true] }, { ports: ['big', 'rest'] })
      .node('lost', map)
      .node('out', sink)
      .edge('stdin', 'sizes')
      .edge('stdin', 'lost')
      .edge('sizes', 'out')
    expect(plan(builder, { parallelism: 1, workers: 1 }).notes).toEqual([
      'stdin cannot be read again: what it gave is lost when the job fails',
      'nothing reads sizes.rest: its records are dropped',
      'nothing reads what lost gives: its records are dropped',
    ])
  })

  it('tells of shares of a time that nobody else asks for', () => {
    const builder = new GraphBuilder()
      .node('live', source)
      .node('stored', source)
      .node('merge', sink, { parallelismMax: { value: 1, because: 'it is one' } })
      .node('alone', sink, { parallelismMax: { value: 1, because: 'it is one' } })
      .edge('live', 'merge')
      .edge('stored', 'merge')
      .edge('stored', 'alone')
    const edges = { 'live -> merge': { weight: 3 }, 'stored -> merge': { priority: -1 }, 'stored -> alone': { weight: 2 } }
    const notes = (given: JobSettings['edges']): readonly string[] =>
      plan(builder, { parallelism: 2, edges: given }).notes.filter((note) => note.startsWith('edge '))
    expect(notes(edges)).toEqual(['edge stored -> alone has a weight, and alone has no other input to share its time with'])
    expect(notes({ 'stored -> alone': { priority: 2 } })).toEqual([
      'edge stored -> alone has a priority, and alone has no other input to share its time with',
    ])
  })

  it('names edges by port and keeps them apart', () => {
    const builder = new GraphBuilder()
      .node('in', source, { ports: ['out', 'deadLetters'] })
      .node('both', sink)
      .edge('in', 'both')
      .edge('in', 'both', { port: 1 })
      .edge('in', 'both')
    expect(plan(builder).edges.map((edge) => edge.name)).toEqual(['in -> both', 'in.deadLetters -> both', 'in -> both (2)'])
  })
})
