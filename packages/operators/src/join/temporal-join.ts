/**
 * The join with what was valid at a time. Versions and records that wait lie per key in the order of time; when the watermark passes a
 * record, all versions that could be valid for it have come. Of versions that the watermark has passed the latest is kept.
 *
 * A version at or behind the watermark is taken where none is there that replaces it: it is valid for the records to come. Otherwise it is
 * late, as is every record that is not ahead of the watermark.
 *
 * Invariant: a row with records that wait, or with more than one version, has an entry in the heap at the time in its column, at or before
 * the first record and the second version.
 */
import { type ColumnKind, type KeyTable, type Operator, type OperatorContext, type RestoredOperator, SluiceError } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkChoice, checkFunction } from '../options/check-options.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { DueRows } from './due-rows.js'
import { type JoinFn, type JoinInput, type KeyOf, needTimestamps, RESULTS_AT_ONCE_MAX } from './join-input.js'
import type { TemporalJoinOptions } from './join-types.js'
import { expandResults, type Results } from './pair-run.js'
import { RecordLists } from './record-lists.js'

const LATE_PORT = 1
/** Rows that have nothing to give, by one call of `fire`. */
const STEPS_PER_FIRING = 64

const WAITING = new RecordLists(0, 1, true)
const VERSIONS = new RecordLists(WAITING.kinds.length, 1, true)
const DUE = WAITING.kinds.length + VERSIONS.kinds.length
const KINDS: readonly ColumnKind[] = [...WAITING.kinds, ...VERSIONS.kinds, 'number']

export function planTemporalJoin(
  name: string,
  { leftKeyOf, rightKeyOf, timed }: JoinInput,
  fn: AnyFunction,
  { type = 'inner' }: TemporalJoinOptions,
): OperatorPlan {
  checkFunction(`temporalJoin ${name}`, fn)
  checkChoice(`type of temporalJoin ${name}`, type, ['inner', 'left'])
  needTimestamps(`temporalJoin ${name}`, timed)
  return {
    spec: {
      kind: 'general',
      create: (context) => new TemporalJoin(context, leftKeyOf as KeyOf, rightKeyOf as KeyOf, fn as JoinFn, type === 'left'),
    },
    ports: ['out', 'late'],
    options: { type: 'temporalJoin', join: type },
    functions: [fn],
    warning: `temporalJoin ${name} keeps the latest version of every key for ever`,
  }
}

class TemporalJoin implements Operator {
  readonly #context: OperatorContext
  readonly #leftKeyOf: KeyOf
  readonly #rightKeyOf: KeyOf
  readonly #fn: JoinFn
  readonly #keepsAll: boolean
  readonly #table: KeyTable
  readonly #due: DueRows
  #watermark: number = Number.NEGATIVE_INFINITY

  constructor(context: OperatorContext, leftKeyOf: KeyOf, rightKeyOf: KeyOf, fn: JoinFn, keepsAll: boolean) {
    this.#context = context
    this.#leftKeyOf = leftKeyOf
    this.#rightKeyOf = rightKeyOf
    this.#fn = fn
    this.#keepsAll = keepsAll
    this.#table = context.keyTable('rows', KINDS)
    this.#due = new DueRows(this.#table, DUE)
  }

  process(value: unknown, timestamp: number, input: number): void {
    if (timestamp !== timestamp) throw new SluiceError('SLUICE_TIMESTAMPS_MISSING', 'a record came to a temporal join without a timestamp')
    const table = this.#table
    const isRecord = input === 0
    const key = isRecord ? this.#leftKeyOf(value) : this.#rightKeyOf(value)
    if (timestamp <= this.#watermark && (isRecord || this.#isReplaced(key, timestamp))) {
      this.#context.countLate(1)
      this.#context.emit(value, timestamp, LATE_PORT)
      return
    }
    const slot = table.slotOf(key)
    if (table.created) {
      WAITING.reset(table, slot)
      VERSIONS.reset(table, slot)
      this.#due.reset(slot)
    }
    ;(isRecord ? WAITING : VERSIONS).insert(table, slot, value, timestamp)
    const due = isRecord ? timestamp : this.#secondVersion(slot)
    this.#due.armEarlier(slot, due)
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
  }

  restore({ watermark }: RestoredOperator): void {
    this.#watermark = watermark
    this.#due.restore()
  }

  /** The records of the next key that the watermark has passed. */
  fire(): boolean {
    for (let step = 0; step < STEPS_PER_FIRING; step++) {
      const slot = this.#due.take(this.#watermark)
      if (slot < 0) return false
      if (this.#settle(slot)) return true
    }
    return true
  }

  close(): void {
    this.#table.clear()
  }

  /** True where there were results. */
  #settle(slot: number): boolean {
    const table = this.#table
    const gave = this.#join(slot)
    const end = VERSIONS.endOf(table, slot)
    let valid = VERSIONS.startOf(table, slot)
    while (valid + 1 < end && VERSIONS.numberAt(table, slot, valid + 1, 0) <= this.#watermark) valid++
    VERSIONS.dropBefore(table, slot, valid)
    const waits = WAITING.endOf(table, slot) > 0
    if (!waits && end === 0) {
      table.remove(slot)
      return gave
    }
    const first = waits ? WAITING.numberAt(table, slot, WAITING.startOf(table, slot), 0) : Number.POSITIVE_INFINITY
    this.#due.arm(slot, Math.min(first, this.#secondVersion(slot)))
    return gave
  }

  /** Gives the records of a row up to the watermark, each with its version. */
  #join(slot: number): boolean {
    const table = this.#table
    const from = WAITING.startOf(table, slot)
    const end = WAITING.endOf(table, slot)
    let to = from
    while (to < end && WAITING.numberAt(table, slot, to, 0) <= this.#watermark) to++
    if (to === from) return false
    const results = new Versioned(this.#context, this.#fn)
    let version = VERSIONS.startOf(table, slot) - 1
    const lastVersion = VERSIONS.endOf(table, slot) - 1
    for (let index = from; index < to; index++) {
      const time = WAITING.numberAt(table, slot, index, 0)
      while (version < lastVersion && VERSIONS.numberAt(table, slot, version + 1, 0) <= time) version++
      const valid = version < VERSIONS.startOf(table, slot) ? undefined : VERSIONS.recordAt(table, slot, version)
      if (version >= VERSIONS.startOf(table, slot) || this.#keepsAll) results.add(WAITING.recordAt(table, slot, index), valid, time)
    }
    WAITING.dropBefore(table, slot, to)
    const count = results.count
    if (count > RESULTS_AT_ONCE_MAX) expandResults(this.#context, results, 0, count)
    else for (let index = 0; index < count; index++) results.emit(index)
    return count > 0
  }

  /** Whether the watermark has passed a version of the key that is newer. */
  #isReplaced(key: unknown, timestamp: number): boolean {
    const table = this.#table
    const slot = table.find(key)
    if (slot < 0) return false
    const end = VERSIONS.endOf(table, slot)
    for (let index = VERSIONS.startOf(table, slot); index < end; index++) {
      const time = VERSIONS.numberAt(table, slot, index, 0)
      if (time > this.#watermark) return false
      if (time > timestamp) return true
    }
    return false
  }

  /** When the first version of a row is replaced; Infinity: nothing is there that does. */
  #secondVersion(slot: number): number {
    const table = this.#table
    const second = VERSIONS.startOf(table, slot) + 1
    return second < VERSIONS.endOf(table, slot) ? VERSIONS.numberAt(table, slot, second, 0) : Number.POSITIVE_INFINITY
  }
}

/** Records with their versions, in the order of time. */
class Versioned implements Results {
  readonly #context: OperatorContext
  readonly #fn: JoinFn
  readonly #records: unknown[] = []
  readonly #versions: unknown[] = []
  readonly #times: number[] = []

  constructor(context: OperatorContext, fn: JoinFn) {
    this.#context = context
    this.#fn = fn
  }

  get count(): number {
    return this.#records.length
  }

  add(record: unknown, version: unknown, time: number): void {
    this.#records.push(record)
    this.#versions.push(version)
    this.#times.push(time)
  }

  emit(index: number): void {
    this.#context.emit(this.value(index), this.timeOf(index))
  }

  value(index: number): unknown {
    return this.#fn(this.#records[index], this.#versions[index])
  }

  timeOf(index: number): number {
    return this.#times[index] as number
  }
}
