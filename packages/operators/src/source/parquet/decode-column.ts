/**
 * A column chunk of a flat column (no lists, no structures) into distinct values and indexes. Dictionary pages stay
 * dictionaries: three million rows of a few hundred airports cost a few hundred strings. Encodings and types that are rare are
 * not decoded here: `undefined` sends the caller to hyparquet.
 */
import type { ColumnMetaData, SchemaElement } from 'hyparquet'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import type { ColumnValues } from './column-values.js'
import { decompress } from './decompress.js'
import { BIT_WIDTH_MAX, readHybrid } from './decode-levels.js'
import { type PlainType, readPlainValues } from './decode-plain.js'

/** Numbers of the Parquet format. */
const PageKind = { data: 0, dictionary: 2, dataV2: 3 } as const
const Encoding = { plain: 0, plainDictionary: 2, rle: 3, rleDictionary: 8 } as const

interface Page {
  /** Values with nulls. */
  readonly count: number
  readonly encoding: number
  /** Definition levels and where they end; undefined: every value is there. */
  readonly levels: Uint32Array | undefined
  readonly body: Uint8Array
}

/** Decodes a whole chunk; `undefined` for what is not decoded here. Throws for bytes that are not what they should be. */
export function decodeColumn(
  bytes: Uint8Array,
  {
    chunk,
    element,
    type,
    rows,
  }: { readonly chunk: ColumnMetaData; readonly element: SchemaElement; readonly type: PlainType; readonly rows: number },
): ColumnValues | undefined {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  const nullable = element.repetition_type !== 'REQUIRED'
  const values: unknown[] = []
  let dictionaryLength = 0
  let indexes: Uint32Array | undefined
  let nullEntry = -1
  let filled = 0
  while (filled < rows) {
    if (reader.offset >= bytes.length) throw new RangeError(`the column chunk ends after ${filled} of ${rows} rows`)
    const header = deserializeTCompactProtocol(reader) as Record<`field_${number}`, unknown>
    const kind = header.field_1 as number
    const compressedBytes = header.field_3 as number
    const end = reader.offset + compressedBytes
    if (!(compressedBytes >= 0) || end > bytes.length) throw new RangeError('a page is longer than its column chunk')
    const body = bytes.subarray(reader.offset, end)
    const bodyBytes = header.field_2 as number
    reader.offset = end
    if (kind === PageKind.dictionary) {
      const { field_1: count } = header.field_7 as { field_1: number }
      if (values.length > 0) return undefined
      append(values, readPlainValues(decompress(body, chunk.codec, bodyBytes), type, count))
      dictionaryLength = values.length
      continue
    }
    if (kind !== PageKind.data && kind !== PageKind.dataV2) continue
    const page =
      kind === PageKind.data ? openPage(body, header, chunk, bodyBytes, nullable) : openPageV2(body, header, chunk, bodyBytes, nullable)
    if (page === undefined) return undefined
    const { count, levels } = page
    if (filled + count > rows) throw new RangeError(`the column chunk has more than ${rows} rows`)
    const present = levels === undefined ? count : countPresent(levels)
    if (indexes === undefined && (levels !== undefined || page.encoding !== Encoding.plain)) {
      indexes = new Uint32Array(rows)
      for (let row = 0; row < filled; row++) indexes[row] = row
    }
    if (page.encoding === Encoding.plain) {
      const first = values.length
      append(values, readPlainValues(page.body, type, present))
      if (indexes !== undefined) for (let index = 0; index < present; index++) indexes[filled + index] = first + index
    } else if ((page.encoding === Encoding.rleDictionary || page.encoding === Encoding.plainDictionary) && indexes !== undefined) {
      if (!readIndexes(page.body, present, indexes, filled, dictionaryLength)) return undefined
    } else return undefined
    if (levels !== undefined && indexes !== undefined && present < count) {
      if (nullEntry === -1) nullEntry = values.push(null) - 1
      spreadNulls(indexes, filled, levels, present, nullEntry)
    }
    filled += count
  }
  return { values, indexes }
}

function openPage(
  body: Uint8Array,
  header: Record<`field_${number}`, unknown>,
  chunk: ColumnMetaData,
  bodyBytes: number,
  nullable: boolean,
): Page | undefined {
  const {
    field_1: count,
    field_2: encoding,
    field_3: levelEncoding,
  } = header.field_5 as { field_1: number; field_2: number; field_3: number }
  const page = decompress(body, chunk.codec, bodyBytes)
  if (!nullable) return { count, encoding, levels: undefined, body: page }
  if (levelEncoding !== Encoding.rle) return undefined
  const length = new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(0, true)
  return { count, encoding, levels: readLevels(page, 4, 4 + length, count), body: page.subarray(4 + length) }
}

function openPageV2(
  body: Uint8Array,
  header: Record<`field_${number}`, unknown>,
  chunk: ColumnMetaData,
  bodyBytes: number,
  nullable: boolean,
): Page | undefined {
  const data = header.field_8 as { field_1: number; field_2: number; field_4: number; field_5: number; field_6: number; field_7?: boolean }
  const {
    field_1: count,
    field_2: nulls,
    field_4: encoding,
    field_5: definitionBytes,
    field_6: repetitionBytes,
    field_7: isCompressed = true,
  } = data
  if (repetitionBytes !== 0) return undefined
  const levels = nullable && nulls > 0 ? readLevels(body, 0, definitionBytes, count) : undefined
  const rest = body.subarray(definitionBytes)
  return { count, encoding, levels, body: isCompressed ? decompress(rest, chunk.codec, bodyBytes - definitionBytes) : rest }
}

/** undefined where every value is there, which a single run says. */
function readLevels(bytes: Uint8Array, start: number, end: number, count: number): Uint32Array | undefined {
  if (end > bytes.length) throw new RangeError('definition levels are longer than their page')
  if (isOneRun(bytes, start, end, count)) return undefined
  const levels = new Uint32Array(count)
  readHybrid(bytes, start, end, 1, levels, 0, count)
  return levels.includes(0) ? levels : undefined
}

/** Whether the levels are one run of ones, as in every page without a null. */
function isOneRun(bytes: Uint8Array, start: number, end: number, count: number): boolean {
  let header = 0
  let position = start
  for (let shift = 0; position < end && shift <= 28; shift += 7) {
    const byte = bytes[position++] as number
    header |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  return (header & 1) === 0 && header >>> 1 >= count && bytes[position] === 1
}

function countPresent(levels: Uint32Array): number {
  let present = 0
  for (let index = 0; index < levels.length; index++) present += levels[index] as number
  return present
}

function readIndexes(body: Uint8Array, count: number, indexes: Uint32Array, at: number, dictionaryLength: number): boolean {
  if (count === 0) return true
  const width = body[0]
  if (width === undefined) throw new RangeError('a page of indexes is empty')
  if (width > BIT_WIDTH_MAX) return false
  if (width === 0) indexes.fill(0, at, at + count)
  else readHybrid(body, 1, body.length, width, indexes, at, count)
  let highest = 0
  for (let index = at; index < at + count; index++) if ((indexes[index] as number) > highest) highest = indexes[index] as number
  if (highest >= dictionaryLength) throw new RangeError(`index ${highest} lies outside a dictionary of ${dictionaryLength} values`)
  return true
}

/** Moves the indexes of a page apart, from its end on, to let nulls in. */
function spreadNulls(indexes: Uint32Array, start: number, levels: Uint32Array, present: number, nullEntry: number): void {
  let from = start + present - 1
  for (let index = levels.length - 1; index >= 0; index--) {
    indexes[start + index] = levels[index] === 1 ? (indexes[from--] as number) : nullEntry
  }
}

/** Not by spreading: a page may hold more values than a call takes arguments. */
function append(values: unknown[], more: readonly unknown[]): void {
  for (let index = 0; index < more.length; index++) values.push(more[index])
}
