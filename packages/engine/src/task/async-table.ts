/**
 * The records in flight of an asynchronous operator. A record is accepted when its function is called; it keeps its place until its
 * result has been emitted. At the limit the gate of the chain is closed. Completions are queued by promises and
 * drained by the task; results leave in the order of the inputs (`ordered`) or of completion.
 */
import type { Gate } from '../channel/gate.js'
import { SluiceError } from '../errors/sluice-error.js'
import { isPromise } from './element-checks.js'
import type { AsyncCallContext } from './operator-contexts.js'

interface InFlight {
  readonly timestamp: number
  readonly deadlineMs: number
  done: boolean
  result: unknown
}

export interface AsyncTableOptions {
  readonly operator: string
  /** The function is synchronous and declares the record alone: one context serves all calls. */
  readonly sharesContext: boolean
  /** Records in flight of this subtask. */
  readonly limit: number
  readonly ordered: boolean
  readonly timeoutMs: number
  readonly discardsResults: boolean
  readonly gate: Gate
  readonly monotonicMs: () => number
  /** The context of the record with this sequence number. */
  readonly contextOf: (sequence: number) => AsyncCallContext
  /** A completion or an error is waiting: the loop shall look. */
  readonly wake: () => void
  readonly fail: (error: unknown) => void
}

/** Entries that are done and may stay among the deadlines. */
const DEADLINES_SPARE = 64

export class AsyncTable {
  inFlight = 0
  readonly #options: AsyncTableOptions
  /** Ordered: all in flight by acceptance. Unordered: those completed, by completion. */
  #queue: InFlight[] = []
  #head = 0
  /** In flight by acceptance, for timeouts; entries that are done are skipped. */
  #deadlines: InFlight[] = []
  #full = false
  #sequence = 0
  /** The context of all calls, where it is shared: it tells of the call under way. */
  readonly #passing: AsyncCallContext | undefined
  #push: (record: unknown, timestamp: number) => void = () => {}

  constructor(options: AsyncTableOptions) {
    this.#options = options
    if (options.sharesContext) this.#passing = options.contextOf(0)
  }

  /** Where results go; set once the chain is compiled. */
  connect(push: (record: unknown, timestamp: number) => void): void {
    this.#push = push
  }

  /** Refuses a record that is a Promise. Called with records that are not plain objects. */
  check(record: unknown): void {
    if (isPromise(record)) throw new SluiceError('SLUICE_RECORD_PROMISE', 'A Promise reached an asynchronous operator.')
  }

  /** Records that reached this consumer; 0 where results flow on. */
  get consumed(): number {
    return this.#options.discardsResults ? this.#sequence : 0
  }

  /** The context of the next call. */
  nextContext(): AsyncCallContext {
    const sequence = this.#sequence++
    const passing = this.#passing
    if (passing === undefined) return this.#options.contextOf(sequence)
    passing.sequence = sequence
    return passing
  }

  /** Takes what a call returned: a promise is in flight from here on. */
  take(result: unknown, timestamp: number): void {
    const { ordered, discardsResults } = this.#options
    if (result === undefined || !isPromise(result)) {
      if (discardsResults) return
      if (!ordered || this.inFlight === 0) {
        this.#push(result, timestamp)
        return
      }
      this.inFlight++
      this.#queue.push({ timestamp, deadlineMs: 0, done: true, result })
      this.#updateFull()
      return
    }
    this.inFlight++
    const entry: InFlight = { timestamp, deadlineMs: this.#options.monotonicMs() + this.#options.timeoutMs, done: false, result: undefined }
    if (ordered) this.#queue.push(entry)
    this.#deadlines.push(entry)
    // Behind one that takes long, those that are done would gather, with their results.
    if (this.#deadlines.length > 2 * this.inFlight + DEADLINES_SPARE) this.#deadlines = this.#deadlines.filter(({ done }) => !done)
    result.then(
      (value) => {
        entry.done = true
        entry.result = value
        if (!ordered) this.#queue.push(entry)
        this.#options.wake()
      },
      (error: unknown) => this.#options.fail(error),
    )
    this.#updateFull()
  }

  /** Whether a result waits to be emitted, and may be. */
  get ready(): boolean {
    return this.#queue[this.#head]?.done === true && this.#mayEmit
  }

  /** The table itself may be what closes the gate: a result that leaves makes room. */
  get #mayEmit(): boolean {
    return this.#options.discardsResults || this.#options.gate.closed <= (this.#full ? 1 : 0)
  }

  /** Emits finished results while the chain lets them pass; returns how many. */
  drain(): number {
    let emitted = 0
    for (;;) {
      const entry = this.#queue[this.#head]
      if (entry === undefined || !entry.done || !this.#mayEmit) break
      this.#head++
      this.inFlight--
      emitted++
      if (!this.#options.discardsResults) {
        this.#updateFull()
        this.#push(entry.result, entry.timestamp)
      }
    }
    if (this.#head > 0 && (this.#head === this.#queue.length || this.#head > 1024)) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    this.#updateFull()
    return emitted
  }

  /** When the oldest record in flight runs out of time; undefined: none. */
  get deadlineMs(): number | undefined {
    while (this.#deadlines.length > 0 && this.#deadlines[0]?.done === true) this.#deadlines.shift()
    return this.#deadlines[0]?.deadlineMs
  }

  checkTimeout(nowMs: number): void {
    const deadlineMs = this.deadlineMs
    if (deadlineMs === undefined || nowMs < deadlineMs) return
    const { operator, timeoutMs, fail } = this.#options
    fail(new SluiceError('SLUICE_TIMEOUT', `${operator} did not finish a record within ${timeoutMs} ms.`))
  }

  #updateFull(): void {
    const full = this.inFlight >= this.#options.limit
    if (full === this.#full) return
    this.#full = full
    this.#options.gate.closed += full ? 1 : -1
  }

  /** Whether the table is at its limit. */
  get full(): boolean {
    return this.#full
  }
}
