/** JSON lines files: one JSON value per line. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkChoice, checkOptions, checkPath } from '../options/check-options.js'
import { convertJsonFields, type JsonConversions, jsonConversionsOf } from './convert-text.js'
import { defineSource, type SourceReader, type TypedBatch } from './define-source.js'
import { type FilePosition, type FileSplit, listFiles, splitByBytes } from './file-splits.js'
import { BATCH_RECORDS_MAX, nothingYet } from './from-text.js'
import { LineReader } from './line-reader.js'
import { type InvalidPolicy, RecordGate } from './record-gate.js'
import type { Source } from './source.js'

export interface FromJsonLinesOptions {
  /** Any Standard Schema (zod, valibot, arktype, ...); gives the type and validates each record. */
  readonly schema?: StandardSchemaV1 | undefined
  /** What happens to a line that is not JSON or does not fit the schema. Default 'fail'. */
  readonly onInvalid?: InvalidPolicy | undefined
  /** Read the parts of the files in order, where time advances with them. Default false. */
  readonly orderedSplits?: boolean | undefined
}

/**
 * The values of JSON lines files (UTF-8, one JSON value per line; blank lines are skipped). The path is a file, a folder
 * (its files) or a glob. Large files are read in parallel by ranges of bytes.
 *
 * JSON has no dates and no bigints: where a zod schema says `z.date()` or `z.bigint()` for a property of the record, ISO 8601
 * text and integer text are converted, as `toJsonLines` writes them. Unsafe integers lose digits, as in `JSON.parse`.
 *
 * @throws SLUICE_INPUT_MISSING with the absolute path; SLUICE_INPUT_MALFORMED and SLUICE_RECORD_INVALID with file, line and reason.
 * @example
 * const Order = z.object({ id: z.string(), amount: z.number(), placedAt: z.date() })
 * job.source('orders', fromJsonLines('orders/*.jsonl', { schema: Order, onInvalid: 'deadLetter' }))
 */
export function fromJsonLines<S extends StandardSchemaV1>(
  path: string,
  options: FromJsonLinesOptions & { readonly schema: S },
): Source<StandardSchemaV1.InferOutput<S>>
export function fromJsonLines<T = unknown>(path: string, options?: FromJsonLinesOptions & { readonly schema?: undefined }): Source<T>
export function fromJsonLines(path: string, options: FromJsonLinesOptions = {}): Source<unknown> {
  checkOptions('fromJsonLines', options, ['schema', 'onInvalid', 'orderedSplits'])
  const { schema, onInvalid = 'fail', orderedSplits } = options
  checkPath('fromJsonLines', path)
  checkChoice('fromJsonLines: onInvalid', onInvalid, ['fail', 'drop', 'deadLetter'])
  return defineSource<unknown, FileSplit, FilePosition>({
    splits: async () => splitByBytes(await listFiles(path)),
    open: async (split, context, position) => {
      const gate = new RecordGate({ schema, policy: onInvalid, operator: context.operator })
      return new JsonLinesReader(await LineReader.open(split, position), split, gate)
    },
    replayable: true,
    schema,
    orderedSplits,
    bounded: true,
    options: { type: 'jsonLines', path, onInvalid },
  })
}

interface Refused {
  readonly code: 'SLUICE_INPUT_MALFORMED' | 'SLUICE_RECORD_INVALID'
  readonly text: string
  readonly reason: string
  readonly line: number
}

class JsonLinesReader implements SourceReader<unknown> {
  readonly #lines: LineReader
  readonly #split: FileSplit
  readonly #gate: RecordGate
  readonly #conversions: JsonConversions
  /** Lines in front of those of the reader; counted when a message needs it. */
  #linesBefore: number | undefined

  constructor(lines: LineReader, split: FileSplit, gate: RecordGate) {
    this.#lines = lines
    this.#split = split
    this.#gate = gate
    this.#conversions = jsonConversionsOf(gate.validator)
    if (lines.fromBeginning) this.#linesBefore = 0
  }

  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    const { position } = this.#lines
    let refused: Refused[] | undefined
    let taken = 0
    while (taken < BATCH_RECORDS_MAX) {
      const text = this.#lines.nextLine()
      if (text === undefined) break
      taken++
      const record = parseLine(text)
      if (record === BLANK) continue
      if (record === MALFORMED) {
        ;(refused ??= []).push({ code: 'SLUICE_INPUT_MALFORMED', text, reason: parseReason(text), line: this.#lines.lines })
      } else if (!this.#gate.admit(convertJsonFields(record, this.#conversions))) {
        ;(refused ??= []).push({ code: 'SLUICE_RECORD_INVALID', text, reason: this.#gate.validator?.reason ?? '', line: this.#lines.lines })
      }
    }
    if (refused !== undefined) return this.#refuse(refused, position)
    if (!this.#gate.isEmpty) return this.#gate.take(position)
    if (taken > 0) return nothingYet()
    return this.#lines.ended ? undefined : this.#lines.fill().then(nothingYet)
  }

  async close(): Promise<void> {
    await this.#lines.close()
  }

  #refuse(refused: readonly Refused[], position: FilePosition | undefined): TypedBatch<unknown> | Promise<TypedBatch<unknown>> {
    const before = this.#linesBefore
    if (before === undefined) {
      return this.#lines.linesBefore().then((lines) => {
        this.#linesBefore = lines
        return this.#refuse(refused, position)
      })
    }
    for (const { code, text, reason, line } of refused) {
      this.#gate.reject(code, text, reason, `${this.#split.name} line ${before + line}`)
    }
    return this.#gate.take(position)
  }
}

const BLANK = Symbol('blank')
const MALFORMED = Symbol('malformed')

function parseLine(text: string): unknown {
  if (text === '') return BLANK
  try {
    return JSON.parse(text)
  } catch {
    return text.trim() === '' ? BLANK : MALFORMED
  }
}

function parseReason(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}
