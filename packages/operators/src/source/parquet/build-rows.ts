/**
 * Columns into rows. One function is generated per set of columns, so that every row is an object literal of one shape; where
 * code may not be generated from strings, a loop does the same. Runs per record.
 */
import type { ColumnValues } from './column-values.js'

export type RowBuilder = (columns: readonly ColumnValues[], start: number, end: number) => unknown[]

/** Wider rows are built by the loop: generated functions of that size are not optimised. */
const GENERATED_COLUMNS_MAX = 256

/** A builder of rows with these names from columns of which those marked have indexes. */
export function compileRowBuilder(names: readonly string[], indexed: readonly boolean[]): RowBuilder {
  if (names.length > GENERATED_COLUMNS_MAX) return loopRowBuilder(names)
  const locals = names.map((_, column) => `const v${column} = columns[${column}].values, i${column} = columns[${column}].indexes`)
  // A computed key, because a literal __proto__ would set the prototype.
  const properties = names.map(
    (name, column) => `[${JSON.stringify(name)}]: v${column}[${indexed[column] === true ? `i${column}[row]` : 'row'}]`,
  )
  const text = `${locals.join('\n')}
const rows = new Array(end - start)
for (let row = start, at = 0; row < end; row++, at++) rows[at] = { ${properties.join(', ')} }
return rows`
  try {
    return new Function('columns', 'start', 'end', text) as RowBuilder
  } catch {
    return loopRowBuilder(names)
  }
}

export function loopRowBuilder(names: readonly string[]): RowBuilder {
  return (columns, start, end) => {
    const rows = new Array<Record<string, unknown>>(end - start)
    for (let row = start, at = 0; row < end; row++, at++) {
      const built: Record<string, unknown> = {}
      for (let index = 0; index < names.length; index++) {
        const { values, indexes } = columns[index] as ColumnValues
        const value = values[indexes === undefined ? row : (indexes[row] as number)]
        const name = names[index] as string
        if (name === '__proto__') Object.defineProperty(built, name, { value, enumerable: true, configurable: true, writable: true })
        else built[name] = value
      }
      rows[at] = built
    }
    return rows
  }
}
