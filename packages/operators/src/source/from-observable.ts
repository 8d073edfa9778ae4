/** Observables: RxJS, and whatever has `subscribe`. */
import { type ByteSize, parseByteSize } from '../duration/byte-size.js'
import { checkChoice, checkFunction, checkInteger, checkOptions } from '../options/check-options.js'
import { defineSource } from './define-source.js'
import type { ObservableLike, ObservableOverflow } from './observable.js'
import { ObservableReader } from './observable-reader.js'
import type { LossySource, Source } from './source.js'

/** How much of what comes may wait. */
export interface ObservableBuffer {
  /** Values. Default 1,024. */
  readonly records?: number | undefined
  /** Their encoded size too; each value is encoded once more for that. Default: no bound. */
  readonly bytes?: ByteSize | undefined
}

interface PinnedOption {
  /** Open it in the thread that started the job. Default false. */
  readonly pinned?: boolean | undefined
}

/** A full buffer fails the job. */
export interface FromObservableOptions extends PinnedOption {
  readonly buffer?: ObservableBuffer | undefined
  /** `fail`, the default: the job fails with SLUICE_BUFFER_FULL, and no value is lost unseen. */
  readonly overflow?: 'fail' | undefined
  /** Nothing is lost without a failure. */
  readonly lossy?: undefined
}

interface LossyOption extends PinnedOption {
  /** The loss is meant, also in front of a sink that is exactly-once. Default false. */
  readonly lossy?: boolean | undefined
}

/** A full buffer loses values, which are counted. */
export type LossyObservableOptions = LossyOption &
  (
    | {
        readonly buffer?: ObservableBuffer | undefined
        /** `drop-newest`: what comes is lost; `drop-oldest`: it takes the place of what has waited longest. */
        readonly overflow: 'drop-newest' | 'drop-oldest'
      }
    | {
        /** Only the newest value waits. */
        readonly buffer?: undefined
        readonly overflow: 'latest'
      }
  )

const BUFFER_RECORDS = 1_024
const LOSES: Readonly<Record<Exclude<ObservableOverflow, 'fail'>, string>> = {
  'drop-newest': 'drops the newest values when its buffer is full',
  'drop-oldest': 'drops the oldest values when its buffer is full',
  latest: 'keeps only the newest value',
}

/**
 * The values of an observable, which the factory makes in the subtask that subscribes to it. An observable cannot be held back: what it gives while the job
 * is busy waits in a buffer. When that is full the job fails, or values are lost by the policy `overflow`, and counted with the policy
 * as the reason. A stream behind such a policy is `lossy`: in front of sinks that are exactly-once it needs `lossy: true`.
 *
 * Beyond the buffer the job holds the values of one batch: 128, or as many as the buffer takes. The subscription ends when the job stops or fails.
 *
 * @throws SLUICE_BUFFER_FULL where the buffer is full and nothing may be lost; SLUICE_SOURCE_FAILED where the observable fails; SLUICE_PROTOCOL_BROKEN where it
 * gives something after it has completed or failed, or gives nothing to unsubscribe with.
 * @example
 * const ticks = {
 *   subscribe(observer: { next(tick: number): void; complete(): void }) {
 *     let tick = 0
 *     const timer = setInterval(() => (tick < 3 ? observer.next(tick++) : observer.complete()), 10)
 *     return { unsubscribe: () => clearInterval(timer) }
 *   },
 * }
 * job.source('ticks', fromObservable(() => ticks, { buffer: { records: 100 } }))
 * @example
 * const prices = { subscribe: (observer: { next(price: number): void }) => (observer.next(1.1), () => undefined) }
 * job.source('prices', fromObservable(() => prices, { overflow: 'latest' }))
 */
export function fromObservable<T>(
  factory: (options: { readonly signal: AbortSignal }) => ObservableLike<T> | Promise<ObservableLike<T>>,
  options: LossyObservableOptions,
): LossySource<T>
export function fromObservable<T>(
  factory: (options: { readonly signal: AbortSignal }) => ObservableLike<T> | Promise<ObservableLike<T>>,
  options?: FromObservableOptions,
): Source<T>
export function fromObservable<T>(
  factory: (options: { readonly signal: AbortSignal }) => ObservableLike<T> | Promise<ObservableLike<T>>,
  options: FromObservableOptions | LossyObservableOptions = {},
): Source<T> {
  checkFunction('fromObservable', factory)
  checkOptions('fromObservable', options, ['buffer', 'overflow', 'pinned', 'lossy'])
  const { buffer = {}, overflow = 'fail', pinned, lossy = false } = options
  checkOptions('buffer of fromObservable', buffer, ['records', 'bytes'])
  checkChoice('fromObservable: overflow', overflow, ['fail', 'drop-newest', 'drop-oldest', 'latest'])
  const recordsMax = overflow === 'latest' ? 1 : (buffer.records ?? BUFFER_RECORDS)
  checkInteger('fromObservable: buffer.records', recordsMax, 1)
  const bytesMax = buffer.bytes === undefined ? undefined : parseByteSize(buffer.bytes, 'fromObservable: buffer.bytes')
  const source = defineSource<T>({
    open: async (_split, context) =>
      new ObservableReader(await factory({ signal: context.signal }), context, { recordsMax, bytesMax, overflow }),
    pinned,
    parallelismMax: { value: 1, because: 'an observable has one subscriber' },
    options: { type: 'observable', records: recordsMax, bytes: bytesMax, overflow, pinned: pinned === true },
  })
  return overflow === 'fail' ? source : { ...source, lossy: { because: LOSES[overflow], accepted: lossy } }
}
