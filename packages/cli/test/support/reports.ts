/** Data of the engine as a run would give it: a planned graph, counters at two instants, the report between them. */
import {
  type IntervalReport,
  type LogicalGraph,
  type MetricsSnapshot,
  type PhysicalPlan,
  planJob,
  type PressureGraph,
  pressureGraph,
  reportInterval,
  resolveSettings,
  SubtaskState,
  zeroMetrics,
} from '@sluice/engine'

/** flights -> (hash) sum -> (rebalance) out, two workers. */
export const graph: LogicalGraph = {
  job: 'flights',
  nodes: [
    {
      id: 0,
      name: 'flights',
      ports: ['out'],
      delivery: 'exactly-once',
      spec: { kind: 'source', reads: 'index', fn: (index) => index, count: 10, ratePerSecond: undefined },
    },
    { id: 1, name: 'sum', ports: ['out'], spec: { kind: 'general', create: () => ({ process: () => {} }) } },
    {
      id: 2,
      name: 'out',
      ports: [],
      delivery: 'at-least-once',
      parallelismMax: { value: 1, because: 'one file has one writer' },
      spec: { kind: 'sink', create: () => ({ write: () => {} }) },
    },
  ],
  edges: [
    { id: 0, from: { node: 0, port: 0 }, to: { node: 1, input: 0 }, partitioning: 'hash', keyOf: (record) => record, timed: false },
    { id: 1, from: { node: 1, port: 0 }, to: { node: 2, input: 0 }, partitioning: undefined, timed: false },
  ],
  resources: [],
  settings: {},
}

export const plan: PhysicalPlan = planJob(graph, resolveSettings(graph.settings, { workers: 2, parallelism: 2, cores: 2 }))

/** One second in which the source waited for credit for `blockedMs` on every channel, and `sum` was busy all the time. */
export function reportOf(blockedMs: number): IntervalReport {
  return reportInterval(graph, plan, zeroMetrics(plan, 1000), metricsOf(blockedMs))
}

export function pressureOf(blockedMs: number): PressureGraph {
  return pressureGraph(graph, plan, zeroMetrics(plan, 1000), metricsOf(blockedMs))
}

function metricsOf(blockedMs: number): MetricsSnapshot {
  const before = zeroMetrics(plan, 1000)
  return {
    atMs: 2000,
    subtasks: before.subtasks.map((subtask, id) => {
      const waitedMs = plan.tasks[plan.subtasks[id]?.task ?? -1]?.nodes[0] === 0 ? blockedMs : 0
      const counts = { recordsIn: 1_200_000, recordsOut: 1_200_000 }
      return { ...subtask, ...counts, busyMs: 1000 - waitedMs, backpressuredMs: waitedMs, state: SubtaskState.busy, stateSinceMs: 2000 }
    }),
    channels: before.channels.map((channel, id) => {
      const isFirst = plan.edges[plan.channels[id]?.edge ?? -1]?.logical === 0
      const counts = { bytes: 8_500_000, records: 300_000, consumedBytes: 8_400_000, windowBytes: 100_000 }
      return { ...channel, ...counts, blockedMs: isFirst ? blockedMs : 0, stalls: isFirst ? 1 : 0, longestStallMs: 12 }
    }),
    operators: before.operators,
  }
}
