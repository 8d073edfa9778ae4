/** Why a worker thread is gone, in terms of the job: out of memory, ended from within, or not startable. */
import { type LogicalGraph, type PhysicalPlan, SluiceError } from '@sluice/engine'
import { describeThrown } from '../protocol/describe-thrown.js'

export interface WorkerEndContext {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
}

export function explainWorkerEnd(error: unknown, worker: number, { graph, plan }: WorkerEndContext): SluiceError {
  if (error instanceof SluiceError) return error
  const hosted = operatorsOn(graph, plan, worker)
  const where = `worker ${worker} (${hosted.join(', ')})`
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const { job } = plan
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new SluiceError('SLUICE_WORKER_OUT_OF_MEMORY', `${where} ran out of memory`, { job, cause: error })
  }
  return new SluiceError('SLUICE_WORKER_EXITED', `${where} ended unexpectedly: ${describeThrown(error)}`, { job, cause: error })
}

function operatorsOn(graph: LogicalGraph, plan: PhysicalPlan, worker: number): string[] {
  const nodes = plan.subtasks.filter((subtask) => subtask.worker === worker).flatMap((subtask) => plan.tasks[subtask.task]?.nodes ?? [])
  return [...new Set(nodes)].map((node) => graph.nodes[node]?.name ?? '')
}
