/**
 * Everything that is said between the coordinator and its workers in messages. Per record nothing is: records, credit, metrics and
 * commands go through shared memory. Coordinator to worker: the task argument, once. Worker to coordinator: the union below.
 */
import {
  type CheckpointReport,
  deserialiseError,
  type GraphSummary,
  type LogEntry,
  type PhysicalPlan,
  type ResolvedSettings,
  type RunIdentity,
  type SerialisedError,
  serialiseError,
  type SharedRegions,
  type SnapshotFileHandle,
  type UserMetric,
} from '@sluice/engine'

/** The argument of a worker's one long-running task. */
export interface WorkerTask {
  readonly worker: number
  /** The bundle that every thread imports. */
  readonly bundleUrl: string
  /** The user's file, for messages. */
  readonly source: string
  /** As parsed by the coordinator. */
  readonly params: unknown
  readonly collect: boolean
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  readonly shared: SharedRegions
  /** Memory of the `StartGate`. */
  readonly gate: SharedArrayBuffer
  /** Of the graph that the coordinator declared. */
  readonly fingerprint: string
  readonly threads: number
  readonly cores: number
  readonly overwrite: boolean
  /** undefined: none are taken. */
  readonly checkpoints: AttemptCheckpoints | undefined
}

/** What a thread needs to know to take part in checkpoints; it opens the storage by itself. */
export interface AttemptCheckpoints {
  readonly run: RunIdentity
  /** undefined: a fresh start. */
  readonly restore: RestorePoint | undefined
}

/** A checkpoint to restore. */
export interface RestorePoint {
  readonly id: number
  /** Root of the storage that it lies in, where that is not the job's own: a local directory. */
  readonly directory: string | undefined
  /** Relative to the root. */
  readonly files: readonly SnapshotFileHandle[]
  /** Operators that begin empty although they have state in it. */
  readonly ignored: readonly string[]
}

/** A report whose error survives the way to another thread. */
export type SentReport = Exclude<CheckpointReport, { readonly type: 'declined' }> | SentDecline

export interface SentDecline {
  readonly type: 'declined'
  readonly id: number
  readonly subtask: number
  readonly error: SerialisedError
}

export function sendable(report: CheckpointReport): SentReport {
  return report.type === 'declined' ? { ...report, error: serialiseError(report.error) } : report
}

export function received(report: SentReport): CheckpointReport {
  return report.type === 'declined' ? { ...report, error: deserialiseError(report.error) } : report
}

export type WorkerMessage =
  /** The graph is declared. `summary` is there only where the fingerprint differs from the coordinator's. */
  | { readonly type: 'ready'; readonly worker: number; readonly summary: GraphSummary | undefined }
  | { readonly type: 'log'; readonly worker: number; readonly entries: readonly LogEntry[] }
  | { readonly type: 'metrics'; readonly worker: number; readonly metrics: readonly UserMetric[] }
  | { readonly type: 'checkpoint'; readonly worker: number; readonly report: SentReport }
  /** Something failed at this monotonic time; the loop may still be running. */
  | { readonly type: 'failure'; readonly worker: number; readonly atMs: number; readonly error: SerialisedError }
  /** Always the last one of a worker that leaves in order. */
  | { readonly type: 'left'; readonly worker: number }

const MARK = 'sluice'

/** What is posted: user code may post messages of its own on the same port. */
export interface Envelope {
  readonly [MARK]: WorkerMessage
}

export function seal(message: WorkerMessage): Envelope {
  return { [MARK]: message }
}

/** undefined for a message that is not ours. */
export function unseal(posted: unknown): WorkerMessage | undefined {
  return typeof posted === 'object' && posted !== null && MARK in posted ? (posted as Envelope)[MARK] : undefined
}
