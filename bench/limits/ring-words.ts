/** The control words of a hand-written ring, each on its own cache line, and its sizes. */

/** Int32 words in front of the data. */
export const CONTROL_BYTES = 256
export const RING_BYTES: number = 1 << 18
export const RING_MASK: number = RING_BYTES - 1
/** Written by the producer: bytes published, modulo 2^32. */
export const WRITTEN = 0
/** Written by the consumer: bytes released, modulo 2^32. */
export const CONSUMED = 16
/** 1 while the consumer sleeps on WRITTEN. */
export const CONSUMER_PARKED = 32
/** 1 while the producer sleeps on CONSUMED. */
export const PRODUCER_PARKED = 48
/** In front of a batch: its length in bytes and its count of records. A length of -1 leads back to the start of the ring. */
export const BATCH_HEADER = 8
/** Turns without sleep. */
export const SPINS = 2000
/** A sleep that missed its wake-up ends by itself. */
export const SLEEP_MS = 10

export function createRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(CONTROL_BYTES + RING_BYTES)
}
