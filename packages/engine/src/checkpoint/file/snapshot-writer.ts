/**
 * Writes one subtask's part of a checkpoint into one state file: sections and slices at once, keyed state as `step` is called, or earlier
 * where a row is about to change. Runs on the subtask's thread.
 *
 * Invariants: what is frozen is thawed when all of its operator is written, or on `discard`; nothing that fails here disturbs the subtask:
 * `finish` rejects.
 */
import { MISFIT, NO_ROOM } from '../../codec/contract.js'
import { explainMisfit } from '../../codec/explain-misfit.js'
import { SluiceError } from '../../errors/sluice-error.js'
import { type ColumnKind, type ColumnName, nameOf, traitsOf } from '../../state/column.js'
import { KeyTable } from '../../state/key-table.js'
import type { StateRegistry } from '../../state/state-registry.js'
import { TimerQueue } from '../../state/timer-queue.js'
import { WindowTables } from '../../state/window-tables.js'
import type { ChannelSlice } from '../../channel/channel-slice.js'
import type { SnapshotFileHandle } from '../protocol.js'
import { type SectionName, SNAPSHOT_WRITE_BYTES_MAX, type SnapshotWriter, type SnapshotWriters } from '../snapshot.js'
import { Arena, ArenaPool } from './arena.js'
import { BlockOutput } from './block-output.js'
import type { SnapshotWritersOptions } from './contract.js'
import type { EntryHost } from './entry-output.js'
import {
  type BlockPlace,
  CHANNEL_VERSION,
  type StoredBlock,
  type StoredColumn,
  type StoredSection,
  type StoredSlice,
  type StoredState,
  writeIndex,
} from './format.js'
import { FrozenOperator } from './frozen-operator.js'
import { ObjectShapes } from './object-shapes.js'
import { writeValue } from './state-value.js'

const VALUE_BYTES_MIN = 64 * 1024
const VALUE_BYTES_MAX = 2 ** 31 - 1

/** Makes the writers of one thread. */
export function createSnapshotWriters(options: SnapshotWritersOptions): SnapshotWriters {
  const arenas = new ArenaPool()
  return { begin: (id, subtask, onRoom = () => {}) => new FileWriter(options, arenas, id, subtask, onRoom) }
}

class FileWriter implements SnapshotWriter, EntryHost {
  readonly keyGroups: number
  readonly shapes: ObjectShapes = new ObjectShapes()
  readonly arenas: ArenaPool
  stateBytes = 0
  channelBytes = 0
  readonly #id: number
  readonly #subtask: number
  readonly #index: number
  readonly #parallelism: number
  readonly #path: string
  readonly #output: BlockOutput
  readonly #states: (Omit<StoredState, 'entries'> & { entries: number })[] = []
  readonly #sections: StoredSection[] = []
  readonly #slices: StoredSlice[] = []
  readonly #blocks: StoredBlock[] = []
  readonly #frozen: FrozenOperator[] = []
  #nextFrozen = 0
  readonly #parts: { readonly operator: string; readonly parts: Iterator<unknown> }[] = []

  constructor(
    { storage, folderOf, keyGroups, attempt, placeOf }: SnapshotWritersOptions,
    arenas: ArenaPool,
    id: number,
    subtask: number,
    onRoom: () => void,
  ) {
    const { index, parallelism } = placeOf(subtask)
    this.keyGroups = keyGroups
    this.arenas = arenas
    this.#id = id
    this.#subtask = subtask
    this.#index = index
    this.#parallelism = parallelism
    this.#path = `${folderOf(id)}/state-${subtask}-${attempt}.bin`
    this.#output = new BlockOutput(storage, this.#path, arenas, onRoom)
  }

  get pendingBytes(): number {
    return this.#output.pendingBytes
  }

  get failed(): boolean {
    return this.#output.failure !== undefined
  }

  section(operator: string, name: SectionName, value: unknown): void {
    const block = this.#writeValue(value, `section ${name} of ${operator}`, operator)
    if (block === undefined) return
    this.#sections.push({ operator, name, block })
    this.stateBytes += block[1]
  }

  slice(slice: ChannelSlice): void {
    const block = this.#writeValue(slice, `records between ${slice.edge}`, undefined)
    if (block === undefined) return
    const { edge, fromIndex, toIndex, side } = slice
    this.#slices.push({ edge, from: fromIndex, to: toIndex, side, block })
    this.channelBytes += block[1]
  }

  freeze(operator: string, state: StateRegistry): void {
    if (this.failed) return
    const frozen = new FrozenOperator(this, Math.ceil(this.keyGroups / this.#parallelism))
    this.#frozen.push(frozen)
    try {
      for (const [name, part] of state.parts()) {
        if (part instanceof KeyTable) {
          frozen.table(this.#declare(operator, name, 'table', part.kinds, part.names), part)
        } else if (part instanceof WindowTables) {
          frozen.windows(this.#declare(operator, name, 'windows', part.kinds, part.names), part)
        }
      }
      // Behind the rows whose keys they need.
      for (const [name, part] of state.parts()) {
        if (part instanceof TimerQueue) frozen.timers(this.#declare(operator, name, 'timers', [], undefined), part)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  parts(operator: string, parts: Iterator<unknown>): void {
    this.#parts.push({ operator, parts })
  }

  step(late: () => boolean): boolean {
    return this.#stepFrozen(late) && this.#stepParts(late)
  }

  #stepFrozen(late: () => boolean): boolean {
    for (; this.#nextFrozen < this.#frozen.length; this.#nextFrozen++) {
      const frozen = this.#frozen[this.#nextFrozen] as FrozenOperator
      for (;;) {
        if (this.failed) break
        if (this.pendingBytes >= SNAPSHOT_WRITE_BYTES_MAX) return false
        if (!frozen.step()) break
        if (late()) return false
      }
      for (const [state, entries] of frozen.thaw()) {
        const stored = this.#states[state]
        if (stored !== undefined) stored.entries = entries
      }
    }
    return true
  }

  #stepParts(late: () => boolean): boolean {
    for (let first = this.#parts[0]; first !== undefined; first = this.#parts[0]) {
      if (this.failed) break
      if (this.pendingBytes >= SNAPSHOT_WRITE_BYTES_MAX || late()) return false
      try {
        const next = first.parts.next()
        if (next.done === true) this.#parts.shift()
        else this.section(first.operator, 'part', next.value)
      } catch (error) {
        this.#fail(error)
      }
    }
    this.#endParts()
    return true
  }

  #endParts(): void {
    for (const { parts } of this.#parts.splice(0)) parts.return?.()
  }

  async finish(): Promise<SnapshotFileHandle | undefined> {
    if (this.#output.empty && !this.failed) return undefined
    const { bytes, checksum } = writeIndex(
      {
        checkpoint: this.#id,
        subtask: this.#subtask,
        index: this.#index,
        parallelism: this.#parallelism,
        keyGroups: this.keyGroups,
        channelVersion: CHANNEL_VERSION,
        states: this.#states,
        sections: this.#sections,
        slices: this.#slices,
        blocks: this.#blocks,
        shapes: this.shapes.names,
      },
      this.#output.end,
    )
    return { path: this.#path, bytes: await this.#output.finish(bytes), checksum }
  }

  discard(): Promise<void> {
    for (const frozen of this.#frozen) frozen.thaw()
    this.#nextFrozen = this.#frozen.length
    this.#endParts()
    // What was written is not state, because no manifest names it.
    return this.#output.discard()
  }

  block(state: number, group: number, entries: number, bytes: Uint8Array): void {
    const [offset, length, checksum] = this.#output.block(bytes)
    this.#blocks.push([state, group, entries, offset, length, checksum])
    this.stateBytes += length
  }

  refuse(state: number, key: unknown, values: readonly unknown[]): void {
    const { operator, state: name } = this.#states[state] as StoredState
    const why = [key, ...values].map(explainMisfit).find((misfit) => misfit !== undefined)
    const message = `a row of state ${name} of ${operator} cannot be written: ${why?.message ?? 'it is larger than 1 GiB'}`
    this.#fail(new SluiceError('SLUICE_STATE_VALUE', message, { operator, cause: why }))
  }

  #declare(
    operator: string,
    state: string,
    kind: StoredState['kind'],
    kinds: readonly ColumnKind[],
    names: readonly ColumnName[] | undefined,
  ): number {
    const columns = kinds.map((kind, index): StoredColumn => {
      const name = names?.[index]
      if (name === undefined) return { kind }
      const { holds, own } = traitsOf(name)
      return { kind, name: nameOf(name), ...(holds === undefined ? {} : { holds }), ...(own === undefined ? {} : { own }) }
    })
    return this.#states.push({ operator, state, kind, columns, entries: 0 }) - 1
  }

  #writeValue(value: unknown, what: string, operator: string | undefined): BlockPlace | undefined {
    if (this.failed) return undefined
    let end = NO_ROOM
    for (let length = VALUE_BYTES_MIN; end === NO_ROOM && length <= VALUE_BYTES_MAX; length = Math.min(8 * length, VALUE_BYTES_MAX)) {
      const arena = length === VALUE_BYTES_MIN ? this.arenas.take(length) : new Arena(length)
      end = writeValue(value, arena.view, arena.bytes, 0, length, this.shapes)
      const block = end >= 0 ? this.#output.block(arena.bytes.subarray(0, end)) : undefined
      if (length === VALUE_BYTES_MIN) this.arenas.give(arena)
      if (block !== undefined) return block
      if (length === VALUE_BYTES_MAX) break
    }
    const why = end === MISFIT ? explainMisfit(value) : undefined
    this.#fail(
      new SluiceError('SLUICE_STATE_VALUE', `${what} cannot be written: ${why?.message ?? 'larger than 2 GiB'}`, { operator, cause: why }),
    )
    return undefined
  }

  #fail(error: unknown): void {
    this.#output.failure ??= { error }
  }
}
