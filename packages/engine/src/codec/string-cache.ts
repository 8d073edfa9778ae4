/**
 * Caches from bytes to strings and back: a native call to make or write a string costs several times what it takes to compare or copy its bytes, and text in
 * records repeats. A hit is exact: every byte is compared. One set of caches per thread, of fixed size; a slot is overwritten by the next string that falls
 * into it.
 *
 * Long strings cost something to enter, so each place that handles them (a field of a shape) keeps account and stops looking while it finds nothing.
 */
import type { Buffer } from 'node:buffer'
import type { NativeBuffer } from './native-buffer.js'

/** Up to this many bytes are compared as three words. */
export const SHORT_MAX = 12
const SHORT_BITS = 11
const SHORT_WORDS = 4

const shortStrings: string[] = new Array<string>(1 << SHORT_BITS).fill('')
/** Three words that together hold every byte, and the length; length 0 is an empty slot. */
const shortWords = new Int32Array(SHORT_WORDS << SHORT_BITS)

/** A string of 1 to 12 one-byte characters. */
export function readShortString(view: DataView, bytes: Buffer, at: number, length: number): string {
  let first: number
  let middle = 0
  let last: number
  if (length >= 4) {
    first = view.getInt32(at, true)
    last = view.getInt32(at + length - 4, true)
    if (length > 8) middle = view.getInt32(at + 4, true)
  } else {
    first = view.getUint8(at)
    middle = view.getUint8(at + (length >> 1))
    last = view.getUint8(at + length - 1)
  }
  const hash = Math.imul(Math.imul(first, 0x9e3779b1) ^ Math.imul(last + length, 0x85ebca6b) ^ Math.imul(middle, 0xc2b2ae35), 0x27d4eb2f)
  const slot = hash >>> (32 - SHORT_BITS)
  const base = slot * SHORT_WORDS
  if (shortWords[base] === first && shortWords[base + 1] === middle && shortWords[base + 2] === last && shortWords[base + 3] === length)
    return shortStrings[slot] as string
  const text = (bytes as NativeBuffer).latin1Slice(at, at + length)
  shortWords[base] = first
  shortWords[base + 1] = middle
  shortWords[base + 2] = last
  shortWords[base + 3] = length
  shortStrings[slot] = text
  return text
}

/** The account of one place that handles strings. */
export interface StringSite {
  /** Strings to pass by without looking. */
  skip: number
  credit: number
}

const CREDIT_MAX = 64
const CREDIT_AFTER_SKIP = 16
const SKIP = 1024
/** A miss costs about what a hit saves; looking goes on only where two of three hit. */
const MISS_LOSS = 2

export function createStringSite(): StringSite {
  return { skip: 0, credit: CREDIT_MAX }
}

export function gain(site: StringSite): void {
  if (site.credit < CREDIT_MAX) site.credit++
}

export function lose(site: StringSite): void {
  site.credit -= MISS_LOSS
  if (site.credit >= 0) return
  site.skip = SKIP
  site.credit = CREDIT_AFTER_SKIP
}

/** Up to this many bytes are cached. */
export const LONG_MAX = 96
const LONG_BITS = 8
const LONG_WORDS = LONG_MAX / 4

const longStrings: string[] = new Array<string>(1 << LONG_BITS).fill('')
const longLengths = new Int32Array(1 << LONG_BITS)
/** The last four bytes, which overlap the words where the length is no multiple of four. */
const longTails = new Int32Array(1 << LONG_BITS)
const longWords = new Int32Array(LONG_WORDS << LONG_BITS)

/** A string of 13 to 96 one-byte characters. */
export function readRepeatedString(view: DataView, bytes: Buffer, at: number, length: number, site: StringSite): string {
  if (site.skip > 0) {
    site.skip--
    return (bytes as NativeBuffer).latin1Slice(at, at + length)
  }
  const tail = view.getInt32(at + length - 4, true)
  const middle = view.getInt32(at + (length >> 1), true)
  const hash = Math.imul(
    Math.imul(tail, 0x9e3779b1) ^ Math.imul(middle + length, 0x85ebca6b) ^ view.getInt32(at + length - 8, true),
    0x27d4eb2f,
  )
  const slot = hash >>> (32 - LONG_BITS)
  const base = slot * LONG_WORDS
  const words = length >> 2
  let word = 0
  if (longLengths[slot] === length && longTails[slot] === tail) {
    while (word < words && view.getInt32(at + 4 * word, true) === longWords[base + word]) word++
    if (word === words) {
      gain(site)
      return longStrings[slot] as string
    }
  }
  lose(site)
  const text = (bytes as NativeBuffer).latin1Slice(at, at + length)
  for (; word < words; word++) longWords[base + word] = view.getInt32(at + 4 * word, true)
  longLengths[slot] = length
  longTails[slot] = tail
  longStrings[slot] = text
  return text
}

const sentStrings: string[] = new Array<string>(1 << LONG_BITS).fill('')
const sentTails = new Int32Array(1 << LONG_BITS)
const sentWords = new Int32Array(LONG_WORDS << LONG_BITS)

/** The slot of a string of 13 to 96 characters among those sent before. */
export function sentSlot(text: string): number {
  const length = text.length
  const ends = (text.charCodeAt(length - 1) << 16) ^ (text.charCodeAt(length - 4) << 8) ^ text.charCodeAt(length >> 1)
  return Math.imul(ends ^ (length << 24), 0x9e3779b1) >>> (32 - LONG_BITS)
}

/** Writes the bytes of a string that was sent before; answers false where the slot holds another. */
export function writeSentString(text: string, slot: number, view: DataView, start: number): boolean {
  if (sentStrings[slot] !== text) return false
  const length = text.length
  const words = length >> 2
  const base = slot * LONG_WORDS
  for (let word = 0; word < words; word++) view.setInt32(start + 4 * word, sentWords[base + word] as number, true)
  view.setInt32(start + length - 4, sentTails[slot] as number, true)
  return true
}

/** Remembers the one-byte characters just written at `start`. */
export function rememberSentString(text: string, slot: number, view: DataView, start: number): void {
  const length = text.length
  const words = length >> 2
  const base = slot * LONG_WORDS
  for (let word = 0; word < words; word++) sentWords[base + word] = view.getInt32(start + 4 * word, true)
  sentTails[slot] = view.getInt32(start + length - 4, true)
  sentStrings[slot] = text
}
