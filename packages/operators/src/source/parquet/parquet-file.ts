/**
 * One open Parquet file: its footer, its columns, and ranges of its bytes. Belongs to one reader.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { SluiceError } from '@sluice/engine'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetSchema, type SchemaTree } from 'hyparquet'
import { inputError } from '../file-splits.js'

const SHORTEST_BYTES = 12

export class ParquetFile {
  readonly path: string
  /** As messages name it. */
  readonly name: string
  readonly metadata: FileMetaData
  /** The top-level columns by name, in the order of the file. */
  readonly columns: ReadonlyMap<string, SchemaTree>
  readonly buffer: AsyncBuffer
  readonly #handle: FileHandle

  private constructor(path: string, name: string, handle: FileHandle, buffer: AsyncBuffer, metadata: FileMetaData) {
    this.path = path
    this.name = name
    this.#handle = handle
    this.buffer = buffer
    this.metadata = metadata
    this.columns = new Map(parquetSchema(metadata).children.map((child) => [child.element.name, child]))
  }

  /** Opens a file; `metadata` where its footer was read before. */
  static async open(path: string, name: string, metadata?: FileMetaData): Promise<ParquetFile> {
    let handle: FileHandle | undefined
    try {
      handle = await open(path, 'r')
      const { size } = await handle.stat()
      const buffer = bufferOf(handle, size)
      return new ParquetFile(path, name, handle, buffer, metadata ?? (await readFooter(buffer, name)))
    } catch (error) {
      await handle?.close()
      throw inputError(error, path, name)
    }
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    try {
      return new Uint8Array(await this.buffer.slice(start, end))
    } catch (error) {
      throw inputError(error, this.path, this.name)
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** A file that is not what it should be. */
export function malformedParquet(name: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_INPUT_MALFORMED', `${name}: ${why}`, {
    position: name,
    cause,
    hint: 'Check that the file is a complete Parquet file; a damaged one must be written again.',
  })
}

function bufferOf(handle: FileHandle, size: number): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start: number, end: number = size): Promise<ArrayBuffer> {
      const bytes = new Uint8Array(Math.max(0, end - start))
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled)
        if (bytesRead === 0) throw new RangeError(`the file ends at byte ${start + filled}, and byte ${end} is needed`)
        filled += bytesRead
      }
      return bytes.buffer
    },
  }
}

async function readFooter(buffer: AsyncBuffer, name: string): Promise<FileMetaData> {
  if (buffer.byteLength < SHORTEST_BYTES) throw malformedParquet(name, `not a Parquet file: it has ${buffer.byteLength} bytes.`)
  const end = Buffer.from(await buffer.slice(buffer.byteLength - 4)).toString('latin1')
  if (end === 'PARE') throw malformedParquet(name, 'the Parquet file is encrypted, which is not supported.')
  if (end !== 'PAR1') throw malformedParquet(name, 'not a Parquet file: it does not end in PAR1.')
  try {
    return await parquetMetadataAsync(buffer)
  } catch (error) {
    throw malformedParquet(name, `its footer cannot be read: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}
