/**
 * Sleep of a real thread on its doorbell word. At most one `Atomics.waitAsync` is pending per thread: it has no timeout and is
 * kept over several parks until it resolves, because an abandoned waiter would swallow a notification meant for its successor.
 * A pending `waitAsync` does not keep a thread alive, hence the referenced timer. It must not outlive its thread either: a notification
 * that meets a waiter whose thread is being torn down ends the process with a segmentation fault (V8 11.3).
 */
import type { Clock, Doorbell, Sleeper } from '@sluice/engine'

/** Timers are as coarse as this; a nearer deadline is waited for on the word itself. */
const TIMER_MS = 1
/** Longest time without a turn of the event loop while such short waits follow each other. */
const TURN_AFTER_MS = 2
const TIMER_MS_MAX = 2_147_483_647

export interface ThreadSleeperOptions {
  readonly clock: Clock
  /** The thread belongs to the job alone: waits below the resolution of timers may block it, for 1 ms at most. */
  readonly mayBlock: boolean
}

export class ThreadSleeper implements Sleeper {
  /** Time that the thread slept where its event loop could not know. */
  blockedMs = 0
  readonly #clock: Clock
  readonly #mayBlock: boolean
  /** Referenced only while parked. */
  readonly #keepAlive: NodeJS.Timeout
  #bell: Doorbell | undefined
  #seen = 0
  #deadlineMs = Number.POSITIVE_INFINITY
  #wake: (() => void) | undefined
  /** Settles when the pending waiter is used up. */
  #waiter: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  #lastTurnMs = 0

  constructor(options: ThreadSleeperOptions) {
    this.#clock = options.clock
    this.#mayBlock = options.mayBlock
    this.#keepAlive = setInterval(() => {}, TIMER_MS_MAX).unref()
  }

  park(bell: Doorbell, seen: number, deadlineMs: number | undefined): Promise<void> {
    if (Atomics.load(bell.words, bell.bellAt) !== seen) return Promise.resolve()
    this.#bell = bell
    this.#seen = seen
    this.#deadlineMs = deadlineMs ?? Number.POSITIVE_INFINITY
    if (deadlineMs !== undefined) {
      const nowMs = this.#clock.monotonicMs()
      if (deadlineMs <= nowMs) return Promise.resolve()
      if (this.#mayBlock && deadlineMs - nowMs < TIMER_MS) {
        this.#block(bell, seen, deadlineMs - nowMs)
        return nowMs - this.#lastTurnMs > TURN_AFTER_MS ? this.yieldToEventLoop() : Promise.resolve()
      }
      if (deadlineMs < this.#timerAtMs) this.#armTimer(nowMs)
    }
    this.#keepAlive.ref()
    return new Promise((resolve) => {
      this.#wake = resolve
      if (this.#waiter === undefined) this.#armWaiter()
    })
  }

  yieldToEventLoop(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#lastTurnMs = this.#clock.monotonicMs()
        resolve()
      })
    })
  }

  /** Ends the timers and the pending waiter; nothing may be parked. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    const bell = this.#bell
    if (this.#waiter !== undefined && bell !== undefined) {
      this.#keepAlive.ref()
      Atomics.notify(bell.words, bell.bellAt)
      await this.#waiter
    }
    clearInterval(this.#keepAlive)
  }

  #block(bell: Doorbell, seen: number, timeoutMs: number): void {
    const startMs = this.#clock.monotonicMs()
    Atomics.wait(bell.words, bell.bellAt, seen, timeoutMs)
    this.blockedMs += this.#clock.monotonicMs() - startMs
  }

  #armWaiter(): void {
    const bell = this.#bell
    if (bell === undefined) return
    const waiting = Atomics.waitAsync(bell.words, bell.bellAt, this.#seen)
    if (!waiting.async) {
      this.#resume()
      return
    }
    this.#waiter = waiting.value.then(this.#onNotified)
  }

  /** The waiter is used up. It may have been notified before this park began: then the word decides. */
  readonly #onNotified = (): void => {
    this.#waiter = undefined
    this.#lastTurnMs = this.#clock.monotonicMs()
    if (this.#wake !== undefined) this.#armWaiter()
  }

  #armTimer(nowMs: number): void {
    clearTimeout(this.#timer)
    const restMs = this.#deadlineMs - nowMs
    const delayMs = Math.min(this.#mayBlock ? Math.floor(restMs) : Math.ceil(restMs), TIMER_MS_MAX)
    this.#timerAtMs = nowMs + delayMs
    this.#timer = setTimeout(this.#onTimer, Math.max(TIMER_MS, delayMs)).unref()
  }

  /** May be the timer of an earlier park, or one that fired a little early: the deadline of this park decides. */
  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#timerAtMs = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.monotonicMs()
    this.#lastTurnMs = nowMs
    if (this.#wake === undefined || this.#deadlineMs === Number.POSITIVE_INFINITY) return
    const restMs = this.#deadlineMs - nowMs
    if (restMs > 0 && !(this.#mayBlock && restMs < TIMER_MS)) {
      this.#armTimer(nowMs)
      return
    }
    const bell = this.#bell
    if (restMs > 0 && bell !== undefined) this.#block(bell, this.#seen, restMs)
    this.#resume()
  }

  #resume(): void {
    const wake = this.#wake
    if (wake === undefined) return
    this.#wake = undefined
    this.#keepAlive.unref()
    wake()
  }
}
