/** Records held back in the order of their arrival, which may leave in another one; and the watermarks that stand behind them. */
import { TimeMarks } from '../time-marks.js'

export interface LimitedRecord {
  readonly value: unknown
  readonly timestamp: number
  readonly bytes: number
  /** Counts arrivals. */
  readonly number: number
  gone: boolean
}

export interface LimitedState {
  readonly records: readonly { readonly value: unknown; readonly timestamp: number; readonly bytes: number }[]
  readonly marks: ReturnType<TimeMarks['snapshot']>
}

/** Records that have left and still lie between others, beyond as many as are held. */
const GONE_SPARE = 64

export class LimitedRecords {
  count = 0
  bytes = 0
  readonly #marks: TimeMarks = new TimeMarks()
  readonly #give: (watermark: number, idle: boolean) => void
  #order: LimitedRecord[] = []
  #head = 0
  #next = 0

  /** `give`: where watermarks go on. */
  constructor(give: (watermark: number, idle: boolean) => void) {
    this.#give = give
  }

  /** The oldest that is held. */
  get first(): LimitedRecord | undefined {
    return this.#order[this.#head]
  }

  add(value: unknown, timestamp: number, bytes: number): LimitedRecord {
    const held = { value, timestamp, bytes, number: this.#next++, gone: false }
    this.#order.push(held)
    this.count++
    this.bytes += bytes
    return held
  }

  /** It has left: behind it come the watermarks that stood behind nothing older. */
  remove(held: LimitedRecord): void {
    held.gone = true
    this.count--
    this.bytes -= held.bytes
    const order = this.#order
    while (this.#head < order.length && (order[this.#head] as LimitedRecord).gone) this.#head++
    if (order.length > 2 * this.count + GONE_SPARE) {
      this.#order = order.filter(({ gone }) => !gone)
      this.#head = 0
    }
    this.#marks.pass(this.first?.number ?? Number.POSITIVE_INFINITY, this.#give)
  }

  holdWatermark(watermark: number, idle: boolean): void {
    this.#marks.hold(this.#next, watermark, idle)
  }

  /** Those that are held, numbered from 0. */
  snapshot(): LimitedState {
    const held = this.#order.filter(({ gone }) => !gone)
    const marks = this.#marks.snapshot().map((mark) => ({ ...mark, before: held.filter(({ number }) => number < mark.before).length }))
    return { records: held.map(({ value, timestamp, bytes }) => ({ value, timestamp, bytes })), marks }
  }

  /**
   * Before the first record. `states`: those of all subtasks, where their number has changed, otherwise the one of this subtask; `keep`: which of their
   * records come here.
   */
  restore(states: readonly LimitedState[], keep: (value: unknown, state: number) => boolean): readonly LimitedRecord[] {
    const kept = states.flatMap(({ records }, state) => records.filter(({ value }) => keep(value, state)))
    const held = kept.map(({ value, timestamp, bytes }) => this.add(value, timestamp, bytes))
    const [only] = states
    if (held.length === 0 || only === undefined) return held
    if (states.length === 1 && only.records.length === held.length) this.#marks.restore(only.marks)
    else this.#restoreLast(states)
    return held
  }

  /** Marks of several states have no common order: the least of the last ones stands behind all of it, and none where a state has none. */
  #restoreLast(states: readonly LimitedState[]): void {
    let watermark = Number.POSITIVE_INFINITY
    let idle = true
    for (const { marks } of states) {
      const last = marks.at(-1)
      if (last === undefined) return
      watermark = Math.min(watermark, last.watermark)
      idle = idle && last.idle
    }
    this.holdWatermark(watermark, idle)
  }
}
