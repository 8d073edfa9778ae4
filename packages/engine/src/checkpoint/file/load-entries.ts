/** From the bytes of blocks to rows and timers. */
import type { Buffer } from 'node:buffer'
import { Tag } from '../../codec/any-tags.js'
import type { Cursor } from '../../codec/contract.js'
import { corrupt } from '../../codec/corrupt.js'
import type { Column, ValueColumn } from '../../state/column.js'
import { KeyTable } from '../../state/key-table.js'
import type { TimerQueue } from '../../state/timer-queue.js'
import type { WindowTables } from '../../state/window-tables.js'
import type { ColumnMap } from './fit-state.js'
import { NAMESPACE_TAG } from './format.js'
import { readValue } from './state-value.js'

type Shapes = readonly (readonly string[])[]

/** Takes the rows of one block. */
export function loadRows(
  view: DataView,
  bytes: Buffer,
  entries: number,
  shapes: Shapes,
  into: KeyTable | WindowTables,
  columns: ColumnMap,
): void {
  const { numbers, values, added, made } = columns
  const cursor: Cursor = { at: 0 }
  let table = into instanceof KeyTable ? into : undefined
  for (let left = entries; left > 0; left--) {
    if (view.getUint8(cursor.at) === NAMESPACE_TAG) {
      if (into instanceof KeyTable) corrupt('a row of a window in a table that has none')
      table = into.open(view.getFloat64(cursor.at + 1, true))
      cursor.at += 9
    }
    if (table === undefined) return corrupt('a row of no window')
    const slot = table.add(readKey(view, bytes, cursor, shapes))
    if (!table.created) corrupt('two rows of one key')
    for (let index = 0; index < numbers.length; index++, cursor.at += 8) {
      const column = table.columns[numbers[index] as number]
      if (column === undefined) continue
      const number = view.getFloat64(cursor.at, true)
      if (column.kind === 'number') column.values[slot] = number
      else putValue(column, slot, number)
    }
    for (let index = 0; index < values.length; index++) {
      const value = readValue(view, bytes, cursor, shapes)
      const column = table.columns[values[index] as number] as ValueColumn | undefined
      if (column !== undefined && value !== undefined) putValue(column, slot, value)
    }
    for (let index = 0; index < added.length; index++) {
      const [column, initial] = added[index] as readonly [number, number]
      ;(table.columns[column] as Column).values[slot] = initial
    }
    for (let index = 0; index < made.length; index++) {
      const [column, make] = made[index] as readonly [number, () => unknown]
      putValue(table.columns[column] as ValueColumn, slot, make())
    }
  }
  if (cursor.at !== bytes.length) corrupt('a block goes on behind its last row')
}

/** Takes the timers of one block, all of key group `group`; the rows are there. */
export function loadTimers(view: DataView, bytes: Buffer, entries: number, shapes: Shapes, into: TimerQueue, group: number): void {
  const { rows } = into
  const cursor: Cursor = { at: 0 }
  let namespace = 0
  for (let left = entries; left > 0; left--) {
    if (view.getUint8(cursor.at) === NAMESPACE_TAG) {
      namespace = view.getFloat64(cursor.at + 1, true)
      cursor.at += 9
    }
    const key = readKey(view, bytes, cursor, shapes)
    const table = rows instanceof KeyTable ? rows : rows?.get(namespace)
    const slot = table?.find(key) ?? -1
    if (slot < 0) corrupt('a timer of a key that has no row')
    into.load(view.getFloat64(cursor.at, true), group, slot, namespace, view.getFloat64(cursor.at + 8, true))
    cursor.at += 16
  }
  if (cursor.at !== bytes.length) corrupt('a block goes on behind its last timer')
}

function readKey(view: DataView, bytes: Buffer, cursor: Cursor, shapes: Shapes): unknown {
  const { at } = cursor
  if (view.getUint8(at) !== Tag.int32) return readValue(view, bytes, cursor, shapes)
  cursor.at = at + 5
  return view.getInt32(at + 1, true)
}

/** Slots come in order; what lies between is filled: written far behind its end, an array would become a dictionary. */
function putValue({ values }: ValueColumn, slot: number, value: unknown): void {
  while (values.length < slot) values.push(undefined)
  values[slot] = value
}
