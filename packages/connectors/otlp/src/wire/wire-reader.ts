/**
 * Reads the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding). Whatever the bytes are, it ends, reads nothing beyond them,
 * and throws `MalformedTelemetry`. Used by one decoder at a time; holds nothing of a request when it is done.
 */
import { Buffer } from 'node:buffer'
import { NESTING_MAX } from './bounds.js'
import { malformed } from './malformed.js'
import { msOfWords, nanosOfWords } from './nanoseconds.js'
import type { NativeBuffer } from './native-buffer.js'
import { SpanIds } from './span-ids.js'
import { createStringSite, StringMemory, type StringSite } from './string-memory.js'

const TWO_32 = 0x1_0000_0000
const EMPTY = Buffer.alloc(0) as NativeBuffer
const KEY_SITE: StringSite = createStringSite()
/** One per thread: names and keys repeat from request to request. */
let memory: StringMemory | undefined
let ids: SpanIds | undefined

export class WireReader {
  /** Where the next field begins. */
  at = 0
  /** Where the message at hand ends. */
  limit = 0
  /** Of the time that was read last. */
  ms = 0
  nanos = 0
  /** Whether an attribute was a double that is whole. */
  sawWholeDouble = false
  /** Whether such values are given as `WholeDouble`. */
  marksWholeDoubles = false
  depth = 0
  #bytes: NativeBuffer = EMPTY
  #view: DataView = new DataView(EMPTY.buffer, 0, 0)
  readonly #strings: StringMemory = (memory ??= new StringMemory())
  readonly #spanIds: SpanIds = (ids ??= new SpanIds())
  readonly #hexWords = [0, 0, 0, 0]
  #hex = ''

  open(bytes: Uint8Array): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as NativeBuffer
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = 0
    this.depth = 0
    this.limit = bytes.byteLength
    this.sawWholeDouble = false
    this.marksWholeDoubles = false
  }

  close(): void {
    this.#bytes = EMPTY
    this.#view = new DataView(EMPTY.buffer, 0, 0)
  }

  /** Enters the message whose length comes next; answers where the outer one ends, for `leave`. */
  enter(): number {
    const end = this.#lengthDelimited()
    const outer = this.limit
    this.limit = end
    return outer
  }

  /** To the end of the message that was entered, whatever was read of it. */
  leave(outer: number): void {
    this.at = this.limit
    this.limit = outer
  }

  /** A number of field and wire type, or a length, or a count: 32 bits, the rest is cut off. */
  uint32(): number {
    const bytes = this.#bytes
    let at = this.at
    if (at >= this.limit) truncated()
    let byte = bytes[at++] as number
    if (byte < 0x80) {
      this.at = at
      return byte
    }
    let value = byte & 0x7f
    for (let shift = 7; shift < 70; shift += 7) {
      if (at >= this.limit) truncated()
      byte = bytes[at++] as number
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.at = at
        return value >>> 0
      }
    }
    return malformed('a varint of more than ten bytes')
  }

  int32(): number {
    return this.uint32() | 0
  }

  sint32(): number {
    const value = this.uint32()
    return (value >>> 1) ^ -(value & 1)
  }

  bool(): boolean {
    const bytes = this.#bytes
    const first = this.at
    const value = this.uint32()
    if (value !== 0) return true
    for (let at = first; at < this.at; at++) if (((bytes[at] as number) & 0x7f) !== 0) return true
    return false
  }

  /** A signed integer: a bigint where a number cannot hold it. */
  int64(): number | bigint {
    const bytes = this.#bytes
    const first = bytes[this.at] as number
    if (first < 0x80 && this.at < this.limit) {
      this.at++
      return first
    }
    let low = 0
    let high = 0
    let at = this.at
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= this.limit) truncated()
      const byte = bytes[at++] as number
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high |= bits >> 4
      } else if (shift < 63) high |= bits << (shift - 32)
      else high |= (bits & 1) << 31
      if (byte < 0x80) {
        this.at = at
        return integerOf(high | 0, low >>> 0)
      }
    }
    return malformed('a varint of more than ten bytes')
  }

  /** An unsigned integer: what is counted. */
  uint64(): number {
    const value = this.int64()
    return typeof value === 'number' && value >= 0 ? value : malformed('a count beyond 2^53-1')
  }

  /** Of 64 bits, signed. */
  sfixed64(): number | bigint {
    const at = this.#fixed(8)
    return integerOf(this.#view.getInt32(at + 4, true), this.#view.getUint32(at, true))
  }

  /** Of 64 bits, unsigned: what is counted. */
  count(): number {
    const at = this.#fixed(8)
    const value = this.#view.getUint32(at + 4, true) * TWO_32 + this.#view.getUint32(at, true)
    return value <= Number.MAX_SAFE_INTEGER ? value : malformed('a count beyond 2^53-1')
  }

  /** A time in nanoseconds: see `ms` and `nanos`. */
  time(): void {
    const at = this.#fixed(8)
    const high = this.#view.getUint32(at + 4, true)
    const low = this.#view.getUint32(at, true)
    this.ms = msOfWords(high, low)
    this.nanos = nanosOfWords(high, low)
  }

  fixed32(): number {
    return this.#view.getUint32(this.#fixed(4), true)
  }

  double(): number {
    return this.#view.getFloat64(this.#fixed(8), true)
  }

  /** A name that repeats. */
  key(): string {
    const end = this.#lengthDelimited()
    const at = this.at
    this.at = end
    KEY_SITE.pause = 0
    return this.#strings.read(this.#bytes, this.#view, at, end - at, KEY_SITE)
  }

  /** The account of the values of the key that was read last. */
  siteOfKey(): StringSite {
    return this.#strings.siteOfSlot()
  }

  string(site: StringSite): string {
    const end = this.#lengthDelimited()
    const at = this.at
    this.at = end
    return this.#strings.read(this.#bytes, this.#view, at, end - at, site)
  }

  /** Bytes of their own: the request can be given up. */
  bytes(): Uint8Array {
    const end = this.#lengthDelimited()
    const at = this.at
    this.at = end
    return new Uint8Array(this.#bytes.subarray(at, end))
  }

  /** Bytes as hexadecimal digits. */
  hex(): string {
    const end = this.#lengthDelimited()
    const at = this.at
    this.at = end
    return at === end ? '' : this.#bytes.hexSlice(at, end)
  }

  /** The same, for what is often the same as the last one: the id of a trace. */
  repeatedHex(): string {
    const end = this.#lengthDelimited()
    const at = this.at
    this.at = end
    if (end - at !== 16) return at === end ? '' : this.#bytes.hexSlice(at, end)
    const view = this.#view
    const words = this.#hexWords
    const first = view.getInt32(at, true)
    const second = view.getInt32(at + 4, true)
    const third = view.getInt32(at + 8, true)
    const fourth = view.getInt32(at + 12, true)
    if (words[0] === first && words[1] === second && words[2] === third && words[3] === fourth && this.#hex !== '') return this.#hex
    words[0] = first
    words[1] = second
    words[2] = third
    words[3] = fourth
    this.#hex = this.#bytes.hexSlice(at, end)
    return this.#hex
  }

  /** The same, for the id of a span; `known`: of one that may have been read before. */
  spanId(known: boolean): string {
    const end = this.#lengthDelimited()
    const at = this.at
    this.at = end
    return this.#spanIds.read(this.#bytes, this.#view, at, end - at, known)
  }

  /** Passes by the value of a field that is not known. */
  skip(tag: number): void {
    if (tag >>> 3 === 0) malformed('a field with the number 0')
    switch (tag & 7) {
      case 0:
        this.uint32()
        return
      case 1:
        this.#fixed(8)
        return
      case 2:
        this.at = this.#lengthDelimited()
        return
      case 3:
        this.#skipGroup(tag >>> 3)
        return
      case 5:
        this.#fixed(4)
        return
      default:
        malformed(`a field of wire type ${tag & 7}`)
    }
  }

  #skipGroup(field: number): void {
    this.deeper()
    for (;;) {
      const tag = this.uint32()
      if ((tag & 7) === 4) {
        if (tag >>> 3 !== field) malformed('a group that does not end')
        this.depth--
        return
      }
      this.skip(tag)
    }
  }

  /** One level deeper within values; the caller takes it back from `depth`. */
  deeper(): void {
    if (++this.depth > NESTING_MAX) malformed(`values within each other more than ${NESTING_MAX} times`)
  }

  #lengthDelimited(): number {
    const length = this.uint32()
    const end = this.at + length
    return end <= this.limit ? end : truncated()
  }

  #fixed(length: number): number {
    const at = this.at
    if (at + length > this.limit) truncated()
    this.at = at + length
    return at
  }
}

function truncated(): never {
  return malformed('the message is cut short')
}

function integerOf(high: number, low: number): number | bigint {
  const value = high * TWO_32 + low
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low)
}
