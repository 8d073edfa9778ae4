/**
 * Topological order of a logical graph, and a cycle where there is none. Pure and deterministic: among nodes that may come
 * next the one declared first does.
 */
import type { LogicalGraph } from './logical-graph.js'

export type GraphOrder =
  | { readonly order: readonly number[]; readonly cycle: undefined }
  | { readonly order: undefined; readonly cycle: readonly number[] }

/** Node ids in topological order, or the ids along one cycle (the first is not repeated at the end). */
export function sortGraph(graph: LogicalGraph): GraphOrder {
  const waitingFor = graph.nodes.map(() => 0)
  const consumers: number[][] = graph.nodes.map(() => [])
  for (const edge of graph.edges) {
    consumers[edge.from.node]?.push(edge.to.node)
    waitingFor[edge.to.node] = (waitingFor[edge.to.node] ?? 0) + 1
  }
  const order: number[] = []
  const ready = new MinHeap()
  for (const [id, count] of waitingFor.entries()) if (count === 0) ready.push(id)
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    order.push(id)
    for (const consumer of consumers[id] ?? []) {
      const left = (waitingFor[consumer] ?? 0) - 1
      waitingFor[consumer] = left
      if (left === 0) ready.push(consumer)
    }
  }
  if (order.length === graph.nodes.length) return { order, cycle: undefined }
  return { order: undefined, cycle: findCycle(graph, waitingFor) }
}

/** Every node that still waits has a producer that still waits: walking upstream must meet itself. */
function findCycle(graph: LogicalGraph, waitingFor: readonly number[]): readonly number[] {
  const producerOf = new Map<number, number>()
  for (const edge of graph.edges) {
    if ((waitingFor[edge.from.node] ?? 0) > 0 && !producerOf.has(edge.to.node)) producerOf.set(edge.to.node, edge.from.node)
  }
  const path: number[] = []
  const seenAt = new Map<number, number>()
  let node = waitingFor.findIndex((count) => count > 0)
  while (!seenAt.has(node)) {
    seenAt.set(node, path.length)
    path.push(node)
    node = producerOf.get(node) ?? node
  }
  const cycle = path.slice(seenAt.get(node)).reverse()
  const first = cycle.indexOf(Math.min(...cycle))
  return [...cycle.slice(first), ...cycle.slice(0, first)]
}

class MinHeap {
  readonly #items: number[] = []

  push(item: number): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((items[parent] ?? 0) <= item) break
      items[at] = items[parent] ?? 0
      at = parent
    }
    items[at] = item
  }

  pop(): number | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && (items[child + 1] ?? 0) < (items[child] ?? 0)) child += 1
      if ((items[child] ?? 0) >= last) break
      items[at] = items[child] ?? 0
      at = child
    }
    items[at] = last
    return top
  }
}
