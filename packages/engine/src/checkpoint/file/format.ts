/**
 * State files, format 1. Frozen by golden files: whatever is added must leave old files readable, and anything else takes a new number.
 *
 * | part | content |
 * | --- | --- |
 * | header | `SLUICE-S`, uint32 version, uint32 0 |
 * | blocks | entries of one state of one key group, or a section, or a slice of a channel; one behind the other, without gaps |
 * | index | JSON: `FileIndex` |
 * | trailer | float64 offset of the index, uint32 its bytes, uint32 its CRC-32, uint32 version, uint32 0, `SLUICE-E` |
 *
 * Numbers are little endian. Every block has a CRC-32 in the index. A block of entries holds one after the other, each of which begins with
 * its key as a value (`state-value.ts`); `NAMESPACE_TAG` and a float64 in front of it says to which namespace it and those behind it belong.
 * A row goes on with its number columns as float64 and then its other columns as values; a timer with its time and the number of its
 * registration, as float64.
 */
import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { SluiceError } from '../../errors/sluice-error.js'
import type { ColumnKind } from '../../state/column.js'
import type { SectionName } from '../snapshot.js'

const FORMAT_VERSION = 1
/** Of frames and records in slices of channels: the encoding between subtasks, which may change where state does not. */
export const CHANNEL_VERSION = 1
export const HEADER_BYTES = 16
export const TRAILER_BYTES = 32
const HEADER_MAGIC = 'SLUICE-S'
const TRAILER_MAGIC = 'SLUICE-E'

/** In front of the key of an entry. */
export const NAMESPACE_TAG = 0x7f

/** Entries are cut into blocks of this size; one that is larger has a block of its own. */
export const BLOCK_BYTES_MAX: number = 64 * 1024

export type StateKind = 'table' | 'windows' | 'timers'

export interface StoredColumn {
  readonly kind: ColumnKind
  readonly name?: string | undefined
  /** See `NamedColumn`. */
  readonly holds?: string | undefined
  readonly own?: true | undefined
}

/** A state as it was declared when it was written. */
export interface StoredState {
  readonly operator: string
  readonly state: string
  readonly kind: StateKind
  /** As declared; in a row numbers come first. */
  readonly columns: readonly StoredColumn[]
  readonly entries: number
}

/** Where a block lies: offset, bytes, CRC-32. */
export type BlockPlace = readonly [offset: number, bytes: number, checksum: number]

export interface StoredSection {
  readonly operator: string
  readonly name: SectionName
  readonly block: BlockPlace
}

export interface StoredSlice {
  readonly edge: string
  readonly from: number
  readonly to: number
  readonly side: 'consumer' | 'producer'
  readonly block: BlockPlace
}

/** Index into `states`, key group, entries, then the place. */
export type StoredBlock = readonly [state: number, group: number, entries: number, offset: number, bytes: number, checksum: number]

export interface FileIndex {
  readonly checkpoint: number
  readonly subtask: number
  /** Of the subtask within its task. */
  readonly index: number
  readonly parallelism: number
  readonly keyGroups: number
  readonly channelVersion: number
  readonly states: readonly StoredState[]
  readonly sections: readonly StoredSection[]
  readonly slices: readonly StoredSlice[]
  readonly blocks: readonly StoredBlock[]
  /** Names of the properties of objects, by the number of their shape. */
  readonly shapes: readonly (readonly string[])[]
}

export function writeHeader(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(HEADER_MAGIC, 0, 'latin1')
  header.writeUInt32LE(FORMAT_VERSION, 8)
  return header
}

/** Index and trailer of a file whose blocks end at `offset`; `checksum` is that of the index. */
export function writeIndex(index: FileIndex, offset: number): { readonly bytes: Buffer; readonly checksum: number } {
  const json = Buffer.from(JSON.stringify(index))
  const checksum = crc32(json)
  const trailer = Buffer.alloc(TRAILER_BYTES)
  trailer.writeDoubleLE(offset, 0)
  trailer.writeUInt32LE(json.length, 8)
  trailer.writeUInt32LE(checksum, 12)
  trailer.writeUInt32LE(FORMAT_VERSION, 16)
  trailer.write(TRAILER_MAGIC, 24, 'latin1')
  return { bytes: Buffer.concat([json, trailer]), checksum }
}

export interface Trailer {
  readonly offset: number
  readonly bytes: number
  readonly checksum: number
}

/** The last bytes of a file of `fileBytes`. Fails with `SLUICE_CHECKPOINT_CORRUPT` or `_VERSION`. */
export function readTrailer(trailer: Buffer, fileBytes: number, path: string): Trailer {
  if (trailer.length !== TRAILER_BYTES || trailer.toString('latin1', 24) !== TRAILER_MAGIC) damaged(path, 'it does not end as it should')
  checkVersion(trailer.readUInt32LE(16), path)
  const offset = trailer.readDoubleLE(0)
  const bytes = trailer.readUInt32LE(8)
  if (offset + bytes + TRAILER_BYTES !== fileBytes) damaged(path, 'its index is not where it should be')
  return { offset, bytes, checksum: trailer.readUInt32LE(12) }
}

export function checkHeader(header: Buffer, path: string): void {
  if (header.length !== HEADER_BYTES || header.toString('latin1', 0, 8) !== HEADER_MAGIC) damaged(path, 'it does not begin as it should')
  checkVersion(header.readUInt32LE(8), path)
}

export function readIndex(json: Buffer, trailer: Trailer, path: string): FileIndex {
  checkBlock(json, trailer.checksum, path, 'its index')
  return JSON.parse(json.toString('utf8')) as FileIndex
}

/** Fails where bytes are not what they were when they were written. */
export function checkBlock(bytes: Uint8Array, checksum: number, path: string, what: string): void {
  if (crc32(bytes) !== checksum) damaged(path, `the checksum of ${what} is wrong`)
}

/** Fails with `SLUICE_CHECKPOINT_CORRUPT`. */
export function damaged(path: string, what: string, cause?: unknown): never {
  throw new SluiceError('SLUICE_CHECKPOINT_CORRUPT', `${path} is damaged: ${what}`, { cause })
}

/** Fails with `SLUICE_CHECKPOINT_VERSION` where slices of channels cannot be read. */
export function checkChannelVersion({ channelVersion }: FileIndex, path: string): void {
  if (channelVersion === CHANNEL_VERSION) return
  const message = `${path} holds records between operators in encoding ${channelVersion}, and ${CHANNEL_VERSION} is what is known here`
  throw new SluiceError('SLUICE_CHECKPOINT_VERSION', message, {
    hint: 'Restore it with the version that wrote it; savepoints and aligned checkpoints hold no such records.',
  })
}

function checkVersion(version: number, path: string): void {
  if (version === FORMAT_VERSION) return
  if (version < 1) damaged(path, 'its version is 0')
  throw new SluiceError('SLUICE_CHECKPOINT_VERSION', `${path} has state format ${version}; the newest one known here is ${FORMAT_VERSION}`)
}
