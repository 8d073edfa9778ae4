/**
 * Writes the wire format of Protocol Buffers into a buffer that grows and is used again. The length of a message stands in front of it and is not known
 * before it is written: room for it is guessed, and what was written is moved where the guess was wrong.
 */
import { Buffer } from 'node:buffer'
import type { NativeBuffer } from './native-buffer.js'
import { notTelemetry } from './not-telemetry.js'
import { highOf, lowOf } from './nanoseconds.js'

const BYTES_FIRST = 64 << 10
/** A buffer that grew beyond this is given up after use. */
const BYTES_KEPT = 8 << 20
/** Up to this many characters are written one by one; a native call costs as much as that. */
const CHARACTERS_MAX = 48
/** The value of each hexadecimal digit by its code; what is none has a bit above. */
const NIBBLES = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(digit) ? 0x10 : digit
})
const TWO_32 = 0x1_0000_0000
/** Keys that are remembered as bytes; so many others begin anew. */
const KEYS_MAX = 1024

/** The field of a key as it is written, in words of which the last may be part of nothing. */
interface KeyField {
  readonly words: Int32Array
  readonly bytes: number
}

export class WireWriter {
  at = 0
  /** Keys repeat from record to record: writing their bytes takes less than looking at each character. */
  readonly #keys = new Map<string, KeyField>()
  /** The id that was written last as `repeatedHex`, and its bytes. */
  #id = ''
  readonly #idWords = new Int32Array(4)
  #bytes: NativeBuffer = Buffer.allocUnsafeSlow(BYTES_FIRST) as NativeBuffer
  #view: DataView = new DataView(this.#bytes.buffer)

  reset(): void {
    this.at = 0
    if (this.#bytes.length > BYTES_KEPT) this.#grow(BYTES_FIRST, 0)
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.subarray(0, this.at))
  }

  /** A copy of what was written from `from` on. */
  copyFrom(from: number): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(from, this.at))
  }

  /** Bytes that were written before. */
  raw(bytes: Uint8Array): void {
    this.#ensure(bytes.length)
    this.#bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Begins a message in a field; `lengthBytes`: how long its length will be when it is written, most likely. */
  begin(tag: number, lengthBytes: 1 | 2 | 3 | 4): number {
    this.#ensure(16)
    this.#varint(tag)
    this.at += lengthBytes
    return this.at
  }

  /** Ends the message that `begin` gave `start` for. */
  end(start: number, lengthBytes: 1 | 2 | 3 | 4): void {
    const length = this.at - start
    const needed = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5
    if (needed !== lengthBytes) {
      this.#ensure(16)
      this.#bytes.copyWithin(start - lengthBytes + needed, start, this.at)
    }
    const end = this.at - lengthBytes + needed
    this.at = start - lengthBytes
    this.#varint(length)
    this.at = end
  }

  /** A field of 32 bits at most. */
  uint32(tag: number, value: number): void {
    this.#ensure(16)
    this.#varint(tag)
    this.#varint(value >>> 0)
  }

  /** Negative ones take ten bytes, as those of 64 bits do. */
  int32(tag: number, value: number): void {
    if (value < 0) this.int64(tag, value)
    else this.uint32(tag, value)
  }

  sint32(tag: number, value: number): void {
    this.uint32(tag, (value << 1) ^ (value >> 31))
  }

  bool(tag: number, value: boolean): void {
    this.uint32(tag, value ? 1 : 0)
  }

  /** A safe integer, or a bigint of 64 bits. */
  int64(tag: number, value: number | bigint): void {
    this.#ensure(24)
    this.#varint(tag)
    this.#varint64(value)
  }

  /** An item of a packed field. */
  packedUint64(value: number): void {
    this.#ensure(16)
    this.#varint64(value)
  }

  sfixed64(tag: number, value: number | bigint): void {
    this.#ensure(24)
    this.#varint(tag)
    if (typeof value === 'bigint') this.#view.setBigInt64(this.at, value, true)
    else {
      this.#view.setInt32(this.at, value, true)
      this.#view.setInt32(this.at + 4, Math.floor(value / TWO_32), true)
    }
    this.at += 8
  }

  count(tag: number, value: number): void {
    this.#ensure(24)
    this.#varint(tag)
    this.packedCount(value)
  }

  /** An item of a packed field. */
  packedCount(value: number): void {
    this.#ensure(8)
    this.#view.setUint32(this.at, value, true)
    this.#view.setUint32(this.at + 4, Math.floor(value / TWO_32), true)
    this.at += 8
  }

  /** A time; that of 0 is left out. */
  time(tag: number, ms: number, nanos: number): void {
    if (ms === 0 && nanos === 0) return
    this.#ensure(24)
    this.#varint(tag)
    this.#view.setUint32(this.at, lowOf(ms, nanos), true)
    this.#view.setUint32(this.at + 4, highOf(ms, nanos), true)
    this.at += 8
  }

  fixed32(tag: number, value: number): void {
    this.#ensure(16)
    this.#varint(tag)
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  double(tag: number, value: number): void {
    this.#ensure(24)
    this.#varint(tag)
    this.packedDouble(value)
  }

  /** An item of a packed field. */
  packedDouble(value: number): void {
    this.#ensure(8)
    this.#view.setFloat64(this.at, value, true)
    this.at += 8
  }

  bytes(tag: number, value: Uint8Array): void {
    this.#ensure(24 + value.length)
    this.#varint(tag)
    this.#varint(value.length)
    this.#bytes.set(value, this.at)
    this.at += value.length
  }

  /** The same as `hex`, for what is often the same as the last one: the id of a trace. */
  repeatedHex(tag: number, digits: string): void {
    if (digits !== this.#id) {
      this.hex(tag, digits)
      if (digits.length !== 32) return
      this.#id = digits
      for (let word = 0; word < 4; word++) this.#idWords[word] = this.#view.getInt32(this.at - 16 + 4 * word, true)
      return
    }
    this.#ensure(40)
    this.#varint(tag)
    this.#varint(16)
    for (let word = 0; word < 4; word++) this.#view.setInt32(this.at + 4 * word, this.#idWords[word] as number, true)
    this.at += 16
  }

  /** Hexadecimal digits as bytes. */
  hex(tag: number, digits: string): void {
    const length = digits.length >> 1
    this.#ensure(24 + length)
    this.#varint(tag)
    this.#varint(length)
    const bytes = this.#bytes
    let at = this.at
    let wrong = 0
    for (let index = 0; index < 2 * length; index += 2) {
      const first = digits.charCodeAt(index)
      const second = digits.charCodeAt(index + 1)
      const high = NIBBLES[first & 0x7f] as number
      const low = NIBBLES[second & 0x7f] as number
      wrong |= high | low | ((first | second) & 0xff80)
      bytes[at++] = (high << 4) | low
    }
    if (wrong > 0xf || (digits.length & 1) === 1) notTelemetry('id', 'not made of pairs of hexadecimal digits')
    this.at = at
  }

  /** Text in field 1 that repeats: the key of an attribute. */
  key(text: string): void {
    const known = this.#keys.get(text)
    if (known === undefined) {
      this.#learnKey(text)
      return
    }
    const { words, bytes } = known
    this.#ensure(bytes + 4)
    const { at } = this
    for (let word = 0; word < words.length; word++) this.#view.setInt32(at + 4 * word, words[word] as number, true)
    this.at = at + bytes
  }

  #learnKey(text: string): void {
    const start = this.at
    this.string(10, text)
    const bytes = this.at - start
    if (text.length > CHARACTERS_MAX) return
    this.#ensure(4)
    if (this.#keys.size === KEYS_MAX) this.#keys.clear()
    this.#keys.set(text, {
      words: Int32Array.from({ length: (bytes + 3) >> 2 }, (_, word) => this.#view.getInt32(start + 4 * word, true)),
      bytes,
    })
  }

  string(tag: number, text: string): void {
    const { length } = text
    this.#ensure(24 + 3 * length)
    this.#varint(tag)
    const bytes = this.#bytes
    if (length <= CHARACTERS_MAX) {
      const start = this.at + 1
      let index = 0
      for (; index < length; index++) {
        const code = text.charCodeAt(index)
        if (code >= 0x80) break
        bytes[start + index] = code
      }
      if (index === length) {
        bytes[start - 1] = length
        this.at = start + length
        return
      }
    }
    const room = length < 0x2a ? 1 : length < 0x1555 ? 2 : 4
    const start = this.at + room
    this.at = start + bytes.utf8Write(text, start, bytes.length - start)
    this.end(start, room)
  }

  #varint(value: number): void {
    const bytes = this.#bytes
    let at = this.at
    while (value > 0x7f) {
      bytes[at++] = (value & 0x7f) | 0x80
      value >>>= 7
    }
    bytes[at++] = value
    this.at = at
  }

  #varint64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value < TWO_32) {
      this.#varint(value)
      return
    }
    let low: number
    let high: number
    if (typeof value === 'bigint') {
      low = Number(BigInt.asUintN(32, value))
      high = Number(BigInt.asUintN(32, value >> 32n))
    } else {
      low = value >>> 0
      high = Math.floor(value / TWO_32) >>> 0
    }
    const bytes = this.#bytes
    let at = this.at
    while (high !== 0 || low > 0x7f) {
      bytes[at++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    bytes[at++] = low
    this.at = at
  }

  #ensure(bytes: number): void {
    if (this.at + bytes > this.#bytes.length) this.#grow(Math.max(2 * this.#bytes.length, this.at + bytes), this.at)
  }

  #grow(size: number, keep: number): void {
    const bytes = Buffer.allocUnsafeSlow(size) as NativeBuffer
    this.#bytes.copy(bytes, 0, 0, keep)
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}
