/** The contexts that operators see, over one subtask. One object per operator and subtask, besides one per asynchronous call. */
import type { Environment } from '../environment/environment.js'
import { SluiceError } from '../errors/sluice-error.js'
import type {
  AsyncContext,
  BaseContext,
  BreakerChange,
  HostBindings,
  Listening,
  ObservedOperator,
  OperatorContext,
  OperatorLog,
  RunIdentity,
  SinkContext,
  SourceContext,
} from '../graph/operator-context.js'
import type { ColumnKind, ColumnName } from '../state/column.js'
import type { KeyTable } from '../state/key-table.js'
import type { StatePart, StateRegistry } from '../state/state-registry.js'
import type { WindowTables } from '../state/window-tables.js'
import type { FailedRecords } from './failed-records.js'
import { type UserMetric, UserMetrics } from './user-metrics.js'

/** What contexts need of the subtask they belong to. */
export interface ContextHost {
  readonly job: string
  readonly subtask: { readonly index: number; readonly parallelism: number }
  readonly environment: Environment
  readonly resources: ReadonlyMap<string, unknown>
  readonly overwrite: boolean
  readonly run: RunIdentity | undefined
  readonly bindings: HostBindings | undefined
  /** Current watermark at a position of the chain. */
  watermark(position: number): number
  setDeadline(position: number, timeMs: number | undefined): void
  /** Counts of the operator at a position. */
  countDropped(position: number, count: number, reason: string): void
  /** A record that the sink at a position cannot write. */
  deadLetter(position: number, record: unknown, error: unknown): void
  /** Fails the subtask at its next step, from outside of one. */
  fail(position: number, error: unknown): void
  countLate(position: number, count: number): void
  readonly keyGroups: number
  /** State of the operator at a position. */
  stateOf(position: number): StateRegistry
  emit(position: number, value: unknown, timestamp: number, port: number): void
  expand(position: number, values: Iterable<unknown>, timestamp: number): void
  hasCredit(position: number, port: number): boolean
  holdInput(held: boolean, input: number | undefined): void
  passWatermark(watermark: number, idle: boolean): void
  residentBytes(): number
  sizeOf(value: unknown): number
  countError(position: number): void
  observe(operator: string): ObservedOperator
}

/** Every context of one operator in one subtask. */
export class OperatorContexts implements BaseContext, OperatorContext, SinkContext, SourceContext {
  readonly operator: string
  readonly log: OperatorLog
  readonly metrics: UserMetrics
  readonly signal: AbortSignal
  readonly #host: ContextHost
  readonly #position: number

  constructor(host: ContextHost, operator: string, position: number, signal: AbortSignal) {
    this.signal = signal
    this.#host = host
    this.#position = position
    this.operator = operator
    this.metrics = new UserMetrics(operator, host.subtask.index)
    const line =
      (level: 'debug' | 'info' | 'warn' | 'error') =>
      (message: string, fields?: Readonly<Record<string, unknown>>): void =>
        host.environment.log({ level, message, operator, subtask: host.subtask.index, fields })
    this.log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  }

  get job(): string {
    return this.#host.job
  }

  get subtask(): { readonly index: number; readonly parallelism: number } {
    return this.#host.subtask
  }

  get overwrite(): boolean {
    return this.#host.overwrite
  }

  get run(): RunIdentity | undefined {
    return this.#host.run
  }

  restored: readonly unknown[] | undefined = undefined
  firstRecord = 0

  get host(): HostBindings | undefined {
    return this.#host.bindings
  }

  get watermark(): number {
    return this.#host.watermark(this.#position)
  }

  now(): number {
    return this.#host.environment.clock.nowMs()
  }

  use(name: string): unknown {
    if (!this.#host.resources.has(name))
      throw new SluiceError('SLUICE_RESOURCE_FAILED', `${this.operator} uses a resource '${name}' that the job does not declare.`, {
        operator: this.operator,
        hint: `Declare it with job.resource('${name}', { open, close }).`,
      })
    return this.#host.resources.get(name)
  }

  emit(value: unknown, timestamp: number, port = 0): void {
    this.#host.emit(this.#position, value, timestamp, port)
  }

  expand(values: Iterable<unknown>, timestamp: number): void {
    this.#host.expand(this.#position, values, timestamp)
  }

  hasCredit(port = 0): boolean {
    return this.#host.hasCredit(this.#position, port)
  }

  holdInput(held: boolean, input?: number): void {
    this.#host.holdInput(held, input)
  }

  passWatermark(watermark: number, idle: boolean): void {
    this.#host.passWatermark(watermark, idle)
  }

  residentBytes(): number {
    return this.#host.residentBytes()
  }

  sizeOf(value: unknown): number {
    return this.#host.sizeOf(value)
  }

  countError(): void {
    this.#host.countError(this.#position)
  }

  observe(operator: string): ObservedOperator {
    return this.#host.observe(operator)
  }

  announce(listening: Listening): void {
    const { environment, subtask } = this.#host
    const message = `${this.operator} listens on ${listening.url}`
    environment.log({
      level: 'info',
      event: 'source.listening',
      message,
      operator: this.operator,
      subtask: subtask.index,
      fields: { ...listening },
    })
  }

  monotonicMs(): number {
    return this.#host.environment.clock.monotonicMs()
  }

  /** `which`: which one, where each thread has one. */
  sayBreaker(change: BreakerChange, which: string): void {
    const { environment, subtask } = this.#host
    const { dependency, from, to, because, afterMs } = change
    environment.log({
      level: to === 'open' ? 'warn' : 'info',
      event: 'breaker.changed',
      message: `The circuit breaker of ${dependency}${which} is ${to} after ${Math.round(afterMs)} ms ${from}: ${because}`,
      operator: this.operator,
      subtask: subtask.index,
      fields: { ...change },
    })
  }

  setDeadline(timeMs: number | undefined): void {
    this.#host.setDeadline(this.#position, timeMs)
  }

  fail(error: unknown): void {
    this.#host.fail(this.#position, error)
  }

  deadLetter(record: unknown, error: unknown): void {
    this.#host.deadLetter(this.#position, record, error)
  }

  countDropped(count: number, reason: string): void {
    this.#host.countDropped(this.#position, count, reason)
  }

  get keyGroups(): number {
    return this.#host.keyGroups
  }

  keyTable(name: string, columns: readonly ColumnKind[], names?: readonly ColumnName[]): KeyTable {
    return this.#host.stateOf(this.#position).keyTable(name, columns, names)
  }

  windowTables(name: string, columns: readonly ColumnKind[], names?: readonly ColumnName[]): WindowTables {
    return this.#host.stateOf(this.#position).windowTables(name, columns, names)
  }

  registerState<P extends StatePart>(name: string, part: P): P {
    return this.#host.stateOf(this.#position).register(name, part)
  }

  countLate(count: number): void {
    this.#host.countLate(this.#position, count)
  }

  /** The context of one asynchronous call. */
  asyncContext(sequence: number): AsyncCallContext {
    return new AsyncCallContext(this, sequence)
  }

  userMetrics(): UserMetric[] {
    return this.metrics.list()
  }
}

/** What an asynchronous function sees of one call. */
export class AsyncCallContext implements AsyncContext {
  readonly #shared: OperatorContexts
  /** Number of the call in this subtask. */
  sequence: number
  /** Of a batch whose records may be given up. */
  failed: FailedRecords | undefined = undefined
  #attempt = 1

  constructor(shared: OperatorContexts, sequence: number) {
    this.#shared = shared
    this.sequence = sequence
  }

  get attempt(): number {
    return this.#attempt
  }

  /** Set by a guard of calls: from when it waits for another attempt it is the number of that one. */
  set attempt(attempt: number) {
    this.#attempt = attempt
    this.failed?.clear()
  }

  deadLetter(record: unknown, error: unknown): void {
    if (this.failed === undefined) throw error
    this.failed.add(record, error)
  }

  get job(): string {
    return this.#shared.job
  }

  get operator(): string {
    return this.#shared.operator
  }

  get subtask(): { readonly index: number; readonly parallelism: number } {
    return this.#shared.subtask
  }

  get log(): OperatorLog {
    return this.#shared.log
  }

  get metrics(): UserMetrics {
    return this.#shared.metrics
  }

  get signal(): AbortSignal {
    return this.#shared.signal
  }

  get run(): RunIdentity | undefined {
    return this.#shared.run
  }

  get recordId(): string {
    return `${this.#shared.operator}/${this.#shared.subtask.index}/${this.sequence}`
  }

  now(): number {
    return this.#shared.now()
  }

  countError(): void {
    this.#shared.countError()
  }

  use(name: string): unknown {
    return this.#shared.use(name)
  }
}
