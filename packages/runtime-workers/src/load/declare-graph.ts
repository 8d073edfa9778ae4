/** Runs the declaration of a job, in the coordinator and in every worker. */
import type { LogicalGraph } from '@sluice/engine'
import type { Job } from '@sluice/operators'
import { explainThrown } from './import-job.js'
import { translateError } from './locate-error.js'
import type { Translator } from './source-positions.js'

export interface DeclareOptions {
  readonly collect: boolean
  /** The job file, for messages. */
  readonly source: string
  readonly positions: Translator | undefined
}

/** Runs the declaration; `declaredAt` of every operator leads to the user's own file. */
export function declareGraph<P, O>(job: Job<P, O>, params: P, { collect, source, positions }: DeclareOptions): LogicalGraph {
  let graph: LogicalGraph
  try {
    graph = job.declare(params, { collect })
  } catch (error) {
    translateError(error, positions)
    throw explainThrown(error, `${source} threw while it declared its graph`)
  }
  if (positions === undefined) return graph
  const translate = (at: string | undefined): string | undefined => (at === undefined ? undefined : positions.translate(at))
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, declaredAt: translate(node.declaredAt) })),
    resources: graph.resources.map((resource) => ({ ...resource, declaredAt: translate(resource.declaredAt) })),
  }
}
