/**
 * A function with what protects its calls: places at a gate that it shares with others, a timeout for each attempt, retries within a budget. One per subtask; knows
 * nothing of dead letters: a record that is given up rejects with its last error. What is decided stands in pure modules beside it.
 *
 * Where the gate is open and the function answers at once no promise is made.
 */
import { type AsyncContext, type AsyncSpec, type GuardContext, type GuardedContext, shareOf, SluiceError } from '@sluice/engine'
import type { IBackoff, IBackoffFactory } from 'cockatiel'
import { Attempt } from './attempt.js'
import { CallGate } from './call-gate.js'
import type { CallSettings } from './protection.js'
import { fullJitter } from './cockatiel.js'
import { TokenBudget } from './retry-budget.js'
import { isRetriable, nextPause, type Pause, retryAfterMsOf } from './retry-rules.js'

type CalledFunction = (record: unknown, context: AsyncContext) => unknown

/** Calls of a subtask that ran out of time and have not ended. With so many no other is made. */
const LEFT_BEHIND_MAX = 256

/** What the engine calls in place of the function. */
export function guardCalls(settings: CallSettings, fn: (record: never, context: AsyncContext) => unknown): NonNullable<AsyncSpec['guard']> {
  return (context) => {
    const calls = new GuardedCalls(context, settings, fn as CalledFunction)
    return (record, recordContext) => calls.call(record, recordContext)
  }
}

/** What the operators of a thread that call the same thing have in common. */
interface Protection {
  readonly gate: CallGate
  readonly budget: TokenBudget | undefined
}

interface Waiting {
  readonly timer: ReturnType<typeof setTimeout>
  readonly reject: (error: unknown) => void
}

class GuardedCalls {
  readonly #context: GuardContext
  readonly #settings: CallSettings
  readonly #fn: CalledFunction
  readonly #gate: CallGate
  readonly #budget: TokenBudget | undefined
  readonly #backoffs: IBackoffFactory<unknown> | undefined
  /** Under way with a promise, oldest first: their times are up in the same order. */
  readonly #underWay = new Set<Attempt>()
  #expiry: ReturnType<typeof setTimeout> | undefined
  readonly #waiting = new Set<Waiting>()
  #leftBehind = 0

  constructor(context: GuardContext, settings: CallSettings, fn: CalledFunction) {
    this.#context = context
    this.#settings = settings
    this.#fn = fn
    const { gate, budget } = protectionOf(context, settings)
    gate.join(context.calls)
    this.#gate = gate
    this.#budget = budget
    if (settings.retry !== undefined) this.#backoffs = fullJitter(settings.retry.delayMs, settings.retry.delayMsMax)
    context.signal.addEventListener('abort', () => this.#abort(), { once: true })
  }

  call(record: unknown, context: GuardedContext): unknown {
    this.#budget?.deposit()
    const beganMs = this.#context.monotonicMs()
    let result: unknown
    try {
      const place = this.#enter()
      result = typeof place === 'number' ? this.#attempt(record, context, 1, place) : this.#firstAttemptLater(record, context, place)
    } catch (error) {
      if (isRefusal(error)) context.attempt = 0
      if (this.#settings.retry === undefined) throw error
      return this.#again(record, context, beganMs, error)
    }
    if (this.#settings.retry === undefined || !isThenable(result)) return result
    return result.then(undefined, (error: unknown) => this.#again(record, context, beganMs, error))
  }

  /** What follows the first attempt, which has failed. */
  async #again(record: unknown, context: GuardedContext, beganMs: number, first: unknown): Promise<unknown> {
    let error = first
    let backoff: IBackoff<unknown> | undefined
    for (let attempt = 1; ; attempt++) {
      const pause = this.#pauseBehind(error, attempt, beganMs, () => {
        backoff = backoff === undefined ? this.#backoffs?.next(undefined) : backoff.next(undefined)
        return backoff?.duration ?? 0
      })
      if (pause === undefined) throw error
      context.attempt = attempt + 1
      await this.#pause(pause)
      try {
        return await this.#attempt(record, context, attempt + 1, await this.#placeOf(this.#enter()))
      } catch (thrown) {
        // A call that was refused was not made.
        if (isRefusal(thrown)) context.attempt = attempt
        error = thrown
      }
    }
  }

  #pauseBehind(error: unknown, attempt: number, beganMs: number, backoffMs: () => number): Pause | undefined {
    const { retry } = this.#settings
    if (retry === undefined || this.#context.signal.aborted || isRefusal(error)) return undefined
    const nowMs = this.#context.monotonicMs()
    return nextPause({ attempt, elapsedMs: nowMs - beganMs, error }, retry, {
      backoffMs,
      budgetMs: (waitMsMax) => (this.#budget === undefined ? 0 : this.#budget.take(nowMs, waitMsMax)),
    })
  }

  #enter(): number | Promise<number> {
    if (this.#leftBehind >= LEFT_BEHIND_MAX)
      throw new SluiceError(
        'SLUICE_CALLS_LEFT_BEHIND',
        `${this.#context.operator} makes no call: ${this.#leftBehind} calls took longer than ${this.#settings.timeoutMs} ms and have not ended since.`,
      )
    return this.#gate.enter(this.#context.calls)
  }

  async #firstAttemptLater(record: unknown, context: GuardedContext, place: Promise<number>): Promise<unknown> {
    try {
      return await this.#attempt(record, context, 1, await this.#placeOf(place))
    } catch (error) {
      if (isRefusal(error)) context.attempt = 0
      throw error
    }
  }

  /** The job may have failed between the place and the call. */
  async #placeOf(place: number | Promise<number>): Promise<number> {
    const given = await place
    this.#context.signal.throwIfAborted()
    return given
  }

  /** Calls the function, in a place of the gate. */
  #attempt(record: unknown, context: AsyncContext, number: number, place: number): unknown {
    const attempt = new Attempt(context, number, place, this.#context.monotonicMs())
    this.#context.calls.begin(number)
    let result: unknown
    try {
      result = this.#fn(record, attempt)
    } catch (error) {
      throw this.#failed(attempt, error)
    }
    if (!isThenable(result)) {
      this.#succeeded(attempt)
      return result
    }
    return new Promise((resolve, reject) => {
      let expired = false
      attempt.expire = () => {
        expired = true
        this.#leftBehind++
        const { operator } = this.#context
        const error = new SluiceError('SLUICE_TIMEOUT', `${operator} did not finish a call within ${this.#settings.timeoutMs} ms.`)
        attempt.abort(error)
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what a user's function threw, as it was
        reject(this.#failed(attempt, error))
      }
      this.#watch(attempt)
      result.then(
        (value) => {
          if (expired) {
            this.#leftBehind--
            return
          }
          this.#succeeded(attempt)
          resolve(value)
        },
        (error: unknown) => {
          if (expired) this.#leftBehind--
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what a user's function threw, as it was
          else reject(this.#failed(attempt, error))
        },
      )
    })
  }

  #succeeded(attempt: Attempt): void {
    this.#underWay.delete(attempt)
    this.#context.calls.end(false)
    this.#gate.leave(attempt.place, this.#context.monotonicMs() - attempt.startedMs, undefined)
  }

  /** Gives back what the record fails with. */
  #failed(attempt: Attempt, error: unknown): unknown {
    this.#underWay.delete(attempt)
    this.#context.calls.end(true, error)
    let reason = error
    let counted = true
    try {
      counted = (this.#settings.breaker?.counts ?? isRetriable)(error)
    } catch (thrown) {
      reason = thrown
    }
    const tookMs = this.#context.monotonicMs() - attempt.startedMs
    this.#gate.leave(attempt.place, tookMs, counted ? { error, text: describe(error), retryAfterMs: retryAfterMsOf(error) } : undefined)
    return reason
  }

  #watch(attempt: Attempt): void {
    this.#underWay.add(attempt)
    if (this.#expiry === undefined) this.#armExpiry(this.#settings.timeoutMs)
  }

  /** One timer for all: it looks at the oldest, whose time may be up later by then. */
  #armExpiry(delayMs: number): void {
    this.#expiry = setTimeout(() => {
      this.#expiry = undefined
      const nowMs = this.#context.monotonicMs()
      for (const attempt of this.#underWay) {
        const leftMs = attempt.startedMs + this.#settings.timeoutMs - nowMs
        if (leftMs > 0) {
          this.#armExpiry(Math.ceil(leftMs))
          return
        }
        attempt.expire?.()
      }
    }, delayMs)
    this.#expiry.unref()
  }

  async #pause({ ms, because }: Pause): Promise<void> {
    const { calls, signal } = this.#context
    calls.backoff(1, because)
    await new Promise<void>((resolve, reject) => {
      signal.throwIfAborted()
      const waiting = {
        timer: setTimeout(() => {
          this.#waiting.delete(waiting)
          resolve()
        }, ms),
        reject,
      }
      waiting.timer.unref()
      this.#waiting.add(waiting)
    })
    // Not where the job has failed: what records waited for then is what is told of it.
    calls.backoff(-1, because)
  }

  /** The job has failed: waits end, calls under way are told, and no timer is left. */
  #abort(): void {
    const { reason } = this.#context.signal
    clearTimeout(this.#expiry)
    for (const { timer, reject } of this.#waiting) {
      clearTimeout(timer)
      reject(reason)
    }
    this.#waiting.clear()
    for (const attempt of this.#underWay) attempt.abort(reason)
  }
}

function protectionOf(context: GuardContext, settings: CallSettings): Protection {
  const { dependency, breaker, adaptive, concurrency } = settings
  const name = dependency ?? context.operator
  const { count, index } = context.threads
  const part = (total: number): number => Math.max(1, shareOf(total, count, index))
  return context.share(`${dependency === undefined ? 'operator' : 'dependency'} ${name}`, () => {
    if (concurrency !== undefined && concurrency < count)
      context.log.warn(`${name} has a concurrency of ${concurrency}, and ${count} threads call it: each of them makes one call at a time.`)
    const gate = new CallGate({
      name,
      settings: {
        concurrency: concurrency === undefined ? undefined : part(concurrency),
        breaker: breaker === undefined ? undefined : { ...breaker, probes: part(breaker.probes), opensBy: partOf(breaker.opensBy, part) },
        adaptive: adaptive === undefined ? undefined : partOfLimit(adaptive, part),
      },
      signal: context.signal,
      monotonicMs: () => context.monotonicMs(),
      say: (change) => context.sayBreaker(change),
    })
    const budget =
      settings.budget && new TokenBudget({ ...settings.budget, perSecond: settings.budget.perSecond / count }, context.monotonicMs())
    return { gate, budget }
  })
}

/** Failures in a row are those of a thread. */
function partOf(opensBy: NonNullable<CallSettings['breaker']>['opensBy'], part: (total: number) => number): typeof opensBy {
  return 'failureShare' in opensBy ? { ...opensBy, minCalls: part(opensBy.minCalls) } : opensBy
}

function partOfLimit(adaptive: NonNullable<CallSettings['adaptive']>, part: (total: number) => number): typeof adaptive {
  const { min, max, initial } = adaptive
  const parts = { min: part(min), max: part(max), initial: part(initial) }
  return adaptive.algorithm === 'aimd'
    ? { ...adaptive, ...parts, increase: (adaptive.increase * parts.max) / max }
    : { ...adaptive, ...parts }
}

/** The circuit breaker did not let it through. */
function isRefusal(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'SLUICE_BREAKER_OPEN'
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
