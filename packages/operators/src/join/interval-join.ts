/**
 * The join by distance in event time. Either side keeps its records in spans of time, each with a table of lists by key; a span goes as a
 * whole when no record can come that any of its records could meet. So a record costs the same whatever is kept: the spans are as long as
 * the interval, and its partners lie in two of them.
 *
 * A record at or behind the watermark is late: of its partners some may be gone. It is not joined, and not kept.
 */
import {
  type KeyTable,
  type NumberColumn,
  type Operator,
  type OperatorContext,
  type RestoredOperator,
  SluiceError,
  type ValueColumn,
} from '@sluice/engine'
import { parseDuration } from '../duration/duration.js'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkFunction } from '../options/check-options.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { OpenPanes } from '../window/open-panes.js'
import { Pairs } from './inner-join.js'
import { type JoinFn, type JoinInput, type KeyOf, laterOf, needTimestamps, RESULTS_AT_ONCE_MAX } from './join-input.js'
import type { IntervalJoinOptions } from './join-types.js'
import { expandResults } from './pair-run.js'
import { RecordLists } from './record-lists.js'

/** Shorter spans are not worth a table each. */
const SPAN_MS_MIN = 100
const LATE_PORT = 1

export function planIntervalJoin(
  name: string,
  { leftKeyOf, rightKeyOf, timed }: JoinInput,
  fn: AnyFunction,
  { before = 0, after = 0 }: IntervalJoinOptions,
): OperatorPlan {
  checkFunction(`intervalJoin ${name}`, fn)
  needTimestamps(`intervalJoin ${name}`, timed)
  const beforeMs = parseDuration(before, `before of intervalJoin ${name}`)
  const afterMs = parseDuration(after, `after of intervalJoin ${name}`)
  return {
    spec: {
      kind: 'general',
      create: (context) => new IntervalJoin(context, leftKeyOf as KeyOf, rightKeyOf as KeyOf, fn as JoinFn, beforeMs, afterMs),
    },
    ports: ['out', 'late'],
    options: { type: 'intervalJoin', beforeMs, afterMs },
    functions: [fn],
  }
}

/** One side: its records are kept until the watermark is this far behind them. */
interface Side {
  readonly spans: OpenPanes
  readonly keptMs: number
}

const LISTS = new RecordLists(0, 1, false)

class IntervalJoin implements Operator {
  readonly #context: OperatorContext
  readonly #leftKeyOf: KeyOf
  readonly #rightKeyOf: KeyOf
  readonly #fn: JoinFn
  readonly #beforeMs: number
  readonly #afterMs: number
  readonly #spanMs: number
  readonly #left: Side
  readonly #right: Side
  #watermark: number = Number.NEGATIVE_INFINITY

  constructor(context: OperatorContext, leftKeyOf: KeyOf, rightKeyOf: KeyOf, fn: JoinFn, beforeMs: number, afterMs: number) {
    this.#context = context
    this.#leftKeyOf = leftKeyOf
    this.#rightKeyOf = rightKeyOf
    this.#fn = fn
    this.#beforeMs = beforeMs
    this.#afterMs = afterMs
    this.#spanMs = Math.max(beforeMs + afterMs, SPAN_MS_MIN)
    this.#left = { spans: new OpenPanes(context.windowTables('left', LISTS.kinds)), keptMs: afterMs }
    this.#right = { spans: new OpenPanes(context.windowTables('right', LISTS.kinds)), keptMs: beforeMs }
  }

  process(value: unknown, timestamp: number, input: number): void {
    if (timestamp <= this.#watermark) {
      this.#context.countLate(1)
      this.#context.emit(value, timestamp, LATE_PORT)
      return
    }
    if (timestamp !== timestamp) throw new SluiceError('SLUICE_TIMESTAMPS_MISSING', 'a record came to an interval join without a timestamp')
    const isLeft = input === 0
    const own = isLeft ? this.#left : this.#right
    const key = isLeft ? this.#leftKeyOf(value) : this.#rightKeyOf(value)
    const spanMs = this.#spanMs
    // What cannot meet anything any more, because the watermark of the other side is as far, is kept all the same until the span goes.
    const start = Math.floor(timestamp / spanMs) * spanMs
    const table = own.spans.open(start, start + spanMs).table
    const slot = table.slotOf(key)
    if (table.created) LISTS.reset(table, slot)
    LISTS.append(table, slot, value, timestamp, 0, 0)
    const earliest = isLeft ? timestamp - this.#beforeMs : timestamp - this.#afterMs
    const latest = isLeft ? timestamp + this.#afterMs : timestamp + this.#beforeMs
    const { spans } = isLeft ? this.#right : this.#left
    const { list } = spans
    // The other stream may be far ahead: what lies there is not gone through.
    for (let index = spans.firstFrom(Math.floor(latest / spanMs) * spanMs + spanMs) - 1; index >= 0; index--) {
      const span = list[index]
      if (span === undefined || span.end <= earliest) break
      const at = span.table.find(key)
      if (at >= 0) this.#meet(isLeft, value, timestamp, span.table, at, earliest, latest)
    }
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
    this.#giveUp(this.#left)
    this.#giveUp(this.#right)
  }

  restore({ watermark }: RestoredOperator): void {
    const endOf = (start: number): number => start + this.#spanMs
    this.#left.spans.restore(endOf)
    this.#right.spans.restore(endOf)
    this.onWatermark(watermark)
  }

  close(): void {
    this.#watermark = Number.POSITIVE_INFINITY
    this.#giveUp(this.#left)
    this.#giveUp(this.#right)
  }

  /** Gives up the spans that are out of the reach of any record to come; times may lie between milliseconds. */
  #giveUp({ spans, keptMs }: Side): void {
    for (let first = spans.list[0]; first !== undefined && first.end + keptMs <= this.#watermark; first = spans.list[0]) spans.shift()
  }

  #meet(isLeft: boolean, value: unknown, timestamp: number, table: KeyTable, slot: number, earliest: number, latest: number): void {
    const { columns } = table
    const end = (columns[LISTS.ends] as NumberColumn).values[slot] as number
    const held = (columns[LISTS.records] as ValueColumn).values[slot]
    const fn = this.#fn
    if (end === 1) {
      const time = (columns[LISTS.firstNumbers] as NumberColumn).values[slot] as number
      if (time < earliest || time > latest) return
      this.#context.emit(isLeft ? fn(value, held) : fn(held, value), laterOf(timestamp, time))
      return
    }
    const times = (columns[LISTS.numbers] as ValueColumn).values[slot] as readonly number[]
    const partners = held as readonly unknown[]
    if (end > RESULTS_AT_ONCE_MAX) {
      this.#meetMany(isLeft, value, timestamp, partners, times, earliest, latest)
      return
    }
    for (let index = 0; index < end; index++) {
      const time = times[index] as number
      if (time < earliest || time > latest) continue
      const partner = partners[index]
      this.#context.emit(isLeft ? fn(value, partner) : fn(partner, value), laterOf(timestamp, time))
    }
  }

  #meetMany(
    isLeft: boolean,
    value: unknown,
    timestamp: number,
    records: readonly unknown[],
    recordTimes: readonly number[],
    earliest: number,
    latest: number,
  ): void {
    const partners: unknown[] = []
    const times: number[] = []
    for (let index = 0; index < records.length; index++) {
      const time = recordTimes[index] as number
      if (time < earliest || time > latest) continue
      partners.push(records[index])
      times.push(time)
    }
    const pairs = new Pairs(this.#context, this.#fn, isLeft, value, timestamp, partners)
    pairs.numbers = times
    expandResults(this.#context, pairs, 0, partners.length)
  }
}
