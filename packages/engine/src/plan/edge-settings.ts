/** What users say of single edges, held against the graph. Pure. */
import { SluiceError } from '../errors/sluice-error.js'
import type { EdgeSettings, LogicalEdge, LogicalGraph } from '../graph/logical-graph.js'
import { nameEdges } from './build-tasks.js'
import type { ChainingDecision } from './physical-plan.js'

type Settings = Readonly<Record<string, EdgeSettings>>

const PREFETCH_MAX = 1_000_000
const WEIGHT_MAX = 1_000

/** Fails with `SLUICE_EDGE_UNKNOWN` for an edge that the job does not have, with `SLUICE_OPTIONS_INVALID` for a value out of its range. */
export function checkEdgeSettings(graph: LogicalGraph, settings: Settings | undefined): void {
  if (settings === undefined) return
  const names = new Set(nameEdges(graph))
  for (const [name, edge] of Object.entries(settings)) {
    if (!names.has(name)) {
      throw new SluiceError('SLUICE_EDGE_UNKNOWN', `job ${graph.job} has no edge "${name}"`, {
        job: graph.job,
        edge: name,
        hint: `Its edges are ${[...names].map((each) => `"${each}"`).join(', ')}.`,
      })
    }
    const { windowTargetMs, prefetch, weight, priority } = edge
    if (windowTargetMs !== undefined && windowTargetMs !== false && !(Number.isFinite(windowTargetMs) && windowTargetMs > 0))
      refuse(graph, name, 'window', windowTargetMs, "a duration above 0, such as '50ms', or false")
    if (prefetch !== undefined && !(Number.isInteger(prefetch) && prefetch >= 1 && prefetch <= PREFETCH_MAX))
      refuse(graph, name, 'prefetch', prefetch, `a whole number from 1 to ${PREFETCH_MAX}`)
    if (prefetch !== undefined && windowTargetMs !== undefined)
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `edge ${name} has both a prefetch and a window`, {
        job: graph.job,
        edge: name,
        hint: 'A prefetch says how many records may be in flight, a window for how long they may keep the consumer busy: give one of them.',
      })
    if (weight !== undefined && !(Number.isFinite(weight) && weight > 0 && weight <= WEIGHT_MAX))
      refuse(graph, name, 'weight', weight, `a number above 0, up to ${WEIGHT_MAX}`)
    if (priority !== undefined && !Number.isInteger(priority)) refuse(graph, name, 'priority', priority, 'a whole number')
  }
}

function refuse(graph: LogicalGraph, edge: string, option: string, value: unknown, takes: string): never {
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${option} of edge ${edge} is ${String(value)}`, {
    job: graph.job,
    edge,
    hint: `${option} takes ${takes}.`,
  })
}

/** Settings that do nothing: of edges that lie within a task, and shares of a time that nobody else asks for. */
export function edgeSettingNotes(
  graph: LogicalGraph,
  chaining: readonly ChainingDecision[],
  settings: Settings | undefined,
): readonly string[] {
  if (settings === undefined) return []
  const names = nameEdges(graph)
  return Object.entries(settings).flatMap(([name, { weight, priority }]) => {
    if (chaining.every(({ edge, chained }) => names[edge] !== name || chained))
      return [`edge ${name} lies within a task: records are handed over one by one there, whatever is set for it`]
    if (weight === undefined && priority === undefined) return []
    const { to } = graph.edges[names.indexOf(name)] as LogicalEdge
    if (graph.edges.some((edge) => edge.to.node === to.node && names[edge.id] !== name)) return []
    const what = weight === undefined ? 'priority' : 'weight'
    return [`edge ${name} has a ${what}, and ${graph.nodes[to.node]?.name} has no other input to share its time with`]
  })
}
