/** The keyed state of one operator, frozen and on its way to the file: rows first, then timers, whose keys are those of the rows. */
import { assert } from '../../errors/sluice-error.js'
import type { FrozenRows } from '../../state/frozen-rows.js'
import type { FrozenTimers } from '../../state/frozen-timers.js'
import type { KeyTable } from '../../state/key-table.js'
import type { TimerQueue } from '../../state/timer-queue.js'
import type { WindowTables } from '../../state/window-tables.js'
import { type EntryHost, EntryOutput } from './entry-output.js'
import { BLOCK_BYTES_MAX } from './format.js'

const SLICE_BYTES_MIN = 1024
/** Roughly: a key, and a value. */
const KEY_BYTES = 12
const VALUE_BYTES = 64
const TIMER_BYTES = 30

interface FrozenState {
  readonly state: number
  readonly output: EntryOutput
  readonly views: Iterator<FrozenRows | FrozenTimers>
  view: FrozenRows | FrozenTimers | undefined
  written: boolean
}

export class FrozenOperator {
  readonly #host: EntryHost
  readonly #slices: number
  readonly #states: FrozenState[] = []
  readonly #thaw: (() => void)[] = []
  readonly #rowsOf = new Map<KeyTable | WindowTables, (namespace: number) => FrozenRows | undefined>()
  #next = 0

  /** @param slices how many key groups the subtask has */
  constructor(host: EntryHost, slices: number) {
    this.#host = host
    this.#slices = slices
  }

  /** `state` is its number in the file. */
  table(state: number, table: KeyTable): void {
    if (table.size === 0) return
    const output = this.#output(state, table.size, rowBytes(table.kinds))
    const view = table.freeze(output)
    this.#thaw.push(() => table.thaw(view))
    this.#rowsOf.set(table, () => view)
    this.#add(state, output, [view])
  }

  windows(state: number, tables: WindowTables): void {
    const { size } = tables
    if (size === 0) return
    const output = this.#output(state, size, rowBytes(tables.kinds))
    const views = tables.freeze(output)
    this.#thaw.push(() => tables.thaw(views))
    this.#rowsOf.set(tables, (namespace) => views.get(namespace))
    this.#add(state, output, views.values())
  }

  timers(state: number, timers: TimerQueue): void {
    // Timers of rows that are gone, as those of windows may be, find nothing when they come.
    if (timers.size === 0 || timers.rows?.size === 0) return
    const rowsOf = timers.rows === undefined ? undefined : this.#rowsOf.get(timers.rows)
    assert(rowsOf !== undefined, 'timers without rows cannot be part of a checkpoint')
    const output = this.#output(state, timers.size, TIMER_BYTES)
    output.keyOfTimer = (slot, namespace) => rowsOf(namespace)?.keyAt(slot)
    timers.rows?.keepKeys()
    this.#add(state, output, [timers.freeze(output)])
  }

  /** Writes some entries, or a block of them: some microseconds. False where nothing is left. */
  step(): boolean {
    const current = this.#states[this.#next]
    if (current === undefined) return false
    if (!current.written) {
      if (current.view?.step() === true) return true
      const { done, value } = current.views.next()
      current.view = done === true ? undefined : value
      current.written = done === true
      return true
    }
    if (current.output.flushSome(1)) return true
    current.output.release()
    this.#next++
    return this.#next < this.#states.length
  }

  /** How many entries were written, by state. Nothing happens the second time. */
  thaw(): [state: number, entries: number][] {
    for (const thaw of this.#thaw.splice(0)) thaw()
    // Those that were not written to their end are given up.
    for (const { output } of this.#states.slice(this.#next)) output.release()
    this.#next = this.#states.length
    return this.#states.map(({ state, output }) => [state, output.entries])
  }

  #output(state: number, size: number, entryBytes: number): EntryOutput {
    let sliceBytes = SLICE_BYTES_MIN
    while (sliceBytes < BLOCK_BYTES_MAX && sliceBytes * this.#slices < 1.25 * size * entryBytes) sliceBytes *= 2
    return new EntryOutput(this.#host, state, sliceBytes, this.#slices)
  }

  #add(state: number, output: EntryOutput, views: Iterable<FrozenRows | FrozenTimers>): void {
    this.#states.push({ state, output, views: views[Symbol.iterator](), view: undefined, written: false })
  }
}

function rowBytes(kinds: readonly string[]): number {
  let bytes = KEY_BYTES
  for (const kind of kinds) bytes += kind === 'number' ? 8 : VALUE_BYTES
  return bytes
}
