/** A function as a sink: called for each record, or for batches of records. */
import { type AsyncContext, SluiceError } from '@sluice/engine'
import type { CallOptions } from '../call/call-options.js'
import { planCalls } from '../call/plan-calls.js'
import { type Duration, parseDuration } from '../duration/duration.js'
import type { AsyncRecordContext, BatchContext, Resource } from '../operator/contexts.js'
import { checkFunction, checkInteger } from '../source/check-options.js'
import { defineSink, type SinkWriteContext } from './define-sink.js'
import { type HandOver, RecordBatcher } from './record-batcher.js'
import type { Sink, SinkWithLetters } from './sink.js'

export interface ForEachOptions extends CallOptions {
  /** Records in flight at once, over all subtasks. Default: one per subtask. */
  readonly concurrency?: number | undefined
}

/**
 * Calls a function for each record. Where it returns a promise, the record is in flight until that settles; no more than
 * `concurrency` are, and what lies upstream waits.
 *
 * At least once: records that were in flight at a checkpoint, and those behind it, come again after a restore. `context.recordId`
 * (`<sink>/<subtask>/<number>`) is the same again where the records of a subtask come in the same order again: a replayable source, parallelism 1
 * or no exchange in between, the same parallelism. Otherwise another record may bear it: where that matters, make an id from the record itself.
 *
 * @throws SLUICE_OPERATOR_FAILED where the function throws or rejects; SLUICE_TIMEOUT where a call takes too long.
 * @example
 * stream.sink('notify', forEach(async (order, { signal }) => {
 *   await fetch('https://example.org/orders', { method: 'POST', body: JSON.stringify(order), signal })
 * }, { concurrency: 8, timeout: '5s' }))
 */
export function forEach<T, const O extends ForEachOptions = ForEachOptions>(
  fn: (record: T, context: AsyncRecordContext) => unknown,
  options?: O,
): SinkWithLetters<O, Sink<T>>
export function forEach<T>(fn: (record: T, context: AsyncRecordContext) => unknown, options: ForEachOptions = {}): Sink<T> {
  checkFunction('forEach', fn)
  const called = fn as (record: never, context: AsyncContext) => unknown
  const { spec: calls, options: shown, ...details } = planCalls('forEach', called, options)
  const { concurrency, timeoutMs, guard } = calls
  return {
    spec: {
      kind: 'async',
      fn: called,
      ...calls,
      ordered: false,
      discardsResults: true,
      mayChain: concurrency === undefined && guard === undefined && !isAsyncFunction(fn),
    },
    options: { type: 'forEach', concurrency, timeoutMs, ...shown },
    onError: options.onError,
    ...details,
    delivery: 'at-least-once',
  }
}

export interface ForEachBatchOptions {
  /** Records of a batch at most. Default 256. */
  readonly records?: number | undefined
  /** How long the first record of a batch waits for others at most. Default '1s'. */
  readonly time?: Duration | undefined
}

/**
 * Calls a function for batches of records: when `records` are there, when the first of them has waited for `time`, and at the end. The
 * next batch of a subtask is not handed over before the promise of the last one has settled.
 *
 * At least once: records whose batch had not settled at a checkpoint, and those behind it, come again after a restore. `context.recordId` is
 * `<sink>/<subtask>/<number of the first record>`; numbers go on from the checkpoint. Where the records of a subtask come in the same order again (a
 * replayable source, parallelism 1 or no exchange in between), a record has the same number again, and at another parallelism it has not. Batches may be
 * cut otherwise by `time`: count on from the first number, rather than taking the id for the batch.
 *
 * @throws SLUICE_SINK_FAILED where the function throws or rejects; the cause is kept.
 * @example
 * stream.sink('insert', forEachBatch(async (orders) => database.insert('orders', orders), { records: 500, time: '200ms' }))
 */
export function forEachBatch<T>(fn: (records: readonly T[], context: BatchContext) => unknown, options: ForEachBatchOptions = {}): Sink<T> {
  checkFunction('forEachBatch', fn)
  const { records = 256, time = 1_000 } = options
  checkInteger('forEachBatch: records', records, 1)
  const timeMs = parseDuration(time, 'time of forEachBatch')
  return defineSink<T>({
    open: (context) => new RecordBatcher(callWith(fn, context), { recordsMax: records, timeMs }, context),
    options: { type: 'forEachBatch', records, timeMs },
  })
}

/** The user's function; what it throws is told with the operator. */
function callWith<T>(fn: (records: readonly T[], context: BatchContext) => unknown, context: SinkWriteContext): HandOver<T> {
  const { operator } = context
  const located = (error: unknown): SluiceError => {
    if (error instanceof SluiceError) return error
    const message = error instanceof Error ? error.message : String(error)
    return new SluiceError('SLUICE_SINK_FAILED', `The function of ${operator} failed on a batch: ${message}`, { operator, cause: error })
  }
  return (batch, first) => {
    try {
      const result = fn(batch, new BatchCallContext(context, first))
      if (!isThenable(result)) return undefined
      return Promise.resolve(result).then(
        () => undefined,
        (error: unknown) => {
          throw located(error)
        },
      )
    } catch (error) {
      throw located(error)
    }
  }
}

/** What the function sees of one batch. */
class BatchCallContext implements BatchContext {
  readonly #shared: SinkWriteContext
  readonly #first: number

  constructor(shared: SinkWriteContext, first: number) {
    this.#shared = shared
    this.#first = first
  }

  get job(): string {
    return this.#shared.job
  }

  get operator(): string {
    return this.#shared.operator
  }

  get subtask(): BatchContext['subtask'] {
    return this.#shared.subtask
  }

  get log(): BatchContext['log'] {
    return this.#shared.log
  }

  get metrics(): BatchContext['metrics'] {
    return this.#shared.metrics
  }

  get signal(): AbortSignal {
    return this.#shared.signal
  }

  get recordId(): string {
    return `${this.operator}/${this.subtask.index}/${this.#first}`
  }

  now(): number {
    return this.#shared.now()
  }

  use<R>(resource: Resource<R>): R {
    return this.#shared.use(resource)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function isAsyncFunction(fn: unknown): boolean {
  return Object.prototype.toString.call(fn) === '[object AsyncFunction]'
}
