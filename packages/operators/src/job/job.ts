/** What `defineJob` returns, as those see it who run jobs. */
import type { CheckpointMode, CheckpointStorage, JobSettings, LogicalGraph } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ByteSize } from '../duration/byte-size.js'
import type { Duration } from '../duration/duration.js'
import type { Stream } from '../stream/stream.js'

/** When the state of a job is written, how, and where to. */
export interface CheckpointOptions {
  /** From the beginning of one checkpoint to that of the next, at least. */
  readonly interval: Duration
  /** The folder that checkpoints lie in, relative to the working directory. */
  readonly directory: string
  /**
   * `aligned`: operators wait until the barrier has come on all of their inputs. `unaligned`: barriers overtake, and the records that they overtake become
   * part of the checkpoint, so that backpressure cannot delay it. `at-least-once`: nobody waits, records may count twice after a restore. Default `aligned`.
   */
  readonly mode?: CheckpointMode | undefined
  /** An aligned checkpoint that takes longer goes on unaligned. Default: never. */
  readonly alignedTimeout?: Duration | undefined
  /** A checkpoint that takes longer is given up; the job goes on. Default 10 min. */
  readonly timeout?: Duration | undefined
  /** Complete checkpoints of a run that are kept. Default 3. */
  readonly retain?: number | undefined
  /** Opens another storage than the local directory; called with `directory` in every thread. */
  readonly storage?: ((directory: string) => CheckpointStorage) | undefined
}

/**
 * What happens after a failure, where checkpoints are taken: the job starts again from the last one.
 *
 * - `exponential` (default): the delay doubles from `initialDelay` (1 s) up to `maxDelay` (1 min), and begins anew after `resetAfter` (10 min) without a failure.
 * - `fixed`: at most `attempts` restarts, each after `delay` (1 s).
 * - `failure-rate`: restarts after `delay` (1 s) until there are more than `failures` within `window`.
 * - `none`: the first failure ends the job.
 */
export type RestartOptions =
  | {
      readonly strategy: 'exponential'
      readonly initialDelay?: Duration | undefined
      readonly maxDelay?: Duration | undefined
      readonly resetAfter?: Duration | undefined
    }
  | { readonly strategy: 'fixed'; readonly attempts: number; readonly delay?: Duration | undefined }
  | { readonly strategy: 'failure-rate'; readonly failures: number; readonly window: Duration; readonly delay?: Duration | undefined }
  | { readonly strategy: 'none' }

/** How records flow over one edge: by a window of time (the default) or by what the consumer asks for, and how it is read beside the other inputs of its consumer. */
export type EdgeOptions = {
  /** Share of the consumer's time beside its other inputs of the same priority, while they all have records. Default 1. */
  readonly weight?: number | undefined
  /** Inputs of a higher priority are read first. Default 0. */
  readonly priority?: number | undefined
} & (
  | {
      /** How much work may be in flight on the edge, as a time of its consumer's work; `false`: the window keeps its largest size. Default: `settings.windowTargetMs`. */
      readonly window?: Duration | false | undefined
      readonly prefetch?: undefined
    }
  | {
      /** The consumer asks for so many records at a time: per channel it holds no more than these, and no record is made that it did not ask for. */
      readonly prefetch: number
      readonly window?: undefined
    }
)

/** What a job is called and how it is to run; whoever runs it may override all but the name. */
export interface JobOptions<S extends StandardSchemaV1 = StandardSchemaV1> {
  /** Names the job in log, metrics and checkpoints. */
  readonly name: string
  /** Schema of the parameters: any Standard Schema; with zod the command line knows names, types and defaults. */
  readonly params?: S | undefined
  /** Subtasks of every operator that does not say otherwise. Default: the number of workers. */
  readonly parallelism?: number | undefined
  /** Worker threads. Default: the number of cores. */
  readonly workers?: number | undefined
  /** Budget for rings, queues and async work in flight: bytes, or text such as `'256mb'`. Default 256 MiB. */
  readonly memory?: ByteSize | undefined
  /** Checkpoints, from which the job starts again after a failure. Default: none are taken. */
  readonly checkpoint?: CheckpointOptions | undefined
  /** What happens after a failure, where checkpoints are taken. */
  readonly restart?: RestartOptions | undefined
  /** How records flow over single edges, by their names in the plan: `{ 'parse -> write': { window: '20ms' } }`. */
  readonly edges?: Readonly<Record<string, EdgeOptions>> | undefined
  /** What is rarely changed; see `JobSettings`. */
  readonly settings?: Omit<JobSettings, 'parallelism' | 'workers' | 'memoryBytes' | 'checkpoint' | 'restart' | 'edges'> | undefined
}

/** A job: a name, options, and a declaration that makes its graph. `P`: its parsed parameters; `O`: the streams that it returns. */
export interface Job<P, O> {
  readonly name: string
  readonly options: JobOptions
  /** JSON Schema of what the parameters' schema takes where that is zod's; undefined otherwise. */
  readonly paramsJsonSchema: object | undefined
  /** Parameters marked with `.meta({ secret: true })`: never printed. */
  readonly secretParams: readonly string[]
  /** Never there at run time. */
  readonly outputs?: O
  /** Parameters with defaults applied. Fails with `SLUICE_PARAMS_INVALID`, which names each wrong one. */
  parseParams(raw: unknown): Promise<P>
  /**
   * Runs the declaration and gives the graph; opens nothing. With `collect` each returned stream gets a sink named `collect:<name>` that
   * hands its records to the host.
   */
  declare(params: P, options: { readonly collect: boolean }): LogicalGraph
}

/** The streams that a declaration may return, by name. */
export type JobOutputs = Readonly<Record<string, Stream<unknown>>>

/** Two copies of this package may be loaded, so a job is known by a symbol that they share. */
export const jobSymbol: symbol = Symbol.for('sluice.job')

/**
 * Whether a value is what `defineJob` returns: for tools that load jobs.
 *
 * @example
 * const exported: unknown = defineJob({ name: 'empty' }, (job) => job.source('none', fromArray([])).sink('out', discard()))
 * if (isJob(exported)) console.log(exported.name)
 */
export function isJob(value: unknown): value is Job<unknown, unknown> {
  return typeof value === 'object' && value !== null && jobSymbol in value
}
