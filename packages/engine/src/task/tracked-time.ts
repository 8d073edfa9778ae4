/**
 * The operators of one subtask that make watermarks: sends what is due, tells who is idle, and holds the source back that is ahead
 * of its group. Runs in the thread of the subtask, once per step and once per drive, never per record.
 */
import { SubtaskWord } from '../metrics/metric-layout.js'
import type { SubtaskAccounting } from './accounting.js'
import { ALIGNMENT_CHECK_MS, type Alignment } from './alignment.js'
import type { ChainTime } from './chain-time.js'
import { IdleClock, Silence, type SilenceCode } from './idle-clock.js'
import type { WatermarkTracker } from './watermark-tracker.js'

export interface TrackedTimeParts {
  readonly trackers: readonly { readonly position: number; readonly tracker: WatermarkTracker }[]
  /** The input may fall silent and come back; what ends by itself is never idle. */
  readonly mayIdle: boolean
  readonly time: ChainTime
  readonly accounting: SubtaskAccounting
  readonly alignment: Alignment | undefined
}

interface Tracked {
  readonly position: number
  readonly tracker: WatermarkTracker
  readonly clock: IdleClock
  /** Records at the last look. */
  records: number
}

export class TrackedTime {
  /** A watermark after every record. */
  readonly perRecord: boolean
  readonly #tracked: readonly Tracked[]
  readonly #time: ChainTime
  readonly #accounting: SubtaskAccounting
  readonly #alignment: Alignment | undefined
  /** Those whose watermarks are aligned. */
  readonly #aligned: readonly Tracked[]
  #idleCount = 0
  #waitsSinceMs: number = Number.NaN

  constructor({ trackers, mayIdle, time, accounting, alignment }: TrackedTimeParts) {
    this.#tracked = trackers.map(({ position, tracker }) => ({
      position,
      tracker,
      clock: new IdleClock((mayIdle ? tracker.spec.idleAfterMs : undefined) ?? Number.POSITIVE_INFINITY),
      records: 0,
    }))
    this.perRecord = trackers.some(({ tracker }) => tracker.spec.perRecord)
    this.#time = time
    this.#accounting = accounting
    this.#alignment = alignment
    this.#aligned = alignment === undefined ? [] : this.#tracked.filter(({ tracker }) => tracker.spec.alignment !== undefined)
  }

  /** Nothing makes watermarks here. */
  get empty(): boolean {
    return this.#tracked.length === 0
  }

  /** Some input is idle: its next record is to be told at once, before others follow. */
  get someIdle(): boolean {
    return this.#idleCount > 0
  }

  /** Sends what is due, those first that have become active again; true where something was sent. */
  send(nowMs: number): boolean {
    let sent = false
    for (const one of this.#tracked) {
      const { position, tracker, clock } = one
      if (tracker.records !== one.records) {
        one.records = tracker.records
        if (clock.idle) {
          this.#idleCount--
          if (this.#idleCount === 0) this.#accounting.set(SubtaskWord.idleSinceMs, 0)
          this.#time.advance(position, tracker.sent, false)
          sent = true
        }
        clock.reset()
      }
      const watermark = tracker.due(nowMs)
      if (Number.isNaN(watermark)) continue
      this.#time.advance(position, watermark, clock.idle)
      sent = true
    }
    this.#publish()
    return sent
  }

  /** Looks at the clocks, at the end of a step that began at `startMs`; true where an input has become idle. */
  look(startMs: number, nowMs: number, silence: SilenceCode): boolean {
    let changed = false
    for (const one of this.#tracked) {
      const { position, tracker, clock } = one
      if (!clock.look(startMs, nowMs, tracker.records === one.records ? silence : Silence.none)) continue
      if (++this.#idleCount === 1) this.#accounting.set(SubtaskWord.idleSinceMs, nowMs)
      this.#time.advance(position, tracker.take(nowMs), true)
      changed = true
    }
    if (changed) this.#publish()
    return changed
  }

  /** Whether the source shall wait for others of its group. */
  get waits(): boolean {
    return this.#alignment?.ahead === true
  }

  /** The source waits since `nowMs`, or no longer (NaN). */
  waitSince(nowMs: number): void {
    this.#waitsSinceMs = nowMs
  }

  /** When time alone gives something to do (monotonic ms); Infinity: never. */
  get deadlineMs(): number {
    let earliest = Number.isNaN(this.#waitsSinceMs) ? Number.POSITIVE_INFINITY : this.#waitsSinceMs + ALIGNMENT_CHECK_MS
    for (const { tracker, clock } of this.#tracked) earliest = Math.min(earliest, tracker.dueAtMs, clock.deadlineMs)
    return earliest
  }

  /** Nothing will come any more: nobody shall wait for this source. */
  end(): void {
    this.#alignment?.publish(Number.POSITIVE_INFINITY)
  }

  #publish(): void {
    if (this.#alignment === undefined) return
    let lowest = Number.POSITIVE_INFINITY
    for (const { tracker, clock } of this.#aligned) {
      if (clock.idle) continue
      const watermark = tracker.current()
      if (watermark < lowest) lowest = watermark
    }
    this.#alignment.publish(lowest)
  }
}
