/** Why a worker thread is gone, in terms of the job: out of memory, ended from within, or not startable. */
import {
  type ErrorCoordinates,
  type LogicalGraph,
  type MetricsSnapshot,
  type PhysicalPlan,
  SluiceError,
  SubtaskState,
} from '@sluice/engine'
import { describeThrown } from '../protocol/describe-thrown.js'
import { nameWorker } from '../protocol/name-worker.js'

export interface WorkerEndContext {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  /** As the worker left them: they lie in shared memory. */
  readonly metrics: MetricsSnapshot
}

export function explainWorkerEnd(error: unknown, worker: number, context: WorkerEndContext): SluiceError {
  if (error instanceof SluiceError) return error
  const where = nameWorker(context.graph, context.plan, worker)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const details = { ...lastPlace(worker, context), job: context.plan.job, cause: error }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return new SluiceError('SLUICE_WORKER_OUT_OF_MEMORY', `${where} ran out of memory`, details)
  return new SluiceError('SLUICE_WORKER_EXITED', `${where} ended unexpectedly: ${describeThrown(error)}`, details)
}

/** The subtask that was in a step when its thread ended, or the only one that it could be. A chain stands for its operators where none is known to be active. */
function lastPlace(worker: number, { graph, plan, metrics }: WorkerEndContext): ErrorCoordinates {
  const hosted = plan.subtasks.filter((subtask) => subtask.worker === worker)
  const last = hosted.find(({ id }) => metrics.subtasks[id]?.state === SubtaskState.busy) ?? (hosted.length === 1 ? hosted[0] : undefined)
  const task = plan.tasks[last?.task ?? -1]
  if (last === undefined || task === undefined) return {}
  const active = graph.nodes[task.nodes[metrics.subtasks[last.id]?.activeOperator ?? -1] ?? -1]
  const declaredAt = (active ?? graph.nodes[task.nodes[0] ?? -1])?.declaredAt
  return { operator: active?.name ?? task.name, subtask: last.index, declaredAt }
}
