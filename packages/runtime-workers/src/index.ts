export { run } from './coordinator/run.js'
export type {
  OutputWriter,
  Outputs,
  PlannedEvent,
  RawParams,
  RunEvents,
  RunHandle,
  RunLogEntry,
  RunOptions,
  RunResult,
} from './coordinator/run-types.js'
export type { WorkerHeapLimits } from './coordinator/worker-pool.js'
export { type LoadedJob, loadJob } from './load/load-job.js'
export { captureConsole } from './protocol/capture-console.js'
