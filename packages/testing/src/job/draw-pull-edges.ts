/** Which edges of a simulated job are pull edges, decided by its seed alone: nothing else that is drawn changes with it. Pure. */
import { type EdgeSettings, type LogicalGraph, nameEdges } from '@sluice/engine'
import { SeededRandom } from '../schedule/seeded-random.js'

const DRAWN_APART = 0x9011
const PREFETCHES = [1, 1, 2, 3, 20]

/** Some jobs have none. Edges of which the job says something stay as they are. */
export function drawPullEdges(seed: number, graph: LogicalGraph): Readonly<Record<string, EdgeSettings>> {
  const random = new SeededRandom(seed ^ DRAWN_APART)
  const edges: Record<string, EdgeSettings> = {}
  if (random.chance(0.6)) return edges
  for (const name of nameEdges(graph)) {
    const prefetch = random.pick(PREFETCHES)
    if (random.chance(0.5) && graph.settings.edges?.[name] === undefined) edges[name] = { prefetch }
  }
  return edges
}
