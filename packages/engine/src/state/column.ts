/** Columns of a keyed table: what is kept per row, indexed by slot. Numbers lie unboxed; everything else in an array. */

export type ColumnKind = 'number' | 'value'

/** What a column is called in snapshots, and what a number column holds in rows that were stored before there was such a column; default NaN. */
export type ColumnName = string | { readonly name: string; readonly initial: number }

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

/** What a number column that was added holds in a row that was stored without it. */
export const initialOf = (name: ColumnName | undefined): number => (typeof name === 'object' ? name.initial : Number.NaN)
