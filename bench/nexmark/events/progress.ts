/**
 * When readers began and when they were half way, in shared memory: what is measured begins half way, where the code is warm. Each kind of
 * event has a slot per split, with one writer.
 */
import { KINDS } from './layout.js'

const SLOT_WORDS = 2
const BEGAN = 0
const HALF = 1

export function createProgress(splits: number): SharedArrayBuffer {
  return new SharedArrayBuffer(KINDS.length * splits * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT)
}

/** @param share of the split that has been read, 0 to 1 */
export function noteProgress(board: SharedArrayBuffer, slot: number, share: number): void {
  const words = new Float64Array(board, slot * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT, SLOT_WORDS)
  const word = share < 0.5 ? BEGAN : HALF
  if (words[word] === 0) words[word] = performance.timeOrigin + performance.now()
}

export interface Progress {
  /** When the first reader began, in ms since the epoch. */
  readonly beganMs: number
  /** When the last reader of the most frequent kind that was read was half way; others may run ahead. */
  readonly halfMs: number
}

/** @throws Error where nobody has read to the half */
export function readProgress(board: SharedArrayBuffer): Progress {
  const words = new Float64Array(board)
  const began = words.filter((time, index) => index % SLOT_WORDS === BEGAN && time > 0)
  for (let kind = KINDS.length - 1; kind >= 0; kind--) {
    const share = words.length / KINDS.length
    const half = words.slice(kind * share, (kind + 1) * share).filter((_, index) => index % SLOT_WORDS === HALF)
    if (half.every((time) => time > 0)) return { beganMs: Math.min(...began), halfMs: Math.max(...half) }
  }
  throw new Error('no source was read to the half')
}
