/**
 * Tail-based sampling: the records of a key are collected for a while, then policies decide on all of them, and records that come later follow the decision. A row of
 * the table is a trace that is collected (`OPEN`, with its records) or one that was decided on; both are in a list, in the order in which they began or were decided,
 * which is that of their times, because all of them wait equally long.
 *
 * Invariants: between two calls the open traces are within every bound; a record leaves on `out` or `dropped`, or is held, and nothing else happens to it; what a trace
 * has on `out` when it is decided leaves together. Runs per record.
 */
import {
  assert,
  type ColumnKind,
  type ColumnName,
  type KeyTable,
  type NumberColumn,
  type Operator,
  type OperatorContext,
  type RestoredOperator,
  type ValueColumn,
} from '@sluice/engine'
import { NONE, PolicyChain } from './policy-chain.js'
import type { DecisionCause, TracePolicy } from './sample-types.js'
import { RecordSizes } from './record-sizes.js'
import { SlotList } from './slot-list.js'

/** Records that are dropped; it stops nothing. */
export const DROPPED_PORT = 1

const OPEN = 0
const KEPT = 1
const DROPPED = 2

/** A deadline that is told so much later was held up: records of the traces that are due may wait in front of the operator. */
const STALL_MS_MIN = 250
/** How long these then have to come, once in `decideAfter`. */
const GRACE_MS = 500
/** Where sizes are sampled. */
const MEASURED_EVERY = 8
/** Decisions between two looks at the gauges. */
const DECISIONS_PER_LOOK = 64

const KINDS: readonly ColumnKind[] = ['number', 'number', 'number', 'number', 'value']
const NAMES: readonly ColumnName[] = ['status', 'since', 'order', 'bytes', 'records']
const STATUS = 0
const SINCE = 1
const ORDER = 2
const BYTES = 3
const RECORDS = 4

export interface TailParts {
  readonly keyOf: (record: unknown) => unknown
  readonly policies: readonly TracePolicy<unknown>[]
  readonly decideAfterMs: number
  /** Of this subtask, as the next three. */
  readonly tracesMax: number
  readonly recordsMax: number
  readonly bytesMax: number
  readonly rememberedMax: number
  readonly recordsPerTraceMax: number
  readonly rememberedForMs: number
  readonly exactSizes: boolean
  readonly dropsNewest: boolean
}

export class TailSampler implements Operator {
  readonly #context: OperatorContext
  readonly #parts: TailParts
  readonly #keyOf: (record: unknown) => unknown
  readonly #policies: PolicyChain
  readonly #table: KeyTable
  readonly #sizes: RecordSizes
  /** Oldest first. */
  readonly #open = new SlotList()
  readonly #decided = new SlotList()
  /** Records of open traces, and their bytes. */
  readonly #held: Held
  /** The most that there ever was. */
  #recordsPeak = 0
  #bytesPeak = 0
  /** Number of the next trace that begins or is decided. */
  #order = 0
  /** Traces that began before this have records that were not asked whether they decide at once. */
  #restoredBefore = 0
  /** What the clock of the operator is behind: it stands still while the operator is held up. */
  #stalledMs = 0
  #lastMs: number = Number.NEGATIVE_INFINITY
  #graceMs: number = Number.NEGATIVE_INFINITY
  /** Traces that are due at this time are decided on. */
  #until: number = Number.NEGATIVE_INFINITY
  /** The deadline asked for, by the real clock; Infinity: none. */
  #deadline: number = Number.POSITIVE_INFINITY
  #ending = false
  #decisions = 0

  constructor(context: OperatorContext, parts: TailParts) {
    this.#context = context
    this.#parts = parts
    this.#keyOf = parts.keyOf
    this.#policies = new PolicyChain(context.operator, parts.policies, context.subtask.parallelism, context.now())
    this.#sizes = new RecordSizes((record) => context.sizeOf(record), parts.exactSizes ? 1 : MEASURED_EVERY)
    this.#table = context.keyTable('traces', KINDS, NAMES)
    this.#held = context.registerState('records', { size: 0, bytes: 0 })
  }

  process(value: unknown): void {
    const table = this.#table
    const slot = table.slotOf(this.#keyOf(value))
    if (table.created) this.#begin(slot)
    else if (this.#numbers(STATUS)[slot] !== OPEN && !this.#forgets(slot)) {
      this.#follow(slot, value)
      return
    }
    const policy = this.#policies.atOnce(value)
    if (policy === NONE) {
      this.#policies.add(slot, value)
      this.#collect(slot, value)
    } else this.#settleWith(slot, policy, 'sampled', value)
  }

  onDeadline(nowMs: number): void {
    const lateMs = nowMs - this.#deadline
    this.#deadline = Number.POSITIVE_INFINITY
    if (lateMs >= STALL_MS_MIN) this.#standStill(lateMs, nowMs)
    this.#until = this.#now()
  }

  fire(): boolean {
    const slot = this.#open.first
    if (slot >= 0) {
      if (this.#ending) this.#decide(slot, 'end')
      else if (this.#dueAt(slot) <= this.#until) this.#decide(slot, 'time')
      else if (!this.#fits(0, 0)) this.#giveWay()
      else {
        this.#await(slot)
        this.#show()
        return false
      }
      return true
    }
    this.#show()
    return false
  }

  onEnd(): void {
    this.#ending = true
  }

  /** Without a checkpoint what is held would be lost. */
  *onStop(): Iterable<unknown> {
    for (let slot = this.#open.first; slot >= 0; slot = this.#open.first) {
      const records = this.#recordsOf(slot)
      if (this.#settleAs(slot, this.#ask(slot, records, 'end'), 'sampled')) yield* records
      else this.#loseAll(records, 'sampled')
    }
    this.#show()
  }

  /** Traces that were open wait anew, decisions are remembered anew: what the clock did meanwhile does not count, and records come again. */
  restore({ ended }: RestoredOperator): void {
    const table = this.#table
    const order = this.#numbers(ORDER)
    const slots: number[] = []
    for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) slots.push(slot)
    // Of several subtasks: two may have given the same number.
    slots.sort((left, right) => (order[left] as number) - (order[right] as number) || left - right)
    const nowMs = this.#now()
    const status = this.#numbers(STATUS)
    for (const slot of slots) {
      table.touch(slot)
      this.#numbers(SINCE)[slot] = nowMs
      order[slot] = this.#order++
      if (status[slot] === OPEN) {
        const records = this.#recordsOf(slot)
        this.#open.append(slot)
        this.#policies.begin(slot)
        for (const record of records) this.#policies.add(slot, record)
        this.#held.size += records.length
        this.#held.bytes += this.#numbers(BYTES)[slot] as number
      } else this.#decided.append(slot)
    }
    this.#restoredBefore = this.#order
    this.#policies.emptyBuckets(nowMs)
    this.#forgetOldest()
    this.#ending = ended
  }

  close(): void {
    this.#table.clear()
  }

  #numbers(column: number): Float64Array {
    return (this.#table.columns[column] as NumberColumn).values
  }

  #recordsOf(slot: number): unknown[] {
    return (this.#table.columns[RECORDS] as ValueColumn).values[slot] as unknown[]
  }

  /** The row is new, or held a decision that is forgotten. */
  #begin(slot: number): void {
    this.#numbers(STATUS)[slot] = OPEN
    this.#numbers(SINCE)[slot] = this.#now()
    this.#numbers(ORDER)[slot] = this.#order++
    this.#numbers(BYTES)[slot] = 0
    ;(this.#table.columns[RECORDS] as ValueColumn).values[slot] = []
    this.#open.append(slot)
    this.#policies.begin(slot)
    if (this.#deadline === Number.POSITIVE_INFINITY) this.#await(slot)
  }

  /** Whether a decision is so old that the trace begins anew; then it has. */
  #forgets(slot: number): boolean {
    if (this.#now() - (this.#numbers(SINCE)[slot] as number) < this.#parts.rememberedForMs) return false
    this.#decided.remove(slot)
    this.#begin(slot)
    return true
  }

  #follow(slot: number, value: unknown): void {
    if (this.#numbers(STATUS)[slot] === KEPT) {
      this.#context.metrics.count('lateKept')
      this.#context.emit(value, Number.NaN)
    } else {
      this.#context.metrics.count('lateDropped')
      this.#lose(value, 'late')
    }
  }

  #collect(slot: number, value: unknown): void {
    const bytes = this.#sizes.of(value)
    if (!this.#makeRoom(slot, bytes, value)) return
    const records = this.#recordsOf(slot)
    records.push(value)
    const sizes = this.#numbers(BYTES)
    sizes[slot] = (sizes[slot] as number) + bytes
    this.#held.size++
    this.#held.bytes += bytes
    if (this.#held.size > this.#recordsPeak) this.#recordsPeak = this.#held.size
    if (this.#held.bytes > this.#bytesPeak) this.#bytesPeak = this.#held.bytes
    if (records.length >= this.#parts.recordsPerTraceMax) this.#decide(slot, 'recordsPerTrace')
  }

  /** Whether the open traces are within the bounds with so many records and bytes more. */
  #fits(records: number, bytes: number): boolean {
    const { tracesMax, recordsMax, bytesMax } = this.#parts
    return this.#open.size <= tracesMax && this.#held.size + records <= recordsMax && this.#held.bytes + bytes <= bytesMax
  }

  /** Makes room for a record of an open trace; false: its trace had to give way itself, with the record. */
  #makeRoom(slot: number, bytes: number, value: unknown): boolean {
    if (this.#fits(1, bytes)) return true
    const { dropsNewest, bytesMax } = this.#parts
    // What would not fit alone is never held.
    while (bytes <= bytesMax && (dropsNewest ? this.#open.last : this.#open.first) !== slot) {
      this.#giveWay()
      if (this.#fits(1, bytes)) return true
    }
    if (dropsNewest) this.#settleWith(slot, NONE, 'full', value)
    else {
      // It is asked with the record, and never held with it.
      const records = this.#recordsOf(slot)
      records.push(value)
      const policy = this.#ask(slot, records, 'full')
      records.pop()
      this.#settleWith(slot, policy, 'sampled', value)
    }
    return false
  }

  #giveWay(): void {
    if (this.#parts.dropsNewest) this.#settle(this.#open.last, NONE, 'full')
    else this.#decide(this.#open.first, 'full')
  }

  #decide(slot: number, cause: DecisionCause): void {
    this.#settle(slot, this.#ask(slot, this.#recordsOf(slot), cause), 'sampled')
  }

  #ask(slot: number, records: readonly unknown[], cause: DecisionCause): number {
    const nowMs = this.#now()
    if (cause === 'full' || cause === 'recordsPerTrace') this.#context.metrics.count(EARLY[cause])
    const trace = { key: this.#table.keyAt(slot), waitedMs: nowMs - (this.#numbers(SINCE)[slot] as number), cause }
    return this.#policies.decide(slot, records, trace, nowMs, (this.#numbers(ORDER)[slot] as number) >= this.#restoredBefore)
  }

  #settle(slot: number, policy: number, reason: DropReason): void {
    const records = this.#recordsOf(slot)
    this.#release(records, this.#settleAs(slot, policy, reason), policy, reason)
  }

  /** With a record behind the others that was not held. */
  #settleWith(slot: number, policy: number, reason: DropReason, value: unknown): void {
    const records = this.#recordsOf(slot)
    const kept = this.#settleAs(slot, policy, reason)
    records.push(value)
    this.#release(records, kept, policy, reason)
  }

  /** A trace waits behind one that is still leaving, also where it is a single record. */
  #release(records: readonly unknown[], kept: boolean, policy: number, reason: DropReason): void {
    if (kept) this.#context.expand(records, Number.NaN)
    else this.#loseAll(records, this.#policies.nameOf(policy) ?? reason)
  }

  /** The row becomes a decision; its records are no state any more. */
  #settleAs(slot: number, policy: number, reason: DropReason): boolean {
    const table = this.#table
    table.touch(slot)
    const kept = this.#policies.keeps(policy)
    this.#open.remove(slot)
    this.#held.size -= this.#recordsOf(slot).length
    this.#held.bytes -= this.#numbers(BYTES)[slot] as number
    assert(this.#held.size >= 0 && this.#held.bytes >= 0, `${this.#context.operator} gave up more than it held`)
    ;(table.columns[RECORDS] as ValueColumn).values[slot] = undefined
    this.#numbers(STATUS)[slot] = kept ? KEPT : DROPPED
    this.#numbers(SINCE)[slot] = this.#now()
    this.#numbers(ORDER)[slot] = this.#order++
    this.#decided.append(slot)
    this.#forgetOldest()
    this.#context.metrics.count(this.#policies.counterOf(policy) ?? COUNTERS[reason])
    if (++this.#decisions % DECISIONS_PER_LOOK === 0) this.#show()
    return kept
  }

  #forgetOldest(): void {
    while (this.#decided.size > this.#parts.rememberedMax) {
      const oldest = this.#decided.first
      this.#decided.remove(oldest)
      this.#table.remove(oldest)
    }
  }

  #loseAll(records: readonly unknown[], reason: string): void {
    for (const record of records) this.#lose(record, reason)
  }

  /** Where nobody reads `dropped`, it has credit and gives nothing. */
  #lose(value: unknown, reason: string): void {
    if (this.#context.hasCredit(DROPPED_PORT)) {
      this.#context.countDropped(1, reason)
      this.#context.emit(value, Number.NaN, DROPPED_PORT)
    } else this.#context.countDropped(1, `${reason} unread`)
  }

  #dueAt(slot: number): number {
    return (this.#numbers(SINCE)[slot] as number) + this.#parts.decideAfterMs
  }

  #await(slot: number): void {
    const deadline = this.#dueAt(slot) + this.#stalledMs
    if (deadline === this.#deadline) return
    this.#deadline = deadline
    this.#context.setDeadline(deadline)
  }

  /** The clock of the operator. One that is set back stands still until it is where it was. */
  #now(): number {
    const nowMs = this.#context.now() - this.#stalledMs
    if (nowMs > this.#lastMs) this.#lastMs = nowMs
    return this.#lastMs
  }

  #standStill(lateMs: number, nowMs: number): void {
    this.#stalledMs += lateMs
    if (nowMs - this.#graceMs < this.#parts.decideAfterMs) return
    this.#graceMs = nowMs
    this.#stalledMs += Math.min(GRACE_MS, this.#parts.decideAfterMs)
  }

  #show(): void {
    const { metrics } = this.#context
    metrics.gauge('openTraces', this.#open.size)
    metrics.gauge('heldRecords', this.#held.size)
    metrics.gauge('heldBytes', this.#held.bytes)
    metrics.gauge('heldRecordsPeak', this.#recordsPeak)
    metrics.gauge('heldBytesPeak', this.#bytesPeak)
    metrics.gauge('rememberedTraces', this.#decided.size)
  }
}

/** What the table does not tell of the size of the state. */
interface Held {
  size: number
  bytes: number
}

/** No policy kept the trace, or a bound was reached. */
type DropReason = 'sampled' | 'full'

const COUNTERS: Readonly<Record<DropReason, string>> = { sampled: 'dropped.sampled', full: 'dropped.full' }

const EARLY = { full: 'earlyFull', recordsPerTrace: 'earlyRecordsPerTrace' } as const
