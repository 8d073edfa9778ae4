/** Small graphs for tests: nodes by name, edges by `from -> to`. */
import type { LogicalEdge, LogicalGraph, LogicalNode, JobSettings } from '../../src/graph/logical-graph.js'
import type { AsyncSpec, OperatorSpec } from '../../src/graph/operator-spec.js'

export const source: OperatorSpec = { kind: 'source', reads: 'index', fn: (index) => ({ index }), count: 10, ratePerSecond: undefined }
export const map: OperatorSpec = { kind: 'map', fn: (record: unknown) => record }
export const sink: OperatorSpec = { kind: 'sink', create: () => ({ write: () => undefined }) }

export function async(options: Partial<AsyncSpec> = {}): AsyncSpec {
  return {
    kind: 'async',
    fn: async () => undefined,
    ordered: true,
    timeoutMs: 60_000,
    discardsResults: false,
    mayChain: false,
    ...options,
  }
}

export function guarded(options: Partial<AsyncSpec> = {}): AsyncSpec {
  return async({ guard: () => async () => undefined, ...options })
}

type NodeOptions = Partial<Omit<LogicalNode, 'id' | 'name' | 'spec'>>
type EdgeOptions = Partial<Pick<LogicalEdge, 'partitioning' | 'timed' | 'keyOf' | 'shape'>> & { readonly port?: number }

export class GraphBuilder {
  readonly #nodes: LogicalNode[] = []
  readonly #edges: LogicalEdge[] = []

  constructor(readonly settings: JobSettings = {}) {}

  node(name: string, spec: OperatorSpec, options: NodeOptions = {}): this {
    const consumes = spec.kind === 'sink' || (spec.kind === 'async' && spec.discardsResults)
    this.#nodes.push({ id: this.#nodes.length, name, spec, ports: consumes ? [] : ['out'], ...options })
    return this
  }

  edge(from: string, to: string, { port = 0, ...options }: EdgeOptions = {}): this {
    const input = this.#edges.filter((edge) => edge.to.node === this.#id(to)).length
    const keyOf = options.partitioning === 'hash' ? (record: unknown) => record : undefined
    const edge = { from: { node: this.#id(from), port }, to: { node: this.#id(to), input }, partitioning: undefined, timed: false, keyOf }
    this.#edges.push({ id: this.#edges.length, ...edge, ...options })
    return this
  }

  build(): LogicalGraph {
    return { job: 'test', nodes: this.#nodes, edges: this.#edges, resources: [], settings: this.settings }
  }

  #id(name: string): number {
    return this.#nodes.findLastIndex((node) => node.name === name)
  }
}
