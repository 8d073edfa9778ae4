/**
 * The join of records that lie in the same window, tumbling or sliding. Each record is kept once, in its pane; a window that ends goes through
 * the left records of its panes, key by key, and pairs them with the right ones of all its panes. A record that comes within the allowed
 * lateness is joined at once in the windows that have fired; so every pair of a window is given once.
 *
 * Invariants: windows whose last instant is at or before `firedTo` have fired; a pane is kept until its last window takes no more records. Rows
 * say the same each for itself, so that a firing may be interrupted by a snapshot.
 */
import type { ColumnKind, KeyTable, NumberColumn, OperatorContext, RestoredOperator } from '@sluice/engine'
import { OpenPanes, type Pane } from '../window/open-panes.js'
import { explainTimestamp, type TimedOperator } from '../window/timed-operator.js'
import type { TimeWindow } from '../window/window-types.js'
import { emitPairs, type WindowJoinFn } from './cross-product.js'
import type { KeyOf } from './join-input.js'
import type { PaneWindows } from './pane-windows.js'
import { RecordLists } from './record-lists.js'

const LATE_PORT = 1
const LEFT = new RecordLists(0, 0, false)
const RIGHT = new RecordLists(LEFT.kinds.length, 0, false)
/** The last instant of the last window in which the left records of a row were paired. */
const PAIRED = LEFT.kinds.length + RIGHT.kinds.length
const KINDS: readonly ColumnKind[] = [...LEFT.kinds, ...RIGHT.kinds, 'number']

export class WindowJoin implements TimedOperator {
  readonly #context: OperatorContext
  readonly #leftKeyOf: KeyOf
  readonly #rightKeyOf: KeyOf
  readonly #fn: WindowJoinFn
  readonly #windows: PaneWindows
  readonly #latenessMs: number
  readonly #panes: OpenPanes
  #watermark: number = Number.NEGATIVE_INFINITY
  #firedTo: number = Number.NEGATIVE_INFINITY
  /** The pane of the last record. */
  #pane: Pane | undefined
  /** Of the window that is firing: its place, and what is next in it. */
  #window: TimeWindow | undefined
  #firingPane = 0
  #slot = 0

  constructor(context: OperatorContext, leftKeyOf: KeyOf, rightKeyOf: KeyOf, fn: WindowJoinFn, windows: PaneWindows, latenessMs: number) {
    this.#context = context
    this.#leftKeyOf = leftKeyOf
    this.#rightKeyOf = rightKeyOf
    this.#fn = fn
    this.#windows = windows
    this.#latenessMs = latenessMs
    this.#panes = new OpenPanes(context.windowTables('panes', KINDS))
  }

  process(value: unknown, timestamp: number, input = 0): void {
    let pane = this.#pane
    if (pane === undefined || !(timestamp >= pane.start && timestamp < pane.end)) {
      if (timestamp !== timestamp) throw explainTimestamp(timestamp)
      const start = this.#windows.grid.startOf(timestamp)
      if (this.#windows.lastEnd(start) - 1 + this.#latenessMs <= this.#watermark) {
        this.#context.countLate(1)
        this.#context.emit(value, timestamp, LATE_PORT)
        return
      }
      pane = this.#panes.open(start, this.#windows.grid.endOf(start))
      this.#pane = pane
    }
    const { table } = pane
    const isLeft = input === 0
    const key = isLeft ? this.#leftKeyOf(value) : this.#rightKeyOf(value)
    const slot = table.slotOf(key)
    if (table.created) {
      LEFT.reset(table, slot)
      RIGHT.reset(table, slot)
      pairedOf(table)[slot] = this.#firedTo
    }
    ;(isLeft ? LEFT : RIGHT).append(table, slot, value, 0, 0, 0)
    if (this.#latenessMs > 0 && pane.start <= this.#watermark) this.#joinLate(isLeft, value, key, pane)
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
  }

  snapshot(): unknown {
    return this.#firedTo
  }

  restore({ watermark, states }: RestoredOperator): void {
    this.#watermark = watermark
    this.#firedTo = states.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...(states as readonly number[]))
    this.#panes.restore((start) => this.#windows.grid.endOf(start))
  }

  get dueAt(): number {
    for (const pane of this.#panes.list) {
      const end = this.#windows.endBehind(pane, this.#firedTo)
      if (end < Number.POSITIVE_INFINITY) return end - 1
    }
    return Number.POSITIVE_INFINITY
  }

  /** The pairs of the next left row of the next window that is due. */
  fire(): boolean {
    const { list } = this.#panes
    for (;;) {
      const window = this.#window ?? this.#open()
      if (window === undefined) {
        this.#firedTo = this.#watermark
        this.#giveUp()
        return false
      }
      for (; ; this.#firingPane++, this.#slot = 0) {
        const pane = list[this.#firingPane]
        if (pane === undefined || pane.start >= window.end) break
        const { table } = pane
        while (this.#slot < table.end) {
          const slot = this.#slot++
          const paired = pairedOf(table)
          if (!table.has(slot) || LEFT.endOf(table, slot) === 0 || (paired[slot] as number) >= window.end - 1) continue
          table.touch(slot)
          paired[slot] = window.end - 1
          const right = this.#gather(RIGHT, table.keyAt(slot), window)
          if (right.length === 0) continue
          emitPairs(this.#context, this.#fn, valuesOf(LEFT, table, slot), right, window)
          return true
        }
      }
      this.#firedTo = window.end - 1
      this.#window = undefined
    }
  }

  close(): void {
    this.#pane = undefined
    while (this.#panes.list.length > 0) this.#panes.shift()
  }

  /** The next window that is due. */
  #open(): TimeWindow | undefined {
    const { list } = this.#panes
    for (const pane of list) {
      const end = this.#windows.endBehind(pane, this.#firedTo)
      if (end === Number.POSITIVE_INFINITY) continue
      if (end - 1 > this.#watermark) return undefined
      const start = this.#windows.startOf(pane, end)
      this.#window = { start, end }
      this.#firingPane = this.#panes.firstFrom(start)
      this.#slot = 0
      return this.#window
    }
    return undefined
  }

  /** The pairs of a record in windows that have fired already. */
  #joinLate(isLeft: boolean, value: unknown, key: unknown, pane: Pane): void {
    const windows = this.#windows
    const takesFrom = this.#watermark - this.#latenessMs
    for (let end = windows.endBehind(pane, takesFrom); end - 1 <= this.#watermark; end = windows.endBehind(pane, end - 1)) {
      const window = { start: windows.startOf(pane, end), end }
      const partners = this.#gather(isLeft ? RIGHT : LEFT, key, window)
      if (isLeft) emitPairs(this.#context, this.#fn, [value], partners, window)
      else emitPairs(this.#context, this.#fn, partners, [value], window)
    }
  }

  /** The records of one side and key in all panes of a window. */
  #gather(side: RecordLists, key: unknown, { start, end }: TimeWindow): readonly unknown[] {
    const { list } = this.#panes
    let gathered: readonly unknown[] = NOTHING
    for (let index = this.#panes.firstFrom(start); index < list.length; index++) {
      const pane = list[index] as Pane
      if (pane.start >= end) break
      const slot = pane.table.find(key)
      if (slot < 0 || side.endOf(pane.table, slot) === 0) continue
      const found = valuesOf(side, pane.table, slot)
      gathered = gathered.length === 0 ? found : gathered.concat(found)
    }
    return gathered
  }

  #giveUp(): void {
    const { list } = this.#panes
    for (let first = list[0]; first !== undefined; first = list[0]) {
      if (this.#windows.lastEnd(first.start) - 1 + this.#latenessMs > this.#watermark) return
      if (this.#pane === first) this.#pane = undefined
      this.#panes.shift()
    }
  }
}

const NOTHING: readonly unknown[] = []

function pairedOf(table: KeyTable): Float64Array {
  return (table.columns[PAIRED] as NumberColumn).values
}

/** The records of a row, at least one. */
function valuesOf(lists: RecordLists, table: KeyTable, slot: number): readonly unknown[] {
  const end = lists.endOf(table, slot)
  return end === 1 ? [lists.recordAt(table, slot, 0)] : lists.arrayAt(table, slot)
}
