/** What `run` takes and gives. */
import type {
  CheckpointCompleted,
  CheckpointEvent,
  CheckpointProgress,
  DroppedRecords,
  IdleInput,
  IntervalReport,
  JobSettings,
  LateRecords,
  Listening,
  LogEntry,
  LogicalGraph,
  MetricsSnapshot,
  PhysicalPlan,
  PressureGraph,
  ResolvedSettings,
  SluiceError,
  StalledWatermark,
  StuckSubtask,
  UserMetric,
} from '@sluice/engine'
import type { ByteSize, CheckpointOptions, Duration, EdgeOptions, Job, RestartOptions, Stream } from '@sluice/operators'
import type { EventEmitter } from 'eventemitter3'
import type { WorkerHeapLimits } from './worker-pool.js'

/** Where data for standard output go: `process.stdout`, or anything that takes text. */
export interface OutputWriter {
  /** A promise where it cannot take more for now. */
  write(text: string): void | Promise<void>
}

/** Parameters by name, as given. */
export type RawParams = Readonly<Record<string, unknown>>

export interface RunOptions {
  /** Parameters before they are parsed against the job's schema, or what makes them once the job is loaded and its schema is known. */
  readonly params?: RawParams | ((job: Job<unknown, unknown>) => RawParams) | undefined
  /** Default: the number of workers. */
  readonly parallelism?: number | undefined
  /** Worker threads; 0: everything runs on the calling thread. Default: the available cores, or 0 for a job object without `module`. */
  readonly workers?: number | undefined
  /** Budget for rings, queues and async work in flight: bytes, or text such as `'256mb'`. */
  readonly memory?: ByteSize | undefined
  /** Heap limits of each worker thread, in MiB. */
  readonly heap?: WorkerHeapLimits | undefined
  /** Sinks may replace existing output, and checkpoints of earlier runs of the job are removed; savepoints stay. Default false. */
  readonly overwrite?: boolean | undefined
  /** Option by option in place of what the job says; false: no checkpoints are taken. The storage is always the job's. */
  readonly checkpoint?: Partial<Omit<CheckpointOptions, 'storage'>> | false | undefined
  /** What happens after a failure, where checkpoints are taken. */
  readonly restart?: RestartOptions | undefined
  /**
   * Goes on from a checkpoint: `'latest'`, the id of one, or the path of the folder of a checkpoint or savepoint. Default: a fresh start, which is refused
   * with `SLUICE_CHECKPOINT_EXISTS` where there are checkpoints of the job.
   */
  readonly restore?: string | number | undefined
  /** Operators whose state the restored checkpoint has and that may be left aside, because the job has them no longer. */
  readonly dropState?: readonly string[] | undefined
  /** How records flow over single edges, by their names in the plan; option by option in place of what the job says. */
  readonly edges?: Readonly<Record<string, EdgeOptions>> | undefined
  /** Freeze and encode records on every edge. Default false. */
  readonly checkRecords?: boolean | undefined
  /** More settings; what stands above wins. */
  readonly settings?: JobSettings | undefined
  /** Interval of `report` events. Default 5 s. */
  readonly report?: Duration | undefined
  /** Gather the streams that `declare` returned. Default: true for job objects, false for job files. */
  readonly collect?: boolean | undefined
  /** For a job object: URL of the module that exports it by default (`import.meta.url`), so that workers can load it. */
  readonly module?: string | URL | undefined
  /**
   * The process runs this job file and shares no objects with it, as under the command line: zod may then come from a copy that is joined into
   * one file, which loads in half the time. Default false: the job and the program that runs it share one zod.
   */
  readonly ownProcess?: boolean | undefined
  /** Receives the log lines of user code. */
  readonly log?: ((entry: RunLogEntry) => void) | undefined
  /** What `print` writes to. Default: the standard output of the process. */
  readonly stdout?: OutputWriter | undefined
}

/** A line of a job's own log: `context.log` or `console`. */
export interface RunLogEntry extends LogEntry {
  /** Index of the worker, -1 for the calling thread. */
  readonly worker: number
}

export interface PlannedEvent {
  readonly job: string
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  /** As parsed, secret ones included: whoever prints them hides those that `secretParams` names. */
  readonly params: unknown
  readonly secretParams: readonly string[]
}

/** An attempt began. */
export interface StartedEvent {
  /** 1, and one more with each restart in this process. */
  readonly attempt: number
  /** Id of the checkpoint it goes on from; undefined: from the beginning. */
  readonly restored: number | undefined
}

/** A checkpoint was found to go on from. */
export interface RestoredEvent {
  readonly run: string
  readonly id: number
  readonly path: string
  readonly kind: 'checkpoint' | 'savepoint'
  /** When it was complete, in ms since the epoch. */
  readonly completedMs: number
  /** Newer ones that cannot be restored, each with the reason. */
  readonly skipped: readonly { readonly path: string; readonly error: Error }[]
  /** What a user should know, as sentences: params that differ, state that is left aside. */
  readonly warnings: readonly string[]
}

/** Records that were lost since the last time it was said. */
export interface LostEvent {
  /** On purpose: by operator and reason. */
  readonly dropped: readonly DroppedRecords[]
  /** Became dead letters: by operator and the code of the error. */
  readonly deadLetters: readonly DroppedRecords[]
  /** Came too late for an operator. */
  readonly late: readonly LateRecords[]
}

/** An attempt failed, and another one follows. */
export interface RestartingEvent {
  /** Of the attempt that follows. */
  readonly attempt: number
  readonly delayMs: number
  readonly error: SluiceError
  /** Id of the checkpoint that it goes on from; undefined: from the beginning. */
  readonly checkpoint: number | undefined
}

/** A source can be reached from outside. */
export interface ListeningEvent extends Listening {
  readonly operator: string
}

/** Something that the engine's own code in a thread has to say: the line `event` of the job log. */
export interface NoticeEvent extends RunLogEntry {
  readonly event: NonNullable<LogEntry['event']>
}

export interface RunEvents {
  planned: (event: PlannedEvent) => void
  restored: (event: RestoredEvent) => void
  /** Every thread has declared the job; sources open now. Once per attempt. */
  started: (event: StartedEvent) => void
  checkpoint: (event: CheckpointEvent) => void
  restarting: (event: RestartingEvent) => void
  report: (report: IntervalReport) => void
  /** With each report, and at the end of an attempt however it ended, while records were lost: all of them add up to what is lost. */
  lost: (lost: LostEvent) => void
  /** A subtask has been inside one step for longer than `stuckAfterMs`; told once per episode. */
  stuck: (stuck: StuckSubtask) => void
  /** An input has been silent for longer than `idleAfter` and holds event time back no longer. Looked for with each report, as the next two. */
  idle: (input: IdleInput) => void
  /** An input that was idle is awaited again. */
  active: (input: IdleInput) => void
  /** An operator's watermark stands still although records arrive; told once, and again where another input is to blame. */
  stalled: (stalled: StalledWatermark) => void
  /** A source has begun to listen: its address, with the port that is bound. Again after a restart. */
  listening: (event: ListeningEvent) => void
  /** What threads say by themselves, `listening` among it. */
  notice: (event: NoticeEvent) => void
  /** Log of user code. */
  log: (entry: RunLogEntry) => void
  finished: (result: RunResult<unknown>) => void
  failed: (error: SluiceError) => void
}

/** The records of each stream that `declare` returned, by its name. */
export type Outputs<O> = { readonly [K in keyof O]: O[K] extends Stream<infer T, infer _C> ? readonly T[] : never }

/** Where the records are that a stop did not wait for: all of them in the last checkpoint. */
export interface UnfinishedRecords {
  /** Calls of asynchronous operators; where records are gathered, of a batch of them. */
  readonly calls: number
  /** That operators hold back. */
  readonly heldRecords: number
  /** Bytes of those between operators. */
  readonly channelBytes: number
}

export interface RunResult<O> {
  /** Empty unless `collect`. With checkpoints: what belongs to complete ones, each record once; after `restore`, what came behind the one that was restored. */
  readonly outputs: Outputs<O>
  readonly durationMs: number
  /** Records that sources read; with restarts, in the last attempt. */
  readonly recordsIn: number
  /** Records that reached sinks; with restarts, in the last attempt. */
  readonly recordsOut: number
  /** It ended because of `stop` or `drain`. */
  readonly stopped: boolean
  /** What was in flight when the time limit of a stop passed was given up. */
  readonly aborted: boolean
  /** What did not flow out when the job was stopped, and is in its last checkpoint; undefined: everything did, or was given up. */
  readonly unfinished: UnfinishedRecords | undefined
  readonly plan: PhysicalPlan
  /** Rates and pressure over the whole run; with restarts, over the last attempt. */
  readonly totals: IntervalReport
  /** Which components depended on which, over the same time. */
  readonly pressure: PressureGraph
  /** How often the job was started again. */
  readonly restarts: number
  /** undefined: none were taken. */
  readonly checkpoints: CheckpointSummary | undefined
  readonly userMetrics: readonly UserMetric[]
}

/** The checkpoints of one run of a process. */
export interface CheckpointSummary {
  /** What tells the run from others; it stays the same over restores. */
  readonly run: string
  readonly completed: number
  readonly failed: number
  /** Largest over all, in ms. */
  readonly durationMaxMs: number
  /** How long records stood still at most, in ms. */
  readonly syncMaxMs: number
  readonly last: CheckpointCompleted | undefined
}

export interface SavepointOptions {
  /** Default: `savepoint-<id>`. */
  readonly name?: string | undefined
  /** The folder that it is written to, which must be empty; default: one in the checkpoint directory. */
  readonly directory?: string | undefined
  /** The job stops (or is drained), and the savepoint is what it ended with. Default false. */
  readonly stop?: boolean | 'drain' | undefined
}

/** What a running job says of itself. */
export interface RunStatus {
  readonly job: string | undefined
  readonly state: 'loading' | 'running' | 'restarting' | 'stopping' | 'ended'
  readonly attempt: number
  readonly run: string | undefined
  readonly checkpoints: CheckpointSummary | undefined
  /** The checkpoint that is being taken. */
  readonly inFlight: CheckpointProgress | undefined
  /** Records that operators hold back: queues in front of slow consumers, limits of rates. */
  readonly heldRecords: number
}

/** A running job. `await using` stops it at the end of its block. */
export interface RunHandle<O> extends AsyncDisposable {
  /** Settles when every thread has left. Rejects with a `SluiceError`. */
  readonly finished: Promise<RunResult<O>>
  /** Sources end and what is in flight flows out, for at most `stopTimeoutMs`; what does not is in the last checkpoint, where there is one. Settles when the job has ended; errors arrive at `finished`. */
  stop(): Promise<void>
  /** Like `stop`, and what is open fires, as at the end of input. */
  drain(): Promise<void>
  /**
   * Takes a savepoint and resolves with its path: a checkpoint on request, which is never removed. Rejects with `SLUICE_SAVEPOINT_FAILED`, and with
   * `SLUICE_CHECKPOINTS_OFF` where the job takes no checkpoints.
   */
  savepoint(options?: SavepointOptions): Promise<string>
  status(): RunStatus
  /** What the counters say now; undefined before the job was planned. */
  metrics(): MetricsSnapshot | undefined
  /**
   * Which components depend on which: how long each edge held its producer and whose doing it was, for which operators each source waited, the bottleneck.
   * `since`: what `metrics` said earlier in the same attempt; default: the start of the attempt. Shares of time are 0 to 1. undefined before the job runs.
   *
   * @example
   * const since = handle.metrics()
   * await new Promise((resolve) => setTimeout(resolve, 1000))
   * for (const { source, on } of handle.pressure(since)?.sources ?? []) console.log(source, 'waits for', on[0]?.operator)
   */
  pressure(since?: MetricsSnapshot): PressureGraph | undefined
  readonly events: EventEmitter<RunEvents>
}
