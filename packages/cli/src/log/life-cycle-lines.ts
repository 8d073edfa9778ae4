/** The life of a job as lines of the log: planned, started, stopping, finished, failed. Pure. */
import { HOST_WORKER, type LogicalGraph, type PhysicalPlan, type PlannedEdge } from '@sluice/engine'
import { formatAmount, formatBytes, formatDuration } from '../format/units.js'
import type { RawParams } from '@sluice/runtime-workers'
import { type ErrorFacts, failureFields } from '../report/error-facts.js'
import type { JobLogLine } from './events.js'

export function plannedLine(graph: LogicalGraph, plan: PhysicalPlan, params: RawParams): JobLogLine {
  const { edgeBoundBytes: _bounds, ...memory } = plan.memory
  const rings = memory.rings === 0 ? 'no rings' : `${formatAmount(memory.rings, 'ring')} of ${formatBytes(memory.ringBytes)}`
  const where = plan.workers === 0 ? 'the main thread' : formatAmount(plan.workers, 'worker')
  return {
    level: 'info',
    event: 'job.planned',
    msg: `${formatAmount(plan.tasks.length, 'task')}, ${formatAmount(plan.subtasks.length, 'subtask')} on ${where}, ${formatAmount(plan.edges.length, 'edge')}, ${rings}`,
    fields: {
      workers: plan.workers,
      params,
      tasks: plan.tasks.map((task) => ({
        task: task.name,
        operators: task.nodes.map((node) => graph.nodes[node]?.name),
        parallelism: task.parallelism,
        workers: task.subtasks.map((subtask) => plan.subtasks[subtask]?.worker ?? HOST_WORKER),
      })),
      subtasks: plan.subtasks.length,
      edges: plan.edges.map((edge) => describeEdge(plan, edge)),
      chains: plan.chaining.map(({ edge, chained, because }) => ({
        edge: logicalEdgeName(graph, edge),
        chained,
        ...(because === undefined ? {} : { because }),
      })),
      memory,
      delivery: graph.nodes
        .filter((node) => node.delivery !== undefined)
        .map((node) => ({ operator: node.name, guarantee: node.delivery })),
      notes: plan.notes,
    },
  }
}

export function startedLine(startupMs: number): JobLogLine {
  const rounded = Math.round(startupMs)
  return {
    level: 'info',
    event: 'job.started',
    msg: `running, ${formatDuration(rounded)} after the start of the process`,
    fields: { attempt: 1, startupMs: rounded },
  }
}

export function stoppingLine(signal: string, stopTimeoutMs: number): JobLogLine {
  const why = signal === 'SIGPIPE' ? 'nobody reads the output any more' : signal
  return {
    level: 'info',
    event: 'job.stopping',
    msg: `${why}: sources stop, what is in flight flows out within ${formatDuration(stopTimeoutMs)}; once more exits now`,
    fields: { signal, stopTimeoutMs },
  }
}

export function failedLine(facts: ErrorFacts, durationMs: number, cwd: string): JobLogLine {
  return { level: 'error', event: 'job.failed', msg: facts.error.message, fields: failureFields(facts, durationMs, cwd) }
}

function describeEdge(plan: PhysicalPlan, edge: PlannedEdge): Readonly<Record<string, unknown>> {
  return {
    edge: edge.name,
    partitioning: edge.partitioning,
    from: plan.tasks[edge.fromTask]?.parallelism,
    to: plan.tasks[edge.toTask]?.parallelism,
    channels: edge.channels.length,
    rings: edge.channels.filter((channel) => plan.channels[channel]?.kind === 'ring').length,
    boundBytes: plan.memory.edgeBoundBytes[edge.id],
  }
}

function logicalEdgeName(graph: LogicalGraph, id: number): string {
  const edge = graph.edges[id]
  const name = (node: number | undefined): string => (node === undefined ? '?' : (graph.nodes[node]?.name ?? '?'))
  return `${name(edge?.from.node)} -> ${name(edge?.to.node)}`
}
