/** What `run` takes and gives. */
import type {
  IdleInput,
  IntervalReport,
  JobSettings,
  LogEntry,
  LogicalGraph,
  MetricsSnapshot,
  PhysicalPlan,
  ResolvedSettings,
  SluiceError,
  StalledWatermark,
  StuckSubtask,
  UserMetric,
} from '@sluice/engine'
import type { ByteSize, Duration, Job, Stream } from '@sluice/operators'
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
  /** Sinks may replace existing output. Default false. */
  readonly overwrite?: boolean | undefined
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

export interface RunEvents {
  planned: (event: PlannedEvent) => void
  /** Every thread has declared the job; sources open now. */
  started: () => void
  report: (report: IntervalReport) => void
  /** A subtask has been inside one step for longer than `stuckAfterMs`; told once per episode. */
  stuck: (stuck: StuckSubtask) => void
  /** An input has been silent for longer than `idleAfter` and holds event time back no longer. Looked for with each report, as the next two. */
  idle: (input: IdleInput) => void
  /** An input that was idle is awaited again. */
  active: (input: IdleInput) => void
  /** An operator's watermark stands still although records arrive; told once, and again where another input is to blame. */
  stalled: (stalled: StalledWatermark) => void
  /** Log of user code. */
  log: (entry: RunLogEntry) => void
  finished: (result: RunResult<unknown>) => void
  failed: (error: SluiceError) => void
}

/** The records of each stream that `declare` returned, by its name. */
export type Outputs<O> = { readonly [K in keyof O]: O[K] extends Stream<infer T, infer _C> ? readonly T[] : never }

export interface RunResult<O> {
  /** Empty unless `collect`. */
  readonly outputs: Outputs<O>
  readonly durationMs: number
  /** Records that sources read. */
  readonly recordsIn: number
  /** Records that reached sinks. */
  readonly recordsOut: number
  /** It ended because of `stop` or `drain`. */
  readonly stopped: boolean
  /** What was in flight when the time limit of a stop passed was given up. */
  readonly aborted: boolean
  readonly plan: PhysicalPlan
  /** Rates and pressure over the whole run. */
  readonly totals: IntervalReport
  readonly userMetrics: readonly UserMetric[]
}

/** A running job. `await using` stops it at the end of its block. */
export interface RunHandle<O> extends AsyncDisposable {
  /** Settles when every thread has left. Rejects with a `SluiceError`. */
  readonly finished: Promise<RunResult<O>>
  /** Sources end and what is in flight flows out, for at most `stopTimeoutMs`. Settles when the job has ended; errors arrive at `finished`. */
  stop(): Promise<void>
  /** Like `stop`, and what is open fires, as at the end of input. */
  drain(): Promise<void>
  /** What the counters say now; undefined before the job was planned. */
  metrics(): MetricsSnapshot | undefined
  readonly events: EventEmitter<RunEvents>
}
