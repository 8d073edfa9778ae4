/** The beginning of every job file. */
import { type LogicalGraph, SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type JsonSchema, jsonSchemaOf, secretsOf } from '../schema/json-schema.js'
import { parseParams } from '../schema/parse-params.js'
import { DeclaredStream } from '../stream/declared-stream.js'
import type { Sentence } from '../stream/rules.js'
import { callSite, userLineOf } from './call-site.js'
import { collectSink } from './collect-sink.js'
import { DeclaredJob } from './declared-job.js'
import { duringDeclaration, GraphDraft } from './graph-draft.js'
import { type Job, type JobOptions, type JobOutputs, jobSymbol } from './job.js'
import type { JobBuilder } from './job-builder.js'
import { checkJobOptions, settingsOf } from './job-options.js'

/** The schema of a job without parameters. */
export type NoParams = StandardSchemaV1<unknown, Readonly<Record<never, never>>>

/** What a declaration may return: nothing, or streams by name. */
export type Declared<O> =
  O extends PromiseLike<unknown>
    ? Sentence<'The declaration of a job must be synchronous: async work belongs into sources, resources and mapAsync'>
    : // A declaration without a return statement returns no streams.
      O extends void | JobOutputs
      ? O
      : Sentence<'The declaration of a job returns nothing, or an object of streams by name'>

/** The streams of a declaration by name. */
export type OutputsOf<O> = O extends void ? Readonly<Record<never, never>> : O

/**
 * A job: the default export of a job file. `declare` says what flows where; it runs in every thread that takes part, so it must be
 * synchronous and declare the same operators every time: no clock, no random numbers; what differs between runs comes in as
 * parameters. Streams that it returns are what `run(...)` gives back.
 *
 * Fails with `SLUICE_OPTIONS_INVALID` for wrong options. What `declare` throws arrives as `SLUICE_JOB_THREW` with the line.
 *
 * @example
 * export default defineJob({ name: 'squares', params: z.object({ records: z.number().default(10) }) }, (job, { records }) => {
 *   const squares = job.source('numbers', generate((index) => index, { count: records })).map((value) => value * value)
 *   squares.sink('out', print())
 *   return { squares }
 * })
 */
export function defineJob<S extends StandardSchemaV1 = NoParams, O = void>(
  options: JobOptions<S>,
  declare: (job: JobBuilder, params: StandardSchemaV1.InferOutput<S>) => Declared<O>,
): Job<StandardSchemaV1.InferOutput<S>, OutputsOf<O>> {
  const declaredAt = callSite()
  checkJobOptions(options, declaredAt)
  if (typeof declare !== 'function') {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `job ${options.name} needs a function that declares it`, {
      job: options.name,
      declaredAt,
    })
  }
  return new DefinedJob(options, declare)
}

class DefinedJob<P, O> implements Job<P, O> {
  readonly [jobSymbol] = true
  readonly name: string
  readonly options: JobOptions
  readonly #declare: (job: JobBuilder, params: P) => unknown
  #jsonSchema: JsonSchema | undefined

  constructor(options: JobOptions, declare: (job: JobBuilder, params: P) => unknown) {
    this.name = options.name
    this.options = Object.freeze({ ...options })
    this.#declare = declare
  }

  /** Made when it is asked for: workers never ask. */
  get paramsJsonSchema(): JsonSchema | undefined {
    this.#jsonSchema ??= jsonSchemaOf(this.options.params)
    return this.#jsonSchema
  }

  get secretParams(): readonly string[] {
    return secretsOf(this.paramsJsonSchema)
  }

  async parseParams(raw: unknown): Promise<P> {
    return (await parseParams(this.name, this.options.params, this.paramsJsonSchema, raw)) as P
  }

  declare(params: P, { collect }: { readonly collect: boolean }): LogicalGraph {
    const settings = settingsOf(this.options)
    const draft = new GraphDraft(this.name)
    duringDeclaration(draft, () => {
      const outputs = this.#outputs(this.#run(draft, params))
      if (!collect) return
      for (const [name, stream] of outputs) stream.sink(`collect:${name}`, collectSink(name))
    })
    return draft.build(settings)
  }

  #run(draft: GraphDraft, params: P): unknown {
    try {
      return this.#declare(new DeclaredJob(draft), params)
    } catch (error) {
      const line = userLineOf(error)
      if (error instanceof SluiceError) throw error.at({ job: this.name, declaredAt: line })
      const thrown = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      const message = `job ${this.name} threw while it declared its graph: ${thrown}${line === undefined ? '' : ` (at ${line})`}`
      throw new SluiceError('SLUICE_JOB_THREW', message, { job: this.name, declaredAt: line, cause: error })
    }
  }

  #outputs(returned: unknown): readonly [string, DeclaredStream][] {
    if (returned === undefined || returned === null) return []
    if (typeof (returned as { then?: unknown }).then === 'function') {
      // Its own failure would otherwise surface later, as a rejection that nobody handles.
      Promise.resolve(returned).catch(() => undefined)
      throw this.#wrong('returned a promise: a declaration is synchronous', 'Move async work into sources, resources or mapAsync.')
    }
    if (typeof returned !== 'object') throw this.#wrong(`returned a ${typeof returned}`, 'Return nothing, or an object of streams by name.')
    return Object.entries(returned).map(([name, stream]: [string, unknown]) => {
      if (!(stream instanceof DeclaredStream)) {
        throw this.#wrong(
          `returned ${name}, which is not a stream`,
          'Return nothing, or an object of streams by name; a keyed stream is none.',
        )
      }
      stream.draft.assertCurrent(stream.draft.describe(stream.upstreams), undefined)
      return [name, stream]
    })
  }

  #wrong(what: string, hint: string): SluiceError {
    return new SluiceError('SLUICE_JOB_THREW', `the declaration of job ${this.name} ${what}`, { job: this.name, hint })
  }
}
