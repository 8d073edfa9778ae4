/** An operator context without an engine: what is emitted is kept, time stands still until the test moves it. */
import type { ColumnKind, ColumnName, Operator, OperatorContext, OperatorLog, OperatorMetrics, StatePart } from '@sluice/engine'
import { KeyTable, SideOutputValue, WindowTables } from '@sluice/engine'

export interface Emitted {
  readonly value: unknown
  readonly timestamp: number
  /** Port number, or the tag of a side output. */
  readonly port: number | string
}

export class FakeOperatorContext implements OperatorContext {
  readonly job = 'test'
  readonly operator = 'operator'
  readonly subtask: { readonly index: number; readonly parallelism: number } = { index: 0, parallelism: 1 }
  readonly emitted: Emitted[] = []
  readonly logged: string[] = []
  readonly counts = new Map<string, number>()
  readonly resources = new Map<string, unknown>()
  readonly keyGroups: number = 128
  readonly state = new Map<string, StatePart>()
  late = 0
  watermark = Number.NEGATIVE_INFINITY
  timeMs = 1_000
  deadlineMs: number | undefined = undefined
  #operator: Operator | undefined

  readonly log: OperatorLog = {
    debug: (message) => this.logged.push(message),
    info: (message) => this.logged.push(message),
    warn: (message) => this.logged.push(message),
    error: (message) => this.logged.push(message),
  }

  readonly metrics: OperatorMetrics = {
    count: (name, by = 1) => this.counts.set(name, (this.counts.get(name) ?? 0) + by),
    gauge: (name, value) => this.counts.set(name, value),
  }

  now(): number {
    return this.timeMs
  }

  use(name: string): unknown {
    return this.resources.get(name)
  }

  emit(value: unknown, timestamp: number, port = 0): void {
    this.emitted.push({ value, timestamp, port })
  }

  expand(values: Iterable<unknown>, timestamp: number): void {
    for (const value of values) {
      if (value instanceof SideOutputValue) this.emitted.push({ value: value.value, timestamp, port: value.tag })
      else this.emitted.push({ value, timestamp, port: 0 })
    }
  }

  setDeadline(timeMs: number | undefined): void {
    this.deadlineMs = timeMs
  }

  /** What was dropped, by reason. */
  readonly dropped = new Map<string, number>()

  countDropped(count: number, reason: string): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count)
  }

  /** Ports whose channels have no credit. */
  readonly blocked = new Set<number>()
  inputHeld = false
  readonly passed: { readonly watermark: number; readonly idle: boolean }[] = []

  hasCredit(port = 0): boolean {
    return !this.blocked.has(port)
  }

  holdInput(held: boolean): void {
    this.inputHeld = held
  }

  passWatermark(watermark: number, idle: boolean): void {
    this.watermark = watermark
    this.passed.push({ watermark, idle })
  }

  residentMemory = Number.NaN

  residentBytes(): number {
    return this.residentMemory
  }

  /** What an observed operator did. */
  observed = { completed: 0, latencyMs: 0, errors: 0, taken: 0, queued: 0, inFlight: 0 }
  errors = 0

  countError(): void {
    this.errors++
  }

  observe(): typeof this.observed {
    return this.observed
  }

  sizeOf(value: unknown): number {
    return JSON.stringify(value).length
  }

  countLate(count: number): void {
    this.late += count
  }

  keyTable(name: string, columns: readonly ColumnKind[], names?: readonly ColumnName[]): KeyTable {
    return this.registerState(name, new KeyTable(columns, names))
  }

  windowTables(name: string, columns: readonly ColumnKind[], names?: readonly ColumnName[]): WindowTables {
    return this.registerState(name, new WindowTables(columns, names))
  }

  registerState<P extends StatePart>(name: string, part: P): P {
    if (this.state.has(name)) throw new Error(`state ${name} is declared twice`)
    this.state.set(name, part)
    return part
  }

  /** The operator that the deadline belongs to. */
  drive<O extends Operator>(operator: O): O {
    this.#operator = operator
    return operator
  }

  /** Moves the clock; fires the deadline where it has passed. */
  advance(byMs: number): void {
    this.timeMs += byMs
    if (this.deadlineMs === undefined || this.deadlineMs > this.timeMs) return
    this.deadlineMs = undefined
    this.#operator?.onDeadline?.(this.timeMs)
    this.#fire()
  }

  /** Moves the watermark; what is due fires. */
  advanceWatermark(watermark: number): void {
    this.watermark = watermark
    this.#operator?.onWatermark?.(watermark)
    this.#fire()
  }

  #fire(): void {
    let more = true
    while (more) more = this.#operator?.fire?.() === true
  }

  /** End of the input: what is left goes out. */
  async end(): Promise<void> {
    this.advanceWatermark(Number.POSITIVE_INFINITY)
    const values = this.#operator?.onEnd?.()
    if (values !== undefined && values !== null) this.expand(values, Number.NaN)
    this.#fire()
    await this.#operator?.close?.()
  }

  /** Takes what was emitted since the last call. */
  take(): readonly unknown[] {
    return this.emitted.splice(0).map(({ value }) => value)
  }
}
