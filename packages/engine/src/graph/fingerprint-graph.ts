/**
 * One number for "the same job": every thread declares the graph by itself, and a job file that is not deterministic is
 * found by comparing fingerprints, then named by comparing summaries.
 */
import type { LogicalGraph } from './logical-graph.js'
import { type FunctionSummary, type GraphSummary, hashText, type NodeSummary, summariseGraph } from './summarise-graph.js'

/** 32 hexadecimal digits over names, edges, partitioning, options, ports, schemas, settings and the source text of every function. */
export function fingerprintGraph(graph: LogicalGraph): string {
  return hashText(JSON.stringify(summariseGraph(graph)))
}

/** How many differences are worth reading. */
const DIFFERENCES_MAX = 10

/**
 * What differs, in sentences, most telling first; empty where the summaries are equal. At most ten.
 *
 * @example
 * diffGraphs(summariseGraph(first), summariseGraph(second)) // ['operator 3 is "filter-2" in one and "filter-7" in the other']
 */
export function diffGraphs(a: GraphSummary, b: GraphSummary): readonly string[] {
  const differences: string[] = []
  if (a.job !== b.job) differences.push(`the job is named "${a.job}" in one and "${b.job}" in the other`)
  if (a.nodes.length !== b.nodes.length) differences.push(`one has ${a.nodes.length} operators and the other ${b.nodes.length}`)
  for (let at = 0; at < Math.max(a.nodes.length, b.nodes.length); at++) {
    const [left, right] = [a.nodes[at], b.nodes[at]]
    if (left?.name === right?.name) continue
    differences.push(`operator ${at + 1} is ${quoted(left?.name)} in one and ${quoted(right?.name)} in the other`)
    break
  }
  const others = new Map(b.nodes.map((node) => [node.name, node]))
  for (const node of a.nodes) {
    const other = others.get(node.name)
    if (other !== undefined) differences.push(...diffNodes(node, other))
  }
  differences.push(...diffNamed('edge', a.edges, b.edges), ...diffNamed('resource', a.resources, b.resources))
  if (a.settings !== b.settings) differences.push(`the settings are ${a.settings} in one and ${b.settings} in the other`)
  return differences.slice(0, DIFFERENCES_MAX)
}

function diffNodes(a: NodeSummary, b: NodeSummary): readonly string[] {
  const differences: string[] = []
  if (a.kind !== b.kind) differences.push(`operator "${a.name}" is a ${a.kind} in one and a ${b.kind} in the other`)
  if (a.ports.join() !== b.ports.join())
    differences.push(`operator "${a.name}" has the ports ${a.ports.join(', ')} in one and ${b.ports.join(', ')} in the other`)
  if (a.options !== b.options) differences.push(`the options of operator "${a.name}" are ${a.options} in one and ${b.options} in the other`)
  return [...differences, ...diffFunctions(`operator "${a.name}"`, a.functions, b.functions)]
}

interface Named {
  readonly name: string
  readonly options?: string
  readonly functions: readonly FunctionSummary[]
}

function diffNamed(what: string, a: readonly Named[], b: readonly Named[]): readonly string[] {
  const differences: string[] = []
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [left, right] = [a[at], b[at]]
    if (left?.name !== right?.name) {
      differences.push(`${what} ${at + 1} is ${quoted(left?.name)} in one and ${quoted(right?.name)} in the other`)
      break
    }
    if (left === undefined || right === undefined) continue
    if (left.options !== right.options)
      differences.push(`${what} "${left.name}" is ${left.options} in one and ${right.options} in the other`)
    differences.push(...diffFunctions(`${what} "${left.name}"`, left.functions, right.functions))
  }
  return differences
}

function diffFunctions(of: string, a: readonly FunctionSummary[], b: readonly FunctionSummary[]): readonly string[] {
  if (a.length !== b.length) return [`${of} has ${a.length} functions in one and ${b.length} in the other`]
  const at = a.findIndex((fn, index) => fn.hash !== b[index]?.hash)
  if (at < 0) return []
  const [left, right] = [a[at]?.text, b[at]?.text]
  return [
    left === right
      ? `a function of ${of} differs after \`${left}\``
      : `a function of ${of} is \`${left}\` in one and \`${right}\` in the other`,
  ]
}

function quoted(name: string | undefined): string {
  return name === undefined ? 'missing' : `"${name}"`
}
