/**
 * Decoded values into what the schema asks for: integers as numbers or bigints, timestamps as Date or ms; and which entries do
 * not fit. Works on distinct entries, so a column of a dictionary costs next to nothing. Pure.
 */
import { SluiceError } from '@sluice/engine'
import { fitsField, type KnownField } from '../known-fields.js'
import { type ColumnValues, firstRowOf } from './column-values.js'

export interface PrepareOptions {
  readonly file: string
  readonly column: string
  /** Number of the first row of the group in the file, from 0. */
  readonly firstRow: number
  /** What the schema says of the column; undefined without one. */
  readonly field: KnownField | undefined
}

/** Converts in place. */
export function prepareColumn(column: ColumnValues, options: PrepareOptions): void {
  const { values } = column
  for (let entry = 0; entry < values.length; entry++) {
    const value = values[entry]
    if (typeof value === 'string' || (typeof value === 'number' && options.field?.kind !== 'bigint')) continue
    values[entry] = convert(value, options, column, entry)
  }
}

/** Flags the rows whose value does not fit a plain field; undefined where all fit. */
export function flagMisfits(column: ColumnValues, field: KnownField, rows: number, flags: Uint8Array | undefined): Uint8Array | undefined {
  const { values, indexes } = column
  let misfits: Uint8Array | undefined
  for (let entry = 0; entry < values.length; entry++) {
    const value = values[entry]
    if (fitsField(field, value) || (value === undefined && field.optional)) continue
    misfits ??= new Uint8Array(values.length)
    misfits[entry] = 1
  }
  if (misfits === undefined) return flags
  const marked = flags ?? new Uint8Array(rows)
  for (let row = 0; row < rows; row++)
    marked[row] = (marked[row] as number) | (misfits[indexes === undefined ? row : (indexes[row] as number)] as number)
  return marked
}

function convert(value: unknown, options: PrepareOptions, column: ColumnValues, entry: number): unknown {
  const { field } = options
  switch (typeof value) {
    case 'number':
      return field?.kind === 'bigint' && Number.isInteger(value) ? BigInt(value) : value
    case 'bigint':
      return field?.kind === 'bigint' ? value : toNumber(value, options, column, entry)
    case 'undefined':
      return field?.optional === true && !field.nullable ? undefined : null
    case 'object':
      if (value === null) return field?.optional === true && !field.nullable ? undefined : null
      if (value instanceof Date) return field?.kind === 'number' || field?.kind === 'int' ? value.getTime() : value
      return field === undefined ? convertNested(value, options, column, entry) : value
    default:
      return value
  }
}

/** Lists and structures: integers inside become numbers too. */
function convertNested(value: object, options: PrepareOptions, column: ColumnValues, entry: number): unknown {
  if (ArrayBuffer.isView(value) && !(value instanceof BigInt64Array) && !(value instanceof BigUint64Array)) return value
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return Array.from(value as ArrayLike<unknown>, (element) => convert(element, options, column, entry))
  return Object.fromEntries(Object.entries(value).map(([key, property]) => [key, convert(property, options, column, entry)]))
}

function toNumber(value: bigint, options: PrepareOptions, column: ColumnValues, entry: number): number | bigint {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  const row = firstRowOf(column, entry)
  // An entry of the dictionary that no row holds.
  if (row === -1) return value
  const position = `${options.file} row ${options.firstRow + row + 1}`
  throw new SluiceError(
    'SLUICE_INTEGER_UNSAFE',
    `${position}, column ${options.column}: the integer ${value} is too large for a JavaScript number.`,
    { position },
  )
}
