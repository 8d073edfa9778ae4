/**
 * When readers began and when they were half way, in shared memory: what is measured begins half way, where the code is warm. Each kind of
 * event has a slot per split, with one writer.
 */
import { KINDS } from './layout.js'

const SLOT_WORDS = 3
const BEGAN = 0
const HALF = 1
const HALF_CPU_US = 2

export function createProgress(splits: number): SharedArrayBuffer {
  return new SharedArrayBuffer(KINDS.length * splits * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT)
}

/** @param share of the split that has been read, 0 to 1 */
export function noteProgress(board: SharedArrayBuffer, slot: number, share: number): void {
  const words = new Float64Array(board, slot * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT, SLOT_WORDS)
  const word = share < 0.5 ? BEGAN : HALF
  if (words[word] !== 0) return
  words[word] = performance.timeOrigin + performance.now()
  if (word === HALF) words[HALF_CPU_US] = cpuUs()
}

export interface Progress {
  /** When the first reader began, in ms since the epoch. */
  readonly beganMs: number
  /** When the last reader of the most frequent kind that was read was half way; others may run ahead. */
  readonly halfMs: number
  /** CPU time of the process until then. */
  readonly halfCpuUs: number
}

/** @throws Error where nobody has read to the half */
export function readProgress(board: SharedArrayBuffer): Progress {
  const words = new Float64Array(board)
  const all = (word: number): Float64Array => words.filter((_, index) => index % SLOT_WORDS === word)
  const beganMs = Math.min(...all(BEGAN).filter((time) => time > 0))
  const splits = all(BEGAN).length / KINDS.length
  for (let kind = KINDS.length - 1; kind >= 0; kind--) {
    const ofKind = (word: number): Float64Array => all(word).slice(kind * splits, (kind + 1) * splits)
    const half = ofKind(HALF)
    if (half.every((time) => time > 0)) return { beganMs, halfMs: Math.max(...half), halfCpuUs: Math.max(...ofKind(HALF_CPU_US)) }
  }
  throw new Error('no source was read to the half')
}

/** CPU time of all threads of the process so far. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
