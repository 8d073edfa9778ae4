export type { RecordField, RecordShape, ScalarKind } from './codec/record-shape.js'
export { type ErrorCode, type ErrorEntry, errorCatalogue } from './errors/catalogue.js'
export { nearest } from './errors/nearest.js'
export { deserialiseError, type SerialisedError, serialiseError } from './errors/serialise-error.js'
export { assert, type ErrorCoordinates, SluiceError, type SluiceErrorOptions } from './errors/sluice-error.js'
export { diffGraphs, fingerprintGraph } from './graph/fingerprint-graph.js'
export type * from './checkpoint/file/contract.js'
export { checkSnapshotFile, readSnapshotEntries, verifySnapshotFile } from './checkpoint/file/inspect-file.js'
export { openSnapshot } from './checkpoint/file/snapshot-reader.js'
export { createSnapshotWriters } from './checkpoint/file/snapshot-writer.js'
export {
  checkpointFolder,
  fileSafe,
  idOfFolder,
  jobFolder,
  MANIFEST_NAME,
  relativePath,
  resolvePath,
  runFolder,
  savepointFolder,
} from './checkpoint/checkpoint-layout.js'
export {
  type CheckpointComparison,
  type CompareOptions,
  compareWithCheckpoint,
  type OperatorComparison,
  type OperatorVerdict,
} from './checkpoint/compare/compare-with-checkpoint.js'
export {
  CheckpointCoordinator,
  type CheckpointCoordinatorOptions,
  type FinalCheckpoint,
} from './checkpoint/coordinator/checkpoint-coordinator.js'
export { bytesAhead } from './checkpoint/coordinator/bytes-ahead.js'
export type * from './checkpoint/coordinator/checkpoint-event.js'
export { assertSavepointFits, type SavepointRequest } from './checkpoint/coordinator/savepoint.js'
export {
  type CheckpointSearch,
  findById,
  findInFolder,
  findLatest,
  type FindOptions,
  type FoundCheckpoint,
  hasCheckpoints,
  resolveFiles,
  runsOf,
  type SkippedCheckpoint,
} from './checkpoint/find/find-checkpoint.js'
export { attemptNumbers, recordAttempt } from './checkpoint/find/attempts.js'
export { listCheckpoints, type ListedCheckpoint, listJobs } from './checkpoint/find/list-checkpoints.js'
export { diffCheckpoints, type DiffSide, type StateDifference } from './checkpoint/inspect/diff-checkpoints.js'
export { readState, type ReadStateOptions, type StateLine } from './checkpoint/inspect/read-state.js'
export { type VerifiedFile, verifyCheckpoint } from './checkpoint/inspect/verify-checkpoint.js'
export { describeParams } from './checkpoint/manifest/describe-job.js'
export { bytesOf, filesOf, subtaskName } from './checkpoint/manifest/manifest.js'
export type * from './checkpoint/manifest/manifest.js'
export { decodeManifest, encodeManifest, readManifest } from './checkpoint/manifest/manifest-file.js'
export { type ProtocolStep, protocolSteps } from './checkpoint/protocol-step.js'
export { storageContract, type StorageRule } from './checkpoint/storage-contract.js'
export { type GroupRange, groupsOf, heirOf, shareOf as shareOfSections, unionOf, watermarkOf } from './checkpoint/redistribute.js'
export * from './checkpoint/protocol.js'
export type * from './checkpoint/snapshot.js'
export type * from './checkpoint/storage.js'
export type * from './checkpoint/thread-checkpoints.js'
export type { ChannelSlice } from './channel/channel-slice.js'
export { Gate } from './channel/gate.js'
export { windowBytesMax } from './channel/ring-layout.js'
export type * from './graph/logical-graph.js'
export { edgeName } from './graph/logical-graph.js'
export * from './graph/operator-context.js'
export type * from './graph/operator-spec.js'
export { type GraphSummary, summariseGraph } from './graph/summarise-graph.js'
export { validateGraph } from './graph/validate-graph.js'
export type { CallBlame } from './metrics/blame-calls.js'
export type { CallReport } from './metrics/call-reports.js'
export type { DropCount } from './metrics/drop-counts.js'
export type { DroppedRecords } from './metrics/dropped-records.js'
export type { EdgePressure } from './metrics/edge-pressure.js'
export type { Bottleneck } from './metrics/find-bottleneck.js'
export type { Headroom } from './metrics/headroom.js'
export { HeadroomWatch } from './metrics/headroom-watch.js'
export { layoutMetrics, SubtaskState, type SubtaskStateCode, SubtaskWord } from './metrics/metric-layout.js'
export type { LateRecords } from './metrics/late-records.js'
export {
  type Cause,
  type EdgeFlow,
  type PressureEdge,
  type PressureGraph,
  pressureGraph,
  type PressureOperator,
  type SourceDependency,
} from './metrics/pressure-graph.js'
export { levelOf, type PressureLevel } from './metrics/pressure-level.js'
export { type ChannelMetrics, type MetricsSnapshot, readMetrics, type SubtaskMetrics, zeroMetrics } from './metrics/read-metrics.js'
export { type IntervalReport, reportInterval } from './metrics/report-interval.js'
export { type StuckSubtask, stuckSubtasks } from './metrics/stuck-subtasks.js'
export type { SubtaskReport } from './metrics/subtask-report.js'
export {
  type IdleInput,
  type StalledWatermark,
  type TimeChanges,
  type TimedInput,
  TimeWatch,
  type TimeWatchOptions,
} from './metrics/watch-time.js'
export { onlyCallsWait } from './metrics/waiting-calls.js'
export { nameEdges } from './plan/build-tasks.js'
export { describePlan, type PlanFormat } from './plan/describe-plan.js'
export { type Delivery, describeDelivery } from './plan/describe/delivery.js'
export { formatBytes } from './plan/format-bytes.js'
export * from './plan/physical-plan.js'
export type { FunctionFacts } from './plan/known-keys.js'
export { planJob } from './plan/plan-job.js'
export { type EdgeBound, type EdgeLoad, edgeBound } from './plan/plan-memory.js'
export {
  defaultSettings,
  type ResolvedCheckpointSettings,
  type ResolvedSettings,
  resolveSettings,
  type SettingOverrides,
} from './plan/settings.js'
export { shareOf } from './plan/share-of.js'
export { canonicalKey, hashKey, hashKey64, keyGroupOf } from './key/index.js'
export { type Column, type ColumnKind, type ColumnName, type NamedColumn, type NumberColumn, type ValueColumn } from './state/column.js'
export type { FrozenRows, RowSink } from './state/frozen-rows.js'
export type { FrozenTimers, TimerSink } from './state/frozen-timers.js'
export { KeyTable } from './state/key-table.js'
export { checkStateValue } from './state/plain-value.js'
export { type StatePart, StateRegistry } from './state/state-registry.js'
export { TimerQueue } from './state/timer-queue.js'
export { WindowTables } from './state/window-tables.js'
export { type AttemptFailure, decideRestart, type RestartDecision, SAME_PLACE_FAILURES } from './restart/decide-restart.js'
export { CheckpointWords } from './control/checkpoint-words.js'
export { Command, type CommandCode, ControlWord, controlBytes, Doorbell } from './control/control-layout.js'
export type * from './environment/environment.js'
export { IndexSource, NOTHING_TAKEN, type SourceDriver, type SourceState, SplitSource } from './task/source-driver.js'
export { allocateShared, type SharedRegions } from './task/shared-regions.js'
export type { UserMetric } from './task/user-metrics.js'
export { WorkerLoop, type WorkerLoopOptions } from './task/worker-loop.js'
