/** Whatever the graph and the settings: what every part of the engine relies on in a plan. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.js'
import type { LogicalEdge, LogicalGraph, LogicalNode, Partitioning } from '../../src/graph/logical-graph.js'
import { describePlan } from '../../src/plan/describe-plan.js'
import { HOST_WORKER, type PhysicalPlan } from '../../src/plan/physical-plan.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { async, map, sink, source } from '../support/graph-builder.js'

const partitioning = fc.constantFrom<Partitioning | undefined>(undefined, undefined, undefined, 'forward', 'hash', 'rebalance', 'broadcast')

/** Node i > 0 reads from one to three earlier nodes; nodes without readers become sinks. */
const graphs: fc.Arbitrary<LogicalGraph> = fc
  .array(
    fc.record({
      kind: fc.constantFrom('map', 'map', 'async', 'chainable', 'source'),
      parallelism: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      max: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      concurrency: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      host: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      shared: fc.boolean(),
      reads: fc.array(fc.record({ from: fc.nat(), partitioning }), { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 2, maxLength: 14 },
  )
  .map((drafts) => {
    const edges: LogicalEdge[] = []
    for (const [id, draft] of drafts.entries()) {
      if (id === 0 || (draft.kind === 'source' && id < drafts.length - 1)) continue
      for (const [input, read] of draft.reads.entries()) {
        const keyOf = read.partitioning === 'hash' ? (record: unknown) => record : undefined
        const from = { node: read.from % id, port: 0 }
        edges.push({ id: edges.length, from, to: { node: id, input }, partitioning: read.partitioning, keyOf, timed: false })
      }
    }
    const read = new Set(edges.map((edge) => edge.from.node))
    const fed = new Set(edges.map((edge) => edge.to.node))
    const nodes = drafts.map((draft, id): LogicalNode => {
      const isAsync = draft.kind === 'async' || draft.kind === 'chainable'
      const ends = !read.has(id)
      const worker = isAsync
        ? async({ concurrency: draft.concurrency, mayChain: draft.kind === 'chainable', discardsResults: ends })
        : ends
          ? sink
          : map
      return {
        id,
        name: `n${id}`,
        spec: fed.has(id) ? worker : source,
        ports: ends && fed.has(id) ? [] : ['out'],
        parallelism: draft.parallelism,
        parallelismMax: draft.max === undefined ? undefined : { value: draft.max, because: 'it is so' },
        pinnedToHost: draft.host,
        colocation: draft.shared && !draft.host && !fed.has(id) ? 'a port' : undefined,
      }
    })
    return { job: 'random', nodes, edges, resources: [], settings: {} }
  })

const settings = fc.record({
  workers: fc.integer({ min: 0, max: 4 }),
  parallelism: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  chaining: fc.boolean(),
  memoryBytes: fc.constantFrom(undefined, 4 << 20, 8 << 20, 32 << 20),
  keyGroups: fc.constantFrom(undefined, 5),
  ringBytes: fc.constantFrom(undefined, undefined, 4096, 65_536),
})

// Thousands of small checks a run: `expect` costs ten times as much as these.
function check(graph: LogicalGraph, plan: PhysicalPlan, memoryBytes: number): void {
  // Tasks are trees that partition the nodes; their edges are the chained ones.
  const taskOf = new Map<number, number>()
  for (const [id, task] of plan.tasks.entries()) {
    equal(task.id, id)
    for (const node of task.nodes) {
      equal(taskOf.has(node), false)
      taskOf.set(node, id)
    }
  }
  equal(taskOf.size, graph.nodes.length)
  deepEqual(
    plan.chaining.map((decision) => decision.edge),
    graph.edges.map((edge) => edge.id),
  )
  for (const task of plan.tasks) {
    const inside = graph.edges.filter((edge) => plan.chaining[edge.id]?.chained && taskOf.get(edge.to.node) === task.id)
    deepEqual(
      inside.map((edge) => edge.to.node).sort((a, b) => a - b),
      task.nodes.slice(1).sort((a, b) => a - b),
    )
    for (const edge of inside) {
      equal(taskOf.get(edge.from.node), task.id)
      ok(task.nodes.indexOf(edge.from.node) < task.nodes.indexOf(edge.to.node))
    }
  }

  // What is not chained has a reason and an edge; ids and names are consistent.
  const apart = plan.chaining.filter((decision) => !decision.chained)
  for (const decision of plan.chaining) equal(decision.chained, decision.because === undefined)
  deepEqual(
    plan.edges.map((edge) => edge.logical),
    apart.map((decision) => decision.edge),
  )
  equal(new Set(plan.edges.map((edge) => edge.name)).size, plan.edges.length)
  for (const [id, edge] of plan.edges.entries()) {
    const logical = graph.edges[edge.logical]
    equal(edge.id, id)
    deepEqual([edge.fromTask, edge.toTask], [taskOf.get(logical?.from.node ?? -1), taskOf.get(logical?.to.node ?? -1)])
    ok(edge.fromTask < edge.toTask)
    equal(plan.tasks[edge.toTask]?.nodes[0], logical?.to.node)
    ok(plan.tasks[edge.fromTask]?.outputs?.includes(id))
    ok(plan.tasks[edge.toTask]?.inputs?.includes(id))
    if (logical?.partitioning !== undefined && logical.partitioning !== 'forward') equal(edge.partitioning, logical.partitioning)
  }
  equal(plan.tasks.flatMap((task) => task.inputs).length, plan.edges.length)
  equal(plan.tasks.flatMap((task) => task.outputs).length, plan.edges.length)

  // Every subtask is placed, on the side where its operators may run.
  deepEqual(
    plan.tasks.flatMap((task) => task.subtasks),
    plan.subtasks.map((subtask) => subtask.id),
  )
  for (const [id, subtask] of plan.subtasks.entries()) {
    const task = plan.tasks[subtask.task]
    equal(subtask.id, id)
    equal(task?.subtasks[subtask.index], id)
    const onHost = plan.workers === 0 || graph.nodes[task?.nodes[0] ?? -1]?.pinnedToHost === true
    if (onHost) equal(subtask.worker, HOST_WORKER)
    else ok(subtask.worker >= 0)
    ok(subtask.worker < Math.max(plan.workers, 0))
  }
  for (let worker = 0; worker < plan.workers; worker++)
    equal(
      plan.subtasks.some((subtask) => subtask.worker === worker),
      true,
    )
  for (const task of plan.tasks) {
    equal(task.subtasks.length, task.parallelism)
    for (const id of task.nodes) {
      const node = graph.nodes[id]
      ok(task.parallelism <= (node?.parallelismMax?.value ?? Number.POSITIVE_INFINITY))
      if (node?.pinnedToHost || node?.colocation !== undefined) equal(task.parallelism, 1)
      if (node?.spec.kind === 'async') ok(task.parallelism <= (node.spec.concurrency ?? Number.POSITIVE_INFINITY))
    }
  }

  const sharing = plan.subtasks.filter(({ task }) => graph.nodes[plan.tasks[task]?.nodes[0] ?? -1]?.colocation !== undefined)
  ok(new Set(sharing.map(({ worker }) => worker)).size <= 1)

  // Channels: all pairs, in order; rings exactly between threads.
  deepEqual(
    plan.edges.flatMap((edge) => edge.channels).sort((a, b) => a - b),
    plan.channels.map((channel) => channel.id),
  )
  for (const edge of plan.edges) {
    const from = plan.tasks[edge.fromTask]?.subtasks ?? []
    const to = plan.tasks[edge.toTask]?.subtasks ?? []
    if (edge.partitioning === 'forward') equal(from.length, to.length)
    const pairs =
      edge.partitioning === 'forward' ? from.map((id, at) => [id, to[at]]) : from.flatMap((id) => to.map((other) => [id, other]))
    deepEqual(
      edge.channels.map((id) => [plan.channels[id]?.fromSubtask, plan.channels[id]?.toSubtask]),
      pairs,
    )
  }
  for (const [id, channel] of plan.channels.entries()) {
    equal(channel.id, id)
    const apartOnThreads = plan.subtasks[channel.fromSubtask]?.worker !== plan.subtasks[channel.toSubtask]?.worker
    equal(channel.kind, apartOnThreads ? 'ring' : 'local')
    equal(channel.capacityBytes, plan.memory.ringBytes)
    equal(Math.log2(channel.capacityBytes) % 1, 0)
    equal(channel.maxFrameBytes, Math.min(channel.capacityBytes / 8, 16_384))
  }

  // One budget.
  const { memory } = plan
  ok(memory.plannedBytes <= memoryBytes)
  equal(
    memory.ringsBytes + memory.localBytes + memory.stagingBytes + memory.overdraftBytes + memory.asyncBytes + memory.heldBytes,
    memory.plannedBytes,
  )
  equal(memory.edgeBoundBytes.length, plan.edges.length)
  for (const [id, bound] of memory.edgeBoundBytes.entries()) {
    const capacity = (plan.edges[id]?.channels ?? []).reduce((sum, channel) => sum + (plan.channels[channel]?.capacityBytes ?? 0), 0)
    ok(bound > capacity)
  }
}

describe('a plan', () => {
  it('keeps its invariants on random graphs', () => {
    let planned = 0
    let refused = 0
    const property = fc.property(graphs, settings, (graph, overrides) => {
      const resolved = resolveSettings({}, { cores: 2, ...overrides })
      let plan: PhysicalPlan
      try {
        plan = planJob(graph, resolved)
      } catch (error) {
        const code = error instanceof SluiceError ? error.code : String(error)
        expect(['SLUICE_MEMORY_BUDGET', 'SLUICE_GRAPH_EMPTY']).toContain(code)
        refused += 1
        return
      }
      planned += 1
      check(graph, plan, resolved.memoryBytes)
      deepEqual(planJob(graph, resolved), plan)
      deepEqual(structuredClone(plan), plan)
      for (const format of ['text', 'mermaid', 'dot', 'json'] as const) expect(describePlan(graph, plan, format)).not.toContain('undefined')
    })
    // The first half is always the same, so that how many are refused is no matter of luck.
    fc.assert(property, { numRuns: 150, seed: 1 })
    expect(planned).toBeGreaterThan(5 * refused)
    fc.assert(property, { numRuns: 150 })
  })
})
