/**
 * Ids of spans that were read before, by their bytes: a span is the parent of others in the same request, and these have the same one, so the text of a parent's id is mostly
 * there. A hit is exact. Of fixed size; a slot keeps the last id that fell into it.
 */
import type { NativeBuffer } from './native-buffer.js'

const SLOT_BITS = 8
const BYTES = 8

export class SpanIds {
  readonly #texts: string[] = new Array<string>(1 << SLOT_BITS).fill('')
  readonly #words = new Int32Array(2 << SLOT_BITS)

  /** `known`: it may have been read before. The id of a span itself is new, and only kept. */
  read(bytes: NativeBuffer, view: DataView, at: number, length: number, known: boolean): string {
    if (length !== BYTES) return length === 0 ? '' : bytes.hexSlice(at, at + length)
    const first = view.getInt32(at, true)
    const second = view.getInt32(at + 4, true)
    const slot = Math.imul(first ^ second, 0x9e3779b1) >>> (32 - SLOT_BITS)
    const words = this.#words
    if (known && words[2 * slot] === first && words[2 * slot + 1] === second && this.#texts[slot] !== '') return this.#texts[slot] as string
    const text = bytes.hexSlice(at, at + length)
    words[2 * slot] = first
    words[2 * slot + 1] = second
    this.#texts[slot] = text
    return text
  }
}
