/**
 * What the chunks of a stream mean: records as they are, bytes, or the lines of their text. Shared by `fromReadable` and
 * `fromWebStream`; runs in the thread that reads the stream.
 */
import { StringDecoder } from 'node:string_decoder'
import { SluiceError } from '@sluice/engine'
import { BATCH_BYTES_MAX } from '../bridge/read-ahead.js'
import type { SourceReader } from './define-source.js'
import { LINE_BYTES_MAX } from './line-reader.js'
import type { PullContext } from './pull-reader.js'

/** `objects`: each chunk is a record. `bytes`: each chunk is a record, a Uint8Array. `lines`: lines of UTF-8 text. */
export type StreamFormat = 'objects' | 'bytes' | 'lines'

/** Bytes count where chunks are bytes or text. */
export function chunkBytesMax(format: StreamFormat): number {
  return format === 'objects' ? Number.POSITIVE_INFINITY : BATCH_BYTES_MAX
}

/** Gives the chunks of `reader` as what they mean. */
export function formatReader(reader: SourceReader<unknown>, format: StreamFormat, context: PullContext): SourceReader<unknown> {
  if (format === 'objects') return new MappedReader(reader, (batch) => batch.map((chunk) => refuseBytes(chunk)))
  if (format === 'bytes') return new MappedReader(reader, (batch) => batch.map((chunk) => toBytes(chunk, context.operator)))
  return new StreamLineReader(reader, context.operator)
}

class MappedReader implements SourceReader<unknown> {
  readonly #reader: SourceReader<unknown>
  readonly #map: (batch: readonly unknown[]) => readonly unknown[]

  constructor(reader: SourceReader<unknown>, map: (batch: readonly unknown[]) => readonly unknown[]) {
    this.#reader = reader
    this.#map = map
  }

  async next(): Promise<readonly unknown[] | undefined> {
    const batch = (await this.#reader.next()) as readonly unknown[] | undefined
    return batch === undefined ? undefined : this.#map(batch)
  }

  get readsAhead(): boolean | undefined {
    return this.#reader.readsAhead
  }

  close(): void | Promise<void> {
    return this.#reader.close?.()
  }
}

/** Bytes split at line breaks; only the unfinished line is held. */
class StreamLineReader implements SourceReader<string> {
  readonly #reader: SourceReader<unknown>
  readonly #operator: string
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #started = false
  #ended = false

  constructor(reader: SourceReader<unknown>, operator: string) {
    this.#reader = reader
    this.#operator = operator
  }

  async next(): Promise<readonly string[] | undefined> {
    for (;;) {
      if (this.#ended) return undefined
      const chunks = (await this.#reader.next()) as readonly unknown[] | undefined
      if (chunks === undefined) {
        this.#ended = true
        const last = this.#rest + this.#decoder.end()
        return last === '' ? undefined : [stripReturn(last)]
      }
      const lines: string[] = []
      for (const chunk of chunks)
        this.#split(typeof chunk === 'string' ? chunk : this.#decoder.write(toBuffer(chunk, this.#operator)), lines)
      if (lines.length > 0) return lines
    }
  }

  get readsAhead(): boolean | undefined {
    return this.#reader.readsAhead
  }

  close(): void | Promise<void> {
    return this.#reader.close?.()
  }

  #split(text: string, lines: string[]): void {
    if (!this.#started && text !== '') {
      this.#started = true
      if (text.startsWith('\uFEFF')) text = text.slice(1)
    }
    let start = 0
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', start)) {
      lines.push(stripReturn(this.#rest + text.slice(start, at)))
      this.#rest = ''
      start = at + 1
    }
    this.#rest += text.slice(start)
    if (this.#rest.length > LINE_BYTES_MAX) {
      throw new SluiceError('SLUICE_RECORD_TOO_LARGE', `Source ${this.#operator}: a line is longer than ${LINE_BYTES_MAX} characters.`, {
        operator: this.#operator,
        hint: "Check that the stream is text with line breaks, or read it with format: 'bytes'.",
      })
    }
  }
}

function stripReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function toBuffer(chunk: unknown, operator: string): Buffer {
  const bytes = toBytes(chunk, operator)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A view that is no Buffer: records are plain data. */
function toBytes(chunk: unknown, operator: string): Uint8Array {
  if (chunk instanceof Uint8Array) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk)
  if (typeof chunk === 'string') return new TextEncoder().encode(chunk)
  throw new SluiceError('SLUICE_SOURCE_FAILED', `Source ${operator}: the stream gives objects where bytes or text are read.`, {
    operator,
    hint: "Read a stream of objects with format: 'objects'.",
  })
}

function refuseBytes(chunk: unknown): unknown {
  if (!(chunk instanceof Uint8Array)) return chunk
  throw new SluiceError('SLUICE_SOURCE_FAILED', 'The stream gives bytes where objects are read.', {
    hint: "Say what the bytes mean: { format: 'lines' } or { format: 'bytes' }.",
  })
}
