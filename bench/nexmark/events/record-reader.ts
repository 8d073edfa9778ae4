/**
 * Materialises records from columns. The function is generated for the columns asked for: one literal object per record, so all have one
 * hidden class, and nothing is read that nobody asked for. Texts of all rows of a call are decoded at once and cut (30 ns per bid with `extra`
 * instead of 99); so whoever keeps a text keeps the texts of its call, some 17 KB for a block of bids.
 */
import { BASE_TIME } from '../generator/model.js'
import { type ColumnOf, type Encoding, ENCODINGS, type EventKind, type EventRecords } from './layout.js'
import type { OpenedEvents } from './opened-events.js'

/** Appends the records of rows `from` to `to` - 1. */
export type ReadRows<T> = (from: number, to: number, records: T[]) => void

/** Calls a function with the record of each row `from` to `to` - 1. */
export type VisitRows<T> = (from: number, to: number, visit: (record: T) => void) => void

export type RecordOfColumns<K extends EventKind, C extends ColumnOf<K>> = { readonly [P in C]: EventRecords[K][P] }

interface GeneratedColumn {
  /** What the generated function closes over, by name. */
  readonly captured: Readonly<Record<string, unknown>>
  /** Before the loop. */
  readonly setup?: string
  readonly value: string
}

export function recordReader<K extends EventKind, C extends ColumnOf<K>>(
  events: OpenedEvents,
  kind: K,
  columns: readonly C[],
): ReadRows<RecordOfColumns<K, C>> {
  return generateLoop(events, kind, columns, 'records', (record) => `records.push(${record})`) as ReadRows<RecordOfColumns<K, C>>
}

/** As `recordReader`, for those who take record by record. */
export function recordVisitor<K extends EventKind, C extends ColumnOf<K>>(
  events: OpenedEvents,
  kind: K,
  columns: readonly C[],
): VisitRows<RecordOfColumns<K, C>> {
  return generateLoop(events, kind, columns, 'visit', (record) => `visit(${record})`) as VisitRows<RecordOfColumns<K, C>>
}

function generateLoop(
  events: OpenedEvents,
  kind: EventKind,
  columns: readonly string[],
  taker: string,
  take: (record: string) => string,
): unknown {
  const encodings: Readonly<Record<string, Encoding>> = ENCODINGS[kind]
  const generated = columns.map((column, index) => {
    const encoding = encodings[column]
    if (encoding === undefined) throw new RangeError(`${kind} have no column ${column}: there are ${Object.keys(encodings).join(', ')}`)
    return generateColumn(events, kind, column, encoding, index)
  })
  const captured = Object.assign({}, ...generated.map((part) => part.captured)) as Record<string, unknown>
  const fields = columns.map((column, index) => `${column}: ${generated[index]?.value ?? ''}`)
  const body = `return function readRows(from, to, ${taker}) {
    ${generated.map(({ setup = '' }) => setup).join('')}
    for (let row = from; row < to; row++) {
      ${take(`{ ${fields.join(', ')} }`)}
    }
  }`
  return (new Function(...Object.keys(captured), body) as (...values: unknown[]) => unknown)(...Object.values(captured))
}

function generateColumn(events: OpenedEvents, kind: EventKind, column: string, encoding: Encoding, index: number): GeneratedColumn {
  const name = `${column}${index}`
  switch (encoding) {
    case 'int32':
      return { captured: { [name]: events.numbers(kind, column) }, value: `${name}[row]` }
    case 'time':
      return { captured: { [name]: events.numbers(kind, column) }, value: `${BASE_TIME} + ${name}[row]` }
    case 'dictionary': {
      const { indexes, words } = events.dictionary(kind, column)
      return { captured: { [name]: indexes, [`${name}Words`]: words }, value: `${name}Words[${name}[row]]` }
    }
    case 'text': {
      const { offsets, bytes } = events.text(kind, column)
      return {
        captured: { [name]: offsets, [`${name}Bytes`]: bytes },
        setup: `const ${name}Start = ${name}[from]\n    const ${name}Text = ${name}Bytes.latin1Slice(${name}Start, ${name}[to])\n    `,
        value: `${name}Text.substring(${name}[row] - ${name}Start, ${name}[row + 1] - ${name}Start)`,
      }
    }
  }
}
