/** Messages out of the bytes of a connection, which come in pieces of any size. What is not complete is kept: at most the longest message and a chunk. */
import { ByteGatherer } from '../http/byte-gatherer.js'
import { LineSplitter } from '../http/line-splitter.js'

export interface MessageSplitter {
  /** Takes a chunk; `next` gives its messages. The one before was read to its end. */
  push(chunk: Uint8Array): void
  /** The next complete message, valid until the next call; undefined: there is none, and the rest is kept. @throws MessageTooLong */
  next(): Uint8Array | undefined
  /** Behind the last chunk: whether a message has begun and not ended. */
  readonly begun: boolean
}

export class MessageTooLong extends Error {}

export type Framing = 'lines' | 'lengthPrefixed' | 'none'

export function createSplitter(framing: Framing, bytesMax: number): MessageSplitter {
  switch (framing) {
    case 'lines':
      return new BoundedLines(bytesMax)
    case 'lengthPrefixed':
      return new LengthSplitter(bytesMax)
    case 'none':
      return new ChunkSplitter(bytesMax)
  }
}

class BoundedLines implements MessageSplitter {
  readonly #lines = new LineSplitter()
  readonly #bytesMax: number

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get begun(): boolean {
    return this.#lines.restBytes > 0
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk)
  }

  next(): Uint8Array | undefined {
    const line = this.#lines.next()
    if ((line?.length ?? this.#lines.restBytes) > this.#bytesMax) throw new MessageTooLong(`a line has more than ${this.#bytesMax} bytes`)
    return line
  }
}

const LENGTH_BYTES = 4

/** The length of each message stands in front of it: four bytes, big-endian. */
class LengthSplitter implements MessageSplitter {
  readonly #rest = new ByteGatherer()
  readonly #bytesMax: number
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0
  /** Of the message at hand; undefined: it has not come. */
  #length: number | undefined
  /** The message that was given is what is kept. */
  #given = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get begun(): boolean {
    return this.#length !== undefined || (!this.#given && this.#rest.length > 0)
  }

  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#at = 0
  }

  next(): Uint8Array | undefined {
    if (this.#given) this.#rest.clear()
    this.#given = false
    if (this.#length === undefined) {
      const header = this.#read(LENGTH_BYTES)
      if (header === undefined) return undefined
      const length = new DataView(header.buffer, header.byteOffset, LENGTH_BYTES).getUint32(0)
      if (length > this.#bytesMax) throw new MessageTooLong(`a message says that it has ${length} bytes, and may have ${this.#bytesMax}`)
      this.#rest.clear()
      this.#length = length
    }
    const message = this.#read(this.#length)
    if (message === undefined) return undefined
    this.#length = undefined
    this.#given = true
    return message
  }

  /** So many bytes, out of what is kept and the chunk; undefined: they have not come, and what has is kept. */
  #read(bytes: number): Uint8Array | undefined {
    const chunk = this.#chunk
    const start = this.#at
    const end = start + bytes - this.#rest.length
    if (end > chunk.length) {
      if (start < chunk.length) this.#rest.append(chunk.subarray(start))
      this.#at = chunk.length
      return undefined
    }
    this.#at = end
    if (this.#rest.length === 0) return chunk.subarray(start, end)
    this.#rest.append(chunk.subarray(start, end))
    return this.#rest.bytes
  }
}

/** Bytes as they come: where they are cut says nothing. */
class ChunkSplitter implements MessageSplitter {
  readonly begun = false
  readonly #bytesMax: number
  #chunk: Uint8Array = new Uint8Array(0)

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  push(chunk: Uint8Array): void {
    this.#chunk = chunk
  }

  next(): Uint8Array | undefined {
    if (this.#chunk.length === 0) return undefined
    const piece = this.#chunk.subarray(0, this.#bytesMax)
    this.#chunk = this.#chunk.subarray(piece.length)
    return piece
  }
}
