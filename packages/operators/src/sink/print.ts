/** Standard output. */
import { SluiceError } from '@sluice/engine'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import { JsonText } from './json-text.js'
import type { Sink } from './sink.js'
import { countNonFinite } from './to-json-lines.js'

/**
 * Writes records as JSON lines to standard output, for a pipe or for a look. It runs in the thread that started the job. The job's log
 * goes to standard error.
 *
 * @throws SLUICE_JSON_UNSUPPORTED as `toJsonLines`.
 * @example
 * stream.sink('out', print())
 */
export function print(): Sink<unknown> {
  return defineSink<unknown>({
    open: (context) => new PrintWriter(context),
    parallelismMax: { value: 1, because: 'there is one standard output' },
    pinned: true,
    options: { type: 'print' },
  })
}

class PrintWriter implements RecordWriter<unknown> {
  readonly #context: SinkWriteContext
  readonly #writeOut: (text: string) => void | Promise<void>
  readonly #json = new JsonText()
  #counted = 0

  constructor(context: SinkWriteContext) {
    const { host } = context
    if (host === undefined) throw new SluiceError('SLUICE_ASSERTION', 'print() was placed on a thread without standard output')
    this.#context = context
    this.#writeOut = (text) => host.writeOut(text)
  }

  write(records: readonly unknown[]): void | Promise<void> {
    const json = this.#json
    let text = ''
    for (let index = 0; index < records.length; index++) text += `${json.stringify(records[index])}\n`
    if (json.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, json.nonFinite, this.#counted)
    return this.#writeOut(text)
  }
}
