/** Lines of text files. */
import { checkOptions, checkPath } from '../options/check-options.js'
import { defineSource, type SourceReader, type TypedBatch } from './define-source.js'
import { type FilePosition, type FileSplit, listFiles, splitByBytes } from './file-splits.js'
import { LineReader } from './line-reader.js'
import type { Source } from './source.js'

/** Records of one batch of a file source at most. */
export const BATCH_RECORDS_MAX = 512

/** What a read of bytes gives: the records come with the next call, where the engine counts the work as the source's. */
export function nothingYet(): { readonly records: readonly never[] } {
  return NOTHING
}

const NOTHING = { records: [] } as const

export interface FromTextOptions {
  /** Read the parts of the files in order, where time advances with them. Default false. */
  readonly orderedSplits?: boolean | undefined
}

/**
 * The lines of UTF-8 text files, without their line breaks (LF or CRLF); empty lines are kept, a byte order mark is not.
 * The path is a file, a folder (its files) or a glob. Large files are read in parallel by ranges of bytes.
 *
 * @throws SLUICE_INPUT_MISSING with the absolute path; SLUICE_RECORD_TOO_LARGE for a line above 16 MiB; SLUICE_INPUT_MALFORMED for UTF-16.
 * @example
 * job.source('lines', fromText('logs/*.log')).filter((line) => line.includes('ERROR'))
 */
export function fromText(path: string, options: FromTextOptions = {}): Source<string> {
  checkPath('fromText', path)
  checkOptions('fromText', options, ['orderedSplits'])
  return defineSource<string, FileSplit, FilePosition>({
    splits: async () => splitByBytes(await listFiles(path)),
    open: async (split, _context, position) => new TextReader(await LineReader.open(split, position)),
    replayable: true,
    orderedSplits: options.orderedSplits,
    bounded: true,
    options: { type: 'text', path },
  })
}

class TextReader implements SourceReader<string> {
  readonly #lines: LineReader

  constructor(lines: LineReader) {
    this.#lines = lines
  }

  next(): TypedBatch<string> | undefined | Promise<TypedBatch<string>> {
    const { position } = this.#lines
    const records: string[] = []
    while (records.length < BATCH_RECORDS_MAX) {
      const line = this.#lines.nextLine()
      if (line === undefined) break
      records.push(line)
    }
    if (records.length > 0) return { records, position }
    return this.#lines.ended ? undefined : this.#lines.fill().then(nothingYet)
  }

  async close(): Promise<void> {
    await this.#lines.close()
  }
}
