/**
 * The rows of a CSV file, parsed by csv-parse piece by piece. `parse` and `finish` find rows; `fill` reads bytes. Of the file it
 * holds a chunk and the bytes of the row at hand, so that a row that is wrong is shown as it stands there, with its first line.
 * Behind a row that is malformed, a new parser goes on with the next line. Belongs to one reader.
 */
import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { SluiceError } from '@sluice/engine'
import type { CsvError, Parser } from 'csv-parse'
import { type FilePosition, type FileSplit, inputError, openSplit } from './file-splits.js'
import { CHUNK_BYTES, LINE_BYTES_MAX, lengthOfByteOrderMark } from './line-reader.js'

export interface CsvFormat {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly comment: string | undefined
  readonly trim: boolean
}

/** The first byte of a row, and the line breaks in front of it. */
export interface RowPosition extends FilePosition {
  readonly lines: number
}

/** A few hundred rows of the usual width: a batch. */
const PIECE_BYTES = 8 * 1024

const LF = 10
const CR = 13

/** What is wrong with a row, by the codes of csv-parse; its own texts hold its own line numbers. */
const REASONS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  INVALID_OPENING_QUOTE: 'a quote stands inside a cell that is not quoted',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quote',
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: 'text follows a closing quote',
}

export class CsvRows {
  /** The rows that the last step found. */
  rows: (readonly string[])[] = []
  /** Why the row behind them is malformed; undefined: none is. */
  malformed: string | undefined
  /** Every row of the file was found. */
  ended = false
  readonly #handle: FileHandle
  readonly #split: FileSplit
  readonly #format: CsvFormat
  readonly #createParser: () => Parser
  #parser: Parser
  /** File offset at which the parser began. */
  #parserStart = 0
  /** Its count of lines in front of the row at hand: every CR and every LF in a quoted cell counts as one. */
  #parserLines = 1
  /** Bytes that were read and not parsed. */
  #unparsed: Buffer = Buffer.alloc(0)
  #readOffset = 0
  /** File offset behind each of the rows, and in front of the first. */
  readonly #ends: number[] = []
  #start = 0
  /** Bytes that were parsed, from some point in front of the first row on. */
  #held: Buffer[] = []
  #heldStart = 0
  /** Line breaks in front of an offset that moves on, and in front of the first row. */
  #lines = 0
  #linesOffset = 0
  #startLines = 0

  private constructor(handle: FileHandle, split: FileSplit, format: CsvFormat, createParser: () => Parser, { offset, lines }: RowPosition) {
    this.#readOffset = this.#start = this.#heldStart = this.#linesOffset = offset
    this.#lines = this.#startLines = lines
    this.#handle = handle
    this.#split = split
    this.#format = format
    this.#createParser = createParser
    this.#parser = this.#startParser(offset)
  }

  /** `position`: of a row to begin with. */
  static async open(split: FileSplit, format: CsvFormat, position: RowPosition = { offset: 0, lines: 0 }): Promise<CsvRows> {
    const { Parser } = await import('csv-parse')
    const { comment = null, ...options } = format
    const createParser = (): Parser =>
      new Parser({
        ...options,
        comment,
        comment_no_infix: true,
        record_delimiter: ['\n', '\r\n'],
        skip_empty_lines: true,
        relax_column_count: true,
      })
    return new CsvRows(await openSplit(split, position), split, format, createParser, position)
  }

  /** Where the first of the rows begins, and what was skipped in front of it. */
  get position(): RowPosition {
    return { offset: this.#start, lines: this.#startLines }
  }

  /** Parses the next piece; false where there is none: then `fill`, or `finish` at the end of the file. */
  parse(): boolean {
    const piece = this.#unparsed.subarray(0, PIECE_BYTES)
    if (piece.length === 0) return false
    this.#unparsed = this.#unparsed.subarray(PIECE_BYTES)
    this.#begin()
    this.#held.push(piece)
    // It is parsed in the call, because the parser has nothing else under way.
    if (this.#parser.errored === null) this.#parser.write(piece)
    this.#settle(false)
    return true
  }

  /** Reads the next chunk; false at the end of the file. */
  async fill(): Promise<boolean> {
    // The parser keeps what it has not finished: a chunk is not written to twice.
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    try {
      const { bytesRead } = await this.#handle.read(chunk, 0, CHUNK_BYTES, this.#readOffset)
      const mark = this.#readOffset === 0 ? lengthOfByteOrderMark(chunk.subarray(0, bytesRead), this.#split) : 0
      if (mark > 0) this.#start = this.#heldStart = this.#linesOffset = this.#parserStart = mark
      this.#readOffset += bytesRead
      this.#unparsed = chunk.subarray(mark, bytesRead)
      return bytesRead > 0
    } catch (error) {
      throw inputError(error, this.#split.path, this.#split.name)
    }
  }

  /** The rows that only the end of the file ends. */
  async finish(): Promise<void> {
    this.#begin()
    if (this.#parser.errored === null) await new Promise<void>((resolve) => this.#parser.end(() => resolve()))
    this.#settle(true)
    this.ended = this.#unparsed.length === 0
  }

  /** A row as it stands in the file, and the line it begins in; for `malformed`, the row with the number of rows. Only in order. */
  locate(row: number): { readonly text: string; readonly line: number } {
    const begin = this.#beginOfRow(row === 0 ? this.#start : (this.#ends[row - 1] as number))
    const text = this.#bytes().toString('utf8', begin - this.#heldStart, (this.#ends[row] ?? begin) - this.#heldStart)
    this.#countLines(begin)
    return { text: text.replace(/\r?\n$/, ''), line: this.#lines + 1 }
  }

  async close(): Promise<void> {
    this.#parser.destroy()
    await this.#handle.close()
  }

  #startParser(offset: number): Parser {
    const parser = this.#createParser()
    this.#parserStart = offset
    this.#parserLines = 1
    // `errored` says it, without waiting for the event.
    parser.on('error', () => undefined)
    // Rows are taken where the parser gives them, while it knows where they end.
    parser.push = (cells: readonly string[] | null) => {
      if (cells === null) return false
      this.rows.push(cells)
      this.#ends.push(this.#parserStart + parser.info.bytes)
      this.#parserLines = parser.info.lines + 1
      return true
    }
    return parser
  }

  /** Forgets the rows of the last step, and the pieces that only they needed. */
  #begin(): void {
    this.#start = this.#ends.at(-1) ?? this.#start
    this.#ends.length = 0
    this.rows = []
    this.malformed = undefined
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      const end = this.#heldStart + first.length
      if (end > this.#start) break
      this.#countLines(end)
      this.#held.shift()
      this.#heldStart = end
    }
    if (this.#held.length > 0) this.#countLines(this.#start)
    this.#startLines = this.#lines
  }

  #settle(fileEnded: boolean): void {
    const error = this.#parser.errored as CsvError | null
    if (error !== null) this.#endMalformedRow(error, fileEnded)
    if (this.#readOffset - this.#unparsed.length - (this.#ends.at(-1) ?? this.#start) <= LINE_BYTES_MAX) return
    const position = `${this.#split.name} line ${this.locate(this.rows.length).line}`
    throw new SluiceError('SLUICE_RECORD_TOO_LARGE', `${position}: no row ends within ${LINE_BYTES_MAX} bytes.`, {
      position,
      hint: 'Check that the file has line breaks, and that the quote that opens a cell is closed.',
    })
  }

  /** The row ends with the line in which the parser gave up; where that is still being read, later. */
  #endMalformedRow(error: CsvError, fileEnded: boolean): void {
    const bytes = this.#bytes()
    const start = (this.#ends.at(-1) ?? this.#start) - this.#heldStart
    let at = this.#beginOfRow(start + this.#heldStart) - this.#heldStart
    const skipped = countBreaks(bytes, start, at)
    for (let breaks = Number(error['lines']) - this.#parserLines - skipped; breaks > 0 && at < bytes.length; at++)
      if (bytes[at] === LF || bytes[at] === CR) breaks--
    const lineEnd = bytes.indexOf(LF, at)
    if (lineEnd === -1 && !fileEnded) return
    const end = lineEnd === -1 ? bytes.length : lineEnd + 1
    this.malformed = REASONS[error.code] ?? error.message
    this.#ends.push(this.#heldStart + end)
    this.#held = [bytes.subarray(0, end)]
    this.#unparsed = Buffer.concat([bytes.subarray(end), this.#unparsed])
    this.#parser = this.#startParser(this.#heldStart + end)
  }

  /** Where a row begins, behind lines that are empty or a comment. */
  #beginOfRow(offset: number): number {
    const { comment, trim } = this.#format
    const bytes = this.#bytes()
    let at = offset - this.#heldStart
    for (;;) {
      const end = bytes.indexOf(LF, at)
      if (end === -1) return this.#heldStart + at
      const text = bytes.toString('utf8', at, end)
      const line = trim ? text.trim() : text
      if (line !== '' && line !== '\r' && (comment === undefined || !line.startsWith(comment))) return this.#heldStart + at
      at = end + 1
    }
  }

  #bytes(): Buffer {
    if (this.#held.length !== 1) this.#held = [Buffer.concat(this.#held)]
    return this.#held[0] as Buffer
  }

  #countLines(offset: number): void {
    this.#lines += countBreaks(this.#held[0] as Buffer, this.#linesOffset - this.#heldStart, offset - this.#heldStart)
    this.#linesOffset = offset
  }
}

function countBreaks(bytes: Buffer, start: number, end: number): number {
  let breaks = 0
  for (let at = bytes.indexOf(LF, start); at !== -1 && at < end; at = bytes.indexOf(LF, at + 1)) breaks++
  return breaks
}
