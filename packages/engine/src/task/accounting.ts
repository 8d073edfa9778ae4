/**
 * Where the time of a subtask goes: busy, queued, backpressured, idle; the four add up to wall time. Written to shared words at
 * each change, with the start of the open interval, so that a reader can count it up to now.
 */
import { SubtaskState, type SubtaskStateCode, SubtaskWord } from '../metrics/metric-layout.js'

const totalOf: Record<SubtaskStateCode, number | undefined> = {
  [SubtaskState.idle]: SubtaskWord.idleMs,
  [SubtaskState.queued]: SubtaskWord.queuedMs,
  [SubtaskState.backpressured]: SubtaskWord.backpressuredMs,
  [SubtaskState.busy]: SubtaskWord.busyMs,
  [SubtaskState.waiting]: SubtaskWord.busyMs,
  [SubtaskState.finished]: undefined,
  // It has time to spare: others of its group have not.
  [SubtaskState.aligned]: SubtaskWord.idleMs,
  // So have those that wait for a barrier.
  [SubtaskState.refusing]: SubtaskWord.idleMs,
}

/** Of the total above: what is told apart. */
const partOf: Partial<Record<SubtaskStateCode, number>> = {
  [SubtaskState.aligned]: SubtaskWord.alignedMs,
  [SubtaskState.refusing]: SubtaskWord.refusingMs,
  [SubtaskState.waiting]: SubtaskWord.awaitingMs,
}

export class SubtaskAccounting {
  readonly #words: Float64Array
  readonly #at: number
  #state: SubtaskStateCode = SubtaskState.idle
  #sinceMs: number

  constructor(words: Float64Array, at: number, nowMs: number) {
    this.#words = words
    this.#at = at
    this.#sinceMs = nowMs
    words[at + SubtaskWord.blockedChannel] = -1
    words[at + SubtaskWord.activeOperator] = -1
    words[at + SubtaskWord.watermark] = Number.NEGATIVE_INFINITY
    words[at + SubtaskWord.sourceWatermark] = Number.NEGATIVE_INFINITY
    words[at + SubtaskWord.split] = -1
    words[at + SubtaskWord.stateSinceMs] = nowMs
  }

  get state(): SubtaskStateCode {
    return this.#state
  }

  /** Busy and queued time so far, in ms: what rates are measured against. */
  get workMs(): number {
    return (this.#words[this.#at + SubtaskWord.busyMs] as number) + (this.#words[this.#at + SubtaskWord.queuedMs] as number)
  }

  /** Ends the open interval at `nowMs` and begins one in `state`. */
  enter(state: SubtaskStateCode, nowMs: number): void {
    const words = this.#words
    const total = totalOf[this.#state]
    const elapsedMs = Math.max(0, nowMs - this.#sinceMs)
    if (total !== undefined) words[this.#at + total] = (words[this.#at + total] as number) + elapsedMs
    const part = partOf[this.#state]
    if (part !== undefined) this.add(part, elapsedMs)
    this.#state = state
    // A reading of the clock may be older than what was counted last: no time counts twice.
    this.#sinceMs = Math.max(this.#sinceMs, nowMs)
    words[this.#at + SubtaskWord.stateSinceMs] = this.#sinceMs
    words[this.#at + SubtaskWord.state] = state
  }

  /** Time of the current interval that was work after all: it was spent in callbacks of the subtask's own promises. */
  countAsBusy(elapsedMs: number, nowMs: number): void {
    if (this.#state !== SubtaskState.backpressured) this.#move(elapsedMs, nowMs)
  }

  /** Time of the current interval in which a snapshot was taken or written, also while credit was lacking. */
  countSnapshot(elapsedMs: number, nowMs: number): void {
    this.#move(elapsedMs, nowMs)
    this.add(SubtaskWord.checkpointMs, elapsedMs)
  }

  #move(elapsedMs: number, nowMs: number): void {
    const word = totalOf[this.#state]
    if (word === undefined || word === SubtaskWord.busyMs) return
    const openMs = Math.max(0, nowMs - this.#sinceMs)
    this.enter(this.#state, nowMs)
    const movedMs = Math.min(elapsedMs, openMs)
    this.add(word, -movedMs)
    const part = partOf[this.#state]
    if (part !== undefined) this.add(part, -movedMs)
    this.add(SubtaskWord.busyMs, movedMs)
  }

  set(word: number, value: number): void {
    this.#words[this.#at + word] = value
  }

  add(word: number, value: number): void {
    this.#words[this.#at + word] = (this.#words[this.#at + word] as number) + value
  }
}
