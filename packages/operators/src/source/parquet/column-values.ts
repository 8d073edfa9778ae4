/** The values of one column of a row group, as all decoders give them and the row builder takes them. */

export interface ColumnValues {
  /** One entry per row; where `indexes` is there, the distinct entries. */
  readonly values: unknown[]
  /** For each row, the entry it holds: a dictionary is converted and checked once per entry, not once per row. */
  readonly indexes: Uint32Array | undefined
}

/** The first row that holds an entry; -1 where none does. */
export function firstRowOf(column: ColumnValues, entry: number): number {
  return column.indexes === undefined ? entry : column.indexes.indexOf(entry)
}
