/** CSV files, parsed by csv-parse in chunks. */
import { Buffer } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { CsvError, type InfoRecord, type Options, Parser } from 'csv-parse'
import { checkChoice, checkPath } from './check-options.js'
import { convertCell } from './convert-text.js'
import { defineSource, type SourceReader, type TypedBatch } from './define-source.js'
import { type FileSplit, inputError, listFiles, mayMatchMany, splitByFile } from './file-splits.js'
import { BATCH_RECORDS_MAX } from './from-text.js'
import { LINE_BYTES_MAX } from './line-reader.js'
import { type InvalidPolicy, RecordGate } from './record-gate.js'
import type { Source } from './source.js'

export interface FromCsvOptions {
  /** Any Standard Schema (zod, valibot, arktype, ...); gives the type and validates each record. */
  readonly schema?: StandardSchemaV1 | undefined
  /** What happens to a row that is malformed or does not fit the schema. Default 'fail'. */
  readonly onInvalid?: InvalidPolicy | undefined
  /** true: the first row holds the names of the columns. A list: these are the names, and every row is data. Default true. */
  readonly header?: true | readonly string[] | undefined
  /** What separates cells. Default ','. */
  readonly delimiter?: string | undefined
  /** What a cell may be enclosed in. Default '"'. */
  readonly quote?: string | undefined
  /** What stands before a quote inside a quoted cell. Default: the quote itself. */
  readonly escape?: string | undefined
  /** Lines that begin with it are skipped. Default: none. */
  readonly comment?: string | undefined
  /** Whether spaces around cells are cut. Default false. */
  readonly trim?: boolean | undefined
  /** Read the files in order, where time advances with them. Default false. */
  readonly orderedSplits?: boolean | undefined
}

/**
 * The rows of CSV files (UTF-8) as objects by column name; empty lines are skipped. The path is a file, a folder (its files) or a
 * glob; each file is read by one subtask, because only its beginning tells where quoted cells are.
 *
 * A cell is text. Where a zod schema says number, boolean (true, false, 1, 0), date (ISO 8601; UTC without an offset) or bigint
 * for a column, the text is converted; an empty cell is null where the field is nullable and missing where it is optional.
 *
 * @throws SLUICE_INPUT_MISSING with the absolute path; SLUICE_INPUT_MALFORMED and SLUICE_RECORD_INVALID with file, line and reason.
 * @example
 * const Trip = z.object({ from: z.string(), km: z.number(), startedAt: z.date().nullable() })
 * job.source('trips', fromCsv('trips.csv', { schema: Trip, delimiter: ';' }))
 */
export function fromCsv<S extends StandardSchemaV1>(
  path: string,
  options: FromCsvOptions & { readonly schema: S },
): Source<StandardSchemaV1.InferOutput<S>>
export function fromCsv<T = Record<string, string>>(path: string, options?: FromCsvOptions & { readonly schema?: undefined }): Source<T>
export function fromCsv(path: string, options: FromCsvOptions = {}): Source<unknown> {
  const { schema, onInvalid = 'fail', header = true, orderedSplits, delimiter = ',' } = options
  checkPath('fromCsv', path)
  checkChoice('fromCsv: onInvalid', onInvalid, ['fail', 'drop', 'deadLetter'])
  if (header !== true) checkColumnNames(header, 'fromCsv: header')
  if (typeof delimiter !== 'string' || delimiter === '') throw new SluiceError('SLUICE_OPTIONS_INVALID', 'fromCsv: delimiter takes text.')
  return defineSource<unknown, FileSplit>({
    splits: async () => splitByFile(await listFiles(path)),
    open: async (split, context) => {
      const gate = new RecordGate({ schema, policy: onInvalid, operator: context.operator })
      return CsvReader.open(split, gate, options)
    },
    replayable: true,
    parallelismMax: mayMatchMany(path) ? undefined : { value: 1, because: 'a CSV file has one reader' },
    schema,
    orderedSplits,
    options: { type: 'csv', path, onInvalid, header, delimiter },
  })
}

const READ_BYTES = 64 * 1024

class CsvReader implements SourceReader<unknown> {
  readonly #handle: FileHandle
  readonly #split: FileSplit
  readonly #gate: RecordGate
  readonly #parser: Parser
  #ready: TypedBatch<unknown>[] = []
  #ended = false

  static async open(split: FileSplit, gate: RecordGate, options: FromCsvOptions): Promise<CsvReader> {
    try {
      return new CsvReader(await open(split.path, 'r'), split, gate, options)
    } catch (error) {
      throw inputError(error, split.path, split.name)
    }
  }

  private constructor(handle: FileHandle, split: FileSplit, gate: RecordGate, options: FromCsvOptions) {
    this.#handle = handle
    this.#split = split
    this.#gate = gate
    this.#parser = this.#createParser(options)
    // Errors arrive at the callback of the write that meets them; without a listener they would end the process as well.
    this.#parser.on('error', () => undefined)
  }

  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    const ready = this.#ready.shift()
    if (ready !== undefined) return ready
    return this.#ended ? undefined : this.#readChunk().then(() => this.next())
  }

  async close(): Promise<void> {
    this.#parser.destroy()
    await this.#handle.close()
  }

  async #readChunk(): Promise<void> {
    // The parser keeps slices of what it was given.
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    const { bytesRead } = await this.#handle.read(buffer, 0, READ_BYTES, null).catch((error: unknown) => {
      throw inputError(error, this.#split.path, this.#split.name)
    })
    try {
      await new Promise<void>((resolve, reject) => {
        const done = (error?: Error | null): void => (error == null ? resolve() : reject(error))
        if (bytesRead > 0) this.#parser.write(buffer.subarray(0, bytesRead), done)
        else this.#parser.end(done)
      })
    } catch (error) {
      throw this.#malformed(error)
    }
    if (bytesRead === 0) this.#ended = true
    if (!this.#gate.isEmpty) this.#ready.push(this.#gate.take())
  }

  #createParser(options: FromCsvOptions): Parser {
    const { header = true, delimiter = ',', quote = '"', escape, comment, trim = false } = options
    const { keys } = this.#gate.validator?.fields ?? {}
    const wanted = keys === undefined ? undefined : new Set(keys)
    const parserOptions: Options<Record<string, string>> = {
      bom: true,
      delimiter,
      quote,
      escape: escape ?? quote,
      comment: comment ?? null,
      trim,
      skip_empty_lines: true,
      max_record_size: LINE_BYTES_MAX,
      columns: header === true ? (names) => this.#selectColumns(names, wanted) : selectNames(header, wanted),
      skip_records_with_error: this.#gate.policy !== 'fail',
      on_skip: (error, raw) => {
        if (error !== undefined) this.#skip(error, raw)
        return undefined
      },
      // Nothing reaches the readable side: records are taken here, while the line is known.
      on_record: (record, info) => {
        this.#take(record, info)
        return null
      },
    }
    return new Parser(parserOptions as unknown as Options)
  }

  #selectColumns(names: readonly string[], wanted: ReadonlySet<string> | undefined): (string | false)[] {
    checkColumnNames(names, `${this.#split.name} line 1`)
    return selectNames(names, wanted)
  }

  #take(record: Record<string, unknown>, info: InfoRecord): void {
    const known = this.#gate.validator?.fields?.known
    const raw = known === undefined ? record : { ...record }
    if (known !== undefined) {
      for (const field of known.values()) {
        const text = record[field.name]
        if (typeof text !== 'string') continue
        const value = convertCell(field, text)
        if (value === undefined) delete record[field.name]
        else record[field.name] = value
      }
    }
    if (!this.#gate.admit(record)) this.#reject('SLUICE_RECORD_INVALID', raw, this.#gate.validator?.reason ?? '', info.lines)
    if (this.#gate.records.length >= BATCH_RECORDS_MAX) this.#ready.push(this.#gate.take())
  }

  #skip(error: CsvError, raw: string | undefined): void {
    const line = typeof error.lines === 'number' ? error.lines : 0
    this.#reject('SLUICE_INPUT_MALFORMED', raw ?? error.record ?? null, error.message, line)
  }

  #reject(code: 'SLUICE_INPUT_MALFORMED' | 'SLUICE_RECORD_INVALID', input: unknown, reason: string, line: number): void {
    this.#gate.reject(code, input, reason, `${this.#split.name} line ${line}`)
  }

  #malformed(error: unknown): unknown {
    if (error instanceof SluiceError || !(error instanceof CsvError)) return error
    const position = `${this.#split.name} line ${typeof error.lines === 'number' ? error.lines : 1}`
    return new SluiceError('SLUICE_INPUT_MALFORMED', `${position}: ${error.message}`, { position, cause: error })
  }
}

function selectNames(names: readonly string[], wanted: ReadonlySet<string> | undefined): (string | false)[] {
  return names.map((name) => (wanted === undefined || wanted.has(name) ? name : false))
}

/** A column that shadows another would lose data without a word. */
function checkColumnNames(names: readonly string[], where: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new SluiceError('SLUICE_INPUT_MALFORMED', `${where}: the column '${twice}' appears twice.`, {
    hint: 'Give the source the names of the columns: { header: [...] }.',
  })
}
