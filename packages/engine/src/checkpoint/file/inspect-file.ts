/** Reads state files without a job: every checksum, and every entry, for `sluice checkpoints verify`, `read` and `diff`. */
import type { Buffer } from 'node:buffer'
import type { Cursor } from '../../codec/contract.js'
import type { SnapshotFileHandle } from '../protocol.js'
import type { CheckpointStorage } from '../storage.js'
import type { SnapshotEntry } from './contract.js'
import { type BlockPlace, damaged, HEADER_BYTES, NAMESPACE_TAG, type StoredBlock, type StoredState } from './format.js'
import { StateFile } from './state-file.js'
import { readValue } from './state-value.js'

/**
 * Checks that a file is what was written, to the last byte: its length, its index, every block.
 *
 * Fails with `SLUICE_CHECKPOINT_CORRUPT`, `_VERSION` or `_FILE_MISSING`.
 */
export async function verifySnapshotFile(storage: CheckpointStorage, handle: SnapshotFileHandle): Promise<void> {
  const file = await StateFile.open(storage, handle)
  const places = placesOf(file)
  let end = HEADER_BYTES
  for (const { place } of places) {
    if (place[0] !== end) damaged(file.path, `there is a gap at ${end}`)
    end += place[1]
  }
  await file.blocks(places, () => {})
}

/** Checks length, header and index of a file, which is all that can be said without reading it whole. */
export async function checkSnapshotFile(storage: CheckpointStorage, handle: SnapshotFileHandle): Promise<void> {
  await StateFile.open(storage, handle)
}

/** Everything in a file, as it was written. */
export async function* readSnapshotEntries(storage: CheckpointStorage, handle: SnapshotFileHandle): AsyncGenerator<SnapshotEntry> {
  const file = await StateFile.open(storage, handle)
  const { index, parallelism, sections, slices, states, blocks } = file.index
  for (const { operator, name, block } of sections) {
    yield { type: 'section', operator, name, index, parallelism, value: await file.value(block) }
  }
  for (const { edge, from, to, block } of slices) yield { type: 'slice', edge, fromIndex: from, toIndex: to, bytes: block[1] }
  for (const block of blocks) {
    const stored = states[block[0]]
    if (stored === undefined) return damaged(file.path, 'a block of an unknown state')
    const entries: SnapshotEntry[] = []
    await file.blocks([placed(block)], (view, bytes) => readEntries(view, bytes, block, stored, file.index.shapes, entries))
    yield* entries
  }
}

function readEntries(
  view: DataView,
  bytes: Buffer,
  [, group, count]: StoredBlock,
  { operator, state, kind, columns }: StoredState,
  shapes: readonly (readonly string[])[],
  into: SnapshotEntry[],
): void {
  const cursor: Cursor = { at: 0 }
  const order = [...columns.entries()]
  const stored = [...order.filter(([, column]) => column.kind === 'number'), ...order.filter(([, column]) => column.kind === 'value')]
  let namespace: number | undefined
  for (let left = count; left > 0; left--) {
    if (view.getUint8(cursor.at) === NAMESPACE_TAG) {
      namespace = view.getFloat64(cursor.at + 1, true)
      cursor.at += 9
    }
    const key = readValue(view, bytes, cursor, shapes)
    if (kind === 'timers') {
      into.push({ type: 'timer', operator, state, group, namespace: namespace ?? 0, key, time: view.getFloat64(cursor.at, true) })
      cursor.at += 16
      continue
    }
    const held = new Map<number, unknown>()
    for (const [column, { kind: of }] of stored) {
      if (of === 'value') held.set(column, readValue(view, bytes, cursor, shapes))
      else {
        held.set(column, view.getFloat64(cursor.at, true))
        cursor.at += 8
      }
    }
    const named = Object.fromEntries(order.map(([column, { name }]) => [name ?? String(column), held.get(column)]))
    into.push({ type: 'row', operator, state, group, namespace, key, columns: named })
  }
}

function placesOf(file: StateFile): { readonly place: BlockPlace; readonly of: readonly number[] }[] {
  const { sections, slices, blocks } = file.index
  return [
    ...sections.map(({ block }) => ({ place: block, of: [] })),
    ...slices.map(({ block }) => ({ place: block, of: [] })),
    ...blocks.map(placed),
  ].sort((left, right) => left.place[0] - right.place[0])
}

function placed(block: StoredBlock): { readonly place: BlockPlace; readonly of: StoredBlock } {
  const [, , , offset, bytes, checksum] = block
  return { place: [offset, bytes, checksum], of: block }
}
