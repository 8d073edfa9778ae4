/**
 * The join of records that lie in the same session of their key; records of both sides make a session last. Either side is kept per key in
 * the order of time, so that the first session of a key is a run at the front, found when it may have ended: nothing is merged before.
 *
 * Invariants: sessions that have ended are gone once `fire` is done; a row with records has an entry in the heap at the time in its column,
 * at or before the last instant of its first session.
 */
import type { ColumnKind, KeyTable, OperatorContext, RestoredOperator } from '@sluice/engine'
import { explainTimestamp, type TimedOperator } from '../window/timed-operator.js'
import { emitPairs, type WindowJoinFn } from './cross-product.js'
import { DueRows } from './due-rows.js'
import type { KeyOf } from './join-input.js'
import { RecordLists } from './record-lists.js'

const LATE_PORT = 1
/** Sessions looked at by one call of `fire` that turn out to last longer or to have no pairs. */
const STEPS_PER_FIRING = 64

const LEFT = new RecordLists(0, 1, true)
const RIGHT = new RecordLists(LEFT.kinds.length, 1, true)
const DUE = LEFT.kinds.length + RIGHT.kinds.length
const KINDS: readonly ColumnKind[] = [...LEFT.kinds, ...RIGHT.kinds, 'number']

export class SessionJoin implements TimedOperator {
  readonly #context: OperatorContext
  readonly #leftKeyOf: KeyOf
  readonly #rightKeyOf: KeyOf
  readonly #fn: WindowJoinFn
  readonly #gapMs: number
  readonly #table: KeyTable
  readonly #due: DueRows
  #watermark: number = Number.NEGATIVE_INFINITY

  constructor(context: OperatorContext, leftKeyOf: KeyOf, rightKeyOf: KeyOf, fn: WindowJoinFn, gapMs: number) {
    this.#context = context
    this.#leftKeyOf = leftKeyOf
    this.#rightKeyOf = rightKeyOf
    this.#fn = fn
    this.#gapMs = gapMs
    this.#table = context.keyTable('sessions', KINDS)
    this.#due = new DueRows(this.#table, DUE)
  }

  process(value: unknown, timestamp: number, input = 0): void {
    if (timestamp !== timestamp) throw explainTimestamp(timestamp)
    const table = this.#table
    const isLeft = input === 0
    const key = isLeft ? this.#leftKeyOf(value) : this.#rightKeyOf(value)
    const due = timestamp + this.#gapMs - 1
    if (due <= this.#watermark && !this.#touches(key, timestamp)) {
      this.#context.countLate(1)
      this.#context.emit(value, timestamp, LATE_PORT)
      return
    }
    const slot = table.slotOf(key)
    if (table.created) {
      LEFT.reset(table, slot)
      RIGHT.reset(table, slot)
      this.#due.reset(slot)
    }
    ;(isLeft ? LEFT : RIGHT).insert(table, slot, value, timestamp)
    this.#due.armEarlier(slot, due)
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
  }

  restore({ watermark }: RestoredOperator): void {
    this.#watermark = watermark
    this.#due.restore()
  }

  get dueAt(): number {
    return this.#due.least
  }

  fire(): boolean {
    for (let step = 0; step < STEPS_PER_FIRING; step++) {
      const slot = this.#due.take(this.#watermark)
      if (slot < 0) return false
      if (this.#settle(slot)) return true
    }
    return true
  }

  close(): void {
    this.#table.clear()
  }

  /** Fires the first session of a row, if it has ended; true where there are pairs. */
  #settle(slot: number): boolean {
    const table = this.#table
    const firstLeft = LEFT.startOf(table, slot)
    const firstRight = RIGHT.startOf(table, slot)
    let left = firstLeft
    let right = firstRight
    const start = Math.min(timeAt(LEFT, table, slot, left), timeAt(RIGHT, table, slot, right))
    let end = start + this.#gapMs
    for (;;) {
      const nextLeft = timeAt(LEFT, table, slot, left)
      const nextRight = timeAt(RIGHT, table, slot, right)
      const next = Math.min(nextLeft, nextRight)
      if (next >= end) break
      end = next + this.#gapMs
      if (nextLeft === next) left++
      else right++
    }
    if (end - 1 > this.#watermark) {
      this.#due.arm(slot, end - 1)
      return false
    }
    const leftRecords = LEFT.slice(table, slot, firstLeft, left)
    const rightRecords = RIGHT.slice(table, slot, firstRight, right)
    LEFT.dropBefore(table, slot, left)
    RIGHT.dropBefore(table, slot, right)
    const next = Math.min(timeAt(LEFT, table, slot, LEFT.startOf(table, slot)), timeAt(RIGHT, table, slot, RIGHT.startOf(table, slot)))
    if (next === Number.POSITIVE_INFINITY) table.remove(slot)
    else this.#due.arm(slot, next + this.#gapMs - 1)
    if (leftRecords.length === 0 || rightRecords.length === 0) return false
    emitPairs(this.#context, this.#fn, leftRecords, rightRecords, { start, end })
    return true
  }

  /** Whether a record that is late by itself belongs to a session that goes on. */
  #touches(key: unknown, timestamp: number): boolean {
    const table = this.#table
    const slot = table.find(key)
    if (slot < 0) return false
    for (const side of [LEFT, RIGHT]) {
      const end = side.endOf(table, slot)
      for (let index = side.startOf(table, slot); index < end; index++) {
        const distance = side.numberAt(table, slot, index, 0) - timestamp
        if (distance >= this.#gapMs) break
        if (distance > -this.#gapMs) return true
      }
    }
    return false
  }
}

/** Infinity behind the end. */
function timeAt(lists: RecordLists, table: KeyTable, slot: number, index: number): number {
  return index < lists.endOf(table, slot) ? lists.numberAt(table, slot, index, 0) : Number.POSITIVE_INFINITY
}
