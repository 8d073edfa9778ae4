/**
 * A Parquet file, read by hyparquet: its footer, its columns, and the values of one column of one row group at a time.
 * Nothing stays open between reads.
 */
import { Buffer } from 'node:buffer'
import { SluiceError } from '@sluice/engine'
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type DecodedArray,
  type FileMetaData,
  parquetMetadataAsync,
  type ParquetParsers,
  parquetScan,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { inputError } from '../file-splits.js'

const SHORTEST_BYTES = 12

/** Finer times are cut to milliseconds downwards, also in front of 1970. */
const PARSERS: Partial<ParquetParsers> = {
  timestampFromMicroseconds: (value) => toDate(value, 1_000n),
  timestampFromNanoseconds: (value) => toDate(value, 1_000_000n),
}

interface ColumnRequest {
  readonly column: string
  readonly group: number
  /** Numbers of the first row of the group, from 0, and of rows in it. */
  readonly firstRow: number
  readonly rows: number
  /** Bytes of which the file does not say what they are become text. */
  readonly bytesAreText: boolean
}

export class ParquetFile {
  readonly path: string
  /** As messages name it. */
  readonly name: string
  readonly bytes: number
  readonly metadata: FileMetaData
  /** The top-level columns by name, in the order of the file. */
  readonly columns: ReadonlyMap<string, SchemaTree>
  readonly #buffer: AsyncBuffer

  private constructor(path: string, name: string, buffer: AsyncBuffer, metadata: FileMetaData) {
    this.path = path
    this.name = name
    this.bytes = buffer.byteLength
    this.metadata = metadata
    this.columns = new Map(parquetSchema(metadata).children.map((child) => [child.element.name, child]))
    this.#buffer = buffer
  }

  /** Reads the footer. */
  static async open(path: string, name: string): Promise<ParquetFile> {
    try {
      const buffer = await asyncBufferFromFile(path)
      return new ParquetFile(path, name, buffer, await readFooter(buffer, name))
    } catch (error) {
      throw inputError(error, path, name)
    }
  }

  /** The values of all rows of a row group, one per row. */
  async readColumn({ column, group, firstRow, rows, bytesAreText }: ColumnRequest): Promise<DecodedArray> {
    const range = { rowStart: firstRow, rowEnd: firstRow + rows }
    try {
      const scan = await parquetScan({
        file: this.#buffer,
        metadata: this.metadata,
        columns: [column],
        ...range,
        useOffsetIndex: false,
        compressors,
        utf8: bytesAreText || !this.#isUntyped(column),
        parsers: PARSERS,
      })
      const values = await scan.readColumn({ column, ...range })
      if (values.length !== rows) throw new RangeError(`it has ${values.length} of ${rows} rows`)
      return values
    } catch (error) {
      if (error instanceof Error && 'syscall' in error) throw inputError(error, this.path, this.name)
      throw malformed(this.name, `row group ${group}, column ${column} cannot be read: ${reasonOf(error)}`, error)
    }
  }

  #isUntyped(column: string): boolean {
    const element = this.columns.get(column)?.element
    return element?.type === 'BYTE_ARRAY' && element.converted_type === undefined && element.logical_type === undefined
  }
}

async function readFooter(buffer: AsyncBuffer, name: string): Promise<FileMetaData> {
  if (buffer.byteLength < SHORTEST_BYTES) throw malformed(name, `not a Parquet file: it has ${buffer.byteLength} bytes.`)
  const end = Buffer.from(await buffer.slice(buffer.byteLength - 4)).toString('latin1')
  if (end === 'PARE') throw malformed(name, 'the Parquet file is encrypted, which is not supported.')
  if (end !== 'PAR1') throw malformed(name, 'not a Parquet file: it does not end in PAR1.')
  try {
    return await parquetMetadataAsync(buffer)
  } catch (error) {
    throw malformed(name, `its footer cannot be read: ${reasonOf(error)}`, error)
  }
}

/** A file that is not what it should be. */
function malformed(name: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_INPUT_MALFORMED', `${name}: ${why}`, {
    position: name,
    cause,
    hint: 'Check that the file is a complete Parquet file; a damaged one must be written again.',
  })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function toDate(value: bigint, perMs: bigint): Date {
  const ms = value / perMs
  return new Date(Number(ms * perMs > value ? ms - 1n : ms))
}
