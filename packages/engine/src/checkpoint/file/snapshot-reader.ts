/**
 * A checkpoint as the subtasks of one thread read it. Indexes are read once, sections and slices once each; keyed state is read as often as
 * it is asked for, which is once per subtask where the key groups are its own.
 */
import type { ChannelSlice } from '../../channel/channel-slice.js'
import type { StateRegistry } from '../../state/state-registry.js'
import type { TimerQueue } from '../../state/timer-queue.js'
import type { WindowTables } from '../../state/window-tables.js'
import { KeyTable } from '../../state/key-table.js'
import type { Section, SectionName, SnapshotReader } from '../snapshot.js'
import type { OpenSnapshotOptions } from './contract.js'
import { fitState } from './fit-state.js'
import { type BlockPlace, checkChannelVersion, type StoredBlock } from './format.js'
import { loadRows, loadTimers } from './load-entries.js'
import { StateFile } from './state-file.js'

/** Opens the state files of a checkpoint; nothing is read before it is asked for. */
export function openSnapshot(options: OpenSnapshotOptions): SnapshotReader {
  return new FilesReader(options)
}

class FilesReader implements SnapshotReader {
  readonly id: number
  readonly #options: OpenSnapshotOptions
  #files: Promise<readonly StateFile[]> | undefined
  readonly #sections = new Map<string, Promise<readonly Section[]>>()
  readonly #slices = new Map<string, Promise<readonly ChannelSlice[]>>()

  constructor(options: OpenSnapshotOptions) {
    this.id = options.id
    this.#options = options
  }

  sections(operator: string, name: SectionName): Promise<readonly Section[]> {
    return once(this.#sections, `${name} ${operator}`, async () => {
      const sections: Section[] = []
      for (const file of await this.#open()) {
        const { index, parallelism } = file.index
        for (const section of file.index.sections) {
          if (section.operator !== operator || section.name !== name) continue
          sections.push({ index, parallelism, value: await file.value(section.block) })
        }
      }
      return sections.sort((left, right) => left.index - right.index)
    })
  }

  async *parts(operator: string, isMine: (index: number) => boolean): AsyncGenerator {
    for (const file of await this.#open()) {
      if (!isMine(file.index.index)) continue
      for (const section of file.index.sections)
        if (section.operator === operator && section.name === 'part') yield file.value(section.block)
    }
  }

  slices(edge: string): Promise<readonly ChannelSlice[]> {
    return once(this.#slices, edge, async () => {
      const slices: ChannelSlice[] = []
      for (const file of await this.#open()) {
        for (const slice of file.index.slices) {
          if (slice.edge !== edge) continue
          checkChannelVersion(file.index, file.path)
          slices.push((await file.value(slice.block)) as ChannelSlice)
        }
      }
      // What the consumer took is older than what still waited at the producer; each wrote its own in order.
      const rank = ({ side }: ChannelSlice): number => (side === 'consumer' ? 0 : 1)
      return slices.sort((left, right) => rank(left) - rank(right))
    })
  }

  async loadKeyed(operator: string, from: number, to: number, state: StateRegistry): Promise<void> {
    const rows: (() => Promise<void>)[] = []
    const timers: (() => Promise<void>)[] = []
    for (const file of await this.#open()) {
      for (const [number, stored] of file.index.states.entries()) {
        if (stored.operator !== operator) continue
        const fitted = fitState(stored, state)
        if (fitted === undefined) continue
        const { part, columns } = fitted
        const blocks = file.index.blocks.filter(([of, group]) => of === number && group >= from && group < to)
        if (blocks.length === 0) continue
        const { shapes } = file.index
        if (stored.kind === 'timers') {
          timers.push(() =>
            file.blocks(blocks.map(placed), (view, bytes, [, group, entries]) =>
              loadTimers(view, bytes, entries, shapes, part as TimerQueue, group),
            ),
          )
        } else {
          const tables = part as KeyTable | WindowTables
          rows.push(() => {
            if (tables instanceof KeyTable) tables.reserve(blocks.reduce((sum, [, , entries]) => sum + entries, 0))
            return file.blocks(blocks.map(placed), (view, bytes, [, , entries]) => loadRows(view, bytes, entries, shapes, tables, columns))
          })
        }
      }
    }
    for (const load of rows) await load()
    // Their keys are those of rows.
    for (const load of timers) await load()
  }

  #open(): Promise<readonly StateFile[]> {
    const { storage, files } = this.#options
    this.#files ??= Promise.all(files.map((file) => StateFile.open(storage, file))).then((opened) =>
      opened.sort((left, right) => left.index.subtask - right.index.subtask),
    )
    return this.#files
  }
}

function placed(block: StoredBlock): { readonly place: BlockPlace; readonly of: StoredBlock } {
  const [, , , offset, bytes, checksum] = block
  return { place: [offset, bytes, checksum], of: block }
}

function once<T>(cache: Map<string, Promise<T>>, name: string, read: () => Promise<T>): Promise<T> {
  let promise = cache.get(name)
  if (promise === undefined) {
    promise = read()
    cache.set(name, promise)
  }
  return promise
}
