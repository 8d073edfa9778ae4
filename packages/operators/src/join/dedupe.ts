/**
 * The first record of every key. What is remembered of a key is when it came; a few rows are looked over with every record, so that what
 * has expired goes without timers.
 */
import {
  type ColumnKind,
  type KeyTable,
  type NumberColumn,
  type Operator,
  type OperatorContext,
  type RestoredOperator,
  SluiceError,
} from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkChoice } from '../options/check-options.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { type KeyOf, parseSpan } from './join-input.js'
import type { DedupeOptions } from './join-types.js'

const ROWS_PER_LOOK = 2
const NO_COLUMNS: readonly ColumnKind[] = []
const SINCE: readonly ColumnKind[] = ['number']

export function planDedupe(name: string, keyOf: AnyFunction, timed: boolean, { ttl, time = 'processing' }: DedupeOptions): OperatorPlan {
  checkChoice(`time of dedupe ${name}`, time, ['event', 'processing'])
  if (time === 'event' && !timed) {
    throw new SluiceError('SLUICE_TIMESTAMPS_MISSING', `dedupe ${name} works in event time, and its records have no timestamps`)
  }
  const ttlMs = ttl === undefined ? undefined : parseSpan(ttl, `ttl of dedupe ${name}`)
  return {
    spec: {
      kind: 'general',
      redistribution: 'union',
      create: (context) =>
        ttlMs === undefined
          ? new Dedupe(context, keyOf as KeyOf)
          : new ExpiringDedupe(context, keyOf as KeyOf, ttlMs, time === 'event' ? name : undefined),
    },
    options: { type: 'dedupe', ttlMs: ttlMs ?? null, ...(ttlMs === undefined ? {} : { time }) },
    functions: [],
    warning: ttlMs === undefined ? `dedupe ${name} remembers every key for ever: set ttl` : undefined,
  }
}

class Dedupe implements Operator {
  readonly #context: OperatorContext
  readonly #keyOf: KeyOf
  readonly #table: KeyTable

  constructor(context: OperatorContext, keyOf: KeyOf) {
    this.#context = context
    this.#keyOf = keyOf
    this.#table = context.keyTable('keys', NO_COLUMNS)
  }

  process(value: unknown, timestamp: number): void {
    const table = this.#table
    table.slotOf(this.#keyOf(value))
    if (table.created) this.#context.emit(value, timestamp)
    else this.#context.countDropped(1, 'duplicate')
  }

  close(): void {
    this.#table.clear()
  }
}

/**
 * A key is remembered for `ttlMs` from the record that passed, in event time until the watermark has passed that too; records that were
 * dropped do not count.
 */
class ExpiringDedupe implements Operator {
  readonly #context: OperatorContext
  readonly #keyOf: KeyOf
  readonly #ttlMs: number
  /** The operator's name where it works in event time. */
  readonly #eventTimeOf: string | undefined
  readonly #table: KeyTable
  #cursor = 0
  #now: number = Number.NEGATIVE_INFINITY

  constructor(context: OperatorContext, keyOf: KeyOf, ttlMs: number, eventTimeOf: string | undefined) {
    this.#context = context
    this.#keyOf = keyOf
    this.#ttlMs = ttlMs
    this.#eventTimeOf = eventTimeOf
    this.#table = context.keyTable('keys', SINCE)
  }

  process(value: unknown, timestamp: number): void {
    const table = this.#table
    let time = timestamp
    if (this.#eventTimeOf === undefined) {
      const now = this.#context.now()
      if (now > this.#now) this.#now = now
      time = this.#now
    } else if (time !== time) throw explainMissing(this.#eventTimeOf)
    this.#look()
    const slot = table.slotOf(this.#keyOf(value))
    const since = (table.columns[0] as NumberColumn).values
    if (!table.created && Math.max(time, this.#now) < (since[slot] as number) + this.#ttlMs) {
      this.#context.countDropped(1, 'duplicate')
      return
    }
    since[slot] = time
    this.#context.emit(value, timestamp)
  }

  onWatermark(watermark: number): void {
    if (this.#eventTimeOf !== undefined) this.#now = watermark
  }

  /** By the clock: its latest time. */
  snapshot(): unknown {
    return this.#eventTimeOf === undefined ? this.#now : undefined
  }

  restore({ watermark, states }: RestoredOperator): void {
    if (this.#eventTimeOf !== undefined) this.#now = watermark
    else for (const now of states as readonly number[]) if (now > this.#now) this.#now = now
  }

  close(): void {
    this.#table.clear()
  }

  /** In event time a key goes when no record can come that it would have to stop, but late ones. */
  #look(): void {
    const table = this.#table
    for (let count = 0; count < ROWS_PER_LOOK; count++) {
      if (this.#cursor >= table.end) this.#cursor = 0
      const slot = this.#cursor++
      if (slot >= table.end || !table.has(slot)) continue
      const since = (table.columns[0] as NumberColumn).values[slot] as number
      if (since + this.#ttlMs <= this.#now) table.remove(slot)
    }
  }
}

function explainMissing(name: string): SluiceError {
  return new SluiceError('SLUICE_TIMESTAMPS_MISSING', `dedupe ${name} works in event time, and a record came without a timestamp`)
}
