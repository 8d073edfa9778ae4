/**
 * Strings: a length byte (0..253) and one byte per code unit; or 254, a 32-bit length and the same; or 255, a 32-bit length in code units and two bytes each.
 * Every code unit survives, lone surrogates too.
 *
 * Native calls cost the same for any length, a loop costs per character: short strings are written by a loop, longer ones by `utf8Write`, which proves that
 * they are ASCII when it wrote as many bytes as there are code units. It is given room for three bytes per code unit: cut off it would prove nothing, and it
 * is slower when it has to look for the end.
 */
import type { Buffer } from 'node:buffer'
import { type Cursor, NO_ROOM } from './contract.js'
import { corrupt } from './corrupt.js'
import type { NativeBuffer } from './native-buffer.js'
import {
  gain,
  LONG_MAX,
  lose,
  readRepeatedString,
  readShortString,
  rememberSentString,
  SHORT_MAX,
  type StringSite,
  sentSlot,
  writeSentString,
} from './string-cache.js'

/** Up to this length a loop over the characters beats a native call. */
const LOOP_MAX = 16
const BYTE_LENGTH_MAX = 253
const BEYOND_LATIN1 = /[^\x00-\xff]/
const LONG_LATIN1 = 254
const TWO_BYTE = 255
/** `site` is the account of the place, where it has one. */
export function writeString(text: string, view: DataView, bytes: Buffer, at: number, limit: number, site?: StringSite): number {
  const length = text.length
  if (length <= LOOP_MAX) {
    if (at + 1 + length > limit) return NO_ROOM
    let all = 0
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      all |= unit
      view.setUint8(at + 1 + index, unit)
    }
    if (all > 0xff) return writeTwoByte(text, view, bytes, at, limit)
    view.setUint8(at, length)
    return at + 1 + length
  }
  if (site === undefined || length > LONG_MAX) return writeLongString(text, view, bytes, at, limit)
  if (site.skip > 0) {
    site.skip--
    return writeLongString(text, view, bytes, at, limit)
  }
  return writeRepeatedString(text, view, bytes, at, limit, site)
}

function writeRepeatedString(text: string, view: DataView, bytes: Buffer, at: number, limit: number, site: StringSite): number {
  const start = at + 1
  const end = start + text.length
  if (end > limit) return NO_ROOM
  const slot = sentSlot(text)
  if (writeSentString(text, slot, view, start)) {
    gain(site)
    view.setUint8(at, text.length)
    return end
  }
  lose(site)
  const written = writeLongString(text, view, bytes, at, limit)
  if (written === end) rememberSentString(text, slot, view, start)
  return written
}

function writeLongString(text: string, view: DataView, bytes: Buffer, at: number, limit: number): number {
  const length = text.length
  const start = length <= BYTE_LENGTH_MAX ? at + 1 : at + 5
  if (start + length > limit) return NO_ROOM
  const proven = limit - start >= 3 * length ? (bytes as NativeBuffer).utf8Write(text, start) === length : false
  if (!proven && !writeLatin1(text, view, bytes, start)) return writeTwoByte(text, view, bytes, at, limit)
  if (length <= BYTE_LENGTH_MAX) view.setUint8(at, length)
  else {
    view.setUint8(at, LONG_LATIN1)
    view.setUint32(at + 1, length, true)
  }
  return start + length
}

function writeLatin1(text: string, view: DataView, bytes: Buffer, start: number): boolean {
  if (text.length > BYTE_LENGTH_MAX) {
    if (BEYOND_LATIN1.test(text)) return false
    ;(bytes as NativeBuffer).latin1Write(text, start)
    return true
  }
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit > 0xff) return false
    view.setUint8(start + index, unit)
  }
  return true
}

function writeTwoByte(text: string, view: DataView, bytes: Buffer, at: number, limit: number): number {
  const length = text.length
  const end = at + 5 + 2 * length
  if (end > limit) return NO_ROOM
  view.setUint8(at, TWO_BYTE)
  view.setUint32(at + 1, length, true)
  ;(bytes as NativeBuffer).ucs2Write(text, at + 5)
  return end
}

/** `site` is the account of the place, where it has one. */
export function readString(view: DataView, bytes: Buffer, cursor: Cursor, site?: StringSite): string {
  const at = cursor.at
  const length = view.getUint8(at)
  if (length > BYTE_LENGTH_MAX) return readLongString(length, view, bytes, cursor)
  const end = at + 1 + length
  cursor.at = end
  if (length <= SHORT_MAX) return length === 0 ? '' : readShortString(view, bytes, at + 1, length)
  if (site !== undefined && length <= LONG_MAX) return readRepeatedString(view, bytes, at + 1, length, site)
  return (bytes as NativeBuffer).latin1Slice(at + 1, end)
}

function readLongString(form: number, view: DataView, bytes: Buffer, cursor: Cursor): string {
  const start = cursor.at + 5
  const length = view.getUint32(cursor.at + 1, true)
  const end = form === TWO_BYTE ? start + 2 * length : start + length
  if (end > bytes.length) corrupt(`a string of ${length} characters ends beyond its memory`)
  cursor.at = end
  return form === TWO_BYTE ? (bytes as NativeBuffer).ucs2Slice(start, end) : (bytes as NativeBuffer).latin1Slice(start, end)
}
