/**
 * Columns into rows. One function is generated per set of columns, so that every row is an object literal of one shape; where
 * code may not be generated from strings, a loop does the same. Runs per record.
 */

/** A column is an array with one value per row. */
export type RowBuilder = (columns: readonly (readonly unknown[])[], start: number, end: number) => unknown[]

/** Wider rows are built by the loop: generated functions of that size are not optimised. */
const GENERATED_COLUMNS_MAX = 256

/** A builder of rows with these names. */
export function compileRowBuilder(names: readonly string[]): RowBuilder {
  if (names.length > GENERATED_COLUMNS_MAX) return loopRowBuilder(names)
  const locals = names.map((_, column) => `const v${column} = columns[${column}]`)
  // A computed key, because a literal __proto__ would set the prototype.
  const properties = names.map((name, column) => `[${JSON.stringify(name)}]: v${column}[row]`)
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
      for (let column = 0; column < names.length; column++) {
        const value = columns[column]?.[row]
        const name = names[column] as string
        if (name === '__proto__') Object.defineProperty(built, name, { value, enumerable: true, configurable: true, writable: true })
        else built[name] = value
      }
      rows[at] = built
    }
    return rows
  }
}
