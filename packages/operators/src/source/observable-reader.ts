/**
 * A reader over an observable. What it gives waits in a buffer with bounds; the buffer is read when the job has done with the batch before. Signals may come at
 * any time, also while `subscribe` is running, and never overlap a read. Runs in the thread of its subtask.
 */
import { SluiceError } from '@sluice/engine'
import { messageOf, protocolBroken, sideFailed, warnOf } from '../bridge/protocol.js'
import type { SourceReadContext, SourceReader } from './define-source.js'
import { Fifo } from './fifo.js'
import type { ObservableLike, ObservableOverflow, ObserverLike } from './observable.js'
import { WaitingRead } from './waiting-read.js'

export interface ObservableBounds {
  readonly recordsMax: number
  /** Encoded; undefined: no bound. */
  readonly bytesMax: number | undefined
  readonly overflow: ObservableOverflow
}

/** Values of one batch. */
const BATCH_RECORDS = 128

export class ObservableReader<T> implements SourceReader<T> {
  /** What waits, waits in the buffer alone. */
  readonly readsAhead = false
  readonly #observable: ObservableLike<T>
  readonly #context: SourceReadContext
  readonly #bounds: ObservableBounds
  readonly #values: Fifo<T> = new Fifo()
  /** Of each value, as it was measured. */
  readonly #sizes: Fifo<number> = new Fifo()
  #bytes = 0
  #started = false
  #closed = false
  /** It has completed or failed, or may not go on. */
  #end: { readonly error: SluiceError | undefined } | undefined
  /** A full buffer and a broken protocol fail at once, in front of what waits. */
  #fatal: SluiceError | undefined
  readonly #read = new WaitingRead()
  #unsubscribe: (() => void) | undefined

  constructor(observable: ObservableLike<T>, context: SourceReadContext, bounds: ObservableBounds) {
    this.#observable = resolveObservable(observable, context)
    this.#context = context
    this.#bounds = bounds
  }

  next(): readonly T[] | undefined | Promise<readonly T[] | undefined> {
    if (!this.#started) this.#subscribe()
    if (this.#fatal !== undefined) throw this.#fatal
    if (this.#closed) return undefined
    if (this.#values.length > 0) return this.#take(BATCH_RECORDS)
    if (this.#end?.error !== undefined) throw this.#end.error
    if (this.#end !== undefined) return undefined
    return this.#read.wait().then(() => this.next())
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    this.#read.wake()
    this.#leave()
  }

  #subscribe(): void {
    this.#started = true
    const context = this.#context
    context.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (context.signal.aborted) {
      this.#closed = true
      return
    }
    const observer: ObserverLike<T> = {
      next: (value) => this.#next(value),
      error: (error) => this.#ended('failed', sideFailed('SLUICE_SOURCE_FAILED', context, 'observable', error)),
      complete: () => this.#ended('completed', undefined),
    }
    let subscription: unknown
    try {
      subscription = this.#observable.subscribe(observer)
    } catch (error) {
      this.#fatal ??= sideFailed('SLUICE_SOURCE_FAILED', context, 'observable', error)
      return
    }
    if (typeof subscription === 'function') this.#unsubscribe = subscription as () => void
    else if (typeof (subscription as { unsubscribe?: unknown } | undefined)?.unsubscribe === 'function')
      this.#unsubscribe = () => (subscription as { unsubscribe(): void }).unsubscribe()
    else this.#fatal ??= protocolBroken(context, 'observable', 'gave nothing to unsubscribe with')
    // It ended, gave too much, or the job stopped, before it had given back how to end it.
    if (this.#end !== undefined || this.#fatal !== undefined || this.#closed) this.#leave()
  }

  #next(value: T): void {
    if (this.#end !== undefined) this.#broken('gave a value after its end')
    else if (!this.#closed && this.#fatal === undefined) this.#admit(value)
  }

  #ended(how: string, error: SluiceError | undefined): void {
    if (this.#end !== undefined) {
      this.#broken(`${how} after its end`)
      return
    }
    if (this.#closed || this.#fatal !== undefined) {
      // Nobody waits for it any more; that it failed shall not be missed.
      if (error !== undefined) warnOf(this.#context, error)
      return
    }
    this.#end = { error }
    this.#read.wake()
    this.#leave()
  }

  /** Takes a value, or loses one by the policy. */
  #admit(value: T): void {
    const { recordsMax, bytesMax, overflow } = this.#bounds
    let bytes = 0
    try {
      if (bytesMax !== undefined) bytes = this.#context.sizeOf(value)
    } catch (error) {
      this.#fail(sideFailed('SLUICE_SOURCE_FAILED', this.#context, 'observable', error))
      return
    }
    const limit = bytesMax ?? Number.POSITIVE_INFINITY
    const fits = (): boolean => this.#values.length < recordsMax && this.#bytes + bytes <= limit
    if (!fits()) {
      if (overflow === 'fail') {
        this.#fail(this.#bufferFull())
        return
      }
      // One that is larger than the buffer takes nobody's place.
      const losesIt = overflow === 'drop-newest' || bytes > limit
      let lost = losesIt ? 1 : 0
      if (!losesIt) for (; !fits(); lost++) this.#take(1)
      this.#context.countDropped(lost, overflow)
      if (losesIt) return
    }
    this.#values.push(value)
    this.#sizes.push(bytes)
    this.#bytes += bytes
    this.#read.wakeSoon()
  }

  /** The oldest so many. */
  #take(max: number): readonly T[] {
    for (const bytes of this.#sizes.take(max)) this.#bytes -= bytes
    return this.#values.take(max)
  }

  #bufferFull(): SluiceError {
    const { operator } = this.#context
    const { recordsMax, bytesMax } = this.#bounds
    const { length } = this.#values
    const bytes = this.#bytes
    const held = bytesMax === undefined ? `${length} values wait` : `${length} values of ${bytes} bytes wait`
    const bounds = bytesMax === undefined ? `${recordsMax}` : `${recordsMax} and ${bytesMax} bytes`
    return new SluiceError(
      'SLUICE_BUFFER_FULL',
      `The observable of ${operator} gives faster than the job takes: ${held}, and the buffer takes ${bounds}.`,
      { operator },
    )
  }

  #broken(what: string): void {
    const error = protocolBroken(this.#context, 'observable', what)
    if (this.#closed || this.#fatal !== undefined) warnOf(this.#context, error)
    else this.#fail(error)
  }

  #fail(error: SluiceError): void {
    this.#fatal = error
    this.#read.wake()
    this.#leave()
  }

  /** Once; nothing where `subscribe` has not returned yet. */
  #leave(): void {
    const unsubscribe = this.#unsubscribe
    this.#unsubscribe = undefined
    try {
      unsubscribe?.()
    } catch (error) {
      warnOf(this.#context, protocolBroken(this.#context, 'observable', `failed when it was unsubscribed: ${messageOf(error)}`, error))
    }
  }

  readonly #onAbort = (): void => {
    this.close()
  }
}

/** The object itself, or what it gives as an observable: `Symbol.observable`, where a library has it, or its name as text. */
function resolveObservable<T>(given: ObservableLike<T>, context: SourceReadContext): ObservableLike<T> {
  if (typeof (given as Partial<ObservableLike<T>> | null | undefined)?.subscribe === 'function') return given
  const symbol = (Symbol as { readonly observable?: symbol }).observable ?? '@@observable'
  const make = (given as unknown as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[symbol]
  if (typeof make === 'function') {
    const made = make.call(given) as Partial<ObservableLike<T>> | null | undefined
    if (typeof made?.subscribe === 'function') return made as ObservableLike<T>
  }
  throw protocolBroken(context, 'function', 'gave something without subscribe(), and not an observable')
}
