/**
 * The shared memory of one ring: a header of protocol words (Int32, cumulative modulo 2^32, compared by signed difference),
 * then the data area, a power of two. Each line has one writer.
 *
 *   written, barriers, barrierId, barrierAt, awaitsCredit   producer
 *   consumed, granted, requested                            consumer
 *
 * A barrier is a position in the stream of bytes: it needs no room and no credit. Id and position are written at the parity of its number,
 * then the number is stored in `barriers`, all of it before anything behind the barrier is published. So a consumer that loads `written` first and
 * `barriers` then knows every barrier in front of what it may read; and a pair is consistent where `barriers` is the same before and after. Only the
 * newest counts: one that is overwritten was given up.
 *
 * On a pull edge `requested` counts the records that the consumer has asked for so far: no record beyond it is published. Other edges leave it at 0.
 *
 * The producer may publish data while written + frame <= granted and written + frame - consumed <= capacity - reserve. Payload is written
 * before `written` is stored, and read after it is loaded, both with Atomics.
 */
import { CONTROL_RESERVE_BYTES } from './frame.js'

export const RingWord = {
  written: 0,
  /** How many there were. */
  barriers: 1,
  /** 1 while the producer waits for credit: whoever grants some wakes it. */
  awaitsCredit: 3,
  /** Two words: of even and of odd numbers. */
  barrierId: 4,
  barrierAt: 6,
  // the second line of 64 bytes
  consumed: 16,
  granted: 17,
  /** Records, cumulative; of pull edges alone. */
  requested: 18,
} as const

export const RING_HEADER_BYTES = 256

/** The largest window a ring can grant: what is left when the reserve and one pad are kept back. */
export function windowBytesMax(capacityBytes: number, maxFrameBytes: number): number {
  return capacityBytes - CONTROL_RESERVE_BYTES - maxFrameBytes
}

/** The smallest window that cannot stall: a pad and a frame of the largest size. */
export function windowBytesMin(maxFrameBytes: number): number {
  return 2 * maxFrameBytes
}

/** Allocates a ring whose consumer has granted `windowBytes` and asked for `prefetch` records (0: no pull edge). */
export function allocateRing(capacityBytes: number, windowBytes: number, prefetch = 0): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(RING_HEADER_BYTES + capacityBytes)
  const words = new Int32Array(shared)
  words[RingWord.granted] = windowBytes
  words[RingWord.requested] = prefetch
  return shared
}

/**
 * How many records of a pull edge go together: the consumer asks again when it has processed half of what it asked for, so that the producer
 * makes the other half meanwhile. Frames are no larger, so whatever waits fits into what will be asked for.
 */
export function demandStep(prefetch: number): number {
  return (prefetch + 1) >> 1
}
