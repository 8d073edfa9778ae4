/**
 * How many subtasks each operator gets, and on which side it runs (the workers, or the coordinator's own thread). What the
 * user or the job asked for holds unless something caps it; every cap is said in a note.
 */
import type { LogicalGraph, LogicalNode } from '../graph/logical-graph.js'
import type { PlanSettings } from './physical-plan.js'

export interface ParallelismDecision {
  /** By node id. */
  readonly parallelism: readonly number[]
  /** Whether the node runs on the coordinator's thread, by node id. */
  readonly onHost: readonly boolean[]
  readonly notes: readonly string[]
}

interface Cap {
  readonly value: number
  readonly because: string
}

export function decideParallelism(graph: LogicalGraph, settings: PlanSettings): ParallelismDecision {
  const keyed = new Set(graph.edges.filter((edge) => edge.partitioning === 'hash').map((edge) => edge.to.node))
  const notes: string[] = []
  const parallelism: number[] = []
  for (const node of graph.nodes) {
    const wanted = node.parallelism ?? besideInput(graph, node, parallelism) ?? settings.parallelism
    const cap = lowestCap(capsOf(node, keyed.has(node.id), settings))
    if (cap !== undefined && cap.value < wanted)
      notes.push(`${node.name} runs at parallelism ${cap.value} instead of ${wanted}: ${cap.because}`)
    parallelism.push(Math.min(wanted, cap?.value ?? wanted))
  }
  return { parallelism, onHost: graph.nodes.map((node) => settings.workers === 0 || node.pinnedToHost === true), notes }
}

/**
 * A projection runs where its input is made, so that what it leaves out is never sent; timestamps are assigned there, so that watermarks
 * are those of a source and its splits. Nodes stand behind those they read.
 */
function besideInput(graph: LogicalGraph, node: LogicalNode, parallelism: readonly number[]): number | undefined {
  if (node.spec.kind !== 'select' && node.spec.kind !== 'timestamps') return undefined
  const inputs = graph.edges.filter((edge) => edge.to.node === node.id)
  const [input] = inputs
  return inputs.length === 1 && input?.partitioning === undefined ? parallelism[input?.from.node ?? -1] : undefined
}

function capsOf(node: LogicalNode, keyed: boolean, settings: PlanSettings): readonly Cap[] {
  const caps: Cap[] = []
  if (node.pinnedToHost === true) caps.push({ value: 1, because: 'it is bound to the calling thread' })
  if (node.colocation !== undefined) caps.push({ value: 1, because: `it shares "${node.colocation}", which one thread has` })
  if (node.parallelismMax !== undefined) caps.push({ value: Math.max(1, node.parallelismMax.value), because: node.parallelismMax.because })
  if (node.spec.kind === 'async' && node.spec.concurrency !== undefined) {
    caps.push({ value: Math.max(1, node.spec.concurrency), because: `its concurrency is ${node.spec.concurrency}` })
  }
  if (keyed) caps.push({ value: settings.keyGroups, because: `the job has ${settings.keyGroups} key groups` })
  return caps
}

/** The first of the lowest: what the operator is explains more than a number that happens to be the same. */
function lowestCap(caps: readonly Cap[]): Cap | undefined {
  return caps.reduce<Cap | undefined>((lowest, cap) => (lowest === undefined || cap.value < lowest.value ? cap : lowest), undefined)
}
