/**
 * Lines of a byte range of a file, in bounded memory: one buffer, refilled in chunks, grown only for a line that is longer.
 * A line belongs to the range in which its first byte lies, so ranges that adjoin give every line exactly once.
 * `nextLine` never waits; `fill` reads the next chunk. Bytes are split at LF before they are decoded, so characters of
 * several bytes survive every chunk border.
 */
import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { SluiceError } from '@sluice/engine'
import { type FilePosition, type FileSplit, inputError, openSplit } from './file-splits.js'

export const CHUNK_BYTES: number = 256 * 1024
/** The longest line that is read, in bytes; a file without line breaks must not fill the memory. */
export const LINE_BYTES_MAX: number = 16 * 1024 * 1024

const LF = 10
const CR = 13

export class LineReader {
  /** Lines returned so far; the number of the last one, counted from where reading began. */
  lines = 0
  /** Reading began at the first byte of the file. */
  readonly fromBeginning: boolean
  readonly #handle: FileHandle
  readonly #split: FileSplit
  #buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  /** The unread bytes of the buffer. */
  #start = 0
  #end = 0
  /** File offset of `#start` and of the next byte to read. */
  #startOffset: number
  #readOffset: number
  #fileEnded = false
  #skipFirst: boolean
  /** Where reading began: the start of the range, or that of a line. */
  readonly #origin: number
  readonly #originIsLine: boolean

  private constructor(handle: FileHandle, split: FileSplit, position: FilePosition | undefined) {
    this.#handle = handle
    this.#split = split
    this.#origin = position?.offset ?? split.start
    this.#originIsLine = position !== undefined
    this.fromBeginning = this.#origin === 0
    this.#skipFirst = position === undefined && split.start > 0
    // One byte earlier: a line break there means that a line begins exactly at the start of the range.
    this.#readOffset = this.#startOffset = this.#skipFirst ? split.start - 1 : this.#origin
  }

  /** `position`: of a line of the range to begin with. */
  static async open(split: FileSplit, position?: FilePosition): Promise<LineReader> {
    return new LineReader(await openSplit(split, position), split, position)
  }

  /** Where the next line begins; undefined while that is not known. */
  get position(): FilePosition | undefined {
    return this.#skipFirst ? undefined : { offset: this.#startOffset }
  }

  /** The next line without its line break; undefined: `fill` first, or the end where `ended`. */
  nextLine(): string | undefined {
    if (this.#startOffset >= this.#split.end && !this.#skipFirst) return undefined
    const buffer = this.#buffer
    const start = this.#start
    let at = buffer.indexOf(LF, start)
    if (at === -1 || at >= this.#end) {
      if (!this.#fileEnded || start === this.#end) return undefined
      at = this.#end
    }
    const next = Math.min(at + 1, this.#end)
    this.#start = next
    this.#startOffset += next - start
    if (this.#skipFirst) {
      this.#skipFirst = false
      return this.nextLine()
    }
    this.lines++
    const end = at > start && buffer[at - 1] === CR ? at - 1 : at
    return buffer.toString('utf8', start, end)
  }

  /** Every line of the range was returned. */
  get ended(): boolean {
    return (this.#startOffset >= this.#split.end && !this.#skipFirst) || (this.#fileEnded && this.#start === this.#end)
  }

  /** Reads one more chunk behind the unread bytes. */
  async fill(): Promise<void> {
    const unread = this.#end - this.#start
    if (unread > LINE_BYTES_MAX) {
      const position = `${this.#split.name} ${await this.describeLine(this.lines + 1)}`
      throw new SluiceError('SLUICE_RECORD_TOO_LARGE', `${position}: the line is longer than ${LINE_BYTES_MAX} bytes.`, {
        position,
        hint: 'Check that the file is text with line breaks.',
      })
    }
    if (unread > 0 && this.#start > 0) this.#buffer.copy(this.#buffer, 0, this.#start, this.#end)
    this.#start = 0
    this.#end = unread
    if (this.#buffer.length - unread < CHUNK_BYTES / 2) {
      const larger = Buffer.allocUnsafe(this.#buffer.length * 2)
      this.#buffer.copy(larger, 0, 0, unread)
      this.#buffer = larger
    }
    try {
      const { bytesRead } = await this.#handle.read(this.#buffer, unread, this.#buffer.length - unread, this.#readOffset)
      if (bytesRead === 0) this.#fileEnded = true
      if (this.#readOffset === 0) this.#start = this.#startOffset = lengthOfByteOrderMark(this.#buffer.subarray(0, bytesRead), this.#split)
      this.#readOffset += bytesRead
      this.#end += bytesRead
    } catch (error) {
      throw inputError(error, this.#split.path, this.#split.name)
    }
  }

  /** `line 12` for a line returned here; counts the lines in front, which only messages need. */
  async describeLine(lineInRange: number): Promise<string> {
    return `line ${(await this.linesBefore()) + lineInRange}`
  }

  /** Number of lines that begin in front of where reading began. */
  async linesBefore(): Promise<number> {
    if (this.fromBeginning) return 0
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    let lines = 0
    let offset = 0
    let last = LF
    while (offset < this.#origin) {
      const { bytesRead } = await this.#handle.read(buffer, 0, Math.min(buffer.length, this.#origin - offset), offset)
      if (bytesRead === 0) break
      for (let at = buffer.indexOf(LF); at !== -1 && at < bytesRead; at = buffer.indexOf(LF, at + 1)) lines++
      last = buffer[bytesRead - 1] ?? LF
      offset += bytesRead
    }
    return this.#originIsLine || last === LF ? lines : lines + 1
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** Bytes of the mark that a file of UTF-8 may begin with. */
export function lengthOfByteOrderMark(bytes: Uint8Array, split: FileSplit): number {
  const [first, second, third] = bytes
  if (first === 0xef && second === 0xbb && third === 0xbf) return 3
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new SluiceError('SLUICE_INPUT_MALFORMED', `${split.name} line 1: the file is UTF-16, and Sluice reads UTF-8.`, {
      position: `${split.name} line 1`,
      hint: 'Convert it, for example with `iconv -f utf-16 -t utf-8`.',
    })
  }
  return 0
}
