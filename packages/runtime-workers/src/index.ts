export { LocalDirectory } from './checkpoint/local-directory.js'
export { type AskedCheckpoint, findCheckpoint } from './coordinator/find-restored.js'
export { run } from './coordinator/run.js'
export type {
  CheckpointSummary,
  ListeningEvent,
  LostEvent,
  NoticeEvent,
  OutputWriter,
  Outputs,
  PlannedEvent,
  RawParams,
  RestartingEvent,
  RestoredEvent,
  RunEvents,
  RunHandle,
  RunLogEntry,
  RunOptions,
  RunResult,
  RunStatus,
  SavepointOptions,
  StartedEvent,
} from './coordinator/run-types.js'
export type { WorkerHeapLimits } from './coordinator/worker-pool.js'
export { type LoadedJob, loadJob } from './load/load-job.js'
export { captureConsole } from './protocol/capture-console.js'
