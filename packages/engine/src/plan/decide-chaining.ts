/**
 * The partitioning of each logical edge and which of them vanish because both sides share a task. Every edge that stays
 * carries all the reasons why it does, so that a user sees what to change.
 */
import { edgeName, type LogicalEdge, type LogicalGraph, type Partitioning } from '../graph/logical-graph.js'
import type { AsyncSpec } from '../graph/operator-spec.js'
import type { ParallelismDecision } from './decide-parallelism.js'
import type { ChainingDecision, PlanSettings } from './physical-plan.js'

export interface EdgeDecisions {
  /** By logical edge id. */
  readonly partitioning: readonly Partitioning[]
  readonly chaining: readonly ChainingDecision[]
  readonly notes: readonly string[]
}

export function decideChaining(graph: LogicalGraph, decided: ParallelismDecision, settings: PlanSettings): EdgeDecisions {
  const inputCount = graph.nodes.map(() => 0)
  for (const edge of graph.edges) inputCount[edge.to.node] = (inputCount[edge.to.node] ?? 0) + 1
  const notes: string[] = []
  const partitioning = graph.edges.map((edge) => partitioningOf(graph, edge, decided.parallelism, notes))
  const chaining = graph.edges.map((edge): ChainingDecision => {
    const reasons = reasonsAgainst(graph, edge, partitioning[edge.id] ?? 'forward', inputCount[edge.to.node] ?? 0, decided, settings)
    return { edge: edge.id, chained: reasons.length === 0, because: reasons.length === 0 ? undefined : reasons.join(', ') }
  })
  return { partitioning, chaining, notes }
}

function partitioningOf(graph: LogicalGraph, edge: LogicalEdge, parallelism: readonly number[], notes: string[]): Partitioning {
  const from = parallelism[edge.from.node] ?? 1
  const to = parallelism[edge.to.node] ?? 1
  if (edge.partitioning === 'forward' && from !== to) {
    notes.push(
      `records from ${nameOf(graph, edge.from.node)} to ${nameOf(graph, edge.to.node)} are dealt out in turn: parallelism ${from} and ${to} differ`,
    )
  }
  if (edge.partitioned === true && from === to && isKeyed(graph, edge.from.node, parallelism)) return 'forward'
  if (edge.partitioned === true) {
    notes.push(
      `records from ${nameOf(graph, edge.from.node)} to ${nameOf(graph, edge.to.node)} are dealt out by key again: they did not come by key with the same parallelism`,
    )
  }
  if (edge.partitioning !== undefined && edge.partitioning !== 'forward') return edge.partitioning
  return from === to ? 'forward' : 'rebalance'
}

/** Whether the records that a node gives lie where some key sent them. */
function isKeyed(graph: LogicalGraph, node: number, parallelism: readonly number[]): boolean {
  const inputs = graph.edges.filter((edge) => edge.to.node === node)
  return (
    inputs.length > 0 &&
    inputs.every(({ partitioning, from }) => {
      if (partitioning === 'hash') return true
      return (
        partitioning !== 'rebalance' &&
        partitioning !== 'broadcast' &&
        parallelism[from.node] === parallelism[node] &&
        isKeyed(graph, from.node, parallelism)
      )
    })
  )
}

function reasonsAgainst(
  graph: LogicalGraph,
  edge: LogicalEdge,
  partitioning: Partitioning,
  inputs: number,
  { parallelism, onHost }: ParallelismDecision,
  settings: PlanSettings,
): readonly string[] {
  const from = parallelism[edge.from.node] ?? 1
  const to = parallelism[edge.to.node] ?? 1
  const spec = graph.nodes[edge.to.node]?.spec
  const reasons: string[] = []
  if (!settings.chaining) reasons.push('chaining is switched off')
  if (settings.unchained?.has(edgeName(graph, edge)) === true) reasons.push('records of the restored checkpoint wait there')
  // From one subtask to one subtask every key has the same owner, so a hash edge is as good as a forward one.
  if (partitioning === 'hash' && !(from === 1 && to === 1)) reasons.push('records are dealt out by key')
  if (partitioning === 'broadcast') reasons.push('every subtask gets every record')
  if (partitioning === 'rebalance' && edge.partitioning === 'rebalance') reasons.push('records are dealt out in turn')
  if (from !== to) reasons.push(`parallelism ${from} and ${to} differ`)
  if (inputs > 1) reasons.push(`it has ${inputs} inputs`)
  if (onHost[edge.from.node] !== onHost[edge.to.node]) {
    reasons.push(`${nameOf(graph, onHost[edge.to.node] ? edge.to.node : edge.from.node)} is bound to the calling thread`)
  }
  for (const node of [edge.from.node, edge.to.node]) {
    const end = graph.nodes[node]?.spec
    if (end?.kind === 'general' && end.holds === true) reasons.push(`${nameOf(graph, node)} holds records back`)
  }
  const producer = graph.nodes[edge.from.node]?.spec
  if (producer?.kind === 'general' && producer.holds !== true && producer.optionalPorts?.includes(edge.from.port) === true) {
    reasons.push(`${nameOf(graph, edge.from.node)} does not wait for it`)
  }
  if (spec?.kind === 'async' && !mayChain(spec)) reasons.push(`${nameOf(graph, edge.to.node)} does asynchronous work`)
  return reasons
}

/** What gathers records, or gives letters in their places, stands in front of its chain: time waits there. */
function mayChain({ mayChain, gathers, onError }: AsyncSpec): boolean {
  return mayChain && gathers === undefined && onError !== 'deadLetter'
}

function nameOf(graph: LogicalGraph, node: number): string {
  return graph.nodes[node]?.name ?? `node ${node}`
}
