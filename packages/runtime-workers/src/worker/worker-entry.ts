/**
 * What a worker thread runs: one long task. Import the bundle, declare the graph, compare, wait at the gate, then run the loop over
 * the subtasks of this worker. It leaves by itself when they are done or the coordinator says abort. Failures are reported in
 * messages, because an error that crosses threads by itself loses its code, its hint and its causes.
 */
import {
  type CheckpointReport,
  fingerprintGraph,
  type LogicalGraph,
  serialiseError,
  SluiceError,
  summariseGraph,
  type UserMetric,
  WorkerLoop,
} from '@sluice/engine'
import { parentPort } from 'node:worker_threads'
import { createThreadEnvironment } from '../environment/thread-environment.js'
import { importJob } from '../load/import-job.js'
import { declareGraph } from '../load/declare-graph.js'
import { captureConsole } from '../protocol/capture-console.js'
import { trapWorkerFailures } from '../protocol/failure-traps.js'
import { seal, sendable, type WorkerMessage, type WorkerTask } from '../protocol/messages.js'
import { nameWorker } from '../protocol/name-worker.js'
import { StartGate } from '../protocol/start-gate.js'
import { Resources, resourcesOf } from '../resources.js'
import { currentOperator, type Place } from './current-operator.js'
import { LogQueue } from './log-queue.js'
import { openThreadCheckpoints } from './thread-checkpoints.js'

const USER_METRICS_PERIOD_MS = 1_000

export default async function runWorker(task: WorkerTask): Promise<void> {
  const { worker, plan, settings, shared, overwrite } = task
  const post = (message: WorkerMessage): void => parentPort?.postMessage(seal(message))
  let log: LogQueue | undefined
  let place: (() => Place | undefined) | undefined
  const environment = createThreadEnvironment({
    log: (entry) => log?.push(entry),
    threads: task.threads,
    cores: task.cores,
    ownThread: true,
  })
  const monotonicMs = (): number => environment.clock.monotonicMs()
  const fail = (error: unknown): void => {
    const located = error instanceof SluiceError ? error.at({ job: plan.job, ...place?.() }) : error
    post({ type: 'failure', worker, atMs: monotonicMs(), error: serialiseError(located) })
  }
  let where = `worker ${worker}`
  trapWorkerFailures(fail, () => where)
  // The coordinator has imported and declared the same file: what that prints was printed there.
  captureConsole((level, message) => log?.push({ level, message, ...place?.() }))
  try {
    const graph = await declareHere(task)
    const same = fingerprintGraph(graph) === task.fingerprint
    post({ type: 'ready', worker, summary: same ? undefined : summariseGraph(graph) })
    if (!(await new StartGate(task.gate).passed())) return
    log = new LogQueue({ send: (entries) => post({ type: 'log', worker, entries }), monotonicMs })
    where = nameWorker(graph, plan, worker)
    place = currentOperator(graph, plan, shared.metrics, worker)
    const resources = new Resources(plan.job)
    const report = (made: CheckpointReport): void => post({ type: 'checkpoint', worker, report: sendable(made) })
    const thread = openThreadCheckpoints({ graph, plan, settings, checkpoints: task.checkpoints, report })
    try {
      const opened = await resources.open(resourcesOf(graph, plan, worker), worker)
      const { checkpoints } = thread
      const loop = new WorkerLoop({ graph, plan, settings, shared, worker, environment, resources: opened, overwrite, checkpoints })
      const postMetrics = (): void => postUserMetrics(loop.userMetrics(), worker, post)
      const gathering = setInterval(postMetrics, USER_METRICS_PERIOD_MS).unref()
      await loop.run().finally(() => {
        clearInterval(gathering)
        postMetrics()
      })
    } finally {
      await resources.close().catch(fail)
      await thread.close().catch(fail)
    }
  } catch (error) {
    fail(error)
  } finally {
    await environment.close()
    log?.close()
    post({ type: 'left', worker })
  }
}

function postUserMetrics(metrics: readonly UserMetric[], worker: number, post: (message: WorkerMessage) => void): void {
  if (metrics.length > 0) post({ type: 'metrics', worker, metrics })
}

async function declareHere({ bundleUrl, source, params, collect }: WorkerTask): Promise<LogicalGraph> {
  const job = await importJob({ url: bundleUrl, source })
  return declareGraph(job, params, { collect, source, positions: undefined })
}
