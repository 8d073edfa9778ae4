/** Makes events and packs them into one shared buffer; see `layout.ts`. */
import { Buffer } from 'node:buffer'
import { Generator } from '../generator/generator.js'
import { type GeneratorOptions, type NexmarkEvent, RATE_DEFAULT } from '../generator/model.js'
import { type ColumnWriter, DictionaryWriter, NumberWriter, TextWriter, type WrittenSection } from './column-writers.js'
import {
  ALIGNMENT,
  BLOCK_EVENTS,
  BLOCKS_SECTION,
  ENCODINGS,
  type EventKind,
  HEADER_AT,
  type Header,
  KIND_SECTION,
  KINDS,
  type Section,
} from './layout.js'

const KIND_OF = { person: 'persons', auction: 'auctions', bid: 'bids' } as const

/** The events of a generator in one buffer, which any number of threads may read. */
export function packEvents(options: GeneratorOptions): SharedArrayBuffer {
  const { flavour, count, rate = RATE_DEFAULT, groupSize = 1, generators = 1 } = options
  const generator = new Generator(options)
  const kinds = Uint8Array.from({ length: count }, (_, number) => KINDS.indexOf(KIND_OF[generator.kind(number)]))
  const rows = countKinds(kinds)
  const blocks = new Int32Array((Math.ceil(count / BLOCK_EVENTS) + 1) * KINDS.length)
  const packers = Object.fromEntries(KINDS.map((kind) => [kind, new KindPacker(kind, rows[kind])])) as Record<EventKind, KindPacker>
  for (let number = 0; number < count; number++) {
    if (number % BLOCK_EVENTS === 0) noteBlock(blocks, number / BLOCK_EVENTS, packers)
    const event = generator.event(number)
    packers[KIND_OF[event.kind]].add(number, event)
  }
  noteBlock(blocks, Math.ceil(count / BLOCK_EVENTS), packers)
  const written: WrittenSection[] = [
    { name: KIND_SECTION, type: 'uint8', values: kinds },
    { name: BLOCKS_SECTION, type: 'int32', values: blocks },
    ...KINDS.flatMap((kind) => packers[kind].sections()),
  ]
  return assemble({ flavour, count, rate, groupSize, generators }, rows, written)
}

function countKinds(kinds: Uint8Array): Record<EventKind, number> {
  const rows = { persons: 0, auctions: 0, bids: 0 }
  for (const kind of kinds) rows[KINDS[kind] as EventKind]++
  return rows
}

function noteBlock(blocks: Int32Array, block: number, packers: Record<EventKind, KindPacker>): void {
  KINDS.forEach((kind, index) => (blocks[block * KINDS.length + index] = packers[kind].rows))
}

class KindPacker {
  rows = 0
  readonly #columns: readonly (readonly [name: string, writer: ColumnWriter])[]

  constructor(kind: EventKind, rows: number) {
    this.#columns = Object.entries(ENCODINGS[kind]).map(([column, encoding]) => {
      const writer =
        encoding === 'text'
          ? new TextWriter(kind, column, rows)
          : encoding === 'dictionary'
            ? new DictionaryWriter(kind, column, rows)
            : new NumberWriter(kind, column, rows, encoding === 'time')
      return [column, writer]
    })
  }

  add(number: number, { value }: NexmarkEvent): void {
    const record = { ...value, number } as unknown as Record<string, never>
    for (const [column, writer] of this.#columns) writer.add(record[column] as never)
    this.rows++
  }

  sections(): readonly WrittenSection[] {
    return this.#columns.flatMap(([, writer]) => writer.sections())
  }
}

function assemble(options: Header['options'], rows: Header['rows'], written: readonly WrittenSection[]): SharedArrayBuffer {
  const aligned = (at: number): number => Math.ceil(at / ALIGNMENT) * ALIGNMENT
  // Offsets are written in as many digits as they need, so the header's length depends on them: reserve what it takes at most.
  const reserved = aligned(HEADER_AT + 1024 + 128 * written.length)
  const sections: Record<string, Section> = {}
  let at = reserved
  for (const { name, type, values } of written) {
    sections[name] = { type, at, length: values.length }
    at = aligned(at + values.byteLength)
  }
  const buffer = new SharedArrayBuffer(at)
  const header: Header = { options, rows, sections }
  const text = Buffer.from(JSON.stringify(header), 'latin1')
  if (HEADER_AT + text.length > reserved) throw new RangeError('the header does not fit into what was reserved for it')
  new Uint32Array(buffer, 0, 1)[0] = text.length
  new Uint8Array(buffer).set(text, HEADER_AT)
  for (const { name, values } of written) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    new Uint8Array(buffer, (sections[name] as Section).at, bytes.length).set(bytes)
  }
  return buffer
}
