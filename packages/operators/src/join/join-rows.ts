/**
 * What an unbounded join keeps: one row per key with the records of both sides, so that a record finds its key once. Records expire by the
 * clock, in the order of their arrival; a few rows are looked over with every record that comes, so that what has expired goes
 * without timers and without a pause.
 */
import type { ColumnKind, KeyTable, NumberColumn, OperatorContext, RestoredOperator } from '@sluice/engine'
import { RecordLists } from './record-lists.js'

/** Rows looked over per record: all of them are before half as many new ones have come. */
const ROWS_PER_LOOK = 2

export interface JoinRowsOptions {
  /** Records are kept with their event time. */
  readonly timed: boolean
  /** Records are kept with a number each (and each row with the next of either side). */
  readonly numbered: boolean
  readonly leftTtlMs: number | undefined
  readonly rightTtlMs: number | undefined
}

/** One side of the rows. */
export interface JoinSide {
  readonly lists: RecordLists
  readonly ttlMs: number | undefined
  /** Column of the number that the next record gets; -1: records have none. */
  readonly next: number
}

/** What is kept with each record: the fields of its list, -1 where there is no such. */
export interface JoinFields {
  readonly time: number
  readonly arrival: number
  readonly number: number
}

export class JoinRows {
  readonly table: KeyTable
  readonly left: JoinSide
  readonly right: JoinSide
  readonly fields: JoinFields
  readonly expires: boolean
  #cursor = 0
  #now = 0

  constructor(context: OperatorContext, { timed, numbered, leftTtlMs, rightTtlMs }: JoinRowsOptions) {
    this.expires = leftTtlMs !== undefined || rightTtlMs !== undefined
    const time = timed ? 0 : -1
    const arrival = this.expires ? time + 1 : -1
    const number = numbered ? Math.max(time, arrival) + 1 : -1
    this.fields = { time, arrival, number }
    const count = Math.max(time, arrival, number) + 1
    const kinds: ColumnKind[] = []
    const sideOf = (ttlMs: number | undefined): JoinSide => {
      const lists = new RecordLists(kinds.length, count, ttlMs !== undefined)
      kinds.push(...lists.kinds)
      if (numbered) kinds.push('number')
      return { lists, ttlMs, next: numbered ? kinds.length - 1 : -1 }
    }
    this.left = sideOf(leftTtlMs)
    this.right = sideOf(rightTtlMs)
    this.table = context.keyTable('rows', kinds)
  }

  /** The latest time by the clock: one that is behind it after a restore stands still until it is there. Every subtask gets that of all. */
  snapshot(): unknown {
    return this.expires ? this.#now : undefined
  }

  restore({ states }: RestoredOperator): void {
    for (const now of states as readonly (number | undefined)[]) if (now !== undefined && now > this.#now) this.#now = now
  }

  /** The row of a key; that of a new key is empty. */
  slotOf(key: unknown): number {
    const table = this.table
    const slot = table.slotOf(key)
    if (table.created) {
      this.left.lists.reset(table, slot)
      this.right.lists.reset(table, slot)
    }
    return slot
  }

  /** Where the records of a side that have not expired begin; those in front are given up. */
  liveFrom({ lists, ttlMs }: JoinSide, slot: number, now: number): number {
    if (ttlMs === undefined) return 0
    const table = this.table
    const start = lists.startOf(table, slot)
    const field = this.fields.arrival
    const end = lists.endOf(table, slot)
    if (end === 0 || ((table.columns[lists.firstNumbers + field] as NumberColumn).values[slot] as number) + ttlMs > now) return start
    let live = start
    while (live < end && lists.numberAt(table, slot, live, field) + ttlMs <= now) live++
    if (live === start) return start
    table.touch(slot)
    lists.dropBefore(table, slot, live)
    return lists.startOf(table, slot)
  }

  /** The time by the clock, which never goes back; looks over a few rows and gives up what has expired. */
  look(now: number): number {
    if (now > this.#now) this.#now = now
    const { table, left, right } = this
    for (let count = 0; count < ROWS_PER_LOOK; count++) {
      if (this.#cursor >= table.end) this.#cursor = 0
      const slot = this.#cursor++
      if (slot >= table.end || !table.has(slot)) continue
      this.liveFrom(left, slot, this.#now)
      this.liveFrom(right, slot, this.#now)
      if (left.lists.endOf(table, slot) === 0 && right.lists.endOf(table, slot) === 0) table.remove(slot)
    }
    return this.#now
  }
}
