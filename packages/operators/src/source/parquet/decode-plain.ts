/**
 * Values in Parquet's PLAIN encoding, as JavaScript values: int64 as a number where it is safe and a bigint where it is not,
 * timestamps and dates as Date (finer than a millisecond is cut off), text as strings, other bytes as Uint8Array.
 * Only flat columns of these types; everything else is left to hyparquet.
 */
import { Buffer } from 'node:buffer'
import type { SchemaElement } from 'hyparquet'

export type PlainType =
  | 'boolean'
  | 'int32'
  | 'uint32'
  | 'date32'
  | 'int64'
  | 'timestampMillis'
  | 'timestampMicros'
  | 'timestampNanos'
  | 'float'
  | 'double'
  | 'text'
  | 'bytes'

const DAY_MS = 86_400_000

/** How a column is decoded; undefined: not here. */
export function plainTypeOf(element: SchemaElement, bytesAreText: boolean): PlainType | undefined {
  const { type, converted_type: converted, logical_type: logical } = element
  const kind = logical?.type
  switch (type) {
    case 'BOOLEAN':
      return 'boolean'
    case 'INT32':
      if (converted === 'DATE' || kind === 'DATE') return 'date32'
      if (converted === 'UINT_32' || (logical?.type === 'INTEGER' && logical.bitWidth === 32 && !logical.isSigned)) return 'uint32'
      return converted === 'DECIMAL' || kind === 'DECIMAL' ? undefined : 'int32'
    case 'INT64':
      if (logical?.type === 'TIMESTAMP') {
        return logical.unit === 'MILLIS' ? 'timestampMillis' : logical.unit === 'MICROS' ? 'timestampMicros' : 'timestampNanos'
      }
      if (converted === 'TIMESTAMP_MILLIS') return 'timestampMillis'
      if (converted === 'TIMESTAMP_MICROS') return 'timestampMicros'
      if (converted === 'UINT_64' || (logical?.type === 'INTEGER' && !logical.isSigned)) return undefined
      return converted === 'DECIMAL' || kind === 'DECIMAL' ? undefined : 'int64'
    case 'FLOAT':
      return 'float'
    case 'DOUBLE':
      return 'double'
    case 'BYTE_ARRAY':
      if (converted === 'UTF8' || converted === 'ENUM' || kind === 'STRING' || kind === 'ENUM') return 'text'
      if (converted !== undefined || kind !== undefined) return undefined
      return bytesAreText ? 'text' : 'bytes'
    default:
      return undefined
  }
}

/** Reads `count` values. Throws where the bytes end too early. */
export function readPlainValues(bytes: Uint8Array, type: PlainType, count: number): unknown[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values = new Array<unknown>(count)
  switch (type) {
    case 'boolean':
      if (bytes.length * 8 < count) throw new RangeError('a page of booleans ends too early')
      for (let index = 0; index < count; index++) values[index] = (((bytes[index >> 3] as number) >> (index & 7)) & 1) === 1
      return values
    case 'int32':
      for (let index = 0; index < count; index++) values[index] = view.getInt32(index * 4, true)
      return values
    case 'uint32':
      for (let index = 0; index < count; index++) values[index] = view.getUint32(index * 4, true)
      return values
    case 'date32':
      for (let index = 0; index < count; index++) values[index] = new Date(view.getInt32(index * 4, true) * DAY_MS)
      return values
    case 'int64':
      for (let index = 0; index < count; index++) values[index] = readInt64(view, index * 8)
      return values
    case 'timestampMillis':
      for (let index = 0; index < count; index++) values[index] = new Date(Number(view.getBigInt64(index * 8, true)))
      return values
    case 'timestampMicros':
      for (let index = 0; index < count; index++) values[index] = new Date(toMillis(view, index * 8, 1_000))
      return values
    case 'timestampNanos':
      for (let index = 0; index < count; index++) values[index] = new Date(toMillis(view, index * 8, 1_000_000))
      return values
    case 'float':
      for (let index = 0; index < count; index++) values[index] = view.getFloat32(index * 4, true)
      return values
    case 'double':
      for (let index = 0; index < count; index++) values[index] = view.getFloat64(index * 8, true)
      return values
    case 'text':
    case 'bytes':
      readByteArrays(bytes, view, values, type === 'text')
      return values
  }
}

/** A number where all its digits fit one. */
function readInt64(view: DataView, offset: number): number | bigint {
  const value = view.getInt32(offset + 4, true) * 4_294_967_296 + view.getUint32(offset, true)
  return Number.isSafeInteger(value) ? value : view.getBigInt64(offset, true)
}

function toMillis(view: DataView, offset: number, perMs: number): number {
  const value = readInt64(view, offset)
  return typeof value === 'number' ? Math.floor(value / perMs) : Number(floorDivide(value, BigInt(perMs)))
}

/** Rounds down also in front of 1970, as for the other units. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient
}

function readByteArrays(bytes: Uint8Array, view: DataView, values: unknown[], asText: boolean): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let offset = 0
  for (let index = 0; index < values.length; index++) {
    const start = offset + 4
    const end = start + view.getUint32(offset, true)
    if (end > bytes.length) throw new RangeError('a page of text or bytes ends too early')
    values[index] = asText ? buffer.toString('utf8', start, end) : bytes.slice(start, end)
    offset = end
  }
}
