/**
 * Records that an operator lost on purpose, by reason, in shared words: exact at any time, also after a thread that ended in the middle of it. A slot holds
 * a count and the reason as text. The worker of the subtask writes: text first, then its length, by which the coordinator knows that the slot is there.
 */

/** Reasons that one operator tells apart; what goes beyond is counted as `OTHER_REASONS`, in the last slot. */
export const DROP_REASONS_MAX = 16
export const OTHER_REASONS = 'other reasons'
/** Of a reason; what is longer is cut. */
const REASON_BYTES_MAX = 32

const BYTES_PER_WORD = 8
const LENGTH_WORD = 1
const TEXT_WORD = 2
const SLOT_WORDS = TEXT_WORD + REASON_BYTES_MAX / BYTES_PER_WORD
/** Per (subtask, node of its chain). */
export const DROP_WORDS: number = DROP_REASONS_MAX * SLOT_WORDS

/** So many records for one reason, since the start. */
export interface DropCount {
  readonly reason: string
  readonly count: number
}

/** The writing side: one per operator and subtask. */
export class DropCounts {
  readonly #words: Float64Array
  readonly #at: number
  readonly #slots = new Map<string, number>()

  constructor(words: Float64Array, at: number) {
    this.#words = words
    this.#at = at
  }

  add(reason: string, count: number): void {
    const slot = this.#slots.get(reason) ?? this.#open(reason)
    this.#words[slot] = (this.#words[slot] as number) + count
  }

  #open(reason: string): number {
    const index = Math.min(this.#slots.size, DROP_REASONS_MAX - 1)
    const slot = this.#at + index * SLOT_WORDS
    // More texts than slots: user code makes them, and the map must not grow with them.
    if (this.#slots.size < DROP_REASONS_MAX) {
      writeText(this.#words, slot, index === DROP_REASONS_MAX - 1 ? OTHER_REASONS : reason)
      this.#slots.set(reason, slot)
    }
    return slot
  }
}

const NONE: readonly DropCount[] = []

/** The reading side. */
export function readDropCounts(words: Float64Array, at: number): readonly DropCount[] {
  if (lengthAt(words, at) === 0) return NONE
  const counts: DropCount[] = []
  for (let slot = at; slot < at + DROP_WORDS && lengthAt(words, slot) > 0; slot += SLOT_WORDS)
    counts.push({ reason: readText(words, slot), count: words[slot] ?? 0 })
  return counts
}

function writeText(words: Float64Array, slot: number, text: string): void {
  const bytes = new TextEncoder().encode(text === '' ? '-' : text).subarray(0, REASON_BYTES_MAX)
  bytesAt(words, slot).set(bytes)
  Atomics.store(lengthsOf(words), 2 * (slot + LENGTH_WORD), bytes.length)
}

function readText(words: Float64Array, slot: number): string {
  // A copy: text is not decoded from shared memory. A character that was cut in two is left out.
  const text = new TextDecoder().decode(bytesAt(words, slot).slice(0, lengthAt(words, slot)))
  return text.endsWith('\uFFFD') ? text.slice(0, -1) : text
}

function lengthAt(words: Float64Array, slot: number): number {
  return Atomics.load(lengthsOf(words), 2 * (slot + LENGTH_WORD))
}

function lengthsOf({ buffer, byteOffset, length }: Float64Array): Int32Array {
  return new Int32Array(buffer, byteOffset, 2 * length)
}

function bytesAt({ buffer, byteOffset }: Float64Array, slot: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + (slot + TEXT_WORD) * BYTES_PER_WORD, REASON_BYTES_MAX)
}
