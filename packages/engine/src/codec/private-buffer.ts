/** A buffer of one encoder that grows up to a limit; what was large is given back at the next use. */
import { Buffer } from 'node:buffer'

const KEPT_BYTES = 1 << 20
const FIRST_BYTES = 1 << 12

export class PrivateBuffer {
  bytes: Buffer = Buffer.alloc(0)
  view: DataView = new DataView(this.bytes.buffer, 0, 0)
  readonly #bytesMax: number

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Makes it ready for a new record. */
  reset(): void {
    if (this.bytes.length === 0) this.#allocate(Math.min(FIRST_BYTES, this.#bytesMax))
    else if (this.bytes.length > KEPT_BYTES) this.#allocate(KEPT_BYTES)
  }

  /** Doubles it; answers false at the limit. */
  grow(): boolean {
    if (this.bytes.length >= this.#bytesMax) return false
    this.#allocate(Math.min(this.#bytesMax, 2 * this.bytes.length))
    return true
  }

  #allocate(bytes: number): void {
    // Fields that hold nothing leave their place as it is: what lay in memory before must not get into a checkpoint.
    this.bytes = Buffer.alloc(bytes)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, bytes)
  }
}
