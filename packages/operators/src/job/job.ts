/** What `defineJob` returns, as those see it who run jobs. */
import type { JobSettings, LogicalGraph } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ByteSize } from '../duration/byte-size.js'
import type { Duration } from '../duration/duration.js'
import type { Stream } from '../stream/stream.js'

/** When the state of a job is written, and where to. */
export interface CheckpointOptions {
  /** How long after one checkpoint the next begins. */
  readonly interval: Duration
  /** The folder that checkpoints lie in, relative to the working directory. */
  readonly directory: string
}

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
  /** Checkpoints. Accepted and checked; no version takes them yet. */
  readonly checkpoint?: CheckpointOptions | undefined
  /** What is rarely changed; see `JobSettings`. */
  readonly settings?: Omit<JobSettings, 'parallelism' | 'workers' | 'memoryBytes' | 'checkpoint' | 'restart'> | undefined
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
