/** The plan as JSON: the facts of the text, by id and name, in a stable order of fields. Functions are left out. */
import type { LogicalGraph } from '../../graph/logical-graph.js'
import { canonicalJson } from '../../graph/summarise-graph.js'
import { nameEdges } from '../build-tasks.js'
import type { PhysicalPlan } from '../physical-plan.js'
import type { ResolvedSettings } from '../settings.js'
import { describeDelivery } from './delivery.js'
import { dividedNumbers, roleOf } from './operator-facts.js'

export function planAsJson(graph: LogicalGraph, plan: PhysicalPlan, settings: ResolvedSettings | undefined): string {
  const names = nameEdges(graph)
  const nameOf = (node: number | undefined): string | undefined => graph.nodes[node ?? -1]?.name
  const description = {
    job: plan.job,
    workers: plan.workers,
    keyGroups: plan.keyGroups,
    tasks: plan.tasks.map((task) => ({
      id: task.id,
      name: task.name,
      parallelism: task.parallelism,
      workers: task.subtasks.map((id) => plan.subtasks[id]?.worker),
      operators: task.nodes.flatMap((id) => {
        const node = graph.nodes[id]
        if (node === undefined) return []
        return {
          name: node.name,
          role: roleOf(node),
          kind: node.spec.kind,
          ports: node.ports,
          declaredAt: node.declaredAt,
          delivery: node.delivery,
          colocation: node.colocation,
          options: JSON.parse(canonicalJson(node.options ?? {})) as unknown,
          numbers: dividedNumbers(node, task.parallelism),
        }
      }),
      inputs: task.inputs,
      outputs: task.outputs,
    })),
    edges: plan.edges.map((edge) => ({
      id: edge.id,
      name: edge.name,
      from: nameOf(graph.edges[edge.logical]?.from.node),
      to: nameOf(graph.edges[edge.logical]?.to.node),
      fromTask: edge.fromTask,
      toTask: edge.toTask,
      partitioning: edge.partitioning,
      timed: edge.timed,
      rings: edge.channels.filter((id) => plan.channels[id]?.kind === 'ring').length,
      locals: edge.channels.filter((id) => plan.channels[id]?.kind === 'local').length,
      flow: edge.flow,
      boundBytes: plan.memory.edgeBoundBytes[edge.id],
    })),
    chaining: plan.chaining.map(({ edge, chained, because }) => ({ edge: names[edge], chained, because })),
    resources: graph.resources.map(({ name, declaredAt }) => ({ name, declaredAt })),
    ...(settings === undefined
      ? {}
      : { checkpoint: settings.checkpoint ?? null, restart: settings.restart, delivery: describeDelivery(graph, settings) }),
    memory: plan.memory,
    notes: plan.notes,
  }
  return JSON.stringify(description, undefined, 2)
}
