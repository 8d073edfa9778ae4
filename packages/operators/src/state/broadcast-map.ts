/** Broadcast state: one map per subtask, the same in each, because only what handles the broadcast stream may write it. */
import { checkStateValue, SluiceError, type StatePart } from '@sluice/engine'
import * as entries from './map-entries.js'
import type { MapState } from './state-types.js'

/** An entry: its key, its value and its places in the Maps, roughly. */
const ENTRY_BYTES = 120
const STRIDE = 2

/** Whether broadcast state may be written now. */
export interface WriteGate {
  open: boolean
}

export class BroadcastMap implements MapState<unknown, unknown>, StatePart {
  readonly #name: string
  readonly #operator: string
  readonly #gate: WriteGate
  #entries: entries.Entries = []

  constructor(name: string, operator: string, gate: WriteGate) {
    this.#name = name
    this.#operator = operator
    this.#gate = gate
  }

  get(key: unknown): unknown {
    return entries.readEntry(this.#entries, key, STRIDE)
  }

  has(key: unknown): boolean {
    return entries.hasEntry(this.#entries, key, STRIDE)
  }

  set(key: unknown, value: unknown): void {
    this.#assertWritable()
    checkStateValue(value, this.#name, this.#operator)
    this.#entries = entries.writeEntry(this.#entries, key, value, STRIDE, 0)
  }

  delete(key: unknown): void {
    this.#assertWritable()
    entries.deleteEntry(this.#entries, key, STRIDE)
  }

  clear(): void {
    this.#assertWritable()
    this.#entries = []
  }

  keys(): readonly unknown[] {
    return entries.keysOf(this.#entries, STRIDE)
  }

  values(): readonly unknown[] {
    return entries.valuesOf(this.#entries, STRIDE)
  }

  entries(): readonly (readonly [unknown, unknown])[] {
    const values = this.values()
    return this.keys().map((key, at) => [key, values[at]])
  }

  /** Puts entries back after a restore. */
  load(given: readonly (readonly [unknown, unknown])[]): void {
    for (const [key, value] of given) this.#entries = entries.writeEntry(this.#entries, key, value, STRIDE, 0)
  }

  get size(): number {
    return entries.countEntries(this.#entries, STRIDE)
  }

  get bytes(): number {
    return this.size * ENTRY_BYTES
  }

  #assertWritable(): void {
    if (this.#gate.open) return
    throw new SluiceError('SLUICE_STATE_READONLY', `broadcast state ${this.#name} of ${this.#operator} is written outside of onBroadcast`, {
      operator: this.#operator,
    })
  }
}
