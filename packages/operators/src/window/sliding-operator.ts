/**
 * Windows that overlap. Records go into panes as long as the greatest common divisor of size and slide, each into one: its cost does not
 * grow with the number of windows it belongs to. When the watermark has passed the end of a window its new panes are taken in and every
 * key sends its result (see `sliding-aggregates.ts`).
 *
 * Invariants: all windows that end at `fired` or before have fired; all panes that begin before `entered` are in the aggregates, and those
 * are `fired` where no window is firing; the cached pane is not in. After a restore the aggregates are empty until the next window fires.
 */
import { hashKey, keyGroupOf, type KeyTable, type OperatorContext, type RestoredOperator } from '@sluice/engine'
import { OpenPanes, type Pane } from './open-panes.js'
import { SlidingAggregates } from './sliding-aggregates.js'
import { explainTimestamp, type TimedOperator } from './timed-operator.js'
import type { WindowContents } from './window-contents.js'
import type { TimeWindow, WindowDefinition } from './window-types.js'

const LATE_PORT = 1
/** Merges done by one call of `fire` that sends nothing. */
const STEPS_PER_FIRING = 256

export class SlidingOperator implements TimedOperator {
  readonly #context: OperatorContext
  readonly #update: WindowContents['update']
  readonly #sizeMs: number
  readonly #slideMs: number
  readonly #offsetMs: number
  readonly #paneMs: number
  readonly #latenessMs: number
  readonly #panes: OpenPanes
  readonly #aggregates: SlidingAggregates
  #watermark: number = Number.NEGATIVE_INFINITY
  #fired: number = Number.NEGATIVE_INFINITY
  #entered: number = Number.NEGATIVE_INFINITY
  /** Panes from here on are still to be taken in: `entered`, but for those of the next window after a restore. */
  #taken: number = Number.NEGATIVE_INFINITY
  #from: number = Number.NaN
  #to: number = Number.NaN
  #table: KeyTable | undefined
  /** The window that is firing; undefined: none. */
  #window: TimeWindow | undefined
  /** Of the pane that is being taken in. */
  #entering: Pane | undefined
  #slot = 0

  constructor(
    context: OperatorContext,
    contents: WindowContents,
    definition: Extract<WindowDefinition, { readonly kind: 'sliding' }>,
    latenessMs: number,
  ) {
    const { sizeMs, slideMs, offsetMs } = definition
    this.#context = context
    this.#update = contents.update
    this.#sizeMs = sizeMs
    this.#slideMs = slideMs
    this.#offsetMs = offsetMs
    this.#paneMs = greatestCommonDivisor(sizeMs, slideMs)
    this.#latenessMs = latenessMs
    this.#panes = new OpenPanes(context.windowTables('panes', contents.columns, contents.names))
    this.#aggregates = new SlidingAggregates(context, contents, this.#panes)
  }

  process(value: unknown, timestamp: number): void {
    if (timestamp >= this.#from && timestamp < this.#to) this.#update(this.#table as KeyTable, value)
    else this.#enter(value, timestamp)
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
    if (this.dueAt <= watermark) this.#from = Number.NaN
  }

  snapshot(): SlidingState {
    const { index, parallelism } = this.#context.subtask
    return { fired: this.#fired, index, parallelism }
  }

  restore({ watermark, states }: RestoredOperator): void {
    const written = states as readonly SlidingState[]
    const fired = written.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...written.map((state) => state.fired))
    this.#watermark = watermark
    this.#fired = fired
    this.#entered = fired
    this.#taken = fired - this.#sizeMs + this.#slideMs
    this.#panes.restore((start) => start + this.#paneMs)
    this.#aggregates.restore()
    if (written.some((state) => state.fired > fired)) this.#markSent(new Map(written.map((state) => [state.index, state])))
  }

  get dueAt(): number {
    return this.#nextEnd() - 1
  }

  fire(): boolean {
    const aggregates = this.#aggregates
    for (;;) {
      const window = this.#window ?? this.#begin()
      if (window === undefined) return false
      if (this.#taken < window.end && this.#takeIn(window.end)) return true
      const { end } = aggregates
      for (let step = 0; this.#slot < end; step++) {
        if (aggregates.emit(this.#slot++, window, window.end) || step === STEPS_PER_FIRING) return true
      }
      if (aggregates.emitTurned(window, STEPS_PER_FIRING)) return true
      this.#slot = 0
      this.#window = undefined
      this.#fired = window.end
      aggregates.endWindow(window.end)
      this.#purge()
    }
  }

  /** The subtasks that had the keys before had come to different windows. */
  #markSent(writers: ReadonlyMap<number, SlidingState>): void {
    const { keyGroups } = this.#context
    const parallelism = writers.values().next().value?.parallelism ?? 1
    for (const { table } of this.#panes.list) {
      for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
        const key = table.keyAt(slot)
        const writer = Math.floor((keyGroupOf(hashKey(key), keyGroups) * parallelism) / keyGroups)
        this.#aggregates.markSent(key, writers.get(writer)?.fired ?? this.#fired)
      }
    }
  }

  /** The next window that is due. */
  #begin(): TimeWindow | undefined {
    const end = this.#nextEnd()
    if (end !== Number.POSITIVE_INFINITY && end - 1 <= this.#watermark) {
      this.#window = { start: end - this.#sizeMs, end }
      this.#aggregates.beginWindow()
      return this.#window
    }
    // No window between has records, and none that comes later will be of these.
    const passed = this.#alignedBefore(this.#watermark + 1 - this.#sizeMs) + this.#sizeMs
    if (passed > this.#fired) {
      this.#fired = passed
      this.#entered = passed
      this.#taken = passed
    }
    this.#purge()
    if (end === Number.POSITIVE_INFINITY && this.#aggregates.size > 0) this.#aggregates.clear()
    return undefined
  }

  /** Takes in the panes that a window has and the one before it had not; true where there is more to do. */
  #takeIn(end: number): boolean {
    const { list } = this.#panes
    let step = 0
    for (;;) {
      this.#entering ??= list[this.#panes.firstFrom(this.#taken)]
      const pane = this.#entering
      if (pane === undefined || pane.start >= end) {
        this.#entering = undefined
        this.#taken = end
        this.#entered = end
        this.#slot = 0
        return false
      }
      while (this.#slot < pane.table.end) {
        if (step++ === STEPS_PER_FIRING) return true
        this.#aggregates.enter(pane, this.#slot++)
      }
      this.#entering = undefined
      this.#taken = pane.end
      this.#slot = 0
    }
  }

  /** The end of the first window that has not fired and has records; Infinity: there is none. */
  #nextEnd(): number {
    const { list } = this.#panes
    const next = this.#fired + this.#slideMs
    const pane = list[this.#fired === Number.NEGATIVE_INFINITY ? 0 : this.#panes.firstFrom(next - this.#sizeMs)]
    return pane === undefined ? Number.POSITIVE_INFINITY : Math.max(next, this.#firstEndOf(pane.start))
  }

  /** A record of another pane than the last one, or of one that is in the aggregates. */
  #enter(value: unknown, timestamp: number): void {
    if (timestamp !== timestamp) throw explainTimestamp(timestamp)
    const paneMs = this.#paneMs
    const start = Math.floor((timestamp - this.#offsetMs) / paneMs) * paneMs + this.#offsetMs
    const lastEnd = this.#lastEndOf(start)
    if (lastEnd - 1 + this.#latenessMs <= this.#watermark) {
      this.#context.countLate(1)
      this.#context.emit(value, timestamp, LATE_PORT)
      return
    }
    const { table } = this.#panes.open(start, start + paneMs)
    const slot = this.#update(table, value)
    if (start >= this.#entered) {
      this.#from = start
      this.#to = start + paneMs
      this.#table = table
      return
    }
    const key = table.keyAt(slot)
    if (lastEnd > this.#fired) this.#aggregates.markStale(key)
    if (this.#latenessMs === 0) return
    const firstKept = this.#alignedBefore(this.#watermark - this.#latenessMs + 1 - this.#sizeMs) + this.#sizeMs + this.#slideMs
    const firstEnd = Math.max(this.#firstEndOf(start), firstKept)
    const again = Math.min(lastEnd, this.#fired)
    if (firstEnd <= again) this.#aggregates.emitAgain(key, start, firstEnd, again, this.#sizeMs, this.#slideMs)
  }

  /** The largest multiple of the slide (plus the offset) that is not behind `time`. */
  #alignedBefore(time: number): number {
    return Math.floor((time - this.#offsetMs) / this.#slideMs) * this.#slideMs + this.#offsetMs
  }

  #firstEndOf(pane: number): number {
    return this.#alignedBefore(pane + this.#paneMs - 1 - this.#sizeMs) + this.#slideMs + this.#sizeMs
  }

  #lastEndOf(pane: number): number {
    return this.#alignedBefore(pane) + this.#sizeMs
  }

  #purge(): void {
    const { list } = this.#panes
    for (;;) {
      const pane = list[0]
      if (pane === undefined) return
      const lastEnd = this.#lastEndOf(pane.start)
      if (lastEnd > this.#fired || lastEnd - 1 + this.#latenessMs > this.#watermark) return
      this.#panes.shift()
    }
  }
}

/** All windows that end at `fired` have fired, and who says so. */
interface SlidingState {
  readonly fired: number
  readonly index: number
  readonly parallelism: number
}

function greatestCommonDivisor(left: number, right: number): number {
  let larger = left
  let smaller = right
  while (smaller > 0) [larger, smaller] = [smaller, larger % smaller]
  return larger
}
