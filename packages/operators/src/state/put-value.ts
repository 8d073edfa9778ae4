/** Writes into a column of values, which may be shorter than its table. */
import type { ValueColumn } from '@sluice/engine'

/** What lies between is filled: written far behind its end, an array would become a dictionary. */
export function putValue(column: ValueColumn, slot: number, value: unknown): void {
  const { values } = column
  for (let end = values.length; end < slot; end++) values.push(undefined)
  values[slot] = value
}
