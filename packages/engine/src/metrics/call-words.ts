/**
 * What protected calls do, in shared words of each (subtask, operator with a guard): enough to tell at any time why the operator is slow. All words are
 * written by the worker of the subtask. A count of records in some condition has two more words behind it: records times the ms that they were in it, and
 * up to when that is counted; whoever reads adds the open interval.
 */
import type { BackoffReason, CallMetrics } from '../graph/operator-context.js'

export const CALL_WORDS = 48
export const CallWord = {
  /** Records whose first attempt began, and attempts. */
  calls: 0,
  attempts: 1,
  /** Attempts that failed. */
  failures: 2,
  /** Attempts that an open circuit breaker refused. */
  refused: 3,
  /** Attempts under way. */
  underWay: 4,
  underWayMs: 5,
  underWaySinceMs: 6,
  /** Records that wait for their next attempt: for its delay, for the retry budget, for as long as what is called asked for. */
  delayed: 7,
  delayedMs: 8,
  delayedSinceMs: 9,
  budget: 10,
  budgetMs: 11,
  budgetSinceMs: 12,
  retryAfter: 13,
  retryAfterMs: 14,
  retryAfterSinceMs: 15,
  /** Records that wait until the circuit breaker lets calls through. */
  held: 16,
  heldMs: 17,
  heldSinceMs: 18,
  /** Records that wait for a place among the calls under way. */
  queued: 19,
  queuedMs: 20,
  queuedSinceMs: 21,
  /** A `BreakerState`, since when it is in it (0: it has not changed), and how long it was open and half-open before. */
  breaker: 22,
  breakerSinceMs: 23,
  openMs: 24,
  halfOpenMs: 25,
  /** How often it opened. */
  opened: 26,
  /** Calls that may be under way at once; 0: nothing was said. */
  limit: 27,
  /** Ordered results waited behind a record that is tried again; open since `stallSinceMs`, 0: none do. */
  stalledMs: 28,
  stallSinceMs: 29,
  /** The last such record: its number in the subtask, its attempt, and how many results wait behind it. */
  stallSequence: 30,
  stallAttempt: 31,
  stallBehind: 32,
  /** Text of the last error, cut: its length, which is written last, and its bytes. */
  errorBytes: 33,
  errorText: 34,
} as const

/** Behind a count of records: records times ms, and up to when they are counted. */
const MS = 1
const SINCE_MS = 2

export const BreakerState = { closed: 0, open: 1, 'half-open': 2 } as const
export type BreakerStateName = keyof typeof BreakerState

/** Of the text of an error; what is longer is cut. */
const ERROR_BYTES_MAX: number = (CALL_WORDS - CallWord.errorText) * 8
/** At most one text in so many ms: errors may come by the thousand. */
const ERROR_PERIOD_MS = 100

const backoffWord: Record<BackoffReason, number> = {
  delay: CallWord.delayed,
  budget: CallWord.budget,
  retryAfter: CallWord.retryAfter,
}

/** The writing side: one per operator with a guard and subtask. */
export class CallWords implements CallMetrics {
  readonly #words: Float64Array
  readonly #at: number
  readonly #monotonicMs: () => number
  #errorAtMs = Number.NEGATIVE_INFINITY
  #onRetry: () => void = () => {}

  constructor(words: Float64Array, at: number, monotonicMs: () => number) {
    this.#words = words
    this.#at = at
    this.#monotonicMs = monotonicMs
  }

  /** Called when a record begins to wait for another attempt, or that begins: results behind it may wait from now on. */
  watchRetries(onRetry: () => void): void {
    this.#onRetry = onRetry
  }

  begin(attempt: number): void {
    this.#add(CallWord.attempts)
    if (attempt === 1) this.#add(CallWord.calls)
    this.#change(CallWord.underWay, 1)
    if (attempt > 1) this.#onRetry()
  }

  end(failed: boolean, error?: unknown): void {
    this.#change(CallWord.underWay, -1)
    if (!failed) return
    this.#add(CallWord.failures)
    if (error !== undefined) this.#noteError(error)
  }

  backoff(change: 1 | -1, because: BackoffReason = 'delay'): void {
    this.#change(backoffWord[because], change)
    if (change === 1) this.#onRetry()
  }

  held(change: 1 | -1): void {
    this.#change(CallWord.held, change)
    if (change === 1) this.#onRetry()
  }

  queued(change: 1 | -1): void {
    this.#change(CallWord.queued, change)
  }

  refused(): void {
    this.#add(CallWord.refused)
  }

  breaker(state: BreakerStateName): void {
    const words = this.#words
    const at = this.#at
    const nowMs = this.#monotonicMs()
    const last = words[at + CallWord.breaker]
    if (last === BreakerState[state]) return
    const elapsedMs = Math.max(0, nowMs - (words[at + CallWord.breakerSinceMs] as number))
    if (last === BreakerState.open) this.#add(CallWord.openMs, elapsedMs)
    if (last === BreakerState['half-open']) this.#add(CallWord.halfOpenMs, elapsedMs)
    words[at + CallWord.breakerSinceMs] = nowMs
    words[at + CallWord.breaker] = BreakerState[state]
    if (state === 'open' && last === BreakerState.closed) this.#add(CallWord.opened)
  }

  limit(calls: number): void {
    this.#words[this.#at + CallWord.limit] = calls
  }

  /** Ordered results wait behind this record, which is tried again. */
  stalls(sequence: number, attempt: number, behind: number): void {
    const words = this.#words
    const at = this.#at
    const open = (words[at + CallWord.stallSinceMs] as number) !== 0
    if (!open || words[at + CallWord.stallSequence] !== sequence) {
      const nowMs = this.#monotonicMs()
      if (open) this.#closeStall(nowMs)
      words[at + CallWord.stallSequence] = sequence
      words[at + CallWord.stallSinceMs] = nowMs
    }
    words[at + CallWord.stallAttempt] = attempt
    words[at + CallWord.stallBehind] = behind
  }

  /** No result waits behind a record that is tried again. */
  flows(): void {
    if ((this.#words[this.#at + CallWord.stallSinceMs] as number) === 0) return
    this.#closeStall(this.#monotonicMs())
    this.#words[this.#at + CallWord.stallSinceMs] = 0
  }

  #closeStall(nowMs: number): void {
    this.#add(CallWord.stalledMs, Math.max(0, nowMs - (this.#words[this.#at + CallWord.stallSinceMs] as number)))
  }

  #add(word: number, amount = 1): void {
    this.#words[this.#at + word] = (this.#words[this.#at + word] as number) + amount
  }

  #change(word: number, change: 1 | -1): void {
    const words = this.#words
    const at = this.#at + word
    const nowMs = this.#monotonicMs()
    const count = words[at] as number
    if (count > 0) words[at + MS] = (words[at + MS] as number) + count * Math.max(0, nowMs - (words[at + SINCE_MS] as number))
    words[at + SINCE_MS] = nowMs
    words[at] = count + change
  }

  #noteError(error: unknown): void {
    const nowMs = this.#monotonicMs()
    if (nowMs - this.#errorAtMs < ERROR_PERIOD_MS) return
    this.#errorAtMs = nowMs
    const text = shortTextOf(error)
    if (text === '') return
    // No more characters are encoded than there are bytes: a character has at least one.
    const bytes = new TextEncoder().encode(text.slice(0, ERROR_BYTES_MAX)).subarray(0, ERROR_BYTES_MAX)
    this.#words[this.#at + CallWord.errorBytes] = 0
    textBytes(this.#words, this.#at).set(bytes)
    this.#words[this.#at + CallWord.errorBytes] = bytes.length
  }
}

/** What one line can say of an error. `fetch` tells the reason only in the cause. */
function shortTextOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : ''
  const { cause } = error
  if (error.message === 'fetch failed' && cause instanceof Error) return shortTextOf(cause)
  if (error.message !== '') return error.message
  const code = (error as { readonly code?: unknown }).code
  return typeof code === 'string' ? code : error.name
}

function textBytes({ buffer, byteOffset }: Float64Array, at: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + (at + CallWord.errorText) * 8, ERROR_BYTES_MAX)
}

/** Records in one condition: how many now, and records times ms so far. */
export interface RecordTime {
  readonly now: number
  readonly ms: number
}

/** The calls of one operator in one subtask, since the start. */
export interface CallCounts {
  readonly calls: number
  readonly attempts: number
  readonly failures: number
  readonly refused: number
  readonly underWay: RecordTime
  readonly delayed: RecordTime
  readonly budget: RecordTime
  readonly retryAfter: RecordTime
  readonly held: RecordTime
  readonly queued: RecordTime
  readonly breaker: BreakerStateName
  /** How long it is in this state, undefined: it has not changed. */
  readonly breakerForMs: number | undefined
  readonly openMs: number
  readonly halfOpenMs: number
  readonly opened: number
  /** undefined: nothing was said. */
  readonly limit: number | undefined
  readonly stalledMs: number
  /** The record behind which results waited last, undefined: none did. */
  readonly stall: CallStall | undefined
  /** undefined: none has failed, or its error said nothing. */
  readonly lastError: string | undefined
}

export interface CallStall {
  readonly sequence: number
  readonly attempt: number
  /** How many results wait behind it. */
  readonly behind: number
  /** For how long they do; undefined: they have left. */
  readonly forMs: number | undefined
}

const READS_MAX = 3

/** The reading side, at `nowMs` of the clock that the worker stamps with. */
export function readCallCounts(words: Float64Array, at: number, nowMs: number): CallCounts {
  const read = (word: number): number => words[at + word] ?? 0
  const timeOf = (word: number): RecordTime => readRecordTime(words, at + word, nowMs)
  const breakerSinceMs = read(CallWord.breakerSinceMs)
  const state = read(CallWord.breaker)
  const breakerForMs = breakerSinceMs === 0 ? undefined : Math.max(0, nowMs - breakerSinceMs)
  const stallSinceMs = read(CallWord.stallSinceMs)
  const stallMs = stallSinceMs === 0 ? undefined : Math.max(0, nowMs - stallSinceMs)
  const limit = read(CallWord.limit)
  return {
    calls: read(CallWord.calls),
    attempts: read(CallWord.attempts),
    failures: read(CallWord.failures),
    refused: read(CallWord.refused),
    underWay: timeOf(CallWord.underWay),
    delayed: timeOf(CallWord.delayed),
    budget: timeOf(CallWord.budget),
    retryAfter: timeOf(CallWord.retryAfter),
    held: timeOf(CallWord.held),
    queued: timeOf(CallWord.queued),
    breaker: state === BreakerState.open ? 'open' : state === BreakerState['half-open'] ? 'half-open' : 'closed',
    breakerForMs,
    openMs: read(CallWord.openMs) + (state === BreakerState.open ? (breakerForMs ?? 0) : 0),
    halfOpenMs: read(CallWord.halfOpenMs) + (state === BreakerState['half-open'] ? (breakerForMs ?? 0) : 0),
    opened: read(CallWord.opened),
    limit: limit === 0 ? undefined : limit,
    stalledMs: read(CallWord.stalledMs) + (stallMs ?? 0),
    // The attempt of a record behind which results wait is never 0.
    stall:
      read(CallWord.stallAttempt) === 0
        ? undefined
        : {
            sequence: read(CallWord.stallSequence),
            attempt: read(CallWord.stallAttempt),
            behind: read(CallWord.stallBehind),
            forMs: stallMs,
          },
    lastError: readError(words, at),
  }
}

function readRecordTime(words: Float64Array, at: number, nowMs: number): RecordTime {
  const read = (word: number): number => words[at + word] ?? 0
  let sinceMs = read(SINCE_MS)
  let now = 0
  let ms = 0
  // A change during the read would count its interval twice or not at all.
  for (let reads = 0; reads < READS_MAX; reads++) {
    now = read(0)
    ms = read(MS)
    const again = read(SINCE_MS)
    if (again === sinceMs) break
    sinceMs = again
  }
  return { now, ms: ms + now * Math.max(0, nowMs - sinceMs) }
}

function readError(words: Float64Array, at: number): string | undefined {
  const length = Math.min(ERROR_BYTES_MAX, words[at + CallWord.errorBytes] ?? 0)
  if (length === 0) return undefined
  // A copy: text is not decoded from shared memory. A character that was cut in two is left out.
  const text = new TextDecoder().decode(textBytes(words, at).slice(0, length))
  return text.endsWith('\uFFFD') ? text.slice(0, -1) : text
}
