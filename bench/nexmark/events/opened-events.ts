/** A packed buffer opened for reading: its columns as typed arrays over the shared memory. */
import { Buffer } from 'node:buffer'
import type { NativeBuffer } from '../../records/native-buffer.js'
import {
  BLOCK_EVENTS,
  BLOCKS_SECTION,
  bytesSection,
  dictionarySection,
  type EventKind,
  HEADER_AT,
  type Header,
  KIND_SECTION,
  KINDS,
  valuesSection,
} from './layout.js'

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array } as const
type Arrays = { readonly [T in keyof typeof ARRAYS]: InstanceType<(typeof ARRAYS)[T]> }

export interface TextColumn {
  /** Row i lies from offsets[i] to offsets[i + 1]. */
  readonly offsets: Uint32Array
  readonly bytes: NativeBuffer
}

export interface DictionaryColumn {
  readonly indexes: Uint16Array
  readonly words: readonly string[]
}

export class OpenedEvents {
  readonly header: Header
  /** Index in `KINDS` of each event. */
  readonly kinds: Uint8Array
  readonly #buffer: SharedArrayBuffer
  readonly #blocks: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    const length = new Uint32Array(buffer, 0, 1)[0] as number
    this.#buffer = buffer
    this.header = JSON.parse(bytesOf(new Uint8Array(buffer, HEADER_AT, length)).toString('latin1')) as Header
    this.kinds = this.#section(KIND_SECTION, 'uint8')
    this.#blocks = this.#section(BLOCKS_SECTION, 'int32')
  }

  get count(): number {
    return this.header.options.count
  }

  rows(kind: EventKind): number {
    return this.header.rows[kind]
  }

  /** How many blocks of events there are; the last may be short. */
  get blocks(): number {
    return this.#blocks.length / KINDS.length - 1
  }

  /** The number of the first event of a block; of `blocks`: how many events there are. */
  eventAt(block: number): number {
    return Math.min(block * BLOCK_EVENTS, this.count)
  }

  /** The first row of a kind at or after the begin of a block; `blocks` is the end. */
  firstRow(kind: EventKind, block: number): number {
    return this.#blocks[block * KINDS.length + KINDS.indexOf(kind)] as number
  }

  /** Numbers, and times as ms after the base time. */
  numbers(kind: EventKind, column: string): Int32Array {
    return this.#section(valuesSection(kind, column), 'int32')
  }

  dictionary(kind: EventKind, column: string): DictionaryColumn {
    const words = this.#section(dictionarySection(kind, column), 'uint8')
    const text = bytesOf(words).toString('latin1')
    return { indexes: this.#section(valuesSection(kind, column), 'uint16'), words: text.split('\n') }
  }

  text(kind: EventKind, column: string): TextColumn {
    return {
      offsets: this.#section(valuesSection(kind, column), 'uint32'),
      bytes: bytesOf(this.#section(bytesSection(kind, column), 'uint8')) as NativeBuffer,
    }
  }

  #section<T extends keyof Arrays>(name: string, type: T): Arrays[T] {
    const section = this.header.sections[name]
    if (section?.type !== type) throw new Error(`the events have no section ${name} of ${type}`)
    return new ARRAYS[type](this.#buffer as unknown as ArrayBuffer, section.at, section.length) as Arrays[T]
  }
}

/** The types of Buffer speak of ArrayBuffers alone. */
function bytesOf(array: Uint8Array): Buffer {
  return Buffer.from(array.buffer as ArrayBuffer, array.byteOffset, array.length)
}
