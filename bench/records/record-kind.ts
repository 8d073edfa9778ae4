/**
 * A kind of record with everything that a loop written for it needs. `make` decodes a record from memory by its index, `measure` is what the sink reads of
 * it: the engine and the limit loops use the same two functions. `encode` and `decode` are what one writes by hand for that record, and serve the
 * limit loops only.
 */
import type { Buffer } from 'node:buffer'

export interface RecordKind<T> {
  readonly title: string
  readonly make: (index: number) => T
  readonly measure: (record: T) => number
  /** No record is larger, in bytes. */
  readonly bytesMax: number
  /** Returns the end. */
  readonly encode: (record: T, view: DataView, bytes: Buffer, at: number) => number
  /** Reads at `cursor.at` and moves it behind the record. */
  readonly decode: (view: DataView, bytes: Buffer, cursor: DecodeCursor) => T
}

export interface DecodeCursor {
  at: number
}

/** Records in the tables from which `make` reads; a power of two. */
export const TABLE_RECORDS = 4096
export const TABLE_MASK: number = TABLE_RECORDS - 1
