export { type ErrorCode, type ErrorCoordinates, type PressureGraph, SluiceError } from '@sluice/engine'
export * from '@sluice/operators'
export {
  type LoadedJob,
  loadJob,
  type OutputWriter,
  type Outputs,
  type PlannedEvent,
  type RawParams,
  type RunEvents,
  type RunHandle,
  type RunLogEntry,
  type RunOptions,
  type RunResult,
  run,
  type WorkerHeapLimits,
} from '@sluice/runtime-workers'
