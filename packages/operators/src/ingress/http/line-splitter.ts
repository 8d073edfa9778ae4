/** Lines out of bytes that come in pieces: split at LF before they are decoded, so that characters survive wherever they are cut. Holds the bytes of one line. */
import { ByteGatherer } from './byte-gatherer.js'

const LF = 10
const CR = 13

export class LineSplitter {
  /** Number of the line that was given last, from 1. */
  line = 0
  readonly #rest: ByteGatherer = new ByteGatherer()
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0
  /** The line that was given is what is kept. */
  #given = false

  /** Bytes of the line that is not complete. */
  get restBytes(): number {
    return this.#given ? 0 : this.#rest.length
  }

  /** Takes a chunk; `next` gives its lines. The one before was read to its end. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /** The next complete line without its break, valid until the next call; undefined: there is none, and the rest is kept. */
  next(): Uint8Array | undefined {
    const chunk = this.#chunk
    const start = this.#at
    if (this.#given) this.#rest.clear()
    this.#given = false
    if (start >= chunk.length) return undefined
    const end = chunk.indexOf(LF, start)
    if (end < 0) {
      this.#rest.append(chunk.subarray(start))
      this.#at = chunk.length
      return undefined
    }
    this.#at = end + 1
    this.line++
    if (this.#rest.length === 0) return withoutReturn(chunk.subarray(start, end))
    this.#rest.append(chunk.subarray(start, end))
    this.#given = true
    return withoutReturn(this.#rest.bytes)
  }

  /** Behind the last chunk: what stands behind the last line break, undefined where there is nothing. */
  last(): Uint8Array | undefined {
    if (this.#rest.length === 0 || this.#given) return undefined
    this.line++
    this.#given = true
    return withoutReturn(this.#rest.bytes)
  }
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.length > 0 && line[line.length - 1] === CR ? line.subarray(0, -1) : line
}
