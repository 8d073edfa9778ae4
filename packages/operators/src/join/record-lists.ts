/**
 * Lists of records in the rows of a table: what joins keep. The only record of a row lies in its column as it is; several lie in an array,
 * with their numbers in another, so that a key with one record costs no object. Records come in at the end and go at the front. The numbers
 * of the first record lie in columns of their own, where they are at hand without following a reference.
 *
 * Invariants: a row holds `end - start` records; from two on they are in arrays of `end` records, and `end` falls to 1 or 0 only where
 * the arrays are given up. `start` is a column only where records expire one by one.
 */
import type { ColumnKind, KeyTable, NumberColumn, ValueColumn } from '@sluice/engine'

/** Records given up at the front of an array are cut off when there are this many at least, and they are half of it. */
const CUT_MIN = 32

export class RecordLists {
  readonly kinds: readonly ColumnKind[]
  /** Numbers kept with each record. */
  readonly fields: number
  /** Columns: the record or the array, the end; then one per number of the first record, the numbers of the array, the start. */
  readonly records: number
  readonly ends: number
  readonly firstNumbers: number
  readonly numbers: number
  readonly starts: number

  /** @param firstColumn where its columns begin in the table */
  constructor(firstColumn: number, fields: number, expires: boolean) {
    this.fields = fields
    this.records = firstColumn
    this.ends = firstColumn + 1
    this.firstNumbers = firstColumn + 2
    this.numbers = fields === 0 ? -1 : this.firstNumbers + fields
    this.starts = expires ? this.firstNumbers + fields + (fields === 0 ? 0 : 1) : -1
    this.kinds = [
      'value',
      'number',
      ...Array.from({ length: fields }, (): ColumnKind => 'number'),
      ...(fields === 0 ? [] : (['value'] as const)),
      ...(expires ? (['number'] as const) : []),
    ]
  }

  /** Makes the list of a fresh row empty. */
  reset(table: KeyTable, slot: number): void {
    const { columns } = table
    ;(columns[this.records] as ValueColumn).values[slot] = undefined
    ;(columns[this.ends] as NumberColumn).values[slot] = 0
    if (this.numbers >= 0) (columns[this.numbers] as ValueColumn).values[slot] = undefined
    if (this.starts >= 0) (columns[this.starts] as NumberColumn).values[slot] = 0
  }

  /** Where the records of a row end; they begin at `startOf`. */
  endOf(table: KeyTable, slot: number): number {
    return (table.columns[this.ends] as NumberColumn).values[slot] as number
  }

  startOf(table: KeyTable, slot: number): number {
    return this.starts < 0 ? 0 : ((table.columns[this.starts] as NumberColumn).values[slot] as number)
  }

  recordAt(table: KeyTable, slot: number, index: number): unknown {
    const held = (table.columns[this.records] as ValueColumn).values[slot]
    return this.endOf(table, slot) === 1 ? held : (held as readonly unknown[])[index]
  }

  /** The array of a row with two records or more. */
  arrayAt(table: KeyTable, slot: number): readonly unknown[] {
    return (table.columns[this.records] as ValueColumn).values[slot] as readonly unknown[]
  }

  /** A copy of the records from `from` up to `to`. */
  slice(table: KeyTable, slot: number, from: number, to: number): readonly unknown[] {
    if (from === to) return []
    const held = (table.columns[this.records] as ValueColumn).values[slot]
    return this.endOf(table, slot) === 1 ? [held] : (held as readonly unknown[]).slice(from, to)
  }

  numberAt(table: KeyTable, slot: number, index: number, field: number): number {
    const { columns } = table
    if (this.endOf(table, slot) === 1) return (columns[this.firstNumbers + field] as NumberColumn).values[slot] as number
    const numbers = (columns[this.numbers] as ValueColumn).values[slot] as readonly number[]
    return numbers[index * this.fields + field] as number
  }

  setNumber(table: KeyTable, slot: number, index: number, field: number, value: number): void {
    const { columns } = table
    if (index === this.startOf(table, slot)) (columns[this.firstNumbers + field] as NumberColumn).values[slot] = value
    if (this.endOf(table, slot) === 1) return
    const numbers = (columns[this.numbers] as ValueColumn).values[slot] as number[]
    numbers[index * this.fields + field] = value
  }

  /** Adds a record at the end, with as many numbers as there are fields. */
  append(table: KeyTable, slot: number, record: unknown, first: number, second: number, third: number): void {
    const { columns } = table
    const { fields, firstNumbers } = this
    const records = (columns[this.records] as ValueColumn).values
    const ends = (columns[this.ends] as NumberColumn).values
    const end = ends[slot] as number
    ends[slot] = end + 1
    if (end === 0) {
      records[slot] = record
      if (fields > 0) (columns[firstNumbers] as NumberColumn).values[slot] = first
      if (fields > 1) (columns[firstNumbers + 1] as NumberColumn).values[slot] = second
      if (fields > 2) (columns[firstNumbers + 2] as NumberColumn).values[slot] = third
      return
    }
    if (end === 1) {
      records[slot] = [records[slot], record]
      if (fields === 0) return
      const numbers: number[] = []
      for (let field = 0; field < fields; field++) numbers.push((columns[firstNumbers + field] as NumberColumn).values[slot] as number)
      pushNumbers(numbers, fields, first, second, third)
      ;(columns[this.numbers] as ValueColumn).values[slot] = numbers
      return
    }
    ;(records[slot] as unknown[]).push(record)
    if (fields > 0) pushNumbers((columns[this.numbers] as ValueColumn).values[slot] as number[], fields, first, second, third)
  }

  /**
   * Adds a record with one number (there is one field) behind all whose number is not larger: lists that are appended to in this way
   * alone are in order.
   */
  insert(table: KeyTable, slot: number, record: unknown, number: number): void {
    this.append(table, slot, record, number, 0, 0)
    const end = this.endOf(table, slot)
    if (end === 1) return
    const records = (table.columns[this.records] as ValueColumn).values[slot] as unknown[]
    const numbers = (table.columns[this.numbers] as ValueColumn).values[slot] as number[]
    const start = this.startOf(table, slot)
    let at = end - 1
    while (at > start && (numbers[at - 1] as number) > number) {
      numbers[at] = numbers[at - 1] as number
      records[at] = records[at - 1]
      at--
    }
    numbers[at] = number
    records[at] = record
    if (at === start) (table.columns[this.firstNumbers] as NumberColumn).values[slot] = number
  }

  /** Gives up the records in front of `to`; `starts` is a column. */
  dropBefore(table: KeyTable, slot: number, to: number): void {
    const { columns } = table
    const ends = (columns[this.ends] as NumberColumn).values
    const starts = (columns[this.starts] as NumberColumn).values
    const end = ends[slot] as number
    if (to <= (starts[slot] as number)) return
    if (to >= end) {
      this.reset(table, slot)
      return
    }
    const held = columns[this.records] as ValueColumn
    const records = held.values[slot] as unknown[]
    for (let index = starts[slot] as number; index < to; index++) records[index] = undefined
    starts[slot] = to
    const { fields } = this
    const numbers = fields === 0 ? [] : ((columns[this.numbers] as ValueColumn).values[slot] as number[])
    for (let field = 0; field < fields; field++)
      (columns[this.firstNumbers + field] as NumberColumn).values[slot] = numbers[to * fields + field] as number
    if (to < CUT_MIN ? end - to > 1 : 2 * to < end) return
    starts[slot] = 0
    ends[slot] = end - to
    if (end - to > 1) {
      held.values[slot] = records.slice(to)
      if (fields > 0) (columns[this.numbers] as ValueColumn).values[slot] = numbers.slice(to * fields)
      return
    }
    held.values[slot] = records[to]
    if (fields > 0) (columns[this.numbers] as ValueColumn).values[slot] = undefined
  }
}

function pushNumbers(numbers: number[], fields: number, first: number, second: number, third: number): void {
  if (fields === 1) numbers.push(first)
  else if (fields === 2) numbers.push(first, second)
  else numbers.push(first, second, third)
}
