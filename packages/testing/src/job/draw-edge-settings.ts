/** What is said of single edges of a simulated job, decided by its seed alone: nothing else that is drawn changes with it. Pure. */
import { type EdgeSettings, type LogicalGraph, nameEdges } from '@sluice/engine'
import { SeededRandom } from '../schedule/seeded-random.js'

const PULLS_DRAWN_APART = 0x9011
const PREFETCHES = [1, 1, 2, 3, 20]
const SHARES_DRAWN_APART = 0x5a1e
const WEIGHTS = [undefined, undefined, 0.001, 1, 3, 1000]
const PRIORITIES = [undefined, undefined, undefined, -1, 1, 2]

/** Some jobs have none. Edges of which the job says something stay as they are. */
export function drawEdgeSettings(seed: number, graph: LogicalGraph): Readonly<Record<string, EdgeSettings>> {
  const prefetches = drawPrefetches(seed, graph)
  const shares = drawShares(seed, graph)
  const free = nameEdges(graph).filter((name) => graph.settings.edges?.[name] === undefined)
  return Object.fromEntries(free.map((name) => [name, { ...shares.get(name), prefetch: prefetches.get(name) }]))
}

function drawPrefetches(seed: number, graph: LogicalGraph): ReadonlyMap<string, number> {
  const random = new SeededRandom(seed ^ PULLS_DRAWN_APART)
  const prefetches = new Map<string, number>()
  if (random.chance(0.6)) return prefetches
  for (const name of nameEdges(graph)) {
    const prefetch = random.pick(PREFETCHES)
    if (random.chance(0.5)) prefetches.set(name, prefetch)
  }
  return prefetches
}

function drawShares(seed: number, graph: LogicalGraph): ReadonlyMap<string, Pick<EdgeSettings, 'weight' | 'priority'>> {
  const random = new SeededRandom(seed ^ SHARES_DRAWN_APART)
  if (random.chance(0.4)) return new Map()
  return new Map(nameEdges(graph).map((name) => [name, { weight: random.pick(WEIGHTS), priority: random.pick(PRIORITIES) }]))
}
