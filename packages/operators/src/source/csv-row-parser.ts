/**
 * Rows of CSV (RFC 4180) from lines. Most lines hold no quote and are split at the delimiter by the engine of the language; the
 * others are walked cell by cell. A quoted cell may go on over lines: then the parser asks for the next. Pure; one per reader.
 */

export interface CsvFormat {
  readonly delimiter: string
  readonly quote: string
  /** What stands before a quote inside a quoted cell. */
  readonly escape: string
  /** Whether spaces around cells are cut. */
  readonly trim: boolean
}

/** `complete`: `cells` holds the row. `open`: a quoted cell goes on in the next line. `malformed`: `reason` says why. */
export type RowState = 'complete' | 'open' | 'malformed'

export class CsvRowParser {
  cells: string[] = []
  reason = ''
  /** The length of the cell that is open. */
  openLength = 0
  readonly #format: CsvFormat
  /** Text of the cell that is open; undefined: none is. */
  #open: string | undefined

  constructor(format: CsvFormat) {
    this.#format = format
  }

  /** Takes a line without its LF, but with its CR if it had one. */
  parse(line: string): RowState {
    const { delimiter, quote, trim } = this.#format
    if (this.#open !== undefined) return this.#walk(line, 0)
    const text = withoutReturn(line)
    if (!text.includes(quote)) {
      this.cells = text.split(delimiter)
      if (trim) for (let index = 0; index < this.cells.length; index++) this.cells[index] = (this.cells[index] as string).trim()
      return 'complete'
    }
    this.cells = []
    return this.#walk(line, 0)
  }

  /** Gives up the open cell, at the end of the file. */
  reset(): void {
    this.#open = undefined
    this.openLength = 0
  }

  #walk(line: string, from: number): RowState {
    const { delimiter, quote, trim } = this.#format
    let at = from
    for (;;) {
      if (this.#open === undefined) {
        const start = trim ? skipSpaces(line, at) : at
        if (!line.startsWith(quote, start)) {
          const end = line.indexOf(delimiter, at)
          const cell = end === -1 ? withoutReturn(line.slice(at)) : line.slice(at, end)
          if (cell.includes(quote))
            return this.#refuse(`a quote stands inside a cell that is not quoted (${JSON.stringify(cell.slice(0, 40))})`)
          this.cells.push(trim ? cell.trim() : cell)
          if (end === -1) return 'complete'
          at = end + delimiter.length
          continue
        }
        this.#open = ''
        at = start + quote.length
      }
      const closed = this.#quoted(line, at)
      if (closed === -1) return 'open'
      this.cells.push(this.#open)
      this.reset()
      at = trim ? skipSpaces(line, closed) : closed
      if (at === line.length || (line[at] === '\r' && at === line.length - 1)) return 'complete'
      if (!line.startsWith(delimiter, at))
        return this.#refuse(`text follows a closing quote (${JSON.stringify(line.slice(closed, closed + 40))})`)
      at += delimiter.length
    }
  }

  /** Collects a quoted cell; the position behind its closing quote, or -1 where the line ends before. */
  #quoted(line: string, from: number): number {
    const { quote, escape } = this.#format
    let at = from
    for (;;) {
      const quoteAt = line.indexOf(quote, at)
      const escapeAt = escape === quote ? quoteAt : line.indexOf(escape, at)
      const next = quoteAt === -1 ? escapeAt : escapeAt === -1 ? quoteAt : Math.min(quoteAt, escapeAt)
      if (next === -1) {
        this.#open += `${line.slice(at)}\n`
        this.openLength = this.#open?.length ?? 0
        return -1
      }
      this.#open += line.slice(at, next)
      if (next === escapeAt) {
        const escaped = next + escape.length
        if (line.startsWith(quote, escaped)) {
          this.#open += quote
          at = escaped + quote.length
          continue
        }
        if (escape !== quote) {
          const isDoubled = line.startsWith(escape, escaped)
          this.#open += escape
          at = isDoubled ? escaped + escape.length : escaped
          continue
        }
      }
      return next + quote.length
    }
  }

  #refuse(reason: string): RowState {
    this.reset()
    this.reason = reason
    return 'malformed'
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function skipSpaces(line: string, from: number): number {
  let at = from
  while (line[at] === ' ' || line[at] === '\t') at++
  return at
}
