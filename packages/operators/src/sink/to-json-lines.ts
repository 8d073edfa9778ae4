/** JSON lines files. */
import type { ErrorPolicy } from '@sluice/engine'
import type { Update } from '../join/join-types.js'
import { checkOptions, checkPath } from '../options/check-options.js'
import { defineSink, type SinkWriteContext } from './define-sink.js'
import type { FileOutput } from './file-output.js'
import { FileRecordWriter } from './file-record-writer.js'
import { JsonText } from './json-text.js'
import { openOutput } from './open-output.js'
import { isFolderPath } from './output-path.js'
import type { PlainSink, Sink, SinkWithLetters } from './sink.js'
import { checkUpdates, ONE_TABLE, TableWriter } from './table-writer.js'

export interface ToJsonLinesOptions {
  /**
   * What becomes of a stream of updates (`topN`, outer joins). `'table'`: they are applied, and the values of the table that they come to
   * are written when the input has ended; it is kept in memory, and every checkpoint holds all of it. `'log'`: each is written as it comes,
   * `{ op, key, value }`.
   */
  readonly updates?: 'table' | 'log' | undefined
  /**
   * What becomes of a record that cannot be written: the job fails, it is dropped and counted, or a dead letter leaves on what `stream.sink(...)` gives back.
   * Default `'fail'`.
   */
  readonly onError?: ErrorPolicy | undefined
}

/** The reason why a file sink runs at parallelism 1. */
export const ONE_FILE: { readonly value: number; readonly because: string } = { value: 1, because: 'one file has one writer' }

/**
 * Writes records as JSON, one per line. A path is one file, written by one subtask; a path that ends in `/` is a folder of parts
 * (`part-<subtask>.jsonl`) written in parallel. Folders are made. While it is written, output bears another name (`out.jsonl.partial`,
 * `.part-0.jsonl.partial`): what bears the final name is complete.
 *
 * With checkpoints every record is there exactly once, whatever fails. One file keeps its unfinished name until the job has finished, and is cut
 * back to where it was when a checkpoint is restored. A folder gets a part per subtask and checkpoint (`part-0-17-0.jsonl`), which appears when the
 * checkpoint is complete. A pipe or a device cannot be cut back: after a restore records may come twice there.
 *
 * bigint is written as text of its digits, Date as ISO 8601 text, NaN and the infinities as null (counted as `user.nonFiniteAsNull`);
 * properties that are undefined are left out.
 *
 * @throws SLUICE_OUTPUT_EXISTS where there is output already and the job was not started with `--overwrite`; SLUICE_OUTPUT_UNWRITABLE;
 * SLUICE_OUTPUT_CHANGED where it is shorter than a checkpoint that is restored says; SLUICE_JSON_UNSUPPORTED for Map, Set, functions and the
 * like, with the path of the property.
 * @example
 * stream.sink('out', toJsonLines('out/delays.jsonl'))
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .topN('largest', 3, (left, right) => right.amount - left.amount)
 *   .sink('out', toJsonLines('out/largest.jsonl', { updates: 'table' }))
 */
export function toJsonLines<const O extends ToJsonLinesOptions & { readonly updates: 'table' }>(
  path: string,
  options: O,
): SinkWithLetters<O, Sink<Update<unknown>>>
export function toJsonLines<const O extends ToJsonLinesOptions & { readonly updates: 'log' }>(
  path: string,
  options: O,
): SinkWithLetters<O, Sink<unknown>>
export function toJsonLines<const O extends ToJsonLinesOptions & { readonly updates?: undefined } = { readonly updates?: undefined }>(
  path: string,
  options?: O,
): SinkWithLetters<O, PlainSink<unknown>>
export function toJsonLines(path: string, options: ToJsonLinesOptions = {}): Sink<never> {
  checkOptions('toJsonLines', options, ['updates', 'onError'])
  const { updates, onError } = options
  checkPath('toJsonLines', path)
  checkUpdates('toJsonLines', updates)
  return defineSink<unknown>({
    open: (context) => {
      const open = async (of: SinkWriteContext): Promise<JsonLinesWriter> =>
        new JsonLinesWriter(await openOutput(path, 'jsonl', of), of, onError !== undefined && onError !== 'fail')
      return updates === 'table' ? TableWriter.open(path, open, context) : open(context)
    },
    transactional: true,
    onError,
    parallelismMax: updates === 'table' ? ONE_TABLE : isFolderPath(path) ? undefined : ONE_FILE,
    options: { type: 'jsonLines', path, ...(updates === undefined ? {} : { updates }) },
  })
}

class JsonLinesWriter extends FileRecordWriter {
  readonly #context: SinkWriteContext
  readonly #json = new JsonText()
  readonly #lenient: boolean
  #counted = 0

  /** @param lenient records that cannot be written are left out */
  constructor(output: FileOutput, context: SinkWriteContext, lenient: boolean) {
    super(output)
    this.#context = context
    this.#lenient = lenient
  }

  override write(records: readonly unknown[]): void | Promise<void> {
    const json = this.#json
    let text = ''
    if (this.#lenient) text = writable(records, (record) => `${json.stringify(record)}\n`, this.#context)
    else for (let index = 0; index < records.length; index++) text += `${json.stringify(records[index])}\n`
    if (json.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, json.nonFinite, this.#counted)
    return this.output.append(text)
  }
}

/** The text of all records that can be written; the others are dead letters, or dropped. */
export function writable(records: readonly unknown[], textOf: (record: unknown) => string, context: SinkWriteContext): string {
  let text = ''
  for (const record of records) {
    try {
      text += textOf(record)
    } catch (error) {
      context.deadLetter(record, error)
    }
  }
  return text
}

/** Counts new nulls, and says it once in the log. */
export function countNonFinite(context: Pick<SinkWriteContext, 'metrics' | 'log'>, now: number, before: number): number {
  context.metrics.count('nonFiniteAsNull', now - before)
  if (before === 0) context.log.warn('Numbers that are not finite are written as null.')
  return now
}
