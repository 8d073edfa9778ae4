/**
 * Tables by namespace: one `KeyTable` per window or pane, all with the same columns. A namespace is given up as a whole, which is what
 * makes purging a window cheap; its table is emptied and used again.
 */
import type { ColumnKind, ColumnName } from './column.js'
import type { FrozenRows, RowSink } from './frozen-rows.js'
import { KeyTable } from './key-table.js'

const SPARE_TABLES_MAX = 8

export class WindowTables {
  /** See `KeyTable.names`. */
  readonly names: readonly ColumnName[] | undefined
  readonly #columns: readonly ColumnKind[]
  readonly #tables = new Map<number, KeyTable>()
  readonly #spare: KeyTable[] = []
  /** The namespace asked for last: records come in runs. */
  #lastNamespace = Number.NaN
  #last: KeyTable | undefined

  constructor(columns: readonly ColumnKind[], names?: readonly ColumnName[]) {
    this.#columns = columns
    this.names = names
  }

  /** Freezes the tables of all namespaces; `thaw` ends it. */
  freeze(sink: RowSink): ReadonlyMap<number, FrozenRows> {
    const frozen = new Map<number, FrozenRows>()
    for (const [namespace, table] of this.#tables) frozen.set(namespace, table.freeze(sink, namespace))
    return frozen
  }

  thaw(views: ReadonlyMap<number, FrozenRows>): void {
    for (const [namespace, table] of this.#tables) {
      const view = views.get(namespace)
      if (view !== undefined) table.thaw(view)
    }
  }

  /** See `KeyTable.keepKeys`. */
  keepKeys(): void {
    for (const table of this.#tables.values()) table.keepKeys()
  }

  get kinds(): readonly ColumnKind[] {
    return this.#columns
  }

  /** The table of a namespace, made where there is none. */
  open(namespace: number): KeyTable {
    if (namespace === this.#lastNamespace) return this.#last as KeyTable
    let table = this.#tables.get(namespace)
    if (table === undefined) {
      table = this.#spare.pop() ?? new KeyTable(this.#columns, this.names)
      this.#tables.set(namespace, table)
    }
    this.#lastNamespace = namespace
    this.#last = table
    return table
  }

  get(namespace: number): KeyTable | undefined {
    return this.#tables.get(namespace)
  }

  /** Gives up a namespace with all its rows. */
  drop(namespace: number): void {
    const table = this.#tables.get(namespace)
    if (table === undefined) return
    this.#tables.delete(namespace)
    if (namespace === this.#lastNamespace) {
      this.#lastNamespace = Number.NaN
      this.#last = undefined
    }
    if (this.#spare.length >= SPARE_TABLES_MAX) return
    table.clear()
    this.#spare.push(table)
  }

  /** In the order in which they were made. */
  namespaces(): IterableIterator<number> {
    return this.#tables.keys()
  }

  /** Namespaces in use. */
  get count(): number {
    return this.#tables.size
  }

  get size(): number {
    let size = 0
    for (const table of this.#tables.values()) size += table.size
    return size
  }

  get bytes(): number {
    let bytes = 0
    for (const table of this.#tables.values()) bytes += table.bytes
    return bytes
  }
}
