/** What users say of single edges, held against the graph. Pure. */
import { SluiceError } from '../errors/sluice-error.js'
import type { EdgeSettings, LogicalEdge, LogicalGraph } from '../graph/logical-graph.js'
import { nameEdges } from './build-tasks.js'
import type { ChainingDecision } from './physical-plan.js'

type Settings = Readonly<Record<string, EdgeSettings>>

const PREFETCH_MAX = 1_000_000
const WEIGHT_MAX = 1_000
/** Edges that an error names. */
const NAMED_MAX = 12

/** Fails with `SLUICE_EDGE_UNKNOWN` for an edge that the job does not have, with `SLUICE_OPTIONS_INVALID` for a value out of its range. */
export function checkEdgeSettings(graph: LogicalGraph, settings: Settings | undefined): void {
  if (settings === undefined) return
  const names = new Set(nameEdges(graph))
  for (const [name, edge] of Object.entries(settings)) {
    if (!names.has(name)) {
      throw new SluiceError('SLUICE_EDGE_UNKNOWN', `job ${graph.job} has no edge "${name}"`, {
        job: graph.job,
        edge: name,
        hint: edgesInWords(name, [...names]),
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

/** All edges of the job, those that are called most like the one that was named first. */
function edgesInWords(name: string, names: readonly string[]): string {
  if (names.length === 0) return 'It has no edges.'
  const wanted = pairsOf(name)
  const likeness = new Map(names.map((each) => [each, likenessOf(wanted, pairsOf(each))]))
  const sorted = names.toSorted((left, right) => (likeness.get(right) ?? 0) - (likeness.get(left) ?? 0))
  const named = sorted.slice(0, NAMED_MAX).map((each) => `"${each}"`)
  const more = sorted.length > NAMED_MAX ? ` and ${sorted.length - NAMED_MAX} more: see \`sluice plan\`` : ''
  return `Its edges are ${named.join(', ')}${more}.`
}

/** The pairs of neighbouring letters of a name. */
function pairsOf(name: string): ReadonlySet<string> {
  const letters = name.toLowerCase().replaceAll(/\s+/g, '')
  return new Set(Array.from({ length: Math.max(0, letters.length - 1) }, (_, at) => letters.slice(at, at + 2)))
}

/** 1 where both have the same pairs, 0 where they share none. */
function likenessOf(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  let shared = 0
  for (const pair of left) if (right.has(pair)) shared++
  return (2 * shared) / Math.max(1, left.size + right.size)
}

/**
 * What the runner says of edges wins over what the job says, option by option; of prefetch and window, of which an edge has one, the one that is
 * given later.
 */
export function mergeEdgeSettings(job: Settings | undefined, asked: Settings | undefined): Settings {
  const merged: Record<string, EdgeSettings> = { ...job }
  for (const [name, given] of Object.entries(asked ?? {})) {
    const before = merged[name] ?? {}
    const flows = given.prefetch !== undefined || given.windowTargetMs !== undefined
    const kept = flows ? { weight: before.weight, priority: before.priority } : before
    merged[name] = { ...kept, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
  }
  return merged
}

/** How much work may be in flight on an edge, in ms; false: its window keeps its largest size, as on a pull edge, where records are counted. */
export function windowTargetOf(
  job: { readonly adaptiveWindow: boolean; readonly windowTargetMs: number },
  edge: EdgeSettings | undefined,
): number | false {
  if (edge?.windowTargetMs !== undefined) return edge.windowTargetMs
  return edge?.prefetch === undefined && job.adaptiveWindow ? job.windowTargetMs : false
}

/** What is set for an edge, in words: `prefetch 1, weight 3`. */
export function edgeSettingsInWords({ windowTargetMs, prefetch, weight, priority }: EdgeSettings): string {
  const parts = [
    windowTargetMs === undefined ? undefined : windowTargetMs === false ? 'window of fixed size' : `window of ${windowTargetMs} ms`,
    prefetch === undefined ? undefined : `prefetch ${prefetch}`,
    weight === undefined ? undefined : `weight ${weight}`,
    priority === undefined ? undefined : `priority ${priority}`,
  ]
  return parts.filter((part) => part !== undefined).join(', ')
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
