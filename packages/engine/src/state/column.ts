/** Columns of a keyed table: what is kept per row, indexed by slot. Numbers lie unboxed; everything else in an array. */

export type ColumnKind = 'number' | 'value'

/** What a column is called in snapshots: what is stored finds its column by it. */
export type ColumnName = string | NamedColumn

/** A column that says more of itself. Read where a table is declared and where a snapshot is written or loaded, never per record. */
export interface NamedColumn {
  readonly name: string
  /**
   * What it holds in rows that were stored before there was such a column: a number, or what makes the value of each row. Default: NaN
   * among numbers, nothing among values.
   */
  readonly initial?: number | (() => unknown) | undefined
  /** What is kept in it, in a word: what was stored under another word does not fit. */
  readonly holds?: string | undefined
  /** Rows mean something else without it: a stored one does not fit where it is not declared, nor the other way round where it has no `initial`. */
  readonly own?: true | undefined
}

/** `values` is replaced when the table grows: read it again after every `slotOf`. */
export class NumberColumn {
  readonly kind = 'number'
  values: Float64Array

  constructor(capacity: number) {
    this.values = new Float64Array(capacity)
  }

  grow(capacity: number): void {
    const larger = new Float64Array(capacity)
    larger.set(this.values)
    this.values = larger
  }

  /** A free slot holds nothing that could keep memory. */
  release(_slot: number): void {}

  clear(): void {}
}

/** Slots in use hold plain data, never undefined where undefined would mean "absent": keep a flag for that. */
export class ValueColumn {
  readonly kind = 'value'
  values: unknown[] = []

  grow(_capacity: number): void {}

  /** A column may be shorter than the table: writing far behind its end would turn the array into a dictionary. */
  release(slot: number): void {
    if (slot < this.values.length) this.values[slot] = undefined
  }

  clear(): void {
    this.values = []
  }
}

export type Column = NumberColumn | ValueColumn

export const nameOf = (name: ColumnName): string => (typeof name === 'string' ? name : name.name)

const NAME_ONLY: Omit<NamedColumn, 'name'> = {}

/** All that a column says of itself but its name. */
export const traitsOf = (name: ColumnName | undefined): Omit<NamedColumn, 'name'> => (typeof name === 'object' ? name : NAME_ONLY)
