/** The source that gives the records of a simulation: replayable, in batches of seeded sizes, some at once and some after a while. */
import type { SourceBatch, SplitReader, SplitSourceSpec } from '@sluice/engine'
import { Life } from '../schedule/life.js'
import type { Scheduler } from '../schedule/scheduler.js'
import type { SeededRandom } from '../schedule/seeded-random.js'
import { Arrival, type Input } from './input.js'

const BATCH_RECORDS_MAX = 40
/** Share of batches that take a while, and how long that may be. */
const LATE_BATCHES = 0.3
const LATE_MS = 8

/** What the inputs of a simulation have in common: its start, and when the last of them ends. It outlives crashes. */
export class InputTimes {
  readonly #scheduler: Scheduler
  readonly #startMs: number
  readonly #advanceMs: number
  readonly #open: Set<string>
  #endMs = Number.POSITIVE_INFINITY

  constructor(scheduler: Scheduler, sources: readonly string[], advanceMs: number) {
    this.#scheduler = scheduler
    this.#startMs = scheduler.nowMs
    this.#advanceMs = advanceMs
    this.#open = new Set(sources)
  }

  /** Whether time goes on behind the last record: such sources wait, and may be idle. */
  get goesOn(): boolean {
    return this.#advanceMs > 0
  }

  /** Until when an arrival has to wait, by the scheduler's clock. */
  arrivalMs(atMs: number): number {
    return this.#startMs + atMs
  }

  /** A source has given its last record; when everything ends, as far as that is known. */
  exhausted(source: string): number {
    if (this.#advanceMs === 0) return Number.NEGATIVE_INFINITY
    this.#open.delete(source)
    if (this.#open.size === 0 && this.#endMs === Number.POSITIVE_INFINITY) this.#endMs = this.#scheduler.nowMs + this.#advanceMs
    return this.#endMs
  }
}

export interface InputSourceOptions {
  readonly name: string
  readonly records: Input
  readonly times: InputTimes
  readonly scheduler: Scheduler
}

export function inputSource(options: InputSourceOptions): SplitSourceSpec {
  const { times, scheduler, records } = options
  return {
    kind: 'source',
    reads: 'splits',
    splits: () => [0],
    open: (_split, _context, position) => new InputReader(options, scheduler.random.fork(), typeof position === 'number' ? position : 0),
    replayable: true,
    bounded: !times.goesOn && !records.some((record) => record instanceof Arrival),
  }
}

/** How often it is asked again when everything ends, where another source has not come to its end. */
const ASK_AGAIN_MS = 1_000

class InputReader implements SplitReader {
  readonly #options: InputSourceOptions
  readonly #random: SeededRandom
  #next: number

  constructor(options: InputSourceOptions, random: SeededRandom, position: number) {
    this.#options = options
    this.#random = random
    this.#next = position
  }

  next(): SourceBatch | undefined | Promise<SourceBatch | undefined> {
    const { records, times, scheduler } = this.#options
    if (this.#next >= records.length) return times.goesOn ? this.#end() : undefined
    const first = records[this.#next]
    const dueMs = first instanceof Arrival ? times.arrivalMs(first.atMs) : Number.NEGATIVE_INFINITY
    if (dueMs > scheduler.nowMs) return this.#wait(dueMs - scheduler.nowMs).then(() => this.#take())
    if (this.#random.chance(LATE_BATCHES)) return this.#wait(this.#random.next() * LATE_MS).then(() => this.#take())
    return this.#take()
  }

  #take(): SourceBatch {
    const { records, times, scheduler } = this.#options
    const position = this.#next
    const size = 1 + this.#random.below(BATCH_RECORDS_MAX)
    const batch: unknown[] = []
    while (this.#next < records.length && batch.length < size) {
      const record = records[this.#next]
      if (record instanceof Arrival && batch.length > 0 && times.arrivalMs(record.atMs) > scheduler.nowMs) break
      batch.push(record instanceof Arrival ? record.record : record)
      this.#next++
    }
    return { records: batch, position }
  }

  /** Time goes on behind the last record of the last source. */
  async #end(): Promise<undefined> {
    const { name, times, scheduler } = this.#options
    for (;;) {
      const leftMs = times.exhausted(name) - scheduler.nowMs
      if (leftMs <= 0) return undefined
      await this.#wait(Math.min(leftMs, leftMs === Number.POSITIVE_INFINITY ? ASK_AGAIN_MS : leftMs))
    }
  }

  #wait(delayMs: number): Promise<void> {
    const { scheduler, name } = this.#options
    return scheduler.after(scheduler.current ?? new Life('input'), `input ${name}`, delayMs)
  }
}
