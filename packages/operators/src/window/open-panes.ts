/**
 * The panes of an operator in the order of time: spans that each have a table of rows by key. A window is one pane (tumbling), shares
 * panes with others (sliding), or runs through several (session). Invariant: `list` is sorted by start, and by end.
 */
import type { KeyTable, WindowTables } from '@sluice/engine'

export interface Pane {
  readonly start: number
  readonly end: number
  readonly table: KeyTable
}

export class OpenPanes {
  readonly list: Pane[] = []
  readonly #tables: WindowTables

  constructor(tables: WindowTables) {
    this.#tables = tables
  }

  /** After a restore: the panes whose tables are there. */
  restore(endOf: (start: number) => number): void {
    for (const start of Float64Array.from(this.#tables.namespaces()).sort()) {
      this.list.push({ start, end: endOf(start), table: this.#tables.get(start) as KeyTable })
    }
  }

  get(start: number): Pane | undefined {
    const pane = this.list[this.firstFrom(start)]
    return pane?.start === start ? pane : undefined
  }

  /** The pane that begins at `start`, made where there is none. */
  open(start: number, end: number): Pane {
    const list = this.list
    const at = this.firstFrom(start)
    const known = list[at]
    if (known?.start === start) return known
    const pane: Pane = { start, end, table: this.#tables.open(start) }
    if (at === list.length) list.push(pane)
    else list.splice(at, 0, pane)
    return pane
  }

  /** The index of the first pane that begins at `start` or later. */
  firstFrom(start: number): number {
    const list = this.list
    let low = 0
    let high = list.length
    if (high > 0 && (list[high - 1] as Pane).start < start) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((list[middle] as Pane).start < start) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Gives up the first pane with all its rows. */
  shift(): void {
    const pane = this.list.shift()
    if (pane !== undefined) this.#tables.drop(pane.start)
  }
}
