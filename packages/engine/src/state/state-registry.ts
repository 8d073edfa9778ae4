/** All keyed state of one operator in one subtask, by name: what a checkpoint will write, and what counts as state bytes. */
import { assert } from '../errors/sluice-error.js'
import type { ColumnKind, ColumnName } from './column.js'
import { KeyTable } from './key-table.js'
import { WindowTables } from './window-tables.js'

/**
 * What a registered part of the state can tell of itself. Tables, tables of windows and timers are written into checkpoints by key group and
 * read again; what else an operator registers is counted here, and written by its `snapshot`.
 */
export interface StatePart {
  readonly bytes: number
  readonly size: number
}

export class StateRegistry {
  readonly #parts = new Map<string, StatePart>()

  /** Every part with its name, in the order in which they were declared. */
  parts(): IterableIterator<[string, StatePart]> {
    return this.#parts.entries()
  }

  part(name: string): StatePart | undefined {
    return this.#parts.get(name)
  }

  keyTable(name: string, columns: readonly ColumnKind[], names?: readonly ColumnName[]): KeyTable {
    return this.register(name, new KeyTable(columns, names))
  }

  windowTables(name: string, columns: readonly ColumnKind[], names?: readonly ColumnName[]): WindowTables {
    return this.register(name, new WindowTables(columns, names))
  }

  /** Adds a part under a name of its own. */
  register<P extends StatePart>(name: string, part: P): P {
    assert(!this.#parts.has(name), `state ${name} is declared twice`)
    this.#parts.set(name, part)
    return part
  }

  get bytes(): number {
    let bytes = 0
    for (const part of this.#parts.values()) bytes += part.bytes
    return bytes
  }

  get entries(): number {
    let entries = 0
    for (const part of this.#parts.values()) entries += part.size
    return entries
  }
}
