/**
 * When readers began and when they were half way, in shared memory: what is measured begins half way, where the code is warm. One writer
 * per slot; several sources of a job share the slot of their split, and the first of them writes.
 */
const SLOT_WORDS = 2
const BEGAN = 0
const HALF = 1

export const createProgress = (slots: number): SharedArrayBuffer =>
  new SharedArrayBuffer(slots * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT)

/** @param share of the split that has been read, 0 to 1 */
export function noteProgress(board: SharedArrayBuffer, slot: number, share: number): void {
  const words = new Float64Array(board, slot * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT, SLOT_WORDS)
  const word = share < 0.5 ? BEGAN : HALF
  if (words[word] === 0) words[word] = performance.timeOrigin + performance.now()
}

export interface Progress {
  /** When the first reader began, in ms since the epoch. */
  readonly beganMs: number
  /** When the last reader was half way. */
  readonly halfMs: number
}

export function readProgress(board: SharedArrayBuffer): Progress {
  const words = new Float64Array(board)
  const began = words.filter((_, index) => index % SLOT_WORDS === BEGAN)
  const half = words.filter((_, index) => index % SLOT_WORDS === HALF)
  return { beganMs: Math.min(...began), halfMs: Math.max(...half) }
}
