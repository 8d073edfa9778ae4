/** How far a bridge may read ahead of the job, as bounds of a batch. Pure. */
import { checkInteger } from '../options/check-options.js'

/** Values that are taken from the other side ahead of the one that is processed, where nothing else is said. */
export const READ_AHEAD_MAX = 256

/** A batch of chunks of bytes ends behind so many, whatever `readAhead` says: chunks are of any size. */
export const BATCH_BYTES_MAX: number = 256 * 1024

export interface ReadAhead {
  /** Values of one batch: one batch is processed while the next is asked for. */
  readonly batch: number
  /** Whether a batch is asked for while another is processed. */
  readonly ahead: boolean
  /** Chunks count by their bytes too. */
  readonly bytesMax: number
}

/** Two batches of half as many: of what was taken all but the value at hand is ahead. */
export function planReadAhead(caller: string, readAhead: number = READ_AHEAD_MAX, bytesMax: number = Number.POSITIVE_INFINITY): ReadAhead {
  checkInteger(`${caller}: readAhead`, readAhead, 0)
  return { batch: Math.max(1, Math.floor((readAhead + 1) / 2)), ahead: readAhead > 0, bytesMax }
}

/** Bytes of a chunk of a stream, text as it is held in memory at most. */
export function sizeOfChunk(chunk: unknown): number {
  if (typeof chunk === 'string') return chunk.length * 2
  if (chunk instanceof Uint8Array || chunk instanceof ArrayBuffer) return chunk.byteLength
  return 0
}
