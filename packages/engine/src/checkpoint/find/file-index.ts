/** The index of a state file, read and held against what the manifest says of the file: a file that passes has its whole length, and its blocks are where the index says. */
import { Buffer } from 'node:buffer'
import { damaged, type FileIndex, readIndex, readTrailer, TRAILER_BYTES } from '../file/format.js'
import type { SnapshotFileHandle } from '../protocol.js'
import type { CheckpointStorage } from '../storage.js'

/** @throws SluiceError `SLUICE_CHECKPOINT_CORRUPT`, `SLUICE_CHECKPOINT_FILE_MISSING`, `SLUICE_CHECKPOINT_VERSION`. */
export async function readFileIndex(storage: CheckpointStorage, file: SnapshotFileHandle): Promise<FileIndex> {
  const path = `${storage.description}/${file.path}`
  if (file.bytes < TRAILER_BYTES) damaged(path, `it is said to have ${file.bytes} bytes`)
  // One byte more than there should be: a file that has grown is not the one that was written.
  const end = asBuffer(await storage.read(file.path, file.bytes - TRAILER_BYTES, TRAILER_BYTES + 1))
  if (end.length !== TRAILER_BYTES) damaged(path, `it does not have the ${file.bytes} bytes that were written`)
  const trailer = readTrailer(end, file.bytes, path)
  if (trailer.checksum !== file.checksum) damaged(path, 'its index is not the one that the manifest knows')
  const index = asBuffer(await storage.read(file.path, trailer.offset, trailer.bytes))
  return readIndex(index, trailer, path)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
