/** What graph and plan tell of event time: whose input may fall silent, and which sources wait for each other. Pure. */
import { SluiceError } from '../errors/sluice-error.js'
import type { LogicalGraph, LogicalNode } from '../graph/logical-graph.js'
import type { PhysicalPlan, PlannedTask } from './physical-plan.js'

/** Whether a source goes on without end; what ends by itself is never idle. */
export function isUnbounded({ spec }: LogicalNode): boolean {
  if (spec.kind !== 'source') return false
  return spec.reads === 'index' ? spec.count === undefined : spec.bounded !== true
}

/** Whether a source without end lies upstream of a node. */
export function readsUnbounded(graph: LogicalGraph, node: number): boolean {
  return upstreamOf(graph, node).some((id) => isUnbounded(graph.nodes[id] as LogicalNode))
}

/** The node and everything that it reads from. */
function upstreamOf(graph: LogicalGraph, node: number): readonly number[] {
  const found = new Set([node])
  // What is added while the set is gone through is visited too.
  for (const id of found) for (const edge of graph.edges) if (edge.to.node === id) found.add(edge.from.node)
  return [...found]
}

/** What holds event time back although nobody would expect it. */
export function timeNotes(graph: LogicalGraph): readonly string[] {
  return graph.nodes.flatMap((source) => {
    const { spec } = source
    if (spec.kind !== 'source' || spec.reads === 'index' || spec.bounded !== true || spec.orderedSplits === true) return []
    if (source.parallelismMax?.value === 1 || !feedsEventTime(graph, source.id)) return []
    return [
      `event time of ${source.name} stands still until its last split is being read, because nothing is known of splits that are not open: say orderedSplits: true if they are in the order of time`,
    ]
  })
}

/** Whether an operator that may fire in event time stands somewhere behind. */
function feedsEventTime(graph: LogicalGraph, source: number): boolean {
  const found = new Set([source])
  for (const id of found) {
    for (const { from, to, timed } of graph.edges) {
      if (from.node !== id) continue
      if (timed && graph.nodes[to.node]?.spec.kind === 'general') return true
      found.add(to.node)
    }
  }
  return false
}

export interface AlignmentPlan {
  readonly maxDriftMs: number
  /** Ids of all source subtasks of the group, those of this task among them. */
  readonly subtasks: readonly number[]
}

/** How the source of a task is aligned with others; undefined: it is not. */
export function alignmentOf(graph: LogicalGraph, plan: Pick<PhysicalPlan, 'tasks'>, task: PlannedTask): AlignmentPlan | undefined {
  const own = alignedNode(graph, task)?.alignment
  if (own === undefined) return undefined
  const group = plan.tasks.filter((other) => alignedNode(graph, other)?.alignment.group === own.group)
  return { maxDriftMs: own.maxDriftMs, subtasks: group.flatMap(({ subtasks }) => subtasks) }
}

/** Throws where an alignment cannot be kept: only the chain of a source can take less from it. */
export function checkAlignment(graph: LogicalGraph, tasks: readonly PlannedTask[]): void {
  for (const task of tasks) {
    const first = alignedNode(graph, task)
    if (first === undefined) continue
    const { node, alignment } = first
    const where = { job: graph.job, operator: node.name, declaredAt: node.declaredAt }
    const head = graph.nodes[task.nodes[0] ?? -1]
    if (head?.spec.kind !== 'source') {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `${node.name} has an alignment, and no source in its chain that could wait`, {
        ...where,
        hint: `Assign timestamps behind the source, with the source's parallelism; filter, map and flatMap may stand between. The chain is ${task.name}.`,
      })
    }
    for (const id of task.nodes) {
      const other = alignmentIn(graph.nodes[id])
      if (other === undefined || (other.group === alignment.group && other.maxDriftMs === alignment.maxDriftMs)) continue
      throw new SluiceError(
        'SLUICE_OPTIONS_INVALID',
        `${head.name} feeds ${node.name} and ${graph.nodes[id]?.name}, and they are aligned differently`,
        {
          ...where,
          hint: 'A source waits for one group, with one drift: give both the same alignment.',
        },
      )
    }
  }
}

function alignedNode(graph: LogicalGraph, task: PlannedTask) {
  for (const id of task.nodes) {
    const alignment = alignmentIn(graph.nodes[id])
    if (alignment !== undefined) return { node: graph.nodes[id] as LogicalNode, alignment }
  }
  return undefined
}

function alignmentIn(node: LogicalNode | undefined): { readonly group: string; readonly maxDriftMs: number } | undefined {
  return node?.spec.kind === 'timestamps' ? node.spec.watermarks.alignment : undefined
}
