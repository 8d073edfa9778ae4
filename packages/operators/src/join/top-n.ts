/**
 * The first records of every key by an order. What is kept of a key is its list; a list that has gone out is never changed but replaced,
 * because who reads it may hold it.
 */
import type { ColumnKind, KeyTable, NumberColumn, Operator, OperatorContext, RestoredOperator, ValueColumn } from '@sluice/engine'
import { parseDuration } from '../duration/duration.js'
import type { AnyFunction } from '../job/graph-draft.js'
import { type PeriodicState, restorePeriod } from '../operator/periodic-state.js'
import { checkInteger } from '../options/check-options.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { type KeyOf, parseSpan } from './join-input.js'
import type { TopNOptions, Update } from './join-types.js'

const ROWS_PER_LOOK = 2

type Compare = (left: unknown, right: unknown) => number

export function planTopN(
  name: string,
  keyOf: AnyFunction,
  n: number,
  compare: AnyFunction,
  { emit = 'update', ttl }: TopNOptions,
): OperatorPlan {
  checkInteger(`n of topN ${name}`, n, 1)
  const emission = emit === 'update' || emit === 'end' ? emit : parseDuration(emit, `emit of topN ${name}`)
  const ttlMs = ttl === undefined ? undefined : parseSpan(ttl, `ttl of topN ${name}`)
  return {
    spec: {
      kind: 'general',
      redistribution: 'union',
      create: (context) => new TopN(context, keyOf as KeyOf, n, compare as unknown as Compare, emission, ttlMs),
    },
    options: { type: 'topN', n, emit: emission, ttlMs: ttlMs ?? null },
    functions: [compare],
    warning: ttlMs === undefined ? `topN ${name} keeps a list of every key for ever: set ttl` : undefined,
  }
}

interface TopNState extends PeriodicState {
  /** The latest time by the clock. */
  readonly now: number
}

class TopN implements Operator {
  readonly #context: OperatorContext
  readonly #keyOf: KeyOf
  readonly #n: number
  readonly #compare: Compare
  readonly #emission: 'update' | 'end' | number
  readonly #ttlMs: number | undefined
  readonly #table: KeyTable
  /** Number columns, -1 where there is none: when the list changed last in event time, whether that is to go out, the last arrival. */
  readonly #latest: number
  readonly #changed: number
  readonly #arrival: number
  #cursor = 0
  #now: number = Number.NEGATIVE_INFINITY
  /** The slot that is to be looked at next for lists that go out; undefined: nothing is due. */
  #next: number | undefined
  /** When what has changed goes out; Infinity: nothing waits. */
  #dueAt: number = Number.POSITIVE_INFINITY
  /** Of the latest record of the subtask. */
  #newest: number = Number.NaN
  /** The last but that of the end. */
  #watermark: number = Number.NEGATIVE_INFINITY

  constructor(
    context: OperatorContext,
    keyOf: KeyOf,
    n: number,
    compare: Compare,
    emission: 'update' | 'end' | number,
    ttlMs: number | undefined,
  ) {
    this.#context = context
    this.#keyOf = keyOf
    this.#n = n
    this.#compare = compare
    this.#emission = emission
    this.#ttlMs = ttlMs
    const kinds: ColumnKind[] = ['value']
    this.#latest = emission === 'update' ? -1 : kinds.push('number') - 1
    this.#changed = emission === 'update' ? -1 : kinds.push('number') - 1
    this.#arrival = ttlMs === undefined ? -1 : kinds.push('number') - 1
    this.#table = context.keyTable('lists', kinds)
  }

  process(value: unknown, timestamp: number): void {
    const table = this.#table
    if (this.#ttlMs !== undefined) this.#look(this.#ttlMs)
    const key = this.#keyOf(value)
    const slot = table.slotOf(key)
    let created = table.created
    const lists = (table.columns[0] as ValueColumn).values
    if (this.#ttlMs !== undefined) {
      const arrival = (table.columns[this.#arrival] as NumberColumn).values
      if (!created && (arrival[slot] as number) + this.#ttlMs <= this.#now) created = true
      arrival[slot] = this.#now
    }
    let list: readonly unknown[]
    if (created) list = [value]
    else {
      const before = lists[slot] as readonly unknown[]
      list = this.#enter(before, value)
      if (list === before) return
    }
    lists[slot] = list
    if (this.#emission === 'update') {
      const update: Update<readonly unknown[]> = { op: 'upsert', key, value: list }
      this.#context.emit(update, timestamp)
      return
    }
    const latest = (table.columns[this.#latest] as NumberColumn).values
    const changed = (table.columns[this.#changed] as NumberColumn).values
    if (created || !(timestamp <= (latest[slot] as number))) latest[slot] = timestamp
    changed[slot] = 1
    if (!(timestamp <= this.#newest)) this.#newest = timestamp
    if (this.#emission === 'end' || this.#dueAt < Number.POSITIVE_INFINITY) return
    this.#dueAt = this.#context.now() + this.#emission
    this.#context.setDeadline(this.#dueAt)
  }

  onWatermark(watermark: number): void {
    if (watermark !== Number.POSITIVE_INFINITY) this.#watermark = watermark
  }

  onDeadline(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#next = 0
  }

  snapshot(): TopNState {
    const dueAt = this.#next === undefined ? this.#dueAt : Number.NEGATIVE_INFINITY
    return { now: this.#now, newest: this.#newest, watermark: this.#watermark, dueAt }
  }

  restore(restored: RestoredOperator): void {
    for (const { now } of restored.states as readonly TopNState[]) if (now > this.#now) this.#now = now
    if (this.#emission === 'update') return
    const { newest, watermark, dueAt } = restorePeriod(restored)
    this.#newest = newest
    this.#watermark = watermark
    if (restored.ended || dueAt === Number.NEGATIVE_INFINITY) this.#next = 0
    if (this.#next === 0 || this.#emission === 'end') return
    const changed = (this.#table.columns[this.#changed] as NumberColumn).values
    let slot = this.#table.next(0)
    while (slot >= 0 && changed[slot] !== 1) slot = this.#table.next(slot + 1)
    if (slot < 0) return
    this.#dueAt = dueAt < Number.POSITIVE_INFINITY ? dueAt : this.#context.now()
    this.#context.setDeadline(this.#dueAt)
  }

  onEnd(): void {
    if (this.#emission === 'update') return
    this.#context.setDeadline(undefined)
    this.#next = 0
  }

  /** The next list that has changed. */
  fire(): boolean {
    if (this.#next === undefined) return false
    const table = this.#table
    const changed = (table.columns[this.#changed] as NumberColumn).values
    let slot = this.#next
    while (slot < table.end && !(table.has(slot) && changed[slot] === 1)) slot++
    if (slot >= table.end) {
      this.#next = undefined
      return false
    }
    this.#next = slot + 1
    this.#send(slot)
    return true
  }

  close(): void {
    this.#table.clear()
  }

  #send(slot: number): void {
    const table = this.#table
    const { columns } = table
    table.touch(slot)
    ;(columns[this.#changed] as NumberColumn).values[slot] = 0
    const value = (columns[0] as ValueColumn).values[slot] as readonly unknown[]
    const update: Update<readonly unknown[]> = { op: 'upsert', key: table.keyAt(slot), value }
    const own = (columns[this.#latest] as NumberColumn).values[slot] as number
    // What waited may be older than the watermark by now; it is not late for that.
    this.#context.emit(update, Math.max(this.#emission === 'end' ? own : this.#newest, this.#watermark + 1))
  }

  /** The list with the record in its place, behind its equals; the same list where it has none. */
  #enter(list: readonly unknown[], value: unknown): readonly unknown[] {
    const compare = this.#compare
    const length = list.length
    if (length === this.#n && !(compare(value, list[length - 1]) < 0)) return list
    let low = 0
    let high = length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(value, list[middle]) < 0) high = middle
      else low = middle + 1
    }
    const entered = list.slice(0, low)
    entered.push(value)
    const end = length === this.#n ? length - 1 : length
    for (let index = low; index < end; index++) entered.push(list[index])
    return entered
  }

  /** Forgets keys without a record for `ttlMs`, a few rows at a time; a list that waits to go out stays until it has. */
  #look(ttlMs: number): void {
    const now = this.#context.now()
    if (now > this.#now) this.#now = now
    const table = this.#table
    for (let count = 0; count < ROWS_PER_LOOK; count++) {
      if (this.#cursor >= table.end) this.#cursor = 0
      const slot = this.#cursor++
      if (slot >= table.end || !table.has(slot)) continue
      const { columns } = table
      if (((columns[this.#arrival] as NumberColumn).values[slot] as number) + ttlMs > this.#now) continue
      if (this.#changed >= 0 && (columns[this.#changed] as NumberColumn).values[slot] === 1) continue
      table.remove(slot)
    }
  }
}
