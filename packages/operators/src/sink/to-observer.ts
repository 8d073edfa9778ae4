/** Observers as a sink: a subject of RxJS, or whatever has `next`. */
import { SluiceError } from '@sluice/engine'
import { isThenable, messageOf, protocolBroken, sideFailed, warnOf } from '../bridge/protocol.js'
import { released } from '../bridge/release.js'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import type { Sink } from './sink.js'

/** What takes records. A promise that `next` or `complete` gives is waited for. */
export interface ObserverOutput<in T> {
  next(value: T): unknown
  error?(error: unknown): unknown
  complete?(): unknown
}

/**
 * Calls an observer with each record: one call after the other, the next when the promise that `next` may give has settled; so the job keeps its pace, and
 * nothing is lost. An observer that is passed in is called in the thread that started the job, by one subtask; a factory is called in each subtask.
 * `complete` is called after the last record, `error` where the job fails, neither behind the other or behind a `next` that failed. An observer that is passed in and
 * was told of its end is not used again: a job that restarts after failures needs a factory.
 *
 * At least once: after a restore, what came behind the checkpoint, and what an observer had not settled then, comes again.
 *
 * @throws SLUICE_SINK_FAILED where `next` or `complete` fails, or an observer that is passed in was told of its end before; SLUICE_PROTOCOL_BROKEN where a factory gives no observer.
 * @example
 * stream.sink('out', toObserver(() => ({ next: (order) => console.log(order), complete: () => console.log('done') })))
 */
export function toObserver<T>(observer: ObserverOutput<T> | (() => ObserverOutput<T> | Promise<ObserverOutput<T>>)): Sink<T> {
  const isFactory = typeof observer === 'function'
  if (!isFactory && !isObserver(observer))
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'toObserver takes an object with next(value), or a function that returns one.')
  return defineSink<T>({
    open: async (context) => new ObserverWriter<T>(isFactory ? await observer() : unended(observer, context), context),
    parallelismMax: isFactory ? undefined : { value: 1, because: 'an observer that is passed in is called by one subtask' },
    pinned: !isFactory,
    options: { type: 'observer' },
  })
}

/** Observers that were told of their end: by their protocol they take nothing more, and a subject lets what comes then disappear. */
const ended = new WeakSet<ObserverOutput<never>>()

function unended<T>(observer: ObserverOutput<T>, { operator }: SinkWriteContext): ObserverOutput<T> {
  if (!ended.has(observer)) return observer
  throw new SluiceError('SLUICE_SINK_FAILED', `The observer of ${operator} was told of its end already, and takes nothing more.`, {
    operator,
    hint: 'Pass a function that returns a new observer: it is called each time the job starts or restarts.',
  })
}

function isObserver(given: unknown): boolean {
  return typeof (given as Partial<ObserverOutput<unknown>> | null | undefined)?.next === 'function'
}

class ObserverWriter<T> implements RecordWriter<T> {
  readonly #observer: ObserverOutput<T>
  readonly #context: SinkWriteContext
  /** From `#at` on: with the observer, and behind that. */
  #rest: readonly T[] = []
  #at = 0
  /** Nothing more may be said to it. */
  #ended = false

  constructor(observer: ObserverOutput<T>, context: SinkWriteContext) {
    if (!isObserver(observer)) throw protocolBroken(context, 'function', 'gave something without next(), and not an observer')
    this.#observer = observer
    this.#context = context
  }

  write(records: readonly T[]): void | Promise<void> {
    for (let at = 0; at < records.length; at++) {
      const result = this.#next(records[at] as T)
      if (isThenable(result)) return this.#writeSlowly(result, records.slice(at))
    }
  }

  unwritten(): readonly T[] {
    return this.#rest.slice(this.#at)
  }

  async finish(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    if (this.#observer.complete !== undefined) ended.add(this.#observer)
    try {
      await this.#observer.complete?.()
    } catch (error) {
      throw this.#failed(error)
    }
  }

  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    if (this.#observer.error !== undefined) ended.add(this.#observer)
    const { operator } = this.#context
    const interrupted = new SluiceError('SLUICE_INTERRUPTED', `The job ended before the stream of ${operator} was at its end.`, {
      operator,
    })
    const telling = (async () => this.#observer.error?.(interrupted))().catch((error: unknown) =>
      warnOf(this.#context, protocolBroken(this.#context, 'observer', `failed when it was told of a failure: ${messageOf(error)}`, error)),
    )
    await released(telling)
  }

  #next(record: T): unknown {
    try {
      return this.#observer.next(record)
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** `records` begins with the one that `first` is about. */
  async #writeSlowly(first: PromiseLike<unknown>, records: readonly T[]): Promise<void> {
    let result: unknown = first
    this.#rest = records
    for (let at = 0; at < records.length; at++) {
      this.#at = at
      if (at > 0) result = this.#next(records[at] as T)
      if (!isThenable(result)) continue
      try {
        await result
      } catch (error) {
        throw this.#failed(error)
      }
      // The job has failed meanwhile, and told it.
      if (this.#ended) return
    }
    this.#rest = []
  }

  #failed(error: unknown): SluiceError {
    this.#ended = true
    return sideFailed('SLUICE_SINK_FAILED', this.#context, 'observer', error)
  }
}
