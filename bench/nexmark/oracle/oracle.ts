/** DuckDB over the same events: the answers that jobs and loops are held against. */
import {
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  BIGINT,
  INTEGER,
  VARCHAR,
} from '@duckdb/node-api'
import { type ColumnOf, type Encoding, ENCODINGS, type EventKind, KINDS } from '../events/layout.js'
import { OpenedEvents } from '../events/opened-events.js'
import { recordReader } from '../events/record-reader.js'
import { sideTable } from '../events/side-table.js'
import type { ComparedQuery } from '../queries/result-columns.js'
import { type CanonicalRow, canonicalRows, type Row } from './canonical-rows.js'
import { oracleQueries } from './queries.js'

const TABLES = { persons: 'person', auctions: 'auction', bids: 'bid' } as const
const TYPES: { readonly [E in Encoding]: DuckDBType } = { int32: INTEGER, time: BIGINT, dictionary: VARCHAR, text: VARCHAR }
/** Rows that a chunk of DuckDB takes at most. */
const CHUNK_ROWS = 2048

interface Column {
  readonly name: string
  readonly type: DuckDBType
  readonly values: readonly DuckDBValue[]
}

export class Oracle implements AsyncDisposable {
  readonly #connection: DuckDBConnection
  readonly #close: () => void
  readonly #answers = new Map<ComparedQuery, Promise<readonly CanonicalRow[]>>()

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#connection = connection
    this.#close = () => {
      connection.closeSync()
      instance.closeSync()
    }
  }

  /** Loads events into tables in memory. */
  static async open(buffer: SharedArrayBuffer): Promise<Oracle> {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const events = new OpenedEvents(buffer)
    for (const kind of KINDS) await createTable(connection, TABLES[kind], columnsOf(events, kind))
    const side = sideTable()
    await createTable(connection, 'side', [
      { name: 'key', type: INTEGER, values: side.map(({ key }) => key) },
      { name: 'value', type: VARCHAR, values: side.map(({ value }) => value) },
    ])
    return new Oracle(instance, connection)
  }

  /** All rows of a query; evaluated once. */
  answer(query: ComparedQuery): Promise<readonly CanonicalRow[]> {
    let answer = this.#answers.get(query)
    if (answer === undefined) this.#answers.set(query, (answer = this.#evaluate(query)))
    return answer
  }

  /** Bids of every bidder, as lines `bidder | bids`: what query 12 must add up to. */
  async bidsPerBidder(): Promise<readonly CanonicalRow[]> {
    const reader = await this.#connection.runAndReadAll('SELECT bidder, count(*) AS bids FROM bid GROUP BY bidder')
    const lines = reader.getRows().map(([bidder, bids]) => `${String(bidder)} | ${String(bids)}`)
    return lines.sort().map((line) => ({ line, means: [] }))
  }

  async #evaluate(query: ComparedQuery): Promise<readonly CanonicalRow[]> {
    const reader = await this.#connection.runAndReadAll(oracleQueries[query])
    return canonicalRows(query, reader.getRowObjects() as readonly Row[])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close()
  }
}

function columnsOf<K extends EventKind>(events: OpenedEvents, kind: K): readonly Column[] {
  const encodings = Object.entries(ENCODINGS[kind]) as [ColumnOf<K>, Encoding][]
  const records: Readonly<Record<string, string | number>>[] = []
  recordReader(
    events,
    kind,
    encodings.map(([name]) => name),
  )(0, events.rows(kind), records as never)
  return encodings.map(([name, encoding]) => ({
    name,
    type: TYPES[encoding],
    values: records.map((record) => (encoding === 'time' ? BigInt(record[name] as number) : (record[name] as string | number))),
  }))
}

async function createTable(connection: DuckDBConnection, name: string, columns: readonly Column[]): Promise<void> {
  await connection.run(`CREATE TABLE ${name} (${columns.map((column) => `${column.name} ${column.type.toString()}`).join(', ')})`)
  const rows = columns[0]?.values.length ?? 0
  const appender = await connection.createAppender(name)
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const chunk = DuckDBDataChunk.create(columns.map(({ type }) => type))
    chunk.setColumns(columns.map(({ values }) => values.slice(from, from + CHUNK_ROWS)))
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}
