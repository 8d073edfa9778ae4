/** Columns while events are packed; they are copied into the buffer once. */
import { Buffer } from 'node:buffer'
import { BASE_TIME } from '../generator/model.js'
import { bytesSection, dictionarySection, type EventKind, type SectionType, valuesSection } from './layout.js'

export interface WrittenSection {
  readonly name: string
  readonly type: SectionType
  readonly values: Uint8Array | Uint16Array | Int32Array | Uint32Array
}

export interface ColumnWriter {
  add(value: never): void
  sections(): readonly WrittenSection[]
}

export class NumberWriter implements ColumnWriter {
  readonly #name: string
  readonly #values: Int32Array
  readonly #base: number
  #rows = 0

  constructor(kind: EventKind, column: string, rows: number, isTime: boolean) {
    this.#name = valuesSection(kind, column)
    this.#values = new Int32Array(rows)
    this.#base = isTime ? BASE_TIME : 0
  }

  add(value: number): void {
    const stored = value - this.#base
    this.#values[this.#rows] = stored
    if (this.#values[this.#rows++] !== stored) throw new RangeError(`${this.#name} takes 32 bits, and ${value} has more`)
  }

  sections(): readonly WrittenSection[] {
    return [{ name: this.#name, type: 'int32', values: this.#values }]
  }
}

const DICTIONARY_MAX = 65_536

export class DictionaryWriter implements ColumnWriter {
  readonly #kind: EventKind
  readonly #column: string
  readonly #values: Uint16Array
  readonly #indexes = new Map<string, number>()
  #rows = 0

  constructor(kind: EventKind, column: string, rows: number) {
    this.#kind = kind
    this.#column = column
    this.#values = new Uint16Array(rows)
  }

  add(value: string): void {
    let index = this.#indexes.get(value)
    if (index === undefined) {
      index = this.#indexes.size
      if (index === DICTIONARY_MAX) throw new RangeError(`${this.#kind}.${this.#column} has more than ${DICTIONARY_MAX} values`)
      this.#indexes.set(value, index)
    }
    this.#values[this.#rows++] = index
  }

  sections(): readonly WrittenSection[] {
    const words = Buffer.from([...this.#indexes.keys()].join('\n'), 'latin1')
    return [
      { name: valuesSection(this.#kind, this.#column), type: 'uint16', values: this.#values },
      { name: dictionarySection(this.#kind, this.#column), type: 'uint8', values: words },
    ]
  }
}

const BYTES_PER_ROW = 64

export class TextWriter implements ColumnWriter {
  readonly #kind: EventKind
  readonly #column: string
  readonly #offsets: Uint32Array
  #bytes: Buffer
  #rows = 0
  #end = 0

  constructor(kind: EventKind, column: string, rows: number) {
    this.#kind = kind
    this.#column = column
    this.#offsets = new Uint32Array(rows + 1)
    this.#bytes = Buffer.allocUnsafe(rows * BYTES_PER_ROW)
  }

  add(value: string): void {
    if (this.#end + value.length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(2 * this.#bytes.length + value.length)
      this.#bytes.copy(grown, 0, 0, this.#end)
      this.#bytes = grown
    }
    this.#end += this.#bytes.write(value, this.#end, 'latin1')
    this.#offsets[++this.#rows] = this.#end
  }

  sections(): readonly WrittenSection[] {
    return [
      { name: valuesSection(this.#kind, this.#column), type: 'uint32', values: this.#offsets },
      { name: bytesSection(this.#kind, this.#column), type: 'uint8', values: this.#bytes.subarray(0, this.#end) },
    ]
  }
}
