/** Bytes that come in pieces, gathered in one buffer: a piece of one byte must not hold the memory of the chunk that it came in. */
import { Buffer } from 'node:buffer'

const BYTES_MIN = 1_024

export class ByteGatherer {
  length = 0
  #buffer: Buffer = EMPTY

  append(chunk: Uint8Array): void {
    const needed = this.length + chunk.length
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(BYTES_MIN, needed, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, this.length)
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.length)
    this.length = needed
  }

  /** What was gathered; valid until the next call. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = EMPTY
  }
}

const EMPTY = Buffer.alloc(0)
/** What is kept for the next of its kind. */
const KEPT_BYTES = 16 * 1024
