/** The context of `process`: one object per subtask over the engine's, whose record fields are set before each call. */
import type { OperatorContext, OperatorLog, OperatorMetrics } from '@sluice/engine'
import type { KeyedProcessContext, Resource } from './contexts.js'

export class SubtaskProcessContext implements KeyedProcessContext<unknown> {
  key: unknown = undefined
  /** NaN: there is none. A field of numbers alone, which are then kept without an object of their own. */
  #time: number = Number.NaN
  /** How far event time has come: neither the latest record nor the last watermark but that of the end is beyond. */
  #reached: number = Number.NEGATIVE_INFINITY
  readonly job: string
  readonly operator: string
  readonly subtask: { readonly index: number; readonly parallelism: number }
  readonly log: OperatorLog
  readonly metrics: OperatorMetrics
  /** Functions of their own, not methods: handlers take their context apart. */
  readonly now: () => number
  readonly use: <R>(resource: Resource<R>) => R
  readonly countError: () => void

  constructor(inner: OperatorContext) {
    this.job = inner.job
    this.operator = inner.operator
    this.subtask = inner.subtask
    this.log = inner.log
    this.metrics = inner.metrics
    this.now = () => inner.now()
    this.countError = () => inner.countError()
    this.use = <R>(resource: Resource<R>): R => inner.use(resource) as R
  }

  get timestamp(): number | undefined {
    const time = this.#time
    return time === time ? time : undefined
  }

  set timestamp(timestamp: number | undefined) {
    this.#time = timestamp ?? Number.NaN
  }

  /** How far event time has come. */
  get reached(): number {
    return this.#reached
  }

  /** After a restore: how far event time had come. */
  reach(time: number): void {
    if (time > this.#reached) this.#reached = time
  }

  /** Another record, or a timer of event time: NaN where it has no timestamp. */
  moveTo(timestamp: number): void {
    this.#time = timestamp
    if (timestamp > this.#reached) this.#reached = timestamp
  }

  /** The watermark has advanced. */
  pass(watermark: number): void {
    if (watermark < Number.POSITIVE_INFINITY && watermark >= this.#reached) this.#reached = watermark + 1
  }

  /** The time of what is given when the input has ended, which is not late for that; NaN where event time is not known. */
  get endTime(): number {
    return this.#reached > Number.NEGATIVE_INFINITY ? this.#reached : Number.NaN
  }
}
