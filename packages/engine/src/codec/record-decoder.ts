/**
 * The decoder of one channel. The hot loop calls `decode`, the function of the shape seen most; records with another id are found in a table by id. Runs on
 * the thread of the subtask that reads the channel.
 */
import { Buffer } from 'node:buffer'
import { readAny } from './any-reader.js'
import { canGenerateCode } from './code-generation.js'
import type { Cursor, DecodeFunction, DecoderCache, RecordDecoder, RecordDecoderOptions } from './contract.js'
import { corrupt } from './corrupt.js'
import { GENERIC_ID, readDefinition } from './definition.js'
import { type DecoderFactory, generateDecoder } from './generated-decoder.js'
import { interpretDecoder } from './interpreted-decoder.js'

/** Definitions kept in a cache; a channel can redefine its shapes without end. */
const CACHED_MAX = 1024
/** Neighbouring records of one shape that make it the current one. */
const STREAK = 32

interface Known {
  readonly id: number
  readonly definition: Uint8Array
  readonly make: DecoderFactory
}

/** A cache that the decoders of one edge share, so that each shape is compiled once. */
export function createDecoderCache(): DecoderCache {
  return { functions: new Map() }
}

/** A decoder for one channel; it knows the shapes that `define` has told it. */
export function createRecordDecoder(options: RecordDecoderOptions = {}): RecordDecoder {
  return new TableDecoder(options)
}

const wrongShape: DecodeFunction = () => corrupt('a record changed its shape id while it was read')

class TableDecoder implements RecordDecoder {
  decode: DecodeFunction
  readonly #functions = new Map<string, Known>()
  readonly #generate: boolean
  readonly #known: (Known | undefined)[] = []
  /** By shape id, without a way on to other shapes. */
  readonly #table: (DecodeFunction | undefined)[] = []
  readonly #other: DecodeFunction
  #currentId = -1
  #streak = 0
  #streakId = -1
  #streakEnd = -1

  constructor(options: RecordDecoderOptions) {
    this.#generate = (options.generate ?? true) && canGenerateCode()
    if (options.cache !== undefined) this.#functions = options.cache.functions as Map<string, Known>
    this.#other = (view, bytes, cursor) => this.#decodeOther(view, bytes, cursor)
    this.decode = this.#other
  }

  define(definition: Uint8Array): void {
    const known = this.#find(definition)
    this.#known[known.id] = known
    this.#table[known.id] = known.make(wrongShape)
    if (this.#currentId === -1 || this.#currentId === known.id) this.#setCurrent(known)
  }

  definitions(): readonly Uint8Array[] {
    return this.#known.flatMap((known) => (known === undefined ? [] : [known.definition]))
  }

  #find(definition: Uint8Array): Known {
    const key = `${this.#generate ? 'g' : 'i'}${Buffer.from(definition).toString('latin1')}`
    const found = this.#functions.get(key)
    if (found !== undefined) return found
    const { id, type } = readDefinition(definition)
    const make = this.#generate ? generateDecoder(id, type) : (other: DecodeFunction): DecodeFunction => interpretDecoder(id, type, other)
    const known: Known = { id, definition: Uint8Array.from(definition), make }
    if (this.#functions.size >= CACHED_MAX) this.#functions.clear()
    this.#functions.set(key, known)
    return known
  }

  #setCurrent(known: Known): void {
    this.#currentId = known.id
    this.#streakId = -1
    this.decode = known.make(this.#other)
  }

  /** Per record that is not of the current shape. */
  #decodeOther(view: DataView, bytes: Buffer, cursor: Cursor): unknown {
    const at = cursor.at
    const id = view.getUint8(at)
    if (id === GENERIC_ID) {
      cursor.at = at + 1
      return readAny(view, bytes, cursor)
    }
    const decode = this.#table[id]
    if (decode === undefined) return corrupt(`a record of shape ${id}, which was not defined`)
    const value = decode(view, bytes, cursor)
    this.#used(id, at, cursor.at)
    return value
  }

  #used(id: number, at: number, end: number): void {
    if (id !== this.#streakId) {
      this.#streakId = id
      this.#streak = 0
    } else if (at !== this.#streakEnd) this.#streak = Math.max(0, this.#streak - 2)
    else if (++this.#streak >= STREAK) {
      const known = this.#known[id]
      if (known !== undefined) this.#setCurrent(known)
    }
    this.#streakEnd = end
  }
}
