/** A function as a sink: called for each record, or for batches of records. */
import { type AsyncContext, SluiceError } from '@sluice/engine'
import { type Duration, parseDuration } from '../duration/duration.js'
import type { AsyncRecordContext, BatchContext } from '../operator/contexts.js'
import { checkFunction, checkInteger } from '../source/check-options.js'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import type { Sink } from './sink.js'

export interface ForEachOptions {
  /** Records in flight at once, over all subtasks. Default: one per subtask. */
  readonly concurrency?: number | undefined
  /** After how long a call that has not settled fails the job. Default 60 s. */
  readonly timeout?: Duration | undefined
}

const TIMEOUT_DEFAULT_MS = 60_000

/**
 * Calls a function for each record. Where it returns a promise, the record is in flight until that settles; no more than
 * `concurrency` are, and what lies upstream waits.
 *
 * @throws SLUICE_OPERATOR_FAILED where the function throws or rejects; SLUICE_TIMEOUT where a call takes too long.
 * @example
 * stream.sink('notify', forEach(async (order, { signal }) => {
 *   await fetch('https://example.org/orders', { method: 'POST', body: JSON.stringify(order), signal })
 * }, { concurrency: 8, timeout: '5s' }))
 */
export function forEach<T>(fn: (record: T, context: AsyncRecordContext) => unknown, options: ForEachOptions = {}): Sink<T> {
  checkFunction('forEach', fn)
  const { concurrency, timeout = TIMEOUT_DEFAULT_MS } = options
  if (concurrency !== undefined) checkInteger('forEach: concurrency', concurrency, 1)
  const timeoutMs = parseDuration(timeout, 'timeout of forEach')
  return {
    spec: {
      kind: 'async',
      fn: fn as (record: never, context: AsyncContext) => unknown,
      concurrency,
      ordered: false,
      timeoutMs,
      discardsResults: true,
      mayChain: concurrency === undefined && !isAsyncFunction(fn),
    },
    options: { type: 'forEach', concurrency, timeoutMs },
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
    open: (context) => new BatchWriter(fn, records, timeMs, context),
    options: { type: 'forEachBatch', records, timeMs },
  })
}

class BatchWriter<T> implements RecordWriter<T> {
  readonly #fn: (records: readonly T[], context: BatchContext) => unknown
  readonly #recordsMax: number
  readonly #timeMs: number
  readonly #context: SinkWriteContext
  #batch: T[] = []

  constructor(
    fn: (records: readonly T[], context: BatchContext) => unknown,
    recordsMax: number,
    timeMs: number,
    context: SinkWriteContext,
  ) {
    this.#fn = fn
    this.#recordsMax = recordsMax
    this.#timeMs = timeMs
    this.#context = context
  }

  write(records: readonly T[]): void | Promise<void> {
    return this.#collect(records)
  }

  onDeadline(): void | Promise<void> {
    return this.#handOver()
  }

  finish(): void | Promise<void> {
    return this.#handOver()
  }

  #collect(records: readonly T[]): void | Promise<void> {
    for (let index = 0; index < records.length; index++) {
      if (this.#batch.push(records[index] as T) === 1) this.#context.setDeadline(this.#context.now() + this.#timeMs)
      if (this.#batch.length < this.#recordsMax) continue
      const pending = this.#handOver()
      if (pending === undefined) continue
      const rest = records.slice(index + 1)
      return rest.length === 0 ? pending : pending.then(() => this.#collect(rest))
    }
  }

  #handOver(): undefined | Promise<void> {
    const batch = this.#batch
    if (batch.length === 0) return undefined
    this.#batch = []
    this.#context.setDeadline(undefined)
    try {
      const result = this.#fn(batch, this.#context)
      if (!isThenable(result)) return undefined
      return Promise.resolve(result).then(
        () => undefined,
        (error: unknown) => {
          throw this.#located(error)
        },
      )
    } catch (error) {
      throw this.#located(error)
    }
  }

  #located(error: unknown): SluiceError {
    if (error instanceof SluiceError) return error
    const { operator } = this.#context
    const message = error instanceof Error ? error.message : String(error)
    return new SluiceError('SLUICE_SINK_FAILED', `The function of ${operator} failed on a batch: ${message}`, { operator, cause: error })
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function isAsyncFunction(fn: unknown): boolean {
  return Object.prototype.toString.call(fn) === '[object AsyncFunction]'
}
