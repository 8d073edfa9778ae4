/**
 * Groups chained operators into tasks and names the edges that remain. A task is a tree: it has one head, and each other
 * operator exactly one producer inside it.
 */
import type { LogicalEdge, LogicalGraph } from '../graph/logical-graph.js'
import type { ChainingDecision } from './physical-plan.js'

export interface TaskDraft {
  readonly name: string
  /** Node ids in topological order, head first. */
  readonly nodes: readonly number[]
}

export interface TaskDrafts {
  /** In topological order of their heads. */
  readonly tasks: readonly TaskDraft[]
  /** Task by node id. */
  readonly taskOf: readonly number[]
}

export function buildTasks(graph: LogicalGraph, order: readonly number[], chaining: readonly ChainingDecision[]): TaskDrafts {
  const chainedConsumers: number[][] = graph.nodes.map(() => [])
  const chainedProducer: (number | undefined)[] = graph.nodes.map(() => undefined)
  for (const edge of graph.edges) {
    if (chaining[edge.id]?.chained !== true) continue
    chainedConsumers[edge.from.node]?.push(edge.to.node)
    chainedProducer[edge.to.node] = edge.from.node
  }
  const taskOf: number[] = graph.nodes.map(() => -1)
  const members: number[][] = []
  for (const node of order) {
    const producer = chainedProducer[node]
    const task = producer === undefined ? members.push([]) - 1 : (taskOf[producer] ?? -1)
    taskOf[node] = task
    members[task]?.push(node)
  }
  const nameOf = (node: number): string => graph.nodes[node]?.name ?? ''
  return { tasks: members.map((nodes) => ({ nodes, name: nameTree(nodes[0] ?? 0, chainedConsumers, nameOf) })), taskOf }
}

/** `a -> b -> c`, and `a -> (b -> c, d)` where the chain branches. */
function nameTree(head: number, consumers: readonly (readonly number[])[], nameOf: (node: number) => string): string {
  let name = nameOf(head)
  let next = consumers[head] ?? []
  while (next.length === 1 && next[0] !== undefined) {
    name += ` -> ${nameOf(next[0])}`
    next = consumers[next[0]] ?? []
  }
  if (next.length === 0) return name
  return `${name} -> (${next.map((node) => nameTree(node, consumers, nameOf)).join(', ')})`
}

/** Names by logical edge id: `from -> to`, with the port where it is not the main one (`split.rest -> to`), unique in the job. */
export function nameEdges(graph: LogicalGraph): readonly string[] {
  const timesUsed = new Map<string, number>()
  return graph.edges.map((edge) => {
    const name = nameEdge(graph, edge)
    const times = (timesUsed.get(name) ?? 0) + 1
    timesUsed.set(name, times)
    return times === 1 ? name : `${name} (${times})`
  })
}

function nameEdge(graph: LogicalGraph, edge: LogicalEdge): string {
  const from = graph.nodes[edge.from.node]
  const port = from?.ports[edge.from.port]
  const origin = port === undefined || port === 'out' ? `${from?.name}` : `${from?.name}.${port}`
  return `${origin} -> ${graph.nodes[edge.to.node]?.name}`
}
