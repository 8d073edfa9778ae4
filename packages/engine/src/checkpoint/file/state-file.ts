/** One state file for reading: its index, and its blocks in large reads, each held against its checksum. */
import { Buffer } from 'node:buffer'
import { SluiceError } from '../../errors/sluice-error.js'
import type { SnapshotFileHandle } from '../protocol.js'
import type { CheckpointStorage } from '../storage.js'
import {
  type BlockPlace,
  checkBlock,
  checkHeader,
  damaged,
  type FileIndex,
  HEADER_BYTES,
  readIndex,
  readTrailer,
  TRAILER_BYTES,
} from './format.js'
import { readValue } from './state-value.js'

/** The index lies in it, mostly. */
const TAIL_BYTES = 64 * 1024
const READ_BYTES_MAX = 8 * 1024 * 1024
/** What lies between two blocks is read with them up to this: a read costs more. */
const GAP_BYTES_MAX = 128 * 1024

export class StateFile {
  readonly path: string
  readonly index: FileIndex
  readonly #storage: CheckpointStorage

  private constructor(storage: CheckpointStorage, path: string, index: FileIndex) {
    this.path = path
    this.index = index
    this.#storage = storage
  }

  /** Reads header and index. Fails with `SLUICE_CHECKPOINT_CORRUPT`, `_VERSION` or `_FILE_MISSING`. */
  static async open(storage: CheckpointStorage, { path, bytes, checksum }: SnapshotFileHandle): Promise<StateFile> {
    const tailBytes = Math.min(bytes, TAIL_BYTES)
    const tail = asBuffer(await storage.read(path, bytes - tailBytes))
    if (tail.length !== tailBytes) damaged(path, `it has not ${bytes} bytes any more`)
    const trailer = readTrailer(tail.subarray(Math.max(0, tail.length - TRAILER_BYTES)), bytes, path)
    if (trailer.checksum !== checksum) damaged(path, 'the checksum of its index is not that of the manifest')
    const indexAt = tail.length - TRAILER_BYTES - trailer.bytes
    const json =
      indexAt >= 0
        ? tail.subarray(indexAt, indexAt + trailer.bytes)
        : asBuffer(await readWhole(storage, path, trailer.offset, trailer.bytes))
    const header = tailBytes === bytes ? tail.subarray(0, HEADER_BYTES) : asBuffer(await readWhole(storage, path, 0, HEADER_BYTES))
    checkHeader(header, path)
    return new StateFile(storage, path, readIndex(json, trailer, path))
  }

  /** Reads blocks, which lie in ascending order, and gives each to `take` in turn. The bytes are valid until `take` returns. */
  async blocks<P extends readonly number[]>(
    blocks: readonly { readonly place: BlockPlace; readonly of: P }[],
    take: (view: DataView, bytes: Buffer, of: P) => void,
  ): Promise<void> {
    for (let first = 0; first < blocks.length; ) {
      const [start, length] = (blocks[first] as { place: BlockPlace }).place
      let end = start + length
      let last = first + 1
      for (; last < blocks.length; last++) {
        const [offset, bytes] = (blocks[last] as { place: BlockPlace }).place
        if (offset - end > GAP_BYTES_MAX || offset + bytes - start > READ_BYTES_MAX) break
        end = offset + bytes
      }
      const whole = await readWhole(this.#storage, this.path, start, end - start)
      for (; first < last; first++) {
        const { place, of } = blocks[first] as { place: BlockPlace; of: P }
        const [offset, bytes, checksum] = place
        const block = asBuffer(whole.subarray(offset - start, offset - start + bytes))
        checkBlock(block, checksum, this.path, `the block at ${offset}`)
        this.reading(() => take(viewOf(block), block, of))
      }
    }
  }

  /** A section or slice. */
  async value([offset, length, checksum]: BlockPlace): Promise<unknown> {
    const bytes = asBuffer(await readWhole(this.#storage, this.path, offset, length))
    checkBlock(bytes, checksum, this.path, `the block at ${offset}`)
    return this.reading(() => readValue(viewOf(bytes), bytes, { at: 0 }, this.index.shapes))
  }

  /** What is wrong with encoded bytes is wrong with the file. */
  reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (error instanceof RangeError || (error instanceof SluiceError && error.code === 'SLUICE_CODEC_CORRUPT'))
        return damaged(this.path, error.message, error)
      throw error
    }
  }
}

async function readWhole(storage: CheckpointStorage, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await storage.read(path, offset, length)
  if (bytes.length !== length) damaged(path, 'it is shorter than it was')
  return bytes
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
