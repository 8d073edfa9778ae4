/**
 * Strings that were read before, by their bytes: making a string is a native call that costs several times what it takes to compare a few bytes, and
 * names, keys and most values of telemetry repeat. A hit is exact: every byte is compared. Of fixed size; a slot keeps the last string that fell into it.
 */
import type { NativeBuffer } from './native-buffer.js'

/** Up to this many bytes are remembered. */
const BYTES_MAX = 64
const SLOT_BITS = 11
const WORDS = BYTES_MAX / 4
/** Misses of a slot in a row after which it is left alone for a while: what never repeats costs little more than without a memory. */
const MISSES_MAX = 4
const PAUSE = 64

export class StringMemory {
  /** Where `read` found or put its string. */
  slot = 0
  readonly #sites: (StringSite | undefined)[] = new Array<StringSite | undefined>(1 << SLOT_BITS).fill(undefined)
  readonly #strings: string[] = new Array<string>(1 << SLOT_BITS).fill('')
  readonly #lengths = new Uint8Array(1 << SLOT_BITS)
  /** The last four bytes overlap the words in front of them where the length is no multiple of four. */
  readonly #tails = new Int32Array(1 << SLOT_BITS)
  readonly #words = new Int32Array(WORDS << SLOT_BITS)

  /** The text of `length` bytes; `site`: the account of the place that reads, for places whose strings do not repeat. */
  read(bytes: NativeBuffer, view: DataView, at: number, length: number, site: StringSite): string {
    if (length < 4 || length > BYTES_MAX) return length === 0 ? '' : bytes.utf8Slice(at, at + length)
    if (site.pause > 0) {
      site.pause--
      return bytes.utf8Slice(at, at + length)
    }
    const tail = view.getInt32(at + length - 4, true)
    const hash = Math.imul(
      Math.imul(view.getInt32(at, true), 0x9e3779b1) ^
        Math.imul(tail + length, 0x85ebca6b) ^
        Math.imul(view.getInt32(at + (((length - 4) >> 1) & ~3), true), 0xc2b2ae35),
      0x27d4eb2f,
    )
    const slot = hash >>> (32 - SLOT_BITS)
    this.slot = slot
    const base = slot * WORDS
    const words = length >> 2
    if (this.#lengths[slot] === length && this.#tails[slot] === tail) {
      let word = 0
      while (word < words && view.getInt32(at + 4 * word, true) === this.#words[base + word]) word++
      if (word === words) {
        site.misses = 0
        return this.#strings[slot] as string
      }
    }
    if (++site.misses >= MISSES_MAX) {
      site.misses = MISSES_MAX - 1
      site.pause = PAUSE
    }
    const text = bytes.utf8Slice(at, at + length)
    for (let word = 0; word < words; word++) this.#words[base + word] = view.getInt32(at + 4 * word, true)
    this.#lengths[slot] = length
    this.#tails[slot] = tail
    this.#strings[slot] = text
    return text
  }

  /** The account of what follows the string that was read last: of the values of a key. */
  siteOfSlot(): StringSite {
    return (this.#sites[this.slot] ??= createStringSite())
  }
}

export interface StringSite {
  misses: number
  /** Strings to read without looking. */
  pause: number
}

export function createStringSite(): StringSite {
  return { misses: 0, pause: 0 }
}
