/**
 * The user's functions that the engine calls once per record and that must therefore be synchronous, with the words a
 * message uses for them.
 */
import type { LogicalGraph, LogicalNode } from './logical-graph.js'

export interface UserFunction {
  /** Node id of the operator that calls it. */
  readonly node: number
  /** Part of a sentence: "the function", "predicate 2", "the key function". */
  readonly what: string
  readonly fn: (...args: never) => unknown
}

/** The functions of all operators, and of the hash edges into them, in a stable order. Functions that may be async are left out. */
export function userFunctions(graph: LogicalGraph): readonly UserFunction[] {
  const functions = graph.nodes.flatMap(functionsOf)
  for (const edge of graph.edges) {
    if (edge.keyOf !== undefined) functions.push({ node: edge.to.node, what: 'the key function', fn: edge.keyOf })
  }
  return functions
}

function functionsOf({ id, spec, functions = [] }: LogicalNode): UserFunction[] {
  switch (spec.kind) {
    case 'map':
    case 'filter':
    case 'flatMap':
    case 'timestamps':
      return [{ node: id, what: 'the function', fn: spec.fn }]
    case 'split':
      return spec.predicates.map((fn, index) => ({ node: id, what: `predicate ${index + 1}`, fn }))
    case 'source':
      return spec.reads === 'index' ? [{ node: id, what: 'the function', fn: spec.fn }] : []
    case 'general':
      return functions.map((fn, index) => ({ node: id, what: functions.length === 1 ? 'the function' : `function ${index + 1}`, fn }))
    case 'select':
    case 'async':
    case 'sink':
      return []
  }
}
