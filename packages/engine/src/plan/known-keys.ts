/**
 * Which keys the records of an edge have, where that follows from how they are made: a function that returns the same object
 * literal on every path, or a projection. Encoders need not ask such records for their keys one by one. Pure.
 */
import type { LogicalGraph } from '../graph/logical-graph.js'

/** What follows from the text of a function. Whoever cannot tell answers undefined or false. */
export interface FunctionFacts {
  /** The keys, in their order, of the fresh object literal that every call returns. */
  resultKeys(fn: unknown): readonly string[] | undefined
  /** The function only reads from the object it is given: it neither changes its keys nor hands it on. */
  leavesKeys(fn: unknown): boolean
}

/** The keys of an edge's records in their order, or undefined where nothing is known. */
export function knownKeys(graph: LogicalGraph, edge: number, facts: FunctionFacts): readonly string[] | undefined {
  const { from, keyOf } = graph.edges[edge] ?? {}
  if (from === undefined || (keyOf !== undefined && !facts.leavesKeys(keyOf))) return undefined
  return keysOfPort(graph, from.node, from.port, facts)
}

function keysOfPort(graph: LogicalGraph, node: number, port: number, facts: FunctionFacts): readonly string[] | undefined {
  const spec = graph.nodes[node]?.spec
  switch (spec?.kind) {
    case 'source':
      return spec.reads === 'index' && port === 0 ? facts.resultKeys(spec.fn) : undefined
    case 'map':
      return facts.resultKeys(spec.fn)
    case 'select':
      return spec.fields.every(isOrdinary) && new Set(spec.fields).size === spec.fields.length ? spec.fields : undefined
    case 'filter':
    case 'timestamps':
      return facts.leavesKeys(spec.fn) ? keysOfInputs(graph, node, facts) : undefined
    case 'split':
      return spec.predicates.every((fn) => facts.leavesKeys(fn)) ? keysOfInputs(graph, node, facts) : undefined
    default:
      return undefined
  }
}

function keysOfInputs(graph: LogicalGraph, node: number, facts: FunctionFacts): readonly string[] | undefined {
  const inputs = graph.edges.filter((edge) => edge.to.node === node).map((edge) => knownKeys(graph, edge.id, facts))
  const [first, ...others] = inputs
  return first !== undefined && others.every((keys) => keys?.length === first.length && keys.every((key, index) => key === first[index]))
    ? first
    : undefined
}

/** Integer-like keys stand in front of others whatever the literal says, and `__proto__` is no key there. */
function isOrdinary(key: string): boolean {
  return key !== '__proto__' && !/^\d+$/.test(key)
}
