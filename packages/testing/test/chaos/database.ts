/**
 * A database outside of every process, with two-phase commit: rows are durable some time after `prepare`, and visible when they are committed. It says
 * what a correct engine never does to it.
 */
import type { SinkContext, SinkWriter } from '@sluice/engine'
import type { Sink } from '@sluice/operators'

export interface Row {
  readonly subtask: number
  readonly value: unknown
}

interface Prepared {
  readonly transaction: string
}

export class Database {
  /** What was done to it that must never be. */
  readonly wrongs: string[] = []
  commits = 0
  /** Called when a transaction is about to become visible. */
  onCommit: () => void = () => {}
  readonly #tables: Map<string, Row[]> = new Map()
  readonly #durable: Map<string, readonly Row[]> = new Map()
  readonly #committed: Set<string> = new Set()
  readonly #slowMs: number

  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  /** Rows of a table in the order in which they became visible. */
  rows(table: string): readonly Row[] {
    return this.#tables.get(table) ?? []
  }

  sink(table: string): Sink<unknown> {
    return {
      spec: { kind: 'sink', create: (context) => new TableWriter(this, table, context) },
      options: { table },
      delivery: 'exactly-once',
    }
  }

  insert(table: string, rows: readonly Row[]): void {
    this.#tables.set(table, [...this.rows(table), ...rows])
  }

  /** Rows survive crashes from here on. */
  persist(transaction: string, rows: readonly Row[]): void {
    this.#durable.set(transaction, rows)
  }

  commit(table: string, transaction: string): void {
    if (this.#committed.has(transaction)) return
    const rows = this.#durable.get(transaction)
    if (rows === undefined) {
      this.wrongs.push(`${transaction} is committed although its rows are not durable`)
      return
    }
    this.#committed.add(transaction)
    this.commits++
    this.insert(table, rows)
  }

  /** Some of the time that the database takes for everything; the timers and the chance of a job are the simulation's. */
  async work(): Promise<void> {
    if (this.#slowMs > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * this.#slowMs))
  }
}

class TableWriter implements SinkWriter {
  readonly #database: Database
  readonly #table: string
  readonly #context: SinkContext
  #open: Row[] = []
  #prepared: { readonly transaction: string; readonly rows: readonly Row[] }[] = []
  #writing = false

  constructor(database: Database, table: string, context: SinkContext) {
    this.#database = database
    this.#table = table
    this.#context = context
  }

  write(records: readonly unknown[]): void | Promise<void> {
    if (this.#writing) this.#database.wrongs.push(`${this.#table}: two writes at once`)
    const { subtask, run } = this.#context
    const rows = records.map((value): Row => ({ subtask: subtask.index, value }))
    if (run === undefined) {
      this.#database.insert(this.#table, rows)
      return
    }
    if (Math.random() < 0.7) {
      this.#open.push(...rows)
      return
    }
    this.#writing = true
    return this.#database.work().then(() => {
      this.#writing = false
      this.#open.push(...rows)
    })
  }

  prepare(checkpoint: number): Prepared {
    if (this.#writing) this.#database.wrongs.push(`${this.#table}: prepare while a write is under way`)
    const { subtask, run } = this.#context
    const transaction = `${this.#table}/${subtask.index}/${run?.attempt}/${checkpoint}`
    this.#prepared.push({ transaction, rows: this.#open })
    this.#open = []
    return { transaction }
  }

  async durable(): Promise<void> {
    const prepared = this.#prepared
    this.#prepared = []
    await this.#database.work()
    for (const { transaction, rows } of prepared) this.#database.persist(transaction, rows)
  }

  async commit(prepared: unknown): Promise<void> {
    await this.#database.work()
    this.#database.onCommit()
    this.#database.commit(this.#table, (prepared as Prepared).transaction)
    await this.#database.work()
  }
}
