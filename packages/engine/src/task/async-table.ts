/**
 * The records in flight of an asynchronous operator. A record is accepted when its function is called; it keeps its place until its
 * result has been emitted. At the limit the gate of the chain is closed. Completions are queued by promises and
 * drained by the task; results leave in the order of the inputs (`ordered`) or of completion, and never cross a watermark: those that
 * were accepted between two watermarks are a segment.
 *
 * An entry keeps its input: what is in flight when a snapshot is taken is state. After a restore those that were done leave as results; the others
 * keep their places and are called again, before anything new is accepted.
 */
import type { Gate } from '../channel/gate.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { CallWords } from '../metrics/call-words.js'
import { isPromise } from './element-checks.js'
import type { AsyncCallContext } from './operator-contexts.js'

interface InFlight {
  readonly segment: Segment
  readonly input: unknown
  readonly timestamp: number
  /** Number of the record in this subtask: it is part of its id. */
  readonly sequence: number
  /** When its function was called. */
  beganMs: number
  deadlineMs: number
  /** Of its call, where calls are guarded: it tells the attempt. */
  context: AsyncCallContext | undefined
  done: boolean
  result: unknown
}

/** The records between two watermarks. */
interface Segment {
  /** Ordered: those in flight by acceptance. Unordered: those completed, by completion. */
  queue: InFlight[]
  head: number
  inFlight: number
  /** The watermark behind it; NaN while it is open. */
  watermark: number
  idle: boolean
}

/** What is in flight, as plain data. */
export interface AsyncState {
  /** Records that have come so far. */
  readonly sequence: number
  readonly segments: readonly AsyncSegmentState[]
}

export interface AsyncSegmentState {
  /** In the order of acceptance, where results leave in it. */
  readonly entries: readonly AsyncEntryState[]
  /** The watermark behind them; NaN: none yet. */
  readonly watermark: number
  readonly idle: boolean
}

export interface AsyncEntryState {
  readonly input: unknown
  readonly timestamp: number
  readonly sequence: number
  readonly done: boolean
  /** Where it is done. */
  readonly result?: unknown
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
  /** Told now and then how many records were done, and what time they took together; undefined: nobody wants to know. */
  readonly completed?: ((records: number, totalMs: number) => void) | undefined
  /** Where calls are guarded: is told when finished results wait behind a record that is tried again. */
  readonly calls?: CallWords | undefined
}

/** Entries that are done and may stay among the deadlines. */
const DEADLINES_SPARE = 64

export class AsyncTable {
  inFlight = 0
  readonly #options: AsyncTableOptions
  /** Where results leave, and where records are accepted; the same one mostly. */
  #first: Segment = newSegment()
  #last: Segment = this.#first
  #segments: Segment[] = [this.#first]
  /** In flight by acceptance, for timeouts; entries that are done are skipped. */
  #deadlines: InFlight[] = []
  #full = false
  #sequence = 0
  #restoredSequence = 0
  /** Calls whose promises are not settled. */
  #calls = 0
  /** Restored and not called again yet, in order. */
  #waiting: InFlight[] = []
  /** The one that is being called again. */
  #reissuing: InFlight | undefined
  /** The context of all calls, where it is shared: it tells of the call under way. */
  readonly #passing: AsyncCallContext | undefined
  /** Settled since the last step, where somebody wants to know. */
  #completed = 0
  #completedMs = 0
  #completedAtMs = 0
  /** Done, and not emitted yet. */
  #finished = 0
  /** The context of the last call, where calls are guarded. */
  #calling: AsyncCallContext | undefined
  #push: (record: unknown, timestamp: number) => void = () => {}
  #onWatermark: (watermark: number, idle: boolean) => void = () => {}

  constructor(options: AsyncTableOptions) {
    this.#options = options
    if (options.sharesContext) this.#passing = options.contextOf(0)
    if (options.ordered) options.calls?.watchRetries(() => this.#tellStall())
  }

  /** Where results go; set once the chain is compiled. */
  connect(push: (record: unknown, timestamp: number) => void): void {
    this.#push = push
  }

  /** Where watermarks go that waited for results. */
  connectTime(onWatermark: (watermark: number, idle: boolean) => void): void {
    this.#onWatermark = onWatermark
  }

  get discardsResults(): boolean {
    return this.#options.discardsResults
  }

  /** A watermark behind all that is in flight. Of several with nothing between them the newest counts. */
  mark(watermark: number, idle: boolean): void {
    const last = this.#last
    const previous = last.inFlight === 0 ? this.#segments.at(-2) : undefined
    const behind = previous ?? last
    behind.watermark = watermark
    behind.idle = idle
    if (previous !== undefined) return
    this.#last = newSegment()
    this.#segments.push(this.#last)
  }

  /** Refuses a record that is a Promise. Called with records that are not plain objects. */
  check(record: unknown): void {
    if (isPromise(record)) throw new SluiceError('SLUICE_RECORD_PROMISE', 'A Promise reached an asynchronous operator.')
  }

  /** Records that reached this consumer; 0 where results flow on. */
  get consumed(): number {
    return this.#options.discardsResults ? this.#sequence - this.#restoredSequence : 0
  }

  /** The context of the next call. */
  nextContext(): AsyncCallContext {
    const sequence = this.#reissuing === undefined ? this.#sequence++ : this.#reissuing.sequence
    const passing = this.#passing
    if (passing === undefined) {
      const context = this.#options.contextOf(sequence)
      if (this.#options.calls !== undefined) this.#calling = context
      return context
    }
    passing.sequence = sequence
    return passing
  }

  /** Takes what the last call returned for a record: a promise is in flight from here on. */
  take(result: unknown, timestamp: number, input: unknown): void {
    const { ordered, discardsResults } = this.#options
    const reissued = this.#reissuing
    if (result === undefined || !isPromise(result)) {
      if (reissued !== undefined) {
        this.#settle(reissued, result)
        return
      }
      if (discardsResults) return
      if (this.inFlight === 0 || (!ordered && this.#segments.length === 1)) {
        this.#push(result, timestamp)
        return
      }
      this.#accept(this.#newEntry(input, timestamp, true, result))
      this.#updateFull()
      return
    }
    const entry = reissued ?? this.#newEntry(input, timestamp, false, undefined)
    entry.beganMs = this.#options.monotonicMs()
    entry.deadlineMs = entry.beganMs + this.#options.timeoutMs
    entry.context = this.#calling
    if (reissued === undefined) this.#accept(entry)
    this.#reissuing = undefined
    this.#calls++
    this.#deadlines.push(entry)
    // Behind one that takes long, those that are done would gather, with their results.
    if (this.#deadlines.length > 2 * this.inFlight + DEADLINES_SPARE) this.#deadlines = this.#deadlines.filter(({ done }) => !done)
    result.then(
      (value) => {
        this.#calls--
        if (this.#options.completed !== undefined) this.#countCompleted(entry)
        this.#settle(entry, value)
        this.#options.wake()
      },
      (error: unknown) => this.#options.fail(error),
    )
    this.#updateFull()
  }

  /** Those that settle between two looks of the loop count as settled at once: one reading of the clock. */
  #countCompleted({ beganMs }: InFlight): void {
    if (this.#completed++ === 0) this.#completedAtMs = this.#options.monotonicMs()
    this.#completedMs += Math.max(0, this.#completedAtMs - beganMs)
  }

  #tellCompleted(): void {
    this.#options.completed?.(this.#completed, this.#completedMs)
    this.#completed = 0
    this.#completedMs = 0
  }

  /** What is in flight; a consumer's records that are done are not. */
  snapshot(): AsyncState {
    const { ordered, discardsResults } = this.#options
    const segments = this.#segments.map((segment) => {
      const { queue, head, watermark, idle } = segment
      const entries = queue.slice(head)
      if (!ordered)
        for (const list of [this.#deadlines, this.#waiting])
          for (const entry of list) if (entry.segment === segment && !entry.done) entries.push(entry)
      const kept = discardsResults ? entries.filter(({ done }) => !done) : entries
      return { entries: kept.map(stateOf), watermark, idle }
    })
    return { sequence: this.#sequence, segments }
  }

  /**
   * Queues again what was in flight; before the first record. Of several states, as they come with another parallelism, the watermarks have no common
   * order: the least of the last ones stands behind all of it, and records that are called again get new numbers.
   */
  restore(states: readonly AsyncState[]): void {
    if (states.length === 0) return
    const single = states.length === 1
    this.#sequence = Math.max(...states.map(({ sequence }) => sequence))
    this.#restoredSequence = this.#sequence
    const segments = single ? (states[0] as AsyncState).segments : [together(states)]
    for (const { entries, watermark, idle } of segments) {
      for (const { input, timestamp, sequence, done, result } of entries) {
        const number = single ? sequence : this.#sequence++
        const entry = {
          segment: this.#last,
          input,
          timestamp,
          sequence: number,
          beganMs: 0,
          deadlineMs: 0,
          context: undefined,
          done,
          result,
        }
        this.#accept(entry)
        if (!done) this.#waiting.push(entry)
      }
      if (!Number.isNaN(watermark)) this.mark(watermark, idle)
    }
    this.#updateFull()
  }

  /** Restored records wait to be called again; nothing new is accepted. */
  get awaitingReissue(): boolean {
    return this.#waiting.length > 0
  }

  /** Calls restored records again as there is room. `call` does what a driver does: calls the function, and gives `take` what it returns. */
  reissue(call: (record: unknown, timestamp: number) => void): void {
    while (this.#calls < this.#options.limit) {
      const entry = this.#waiting.shift()
      if (entry === undefined) break
      this.#reissuing = entry
      call(entry.input, entry.timestamp)
      // A consumer that returned nothing is not told of.
      if (this.#reissuing !== undefined) this.#settle(entry, undefined)
    }
    this.#updateFull()
  }

  #newEntry(input: unknown, timestamp: number, done: boolean, result: unknown): InFlight {
    return {
      segment: this.#last,
      input,
      timestamp,
      sequence: this.#sequence - 1,
      beganMs: 0,
      deadlineMs: 0,
      context: undefined,
      done,
      result,
    }
  }

  #settle(entry: InFlight, result: unknown): void {
    if (this.#reissuing === entry) this.#reissuing = undefined
    entry.done = true
    entry.result = result
    this.#finished++
    if (!this.#options.ordered) entry.segment.queue.push(entry)
    else if (this.#options.calls !== undefined) this.#tellStall()
  }

  /** Tells whether finished results wait behind a record that is tried again. */
  #tellStall(): void {
    const { queue, head } = this.#first
    const first = queue[head]
    if (first !== undefined && !first.done && this.#finished > 0 && (first.context?.attempt ?? 1) > 1)
      this.#options.calls?.stalls(first.sequence, first.context?.attempt ?? 1, this.#finished)
    else this.#options.calls?.flows()
  }

  #accept(entry: InFlight): void {
    this.inFlight++
    entry.segment.inFlight++
    if (entry.done) this.#finished++
    if (this.#options.ordered || entry.done) entry.segment.queue.push(entry)
  }

  /** Whether a result or a watermark waits to be emitted, and may be. */
  get ready(): boolean {
    const { queue, head, inFlight, watermark } = this.#first
    if (inFlight === 0) return !Number.isNaN(watermark) && this.#mayEmit
    return queue[head]?.done === true && this.#mayEmit
  }

  /** The table itself may be what closes the gate: a result that leaves makes room. */
  get #mayEmit(): boolean {
    return this.#options.discardsResults || this.#options.gate.closed <= (this.#full ? 1 : 0)
  }

  /** Emits finished results while the chain lets them pass, up to the next watermark, which it hands on; returns how many. */
  drain(): number {
    let emitted = 0
    const segment = this.#first
    for (;;) {
      const entry = segment.queue[segment.head]
      if (entry === undefined || !entry.done || !this.#mayEmit) break
      segment.head++
      segment.inFlight--
      this.inFlight--
      this.#finished--
      emitted++
      if (!this.#options.discardsResults) {
        this.#updateFull()
        this.#push(entry.result, entry.timestamp)
      }
    }
    if (segment.head > 0 && (segment.head === segment.queue.length || segment.head > 1024)) {
      segment.queue = segment.queue.slice(segment.head)
      segment.head = 0
    }
    if (this.#options.ordered && this.#options.calls !== undefined) this.#tellStall()
    this.#updateFull()
    if (segment.inFlight === 0 && !Number.isNaN(segment.watermark) && this.#mayEmit) {
      this.#segments.shift()
      this.#first = this.#segments[0] as Segment
      this.#onWatermark(segment.watermark, segment.idle)
      emitted++
    }
    return emitted
  }

  /** When the oldest record in flight runs out of time; undefined: none. */
  get deadlineMs(): number | undefined {
    while (this.#deadlines.length > 0 && this.#deadlines[0]?.done === true) this.#deadlines.shift()
    return this.#deadlines[0]?.deadlineMs
  }

  /** Called in every step. */
  checkTimeout(nowMs: number): void {
    if (this.#completed > 0) this.#tellCompleted()
    const deadlineMs = this.deadlineMs
    if (deadlineMs === undefined || nowMs < deadlineMs) return
    const { operator, timeoutMs, fail } = this.#options
    fail(new SluiceError('SLUICE_TIMEOUT', `${operator} did not finish a record within ${timeoutMs} ms.`))
  }

  #updateFull(): void {
    const full = this.inFlight >= this.#options.limit || this.#waiting.length > 0
    if (full === this.#full) return
    this.#full = full
    this.#options.gate.closed += full ? 1 : -1
  }

  /** Whether the table is at its limit. */
  get full(): boolean {
    return this.#full
  }
}

function stateOf({ input, timestamp, sequence, done, result }: InFlight): AsyncEntryState {
  return done ? { input, timestamp, sequence, done, result } : { input, timestamp, sequence, done }
}

/** One segment of all records of several tables; no watermark stands behind it where one of them had none. */
function together(states: readonly AsyncState[]): AsyncSegmentState {
  const last = states.map(({ segments }) => segments.findLast(({ watermark }) => !Number.isNaN(watermark)))
  return {
    entries: states.flatMap(({ segments }) => segments.flatMap(({ entries }) => entries)),
    watermark: Math.min(...last.map((segment) => segment?.watermark ?? Number.NaN)),
    idle: last.every((segment) => segment?.idle === true),
  }
}

function newSegment(): Segment {
  return { queue: [], head: 0, inFlight: 0, watermark: Number.NaN, idle: false }
}
