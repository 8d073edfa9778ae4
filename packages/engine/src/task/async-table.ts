/**
 * The records in flight of an asynchronous operator. A record is accepted when its function is called; it keeps its place until its
 * result has been emitted. At the limit the gate of the chain is closed. Completions are queued by promises and
 * drained by the task; results leave in the order of the inputs (`ordered`) or of completion, and never cross a watermark: those that
 * were accepted between two watermarks are a segment.
 *
 * A record on which the function fails is settled too, where the operator has a policy for that: its place is given up, or its dead letter leaves there.
 *
 * Where records are gathered an entry is a batch: it has its place, and its number, from its first record on, and is called when it is full, or its time has
 * come. One batch is gathered at a time, beside as many in flight as the limit says.
 *
 * An entry keeps its input: what is in flight when a snapshot is taken is state. After a restore those that were done leave as results; the others
 * keep their places and are called again, before anything new is accepted; the batch that was being gathered goes on.
 */
import type { Gate } from '../channel/gate.js'
import { assert, SluiceError } from '../errors/sluice-error.js'
import type { DeadLetter } from '../graph/operator-spec.js'
import type { CallWords } from '../metrics/call-words.js'
import { isPromise } from './element-checks.js'
import { FailedRecords } from './failed-records.js'
import type { AsyncCallContext } from './operator-contexts.js'
import type { RecordFailures } from './record-failures.js'

interface InFlight {
  readonly segment: Segment
  /** The record; where records are gathered: all of the batch, in order. */
  readonly input: unknown
  readonly timestamp: number
  /** Of a batch: of each record, where letters need them. */
  readonly times: number[] | undefined
  /** Number of the call in this subtask: it is part of its id. */
  readonly sequence: number
  calledAtMs: number
  done: boolean
  result: unknown
  /** It failed, and this is left of it; empty: nothing is. */
  letters: readonly DeadLetter[] | undefined
  /** Letters that have left. */
  lettersLeft: number
  /** Of the call under way, where somebody asks for its attempt. */
  context: AsyncCallContext | undefined
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
  /** Calls that have been made so far. */
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
  /** The record, or those of a batch. */
  readonly input: unknown
  readonly timestamp: number
  /** Of a batch, where letters need them. */
  readonly times?: readonly number[]
  readonly sequence: number
  readonly done: boolean
  /** The batch that is being gathered. */
  readonly gathering?: boolean
  /** Where it is done. */
  readonly result?: unknown
  /** Where it is done and failed. */
  readonly letters?: readonly DeadLetter[]
}

export interface AsyncTableOptions {
  readonly operator: string
  /** The function is synchronous and declares the record alone: one context serves all calls. */
  readonly sharesContext: boolean
  /** Calls in flight of this subtask. */
  readonly limit: number
  readonly ordered: boolean
  readonly timeoutMs: number
  readonly discardsResults: boolean
  readonly gate: Gate
  readonly monotonicMs: () => number
  /** Calls the function. */
  readonly call: (input: unknown, context: AsyncCallContext) => unknown
  /** The context of the call with this sequence number. */
  readonly contextOf: (sequence: number) => AsyncCallContext
  /** A completion or an error is waiting: the loop shall look. */
  readonly wake: () => void
  readonly fail: (error: unknown) => void
  /** Told now and then how many records were done, and what time they took together; undefined: nobody wants to know. */
  readonly completed?: ((records: number, totalMs: number) => void) | undefined
  /** Where calls are guarded: is told when finished results wait behind a record that is tried again. */
  readonly calls?: CallWords | undefined
  /** What becomes of records on which the function fails; undefined: the job fails. */
  readonly failures?: RecordFailures | undefined
  /** The port of dead letters; undefined: nobody reads them. */
  readonly lettersPort?: number | undefined
  readonly gathers?: { readonly recordsMax: number; readonly timeMs: number } | undefined
}

/** Entries that are done and may stay among the deadlines. */
const DEADLINES_SPARE = 64

const NO_LETTERS: readonly DeadLetter[] = []
/** Of a record that did not fail: undefined can be thrown. */
const NO_ERROR = Symbol('no error')

export class AsyncTable {
  /** Entries that have a place, the batch being gathered among them. */
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
  /** Records that came to be gathered. */
  #gathered = 0
  /** Calls whose promises are not settled. */
  #calls = 0
  /** Restored and not called again yet, in order. */
  #waiting: InFlight[] = []
  /** The batch that is not called yet. */
  #gathering: InFlight | undefined
  #gatheredUntilMs = 0
  /** It is called as soon as there is room. */
  #due = false
  /** Nothing more will come: no batch waits for others. */
  #ended = false
  /** The context of all calls, where it is shared: it tells of the call under way. */
  readonly #passing: AsyncCallContext | undefined
  /** Of the call that was made last, where somebody asks for its attempt. */
  #context: AsyncCallContext | undefined
  /** Settled since the last step, where somebody wants to know. */
  #completed = 0
  #completedMs = 0
  #completedAtMs = 0
  /** Done, and not emitted yet. */
  #finished = 0
  #push: (record: unknown, timestamp: number, port?: number) => void = () => {}
  #onWatermark: (watermark: number, idle: boolean) => void = () => {}

  constructor(options: AsyncTableOptions) {
    this.#options = options
    if (options.sharesContext) this.#passing = options.contextOf(0)
    if (options.ordered) options.calls?.watchRetries(() => this.#tellStall())
    assert(options.gathers === undefined || options.discardsResults, `${options.operator} gathers records and gives results`)
  }

  /** Where results and letters go; set once the chain is compiled. */
  connect(push: (record: unknown, timestamp: number, port?: number) => void): void {
    this.#push = push
  }

  /** Where watermarks go that waited for results. */
  connectTime(onWatermark: (watermark: number, idle: boolean) => void): void {
    this.#onWatermark = onWatermark
  }

  /** Something leaves it: results, or letters that somebody reads. */
  get emits(): boolean {
    return !this.#options.discardsResults || this.#options.lettersPort !== undefined
  }

  /** A watermark that comes now waits behind what is in flight, or behind one that waits. */
  get holdsTime(): boolean {
    return this.inFlight > 0 || this.#segments.length > 1
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
    const { discardsResults, gathers } = this.#options
    if (!discardsResults) return 0
    return gathers === undefined ? this.#sequence - this.#restoredSequence : this.#gathered
  }

  /** Calls in flight: what the limit counts. */
  get calls(): number {
    return this.#gathering === undefined ? this.inFlight : this.inFlight - 1
  }

  /** Calls that the end of the input waits for. A batch that is still gathered when the job stops is in its last checkpoint. */
  get unfinished(): number {
    return this.#ended ? this.inFlight : this.calls
  }

  /** The context of the next call. */
  nextContext(): AsyncCallContext {
    return this.#contextOf(this.#sequence++)
  }

  /** Takes what the last call returned for a record: a promise is in flight from here on. */
  take(result: unknown, timestamp: number, input: unknown): void {
    const { discardsResults } = this.#options
    if (result === undefined || !isPromise(result)) {
      if (discardsResults) return
      if (this.#passesAtOnce) {
        this.#push(result, timestamp)
        return
      }
      const entry = this.#newEntry(input, timestamp, undefined, this.#sequence - 1)
      entry.done = true
      entry.result = result
      this.#accept(entry)
      this.#updateFull()
      return
    }
    const entry = this.#newEntry(input, timestamp, undefined, this.#sequence - 1)
    this.#accept(entry)
    this.#await(entry, result, this.#context)
    this.#updateFull()
  }

  /** The last call threw: its letter leaves as its result would have. Throws where the job fails. */
  failed(error: unknown, timestamp: number, input: unknown): void {
    const entry = this.#newEntry(input, timestamp, undefined, this.#sequence - 1)
    entry.done = true
    entry.letters = this.#lettersOf(entry, error, this.#context)
    const [letter] = entry.letters
    if (letter === undefined) return
    if (this.#passesAtOnce) {
      this.#push(letter, timestamp, this.#options.lettersPort)
      return
    }
    this.#accept(entry)
    this.#updateFull()
  }

  /** Takes a record into the batch that is gathered. Throws where a call does, and the job fails. */
  gather(record: unknown, timestamp: number): void {
    const { recordsMax, timeMs } = this.#options.gathers as NonNullable<AsyncTableOptions['gathers']>
    const batch = this.#gathering ?? this.#beginBatch(timeMs)
    this.#gathered++
    batch.times?.push(timestamp)
    if ((batch.input as unknown[]).push(record) < recordsMax) return
    this.#due = true
    if (!this.callBatch()) this.#updateFull()
  }

  /** The batch may be called now. */
  get batchReady(): boolean {
    return this.#due && this.#waiting.length === 0 && this.calls < this.#options.limit
  }

  /** Calls the batch, where it is due and there is room. */
  callBatch(): boolean {
    const batch = this.#gathering
    if (batch === undefined || !this.batchReady) return false
    this.#gathering = undefined
    this.#due = false
    this.#call(batch)
    this.#updateFull()
    return true
  }

  /** The end of the input, or a stop without checkpoints: what is gathered is called. */
  end(): void {
    this.#ended = true
    this.#due = this.#gathering !== undefined
  }

  /** What is in flight; a consumer's records that are done are not, nor what was dropped. */
  snapshot(): AsyncState {
    const { ordered } = this.#options
    const gathering = this.#gathering
    const segments = this.#segments.map((segment) => {
      const { queue, head, watermark, idle } = segment
      const entries = queue.slice(head)
      if (!ordered) {
        for (const list of [this.#deadlines, this.#waiting])
          for (const entry of list) if (entry.segment === segment && !entry.done) entries.push(entry)
        if (gathering?.segment === segment) entries.push(gathering)
      }
      const kept = entries.filter((entry) => !this.#leavesNothing(entry))
      return { entries: kept.map((entry) => stateOf(entry, entry === gathering)), watermark, idle }
    })
    return { sequence: this.#sequence, segments }
  }

  /**
   * Queues again what was in flight; before the first record. Of several states, as they come with another parallelism, the watermarks have no common
   * order: the least of the last ones stands behind all of it, calls get new numbers, and batches are called as far as they were gathered.
   */
  restore(states: readonly AsyncState[]): void {
    if (states.length === 0) return
    const single = states.length === 1
    this.#sequence = Math.max(...states.map(({ sequence }) => sequence))
    const segments = single ? (states[0] as AsyncState).segments : [together(states)]
    for (const { entries, watermark, idle } of segments) {
      for (const { input, timestamp, times, sequence, done, result, letters, gathering } of entries) {
        const goesOn = single && gathering === true
        const number = single ? sequence : this.#sequence++
        const entry = this.#newEntry(goesOn ? [...(input as readonly unknown[])] : input, timestamp, times && [...times], number)
        entry.done = done
        entry.result = result
        entry.letters = letters
        this.#accept(entry)
        if (goesOn) this.#gatherOn(entry)
        else if (!done) this.#waiting.push(entry)
      }
      if (!Number.isNaN(watermark)) this.mark(watermark, idle)
    }
    this.#restoredSequence = this.#sequence
    this.#updateFull()
  }

  /** Restored records wait to be called again; nothing new is accepted. */
  get awaitingReissue(): boolean {
    return this.#waiting.length > 0
  }

  /** Calls restored records again as there is room; true where one was called. Throws where a call does, and the job fails. */
  reissue(): boolean {
    let called = false
    while (this.#calls < this.#options.limit) {
      const entry = this.#waiting.shift()
      if (entry === undefined) break
      called = true
      this.#call(entry)
    }
    this.#updateFull()
    return called
  }

  /** Nothing stands in front of what is done at once. */
  get #passesAtOnce(): boolean {
    return this.inFlight === 0 || (!this.#options.ordered && this.#segments.length === 1)
  }

  #leavesNothing({ done, letters, lettersLeft }: InFlight): boolean {
    if (!done) return false
    return letters === undefined ? this.#options.discardsResults : letters.length === lettersLeft
  }

  #newEntry(input: unknown, timestamp: number, times: number[] | undefined, sequence: number): InFlight {
    return {
      segment: this.#last,
      input,
      timestamp,
      times,
      sequence,
      calledAtMs: 0,
      done: false,
      result: undefined,
      letters: undefined,
      lettersLeft: 0,
      context: undefined,
    }
  }

  #beginBatch(timeMs: number): InFlight {
    const batch = this.#newEntry([], Number.NaN, this.#options.failures === undefined ? undefined : [], this.#sequence++)
    this.#accept(batch)
    this.#gathering = batch
    this.#gatheredUntilMs = this.#options.monotonicMs() + timeMs
    return batch
  }

  /** The batch that was being gathered when the snapshot was taken. */
  #gatherOn(batch: InFlight): void {
    const { gathers, monotonicMs } = this.#options
    this.#gathering = batch
    this.#gatheredUntilMs = monotonicMs() + (gathers?.timeMs ?? 0)
    this.#due = (batch.input as unknown[]).length >= (gathers?.recordsMax ?? 0)
  }

  #contextOf(sequence: number): AsyncCallContext {
    const passing = this.#passing
    if (passing !== undefined) {
      passing.sequence = sequence
      return passing
    }
    const { contextOf, failures, calls } = this.#options
    const context = contextOf(sequence)
    if (failures !== undefined || calls !== undefined) this.#context = context
    return context
  }

  /** Calls the function for an entry that has its place. */
  #call(entry: InFlight): void {
    const { gathers, failures } = this.#options
    const context = this.#contextOf(entry.sequence)
    if (gathers !== undefined && failures !== undefined) context.failed = new FailedRecords(failures, entry.input as readonly unknown[])
    let result: unknown
    try {
      result = this.#options.call(entry.input, context)
    } catch (error) {
      this.#settle(entry, undefined, this.#lettersOf(entry, error, context))
      return
    }
    if (isPromise(result)) this.#await(entry, result, this.#context)
    else this.#settle(entry, result, this.#lettersGiven(entry, context))
  }

  #await(entry: InFlight, result: PromiseLike<unknown>, context: AsyncCallContext | undefined): void {
    const { monotonicMs, completed, wake, fail } = this.#options
    entry.calledAtMs = monotonicMs()
    entry.context = context
    this.#calls++
    this.#deadlines.push(entry)
    // Behind one that takes long, those that are done would gather, with their results.
    if (this.#deadlines.length > 2 * this.inFlight + DEADLINES_SPARE) this.#deadlines = this.#deadlines.filter(({ done }) => !done)
    result.then(
      (value) => {
        this.#calls--
        if (completed !== undefined) this.#countCompleted(entry)
        this.#settle(entry, value, this.#lettersGiven(entry, entry.context))
        wake()
      },
      (error: unknown) => {
        try {
          const letters = this.#lettersOf(entry, error, entry.context)
          this.#calls--
          if (completed !== undefined) this.#countCompleted(entry)
          this.#settle(entry, undefined, letters)
          wake()
        } catch (unanswered) {
          fail(unanswered)
        }
      },
    )
  }

  /** What is left of an entry whose call failed: a letter for each record. Throws an error that no policy is for: the job fails. */
  #lettersOf(entry: InFlight, error: unknown, context: AsyncCallContext | undefined): readonly DeadLetter[] {
    const { failures } = this.#options
    if (failures?.owns(error) !== true) throw error
    return this.#letters(entry, failures, context, error)
  }

  /** Of a batch that was called and did not fail: what its function gave up. */
  #lettersGiven(entry: InFlight, context: AsyncCallContext | undefined): readonly DeadLetter[] | undefined {
    const { failures } = this.#options
    if (failures === undefined || context?.failed === undefined || context.failed.count === 0) return undefined
    return this.#letters(entry, failures, context, NO_ERROR)
  }

  /** `error`: of records that were not given up by themselves. */
  #letters(
    { input, timestamp, times, sequence }: InFlight,
    failures: RecordFailures,
    context: AsyncCallContext | undefined,
    error: unknown,
  ): readonly DeadLetter[] {
    const { gathers, lettersPort, contextOf } = this.#options
    const records = gathers === undefined ? [input] : (input as readonly unknown[])
    const { recordId } = contextOf(sequence)
    const attempts = context?.attempt ?? 1
    const letters: DeadLetter[] = []
    for (let at = 0; at < records.length; at++) {
      const reason = context?.failed === undefined ? error : context.failed.errorAt(at, error)
      if (reason === NO_ERROR) continue
      const letter = failures.letterOf(reason, records[at], { timestamp: times?.[at] ?? timestamp, recordId, attempts })
      if (letter !== undefined) letters.push(letter)
    }
    // Nobody reads them: they are counted, and that is all.
    return lettersPort === undefined ? NO_LETTERS : letters
  }

  /** Those that settle between two looks of the loop count as settled at once: one reading of the clock. */
  #countCompleted({ calledAtMs, input }: InFlight): void {
    const { monotonicMs, gathers } = this.#options
    if (this.#completed === 0) this.#completedAtMs = monotonicMs()
    const records = gathers === undefined ? 1 : (input as readonly unknown[]).length
    this.#completed += records
    this.#completedMs += records * Math.max(0, this.#completedAtMs - calledAtMs)
  }

  #tellCompleted(): void {
    this.#options.completed?.(this.#completed, this.#completedMs)
    this.#completed = 0
    this.#completedMs = 0
  }

  #settle(entry: InFlight, result: unknown, letters: readonly DeadLetter[] | undefined): void {
    entry.done = true
    entry.result = result
    entry.letters = letters
    entry.context = undefined
    this.#finished++
    if (!this.#options.ordered) entry.segment.queue.push(entry)
    else if (this.#options.calls !== undefined) this.#tellStall()
  }

  /** Tells whether finished results wait behind a record that is tried again. */
  #tellStall(): void {
    const { queue, head } = this.#first
    const first = queue[head]
    const attempt = first?.context?.attempt ?? 1
    if (first !== undefined && !first.done && this.#finished > 0 && attempt > 1)
      this.#options.calls?.stalls(first.sequence, attempt, this.#finished)
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
    const entry = queue[head]
    return entry !== undefined && entry.done && (this.#mayEmit || this.#leavesNothing(entry))
  }

  /** The table itself may be what closes the gate: a result that leaves makes room. */
  get #mayEmit(): boolean {
    return this.#options.gate.closed <= (this.#full ? 1 : 0) || !this.emits
  }

  /** Emits finished results while the chain lets them pass, up to the next watermark, which it hands on; returns how many. */
  drain(): number {
    let emitted = 0
    const segment = this.#first
    for (;;) {
      const entry = segment.queue[segment.head]
      if (entry === undefined || !entry.done) break
      const empty = this.#leavesNothing(entry)
      if (!empty) {
        if (!this.#mayEmit) break
        emitted++
        // Letters of one entry leave one by one, with credit for each.
        if (entry.letters !== undefined && this.#pushLetter(entry, entry.letters)) continue
      }
      segment.head++
      segment.inFlight--
      this.inFlight--
      this.#finished--
      if (empty) emitted++
      else if (entry.letters === undefined) {
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

  /** True where there are more. */
  #pushLetter(entry: InFlight, letters: readonly DeadLetter[]): boolean {
    const letter = letters[entry.lettersLeft++] as DeadLetter
    this.#push(letter, letter.timestamp ?? Number.NaN, this.#options.lettersPort)
    return entry.lettersLeft < letters.length
  }

  /** When the oldest call in flight runs out of time, or a batch has been gathered long enough; undefined: none. */
  get deadlineMs(): number | undefined {
    while (this.#deadlines.length > 0 && this.#deadlines[0]?.done === true) this.#deadlines.shift()
    const oldest = this.#deadlines[0]
    const timeoutMs = oldest === undefined ? undefined : oldest.calledAtMs + this.#options.timeoutMs
    if (this.#gathering === undefined || this.#due) return timeoutMs
    return timeoutMs === undefined ? this.#gatheredUntilMs : Math.min(timeoutMs, this.#gatheredUntilMs)
  }

  /** Called in every step. */
  checkTimes(nowMs: number): void {
    if (this.#completed > 0) this.#tellCompleted()
    const deadlineMs = this.deadlineMs
    if (deadlineMs === undefined || nowMs < deadlineMs) return
    if (this.#gathering !== undefined && nowMs >= this.#gatheredUntilMs) this.#due = true
    const { operator, timeoutMs, fail, gathers } = this.#options
    const oldest = this.#deadlines[0]
    if (oldest === undefined || nowMs < oldest.calledAtMs + timeoutMs) return
    fail(
      new SluiceError(
        'SLUICE_TIMEOUT',
        `${operator} did not finish a ${gathers === undefined ? 'record' : 'batch'} within ${timeoutMs} ms.`,
      ),
    )
  }

  #updateFull(): void {
    const full = this.#waiting.length > 0 || (this.calls >= this.#options.limit && this.#batchFull)
    if (full === this.#full) return
    this.#full = full
    this.#options.gate.closed += full ? 1 : -1
  }

  /** What is gathered has no room for another record; where nothing is gathered, no record has. */
  get #batchFull(): boolean {
    const { gathers } = this.#options
    return gathers === undefined || ((this.#gathering?.input as readonly unknown[] | undefined)?.length ?? 0) >= gathers.recordsMax
  }

  /** Whether the table is at its limit. */
  get full(): boolean {
    return this.#full
  }
}

function stateOf({ input, timestamp, times, sequence, done, result, letters, lettersLeft }: InFlight, gathering: boolean): AsyncEntryState {
  return {
    input: gathering ? [...(input as readonly unknown[])] : input,
    timestamp,
    sequence,
    done,
    ...(times === undefined ? {} : { times: [...times] }),
    ...(gathering ? { gathering } : {}),
    ...(done ? (letters === undefined ? { result } : { letters: letters.slice(lettersLeft) }) : {}),
  }
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
