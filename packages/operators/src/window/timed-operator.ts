/** What operators of windows share: an operator by event time can be run by the clock too. */
import { type Operator, type RestoredOperator, SluiceError } from '@sluice/engine'

export interface TimedOperator extends Operator {
  process(value: unknown, timestamp: number, input?: number): void
  onWatermark(watermark: number): void
  fire(): boolean
  restore(restored: RestoredOperator): void
  /** Nothing is due before the watermark comes to this; Infinity: nothing is open. */
  readonly dueAt: number
}

/**
 * Runs an operator of event time by the clock: a record has the time at which it comes, and the watermark is just before now. A clock that
 * is set back stands still.
 */
export class ByTheClock implements Operator {
  readonly #context: Clock
  readonly #inner: TimedOperator
  #now: number = Number.NEGATIVE_INFINITY
  /** What the inner operator takes for the watermark. */
  #passed: number = Number.NEGATIVE_INFINITY
  #deadline: number = Number.POSITIVE_INFINITY

  constructor(context: Clock, inner: TimedOperator) {
    this.#context = context
    this.#inner = inner
  }

  process(value: unknown, _timestamp?: number, input?: number): void {
    const now = this.#context.now()
    if (now > this.#now) this.#now = now
    this.#inner.process(value, this.#now, input)
    if (this.#inner.dueAt + 1 < this.#deadline) this.#setDeadline()
  }

  onDeadline(nowMs: number): void {
    this.#deadline = Number.POSITIVE_INFINITY
    if (nowMs > this.#now) this.#now = nowMs
    this.#pass(this.#now - 1)
  }

  /** Only that of the end says something about the clock: it will not be asked again. */
  onWatermark(watermark: number): void {
    if (watermark !== Number.POSITIVE_INFINITY) return
    this.#context.setDeadline(undefined)
    this.#pass(watermark)
  }

  snapshot(): ClockState {
    return { now: this.#now, passed: this.#passed, inner: this.#inner.snapshot?.() }
  }

  restore({ watermark, states, ended }: RestoredOperator): void {
    const clocks = states as readonly ClockState[]
    this.#now = Math.max(Number.NEGATIVE_INFINITY, ...clocks.map(({ now }) => now))
    const passed = clocks.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...clocks.map((each) => each.passed))
    this.#passed = watermark === Number.POSITIVE_INFINITY ? watermark : passed
    const inner = clocks.flatMap((each) => (each.inner === undefined ? [] : [each.inner]))
    this.#inner.restore({ watermark: this.#passed, states: inner, ended })
  }

  fire(): boolean {
    if (this.#inner.fire()) return true
    if (this.#inner.dueAt + 1 < this.#deadline) this.#setDeadline()
    return false
  }

  #pass(watermark: number): void {
    this.#passed = watermark
    this.#inner.onWatermark(watermark)
  }

  #setDeadline(): void {
    this.#deadline = this.#inner.dueAt + 1
    this.#context.setDeadline(this.#deadline)
  }
}

/** A clock that is behind that of the process before stands still until it is there. */
interface ClockState {
  readonly now: number
  readonly passed: number
  readonly inner: unknown
}

interface Clock {
  now(): number
  setDeadline(timeMs: number | undefined): void
}

/** Why a record cannot be put into a window. */
export function explainTimestamp(timestamp: number): SluiceError {
  return new SluiceError('SLUICE_TIMESTAMP_INVALID', `a record came with the timestamp ${timestamp}, which lies in no window`)
}
