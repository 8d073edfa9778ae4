/**
 * Windows of `n` records of a key. Runs per record. Rows hold beside their contents how many records are in and the latest timestamp; a
 * full window is given up, what is left goes out at the end of the input.
 */
import type { KeyTable, NumberColumn, Operator, OperatorContext, RestoredOperator } from '@sluice/engine'
import { ownColumn } from '../aggregate/column-names.js'
import { type BeforeEnd, watermarkBeforeEnd } from '../operator/before-end.js'
import type { WindowContents } from './window-contents.js'
import type { TimeWindow } from './window-types.js'

/** The window of what has no bounds in time. */
export const ALWAYS: TimeWindow = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }

/** The timestamp of a result without an end: other records may have moved the watermark past its own; what goes out now is not late for that. */
export function behind(watermark: number, latest: number): number {
  return latest <= watermark ? watermark + 1 : latest
}

export class CountOperator implements Operator {
  readonly #contents: WindowContents
  readonly #count: number
  readonly #table: KeyTable
  readonly #counts: NumberColumn
  readonly #latest: NumberColumn
  /** The last but that of the end. */
  #watermark: number = Number.NEGATIVE_INFINITY
  /** The slot that is next to go out; undefined: the input goes on. */
  #next: number | undefined

  constructor(context: OperatorContext, contents: WindowContents, count: number) {
    this.#contents = contents
    this.#count = count
    const names = [...contents.names, ownColumn('count'), ownColumn('latest')]
    this.#table = context.keyTable('windows', [...contents.columns, 'number', 'number'], names)
    const at = contents.columns.length
    this.#counts = this.#table.columns[at] as NumberColumn
    this.#latest = this.#table.columns[at + 1] as NumberColumn
  }

  process(value: unknown, timestamp: number): void {
    const table = this.#table
    const slot = this.#contents.update(table, value)
    const counts = this.#counts.values
    const latest = this.#latest.values
    const count = table.created ? 1 : (counts[slot] as number) + 1
    // A timestamp that is not there is NaN and stays it.
    if (table.created || timestamp > (latest[slot] as number)) latest[slot] = timestamp
    counts[slot] = count
    if (count < this.#count) return
    this.#contents.emit(table, slot, ALWAYS, behind(this.#watermark, latest[slot] as number))
    table.remove(slot)
  }

  onWatermark(watermark: number): void {
    if (watermark !== Number.POSITIVE_INFINITY) this.#watermark = watermark
  }

  onEnd(): void {
    this.#next = 0
  }

  snapshot(): BeforeEnd {
    return { watermark: this.#watermark }
  }

  restore(restored: RestoredOperator): void {
    this.#watermark = watermarkBeforeEnd(restored)
    if (restored.ended) this.#next = 0
  }

  fire(): boolean {
    if (this.#next === undefined) return false
    const table = this.#table
    const slot = table.next(this.#next)
    if (slot < 0) {
      this.#next = undefined
      return false
    }
    this.#next = slot + 1
    this.#contents.emit(table, slot, ALWAYS, behind(this.#watermark, this.#latest.values[slot] as number))
    table.remove(slot)
    return true
  }
}
