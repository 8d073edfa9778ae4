/**
 * Decoded values into what the schema asks for: integers as numbers or bigints, timestamps as Date or ms; and which rows do
 * not fit. Column by column. Pure.
 */
import { SluiceError } from '@sluice/engine'
import type { DecodedArray } from 'hyparquet'
import { fitsField, type KnownField } from '../known-fields.js'

export interface PrepareOptions {
  readonly file: string
  readonly column: string
  /** Number of the first row of the group in the file, from 0. */
  readonly firstRow: number
  /** What the schema says of the column; undefined without one. */
  readonly field: KnownField | undefined
}

/** The values of a column, one per row; an array is converted in place. */
export function prepareColumn(decoded: DecodedArray, options: PrepareOptions): unknown[] {
  const values: unknown[] = Array.isArray(decoded) ? decoded : new Array<unknown>(decoded.length)
  const isBigint = options.field?.kind === 'bigint'
  for (let row = 0; row < decoded.length; row++) {
    const value: unknown = decoded[row]
    values[row] = typeof value === 'string' || (typeof value === 'number' && !isBigint) ? value : convert(value, options, row)
  }
  return values
}

/** Flags the rows whose value does not fit a plain field; undefined where all fit. */
export function flagMisfits(values: readonly unknown[], field: KnownField, flags: Uint8Array | undefined): Uint8Array | undefined {
  let marked = flags
  for (let row = 0; row < values.length; row++) {
    const value = values[row]
    if (fitsField(field, value) || (value === undefined && field.optional)) continue
    marked ??= new Uint8Array(values.length)
    marked[row] = 1
  }
  return marked
}

function convert(value: unknown, options: PrepareOptions, row: number): unknown {
  const { field } = options
  switch (typeof value) {
    case 'number':
      return field?.kind === 'bigint' && Number.isInteger(value) ? BigInt(value) : value
    case 'bigint':
      return field?.kind === 'bigint' ? value : toNumber(value, options, row)
    case 'undefined':
      return field?.optional === true && !field.nullable ? undefined : null
    case 'object':
      if (value === null) return field?.optional === true && !field.nullable ? undefined : null
      if (value instanceof Date) return field?.kind === 'number' || field?.kind === 'int' ? value.getTime() : value
      // A view would hold its whole page as long as the record lives.
      if (value instanceof Uint8Array) return value.slice()
      return field === undefined ? convertNested(value, options, row) : value
    default:
      return value
  }
}

/** Lists and structures: integers inside become numbers too. */
function convertNested(value: object, options: PrepareOptions, row: number): unknown {
  if (ArrayBuffer.isView(value) && !(value instanceof BigInt64Array) && !(value instanceof BigUint64Array)) return value
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return Array.from(value as ArrayLike<unknown>, (element) => convert(element, options, row))
  return Object.fromEntries(Object.entries(value).map(([key, property]) => [key, convert(property, options, row)]))
}

function toNumber(value: bigint, options: PrepareOptions, row: number): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  const position = `${options.file} row ${options.firstRow + row + 1}`
  throw new SluiceError(
    'SLUICE_INTEGER_UNSAFE',
    `${position}, column ${options.column}: the integer ${value} is too large for a JavaScript number.`,
    { position },
  )
}
