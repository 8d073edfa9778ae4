/** Memory to encode into, seen both ways; large ones are kept for the next checkpoint, because fresh memory costs more than writing it. */
import { Buffer } from 'node:buffer'

const KEPT_BYTES_MAX = 32 * 1024 * 1024

export class Arena {
  readonly bytes: Buffer
  readonly view: DataView

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafeSlow(length)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, length)
  }
}

/** Of one thread. */
export class ArenaPool {
  readonly #kept: Arena[] = []
  #keptBytes = 0

  take(length: number): Arena {
    const at = this.#kept.findIndex((arena) => arena.bytes.length === length)
    if (at < 0) return new Arena(length)
    this.#keptBytes -= length
    return this.#kept.splice(at, 1)[0] as Arena
  }

  give(arena: Arena): void {
    const { length } = arena.bytes
    if (length === 0 || this.#keptBytes + length > KEPT_BYTES_MAX) return
    this.#keptBytes += length
    this.#kept.push(arena)
  }
}
