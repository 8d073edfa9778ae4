/**
 * The end of a chain: gathers the records of a step and gives them to the sink's writer in batches. While a call of the writer is under way
 * the gate of the chain is closed. Runs on the subtask's thread.
 *
 * Calls of the writer never overlap, with two exceptions: `durable` may run beside anything, and `commit` beside writes, `prepare` and `finish`
 * where the writer says so (`commitOverlapsWrites`). A snapshot cuts what the sink was given in two. With `prepare`: what lies before the cut is
 * written, then `prepare` is called, then what lies behind is written. Without: what is not written yet is state, and nothing waits.
 *
 * Dead letters of records that the writer could not write wait until the subtask sends them. Those of records in front of a cut are state, also where they
 * left behind it: their record does not come again.
 */
import type { Gate } from '../channel/gate.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { DeadLetter, SinkWriter } from '../graph/operator-spec.js'
import { isPromise } from './element-checks.js'
import { joinSinkStates, type PendingTransaction, type SinkState } from './sink-state.js'

const BATCH_RECORDS = 256

/** Told how long writes take, where somebody wants to know. */
export interface WriteTiming {
  now(): number
  /** `totalMs`: each as long as the write that they shared. */
  completed(records: number, totalMs: number): void
}

export class SinkBuffer {
  readonly writer: SinkWriter
  /** A write, or another asynchronous step of the writer, is under way. */
  pending = false
  written = 0
  /** Number of the record that was written first here, over all attempts. */
  firstRecord = 0
  readonly #gate: Gate
  readonly #settled: (error: unknown) => void
  readonly #timing: WriteTiming | undefined
  #records: unknown[] = []
  #spare: unknown[] = []
  /** What lies before a cut, while `prepare` waits for it to be written. */
  #front: unknown[] | undefined
  /** Of the write under way. */
  #writing: readonly unknown[] | undefined
  /** Prepared and not yet committed, oldest first. */
  #transactions: PendingTransaction[] = []
  #commitUpTo = 0
  #committing = false
  /** The checkpoint that was begun last, and the one whose part here is `#state`. */
  #checkpoint = 0
  #state: { readonly checkpoint: number; readonly value: SinkState } | undefined
  #durableRunning = false
  /** A state that waits until it is durable. */
  #unsettled: { readonly checkpoint: number; readonly value: SinkState } | undefined
  #failed = false
  #letters: DeadLetter[] = []
  /** While what lies before a cut is written: the letters of that. */
  #frontLetters: DeadLetter[] | undefined

  /** `settled` is called when a pending call is done, with its error or undefined. */
  constructor(writer: SinkWriter, gate: Gate, settled: (error: unknown) => void, timing?: WriteTiming) {
    this.#timing = timing
    this.writer = writer
    this.#gate = gate
    this.#settled = settled
  }

  /** Before the writer is opened: this subtask's share of what a checkpoint holds. Answers what was prepared, for the writer's context. */
  restore(states: readonly unknown[]): readonly unknown[] {
    const { pending, records, firstRecord, letters } = joinSinkStates(states as readonly SinkState[])
    this.#letters = letters
    this.#transactions = pending
    this.#records = records
    this.firstRecord = firstRecord
    return pending.map(({ prepared }) => prepared)
  }

  /** Behind `open` of the writer, before the first record: commits what a restored checkpoint says was prepared. */
  async commitRestored(): Promise<void> {
    for (let first = this.#transactions[0]; first !== undefined; first = this.#transactions[0]) {
      await this.writer.commit?.(first.prepared)
      this.#transactions.shift()
    }
  }

  accept(record: unknown): void {
    if (record !== undefined && record !== null && record.constructor !== Object) refusePromise(record)
    // More than a batch may have gathered while a write was under way.
    if (this.#records.push(record) < BATCH_RECORDS) return
    this.flush()
    if (this.#gate.runsOn && this.full) this.#gate.exhaust()
  }

  addLetter(letter: DeadLetter): void {
    this.#letters.push(letter)
    this.#frontLetters?.push(letter)
  }

  get holdsLetters(): boolean {
    return this.#letters.length > 0
  }

  /** The oldest letter, to be sent; undefined: there is none. */
  takeLetter(): DeadLetter | undefined {
    return this.#letters.shift()
  }

  /** A batch and more has gathered: what is suspended in front of it shall not run on. */
  get full(): boolean {
    return this.#records.length >= BATCH_RECORDS
  }

  /** Goes on with what is due, unless a call is under way: commits, records, the cut. */
  flush(): void {
    while (!this.pending && !this.#failed) {
      const front = this.#front
      const records = front ?? this.#records
      if (this.#commitDue && !this.#committing) this.#commitFirst()
      else if (records.length > 0) this.#write(records, front !== undefined)
      else if (front !== undefined) this.#prepare()
      else return
    }
  }

  get empty(): boolean {
    return this.#records.length === 0 && this.#front === undefined && !this.pending
  }

  /** At the snapshot point of checkpoint `id`: everything accepted so far lies before the cut. Never waits, never throws. */
  beginCheckpoint(id: number): void {
    this.#checkpoint = id
    this.#state = undefined
    if (this.writer.prepare === undefined) {
      this.#cutUnwritten(id)
      return
    }
    // What has left since the cut of one that was given up lies in front of this one.
    this.#frontLetters = [...this.#letters]
    // One that was given up may still wait for its `prepare`: the cut moves.
    this.#front = this.#front === undefined ? this.#records : this.#front.concat(this.#records)
    this.#records = []
    this.#advance()
  }

  /** What the sink has to say in the checkpoint begun last; null: nothing; undefined: it is not durable yet, `settled` is called when it may be. */
  checkpointState(): SinkState | null | undefined {
    if (this.#state?.checkpoint !== this.#checkpoint) return undefined
    const { pending, records, firstRecord, letters } = this.#state.value
    return pending.length === 0 && records.length === 0 && firstRecord === 0 && letters === undefined ? null : this.#state.value
  }

  /** Checkpoint `upTo` is complete: what was prepared up to it is committed, as soon as no other call is under way. Never throws. */
  commit(upTo: number): void {
    if (upTo > this.#commitUpTo) this.#commitUpTo = upTo
    this.#advance()
  }

  /** Nothing that `commit` was called for is left to do. */
  get committed(): boolean {
    return !this.#committing && !this.#commitDue
  }

  /** Gives up what is not prepared where the job failed, and closes the writer; calls may be under way still. */
  async close(failed: boolean): Promise<void> {
    this.#failed = true
    try {
      if (failed) await this.writer.abort?.()
    } finally {
      await this.writer.close?.()
    }
  }

  /** Keeps the gate closed until `result` settles; `after` follows where it did not fail. */
  hold(result: void | Promise<void>, after?: () => void): void {
    if (!isPromise(result)) {
      after?.()
      return
    }
    this.pending = true
    this.#gate.closed++
    const release = (): void => {
      this.pending = false
      this.#gate.closed--
    }
    result.then(
      () => {
        release()
        if (this.#failed) return
        after?.()
        // What lies before a cut goes on at once: nothing may come between.
        if (this.#front !== undefined || this.#commitDue) this.#advance()
        this.#settled(undefined)
      },
      (error: unknown) => {
        release()
        this.#fail(error)
      },
    )
  }

  /** Errors of calls that nobody waits for fail the subtask. */
  #advance(): void {
    try {
      this.flush()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failed = true
    this.#settled(error ?? new Error('failed without a reason'))
  }

  #write(gathered: unknown[], isFront: boolean): void {
    let records = gathered
    // More than a batch has gathered where one call emitted on while a write was under way, or after a restore.
    if (gathered.length > BATCH_RECORDS) records = gathered.splice(0, BATCH_RECORDS)
    else if (isFront) this.#front = []
    else {
      this.#records = this.#spare
      this.#spare = records
    }
    this.written += records.length
    this.#writing = records
    const timing = this.#timing
    const startMs = timing?.now() ?? 0
    this.hold(this.writer.write(records), () => {
      timing?.completed(records.length, records.length * (timing.now() - startMs))
      this.#writing = undefined
      records.length = 0
    })
  }

  #prepare(): void {
    const id = this.#checkpoint
    this.#front = undefined
    const prepared = this.writer.prepare?.(id)
    if (!isPromise(prepared)) {
      this.#prepared(id, prepared)
      return
    }
    let value: unknown
    const result = (prepared as Promise<unknown>).then((settled) => {
      value = settled
    })
    this.hold(result, () => this.#prepared(id, value))
  }

  #prepared(checkpoint: number, prepared: unknown): void {
    if (prepared !== undefined) this.#transactions.push({ checkpoint, prepared })
    const letters = this.#frontLetters
    this.#frontLetters = undefined
    this.#makeDurable(checkpoint, { pending: [...this.#transactions], records: [], firstRecord: this.#next, ...someLetters(letters) })
  }

  /** Without transactions: what the writer has not written, or not yet been given, is written again after a restore. */
  #cutUnwritten(checkpoint: number): void {
    try {
      const unwritten = this.writer.unwritten?.() ?? this.#writing ?? []
      const records = [...unwritten, ...this.#records]
      const firstRecord = this.#next - unwritten.length
      // A record that is written again gives its letter again.
      const letters = this.#letters.filter(({ input }) => !unwritten.includes(input))
      this.#makeDurable(checkpoint, { pending: [], records, firstRecord, ...someLetters(letters) })
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Number of the record that `write` gets next. */
  get #next(): number {
    return this.firstRecord + this.written
  }

  #makeDurable(checkpoint: number, value: SinkState): void {
    this.#unsettled = { checkpoint, value }
    // One that was given up is under way: its turn comes behind it.
    if (!this.#durableRunning) this.#askDurable()
  }

  #askDurable(): void {
    const asked = this.#unsettled
    const result = this.writer.durable?.()
    if (!isPromise(result)) {
      this.#state = asked
      this.#unsettled = undefined
      return
    }
    this.#durableRunning = true
    result.then(
      () => {
        this.#durableRunning = false
        if (this.#failed) return
        if (this.#unsettled !== asked) {
          try {
            this.#askDurable()
          } catch (error) {
            this.#fail(error)
          }
          return
        }
        this.#state = asked
        this.#unsettled = undefined
        this.#settled(undefined)
      },
      (error: unknown) => this.#fail(error),
    )
  }

  get #commitDue(): boolean {
    const first = this.#transactions[0]
    return first !== undefined && first.checkpoint <= this.#commitUpTo
  }

  #commitFirst(): void {
    const { writer } = this
    this.#committing = true
    const committed = (): void => {
      this.#committing = false
      this.#transactions.shift()
    }
    const result = writer.commit?.(this.#transactions[0]?.prepared)
    if (writer.commitOverlapsWrites !== true || !isPromise(result)) {
      this.hold(result, committed)
      return
    }
    result.then(
      () => {
        if (this.#failed) return
        committed()
        this.#advance()
        this.#settled(undefined)
      },
      (error: unknown) => this.#fail(error),
    )
  }
}

function someLetters(letters: readonly DeadLetter[] | undefined): { readonly letters?: readonly DeadLetter[] } {
  return letters === undefined || letters.length === 0 ? {} : { letters }
}

function refusePromise(record: unknown): void {
  if (isPromise(record)) throw new SluiceError('SLUICE_RECORD_PROMISE', 'A Promise reached a sink.')
}
