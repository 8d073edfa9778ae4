/** Records as the chunks of byte streams: text and bytes as they are, everything else as lines of JSON. One per writer. */
import { checkChoice, checkOptions } from '../options/check-options.js'
import type { SinkWriteContext } from './define-sink.js'
import { JsonText } from './json-text.js'
import { countNonFinite } from './to-json-lines.js'

/** What records are in a stream: `objects`: as they are. `bytes`: text and bytes as they are, everything else as JSON lines. */
export type OutputFormat = 'objects' | 'bytes'

export interface ToStreamOptions {
  /** What the stream carries. Default 'objects'. */
  readonly format?: OutputFormat | undefined
}

/** Records that make one chunk of bytes at most. */
export const CHUNK_RECORDS = 256

/** Fails with `SLUICE_OPTIONS_INVALID`. */
export function formatOf(caller: string, options: ToStreamOptions): OutputFormat {
  checkOptions(caller, options, ['format'])
  const { format = 'objects' } = options
  checkChoice(`${caller}: format`, format, ['objects', 'bytes'])
  return format
}

export class StreamChunks {
  readonly #context: SinkWriteContext
  readonly #json = new JsonText()
  #counted = 0

  constructor(context: SinkWriteContext) {
    this.#context = context
  }

  /** One record as text or bytes. */
  textOf(record: unknown): string | Uint8Array {
    if (typeof record === 'string' || record instanceof Uint8Array) return record
    const text = `${this.#json.stringify(record)}\n`
    if (this.#json.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, this.#json.nonFinite, this.#counted)
    return text
  }

  /** Several records as one chunk. */
  join(records: readonly unknown[]): Uint8Array {
    const parts: Uint8Array[] = []
    let text = ''
    for (const record of records) {
      const part = this.textOf(record)
      if (typeof part === 'string') {
        text += part
        continue
      }
      if (text !== '') parts.push(Buffer.from(text))
      text = ''
      parts.push(part)
    }
    if (parts.length === 0) return Buffer.from(text)
    if (text !== '') parts.push(Buffer.from(text))
    return Buffer.concat(parts)
  }
}
