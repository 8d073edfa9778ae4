/**
 * What columns are called in checkpoints, so that aggregates may come and go from run to run: those of an aggregate after it, those of an
 * operator with a colon in front. A colon in the name of an aggregate is doubled, so no two columns have one name. For declarations.
 */
import { type ColumnName, KeyTable } from '@sluice/engine'
import type { Aggregator, ColumnarForm } from './aggregator.js'

/** @param initial what it is in rows that were stored without it; without one such rows do not fit */
export const ownColumn = (name: string, initial?: number): ColumnName => ({ name: `:${name}`, own: true, initial })

/** The columns of an aggregate. In rows that were stored without it, it holds what it does of no records. */
export function columnNamesOf(name: string, { kind, columnar, create }: Aggregator<never, unknown>): readonly ColumnName[] {
  const plain = name.replaceAll(':', '::')
  if (columnar === undefined) return [{ name: plain, holds: kind, initial: create }]
  return initialsOf(columnar).map((initial, at) => (at === 0 ? { name: plain, holds: kind, initial } : { name: `${plain}:${at}`, initial }))
}

/** What `reset` leaves in each column: undefined where that is nothing, as in values that are only as long as they must be. */
function initialsOf({ columns, reset }: ColumnarForm): readonly (number | (() => unknown) | undefined)[] {
  const row = new KeyTable(columns)
  const empty = (): void => (reset as (slot: number, ...columns: unknown[]) => void)(0, ...row.columns.map(({ values }) => values))
  empty()
  return row.columns.map(({ kind, values }) => {
    if (kind === 'number') return values[0]
    if (values.length === 0) return undefined
    return () => {
      empty()
      return values[0]
    }
  })
}
