/**
 * The limit of a stream. A token is taken for every record; where there is none the record waits, one at most, and holds the input; or it is dropped.
 *
 * Where many tokens may gather they are taken in blocks, so that the clock is not read for every record. A block is part of the burst: over any time t
 * no more than burst + rate x t records leave.
 */
import { type HoldingOperator, type OperatorContext, type RestoredOperator, SluiceError } from '@sluice/engine'
import { LimitedRecords, type LimitedState } from './limited-records.js'
import { checkSignal, type LimitShare } from './limit-settings.js'
import { TOKEN_TOLERANCE } from './token-clock.js'

/** Blocks are taken where so many tokens may gather; of this part of them, and so many at most. */
const BLOCK_BURST_MIN = 1024
const BLOCK_SHARE = 16
const BLOCK_MAX = 256
/** Waits are this long at least, where the tokens of so long may gather: timers are no finer. */
const WAIT_MS_MIN = 1
/** The port of records that were dropped. */
export const DROPPED_PORT = 1

/** Says the rate again and again. */
export interface RateController {
  /** In ms. */
  readonly periodMs: number
  /** The rate from now on. `limited`: of the last period, the share in which the limit held records back. */
  decide(nowMs: number, limited: number, rate: number): number
}

export interface StreamLimiterOptions {
  readonly share: LimitShare
  /** As users give it, for the whole operator. */
  readonly rate: number
  /** Input 1 says the rate. */
  readonly signalled: boolean
  readonly controller?: RateController | undefined
}

export class StreamLimiter implements HoldingOperator {
  readonly #context: OperatorContext
  readonly #share: LimitShare
  readonly #signalled: boolean
  readonly #controller: RateController | undefined
  readonly #held: LimitedRecords
  #rate: number
  #perMs: number
  /** Tokens beside those of the block at hand, and how many may gather. */
  #level: number
  #levelMax: number
  #block: number
  #atMs: number
  /** Taken and not used. */
  #hand: number
  #dueMs: number = Number.POSITIVE_INFINITY
  #decideAtMs: number = Number.POSITIVE_INFINITY
  /** Since when records are held, NaN: none is; and for how long they were in this period. */
  #limitedSinceMs: number = Number.NaN
  #limitedMs = 0
  #dropping = false
  /** No other rate comes. */
  #rateIsLast = false

  constructor(context: OperatorContext, { share, rate, signalled, controller }: StreamLimiterOptions) {
    this.#context = context
    this.#share = share
    this.#signalled = signalled
    this.#controller = controller
    this.#held = new LimitedRecords((watermark, idle) => context.passWatermark(watermark, idle))
    this.#rate = rate
    this.#perMs = share.perMs(rate)
    const burst = share.burst(this.#perMs)
    this.#block = blockOf(burst)
    this.#levelMax = burst - this.#block
    this.#level = this.#levelMax
    this.#hand = this.#block
    this.#atMs = context.now()
  }

  open(): void {
    if (this.#controller === undefined) return
    this.#decideAtMs = this.#context.now() + this.#controller.periodMs
    this.#context.metrics.gauge('rate', this.#rate)
    this.#await()
  }

  process(value: unknown, timestamp: number, input: number): void {
    if (input !== 0) this.#setRate(checkSignal(value, this.#context.operator))
    else if (this.#held.count > 0) this.#hold(value, timestamp)
    else if (this.#hand === 0 && !this.#take()) {
      if (this.#share.drops) this.#drop(value, timestamp)
      else this.#holdLimited(value, timestamp)
    } else if (this.#context.hasCredit()) {
      this.#hand--
      this.#context.emit(value, timestamp)
    } else {
      this.#giveBack()
      this.#hold(value, timestamp)
    }
  }

  get holding(): number {
    return this.#held.count
  }

  get releasable(): boolean {
    if (this.#held.count === 0 || !this.#context.hasCredit()) return false
    return this.#hand > 0 || this.#levelAt(this.#context.now()) >= 1 - TOKEN_TOLERANCE
  }

  release(): boolean {
    const held = this.#held.first
    if (held === undefined || !this.#context.hasCredit()) return false
    if (this.#hand === 0 && !this.#take()) {
      this.#awaitToken()
      return false
    }
    this.#hand--
    this.#context.emit(held.value, held.timestamp)
    this.#held.remove(held)
    if (this.#held.count === 0) {
      if (!Number.isNaN(this.#limitedSinceMs)) this.#limitedMs += this.#context.now() - this.#limitedSinceMs
      this.#limitedSinceMs = Number.NaN
      this.#dueMs = Number.POSITIVE_INFINITY
      this.#context.holdInput(false)
    } else this.#awaitToken()
    return true
  }

  holdWatermark(watermark: number, idle: boolean): void {
    this.#held.holdWatermark(watermark, idle)
  }

  onDeadline(nowMs: number): void {
    if (nowMs >= this.#decideAtMs && this.#controller !== undefined) {
      const { periodMs } = this.#controller
      const limited = this.#limitedOf(nowMs) / (nowMs - this.#decideAtMs + periodMs)
      this.#decideAtMs = nowMs + periodMs
      this.#setRate(this.#controller.decide(nowMs, Math.min(1, limited), this.#rate))
      this.#context.metrics.gauge('rate', this.#rate)
    }
    if (this.#held.count > 0) this.#awaitToken()
    else this.#await()
  }

  onInputEnd(input: number): void {
    if (input === 0) return
    this.#rateIsLast = true
    if (this.#held.count > 0) this.#awaitToken()
  }

  snapshot(): LimiterState {
    const { index, parallelism } = this.#context.subtask
    return { index, parallelism, held: this.#held.snapshot(), rate: this.#rate }
  }

  /** Without tokens: some of those that there were may have been used behind the checkpoint. */
  restore({ states }: RestoredOperator): void {
    const { index, parallelism } = this.#context.subtask
    const written = states as readonly LimiterState[]
    const rate = restoredRate(written)
    if (rate !== undefined && (this.#signalled || this.#controller !== undefined)) this.#setRate(rate)
    this.#level = 0
    this.#hand = 0
    this.#held.restore(
      written.map(({ held }) => held),
      (_value, state) => written[state]?.parallelism === parallelism || (written[state]?.index ?? 0) % parallelism === index,
    )
    if (this.#held.count > 0) this.#holdInput()
  }

  #drop(value: unknown, timestamp: number): void {
    this.#dropping = true
    this.#context.countDropped(1, 'limited')
    if (this.#context.hasCredit(DROPPED_PORT)) this.#context.emit(value, timestamp, DROPPED_PORT)
    else this.#context.metrics.count('unread')
  }

  #holdLimited(value: unknown, timestamp: number): void {
    this.#limitedSinceMs = this.#atMs
    this.#hold(value, timestamp)
  }

  #hold(value: unknown, timestamp: number): void {
    this.#held.add(value, timestamp, 0)
    this.#holdInput()
  }

  #holdInput(): void {
    // The stream that says the rate is read on.
    this.#context.holdInput(true, this.#signalled ? 0 : undefined)
    this.#awaitToken()
  }

  #levelAt(nowMs: number): number {
    const elapsedMs = nowMs - this.#atMs
    return elapsedMs > 0 ? Math.min(this.#levelMax, this.#level + elapsedMs * this.#perMs) : this.#level
  }

  /** Takes tokens for the next records; false: there is none. */
  #take(): boolean {
    this.#refill()
    const whole = Math.floor(this.#level + TOKEN_TOLERANCE)
    if (whole < 1) return false
    this.#hand = Math.min(whole, Math.max(1, this.#block))
    this.#level -= this.#hand
    return true
  }

  #refill(): void {
    const nowMs = this.#context.now()
    this.#level = this.#levelAt(nowMs)
    this.#atMs = nowMs
  }

  /** A token that is not used now belongs to those that may gather; those of a block do not. */
  #giveBack(): void {
    if (this.#block > 0) return
    this.#level += this.#hand
    this.#hand = 0
  }

  #setRate(rate: number): void {
    this.#refill()
    this.#rate = rate
    this.#perMs = this.#share.perMs(rate)
    const burst = this.#share.burst(this.#perMs)
    this.#block = blockOf(burst)
    this.#levelMax = burst - this.#block
    this.#level = Math.min(this.#level, this.#levelMax)
    this.#hand = Math.min(this.#hand, this.#block)
    if (this.#held.count > 0) this.#awaitToken()
  }

  /** A wake-up where the next token is there, or those that one wake-up may let go. What waits for credit alone needs none. */
  #awaitToken(): void {
    this.#refill()
    this.#dueMs = Number.POSITIVE_INFINITY
    if (this.#hand === 0 && this.#level < 1 - TOKEN_TOLERANCE) {
      if (this.#perMs > 0) {
        const waitMs = (1 - this.#level) / this.#perMs
        const gatherMs = (this.#levelMax - this.#level) / this.#perMs
        this.#dueMs = this.#atMs + Math.max(waitMs, Math.min(WAIT_MS_MIN, gatherMs))
      } else if (this.#rateIsLast) refuseEndless(this.#context, this.#held.count)
    }
    this.#await()
  }

  #await(): void {
    const dueMs = Math.min(this.#dueMs, this.#decideAtMs)
    this.#context.setDeadline(dueMs === Number.POSITIVE_INFINITY ? undefined : Math.ceil(dueMs))
  }

  /** Since it was asked last, in ms. */
  #limitedOf(nowMs: number): number {
    if (this.#dropping) {
      this.#dropping = false
      return Number.POSITIVE_INFINITY
    }
    const openMs = Number.isNaN(this.#limitedSinceMs) ? 0 : nowMs - this.#limitedSinceMs
    const limitedMs = this.#limitedMs + openMs
    this.#limitedMs = 0
    if (openMs > 0) this.#limitedSinceMs = nowMs
    return limitedMs
  }
}

export interface LimiterState {
  readonly index: number
  readonly parallelism: number
  readonly held: LimitedState
  /** For the whole operator: a stream may have said it. */
  readonly rate: number
}

/** Of several subtasks whatever is lowest: a restart does not let more pass. */
export function restoredRate(states: readonly LimiterState[]): number | undefined {
  return states.length === 0 ? undefined : Math.min(...states.map(({ rate }) => rate))
}

/** Nothing says another rate any more, and the last one was 0. */
export function refuseEndless(context: OperatorContext, held: number): never {
  throw new SluiceError(
    'SLUICE_RATE_INVALID',
    `the stream that says the rate of ${context.operator} ended with 0, and ${held === 1 ? 'a record waits' : `${held} records wait`}`,
    {
      operator: context.operator,
      hint: 'Let the last rate be above 0, or the stream go on for as long as there are records.',
    },
  )
}

function blockOf(burst: number): number {
  return burst < BLOCK_BURST_MIN ? 0 : Math.min(BLOCK_MAX, Math.floor(burst / BLOCK_SHARE))
}
