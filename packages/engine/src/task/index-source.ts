/**
 * Reads a function of an index, which the chain's driver inlines. A subtask emits its indexes in ascending order, also after a restore at
 * another parallelism. With a rate, an index is due by its distance from the first one that any subtask had left. Runs on the subtask's thread.
 */
import { SluiceError } from '../errors/sluice-error.js'
import type { IndexedSourceSpec } from '../graph/operator-spec.js'
import type { ChainDrivers } from './chain-drivers.js'
import { type IndexSourceState, NOTHING_TAKEN, type SourceDriver, type SourceState } from './source-contract.js'
import { createIndexPhases, firstIndexFrom, type IndexCursor, type IndexPhase, indexesBelow, indexSplitsOf } from './source-cursor.js'

/** Products of a rate and a time are this exact: what is due at a time is due although the product falls just short of it. */
const DUE_TOLERANCE = 1e-6

export class IndexSource implements SourceDriver {
  readonly pending = false as boolean
  readonly #drivers: ChainDrivers
  readonly #subtask: number
  readonly #parallelism: number
  readonly #count: number
  readonly #ratePerMs: number | undefined
  #phases: readonly IndexPhase[] = []
  #phase = 0
  /** Of the current phase. */
  #cursor: IndexCursor
  /** What `done` of the cursor is at the end of the phase. */
  #total = 0
  /** The smallest index that any subtask had not emitted at the beginning. */
  #first = 0
  #startMs = Number.NaN

  constructor(spec: IndexedSourceSpec, drivers: ChainDrivers, subtask: number, parallelism: number) {
    this.#drivers = drivers
    this.#subtask = subtask
    this.#parallelism = parallelism
    this.#count = spec.count ?? Number.POSITIVE_INFINITY
    this.#ratePerMs = spec.ratePerSecond === undefined ? undefined : spec.ratePerSecond / 1000
    const phases = createIndexPhases(subtask, parallelism)
    this.#cursor = (phases[0] as IndexPhase).cursor
    this.#begin(phases)
  }

  get exhausted(): boolean {
    return this.#cursor.done >= this.#total
  }

  get deadlineMs(): number | undefined {
    if (this.#ratePerMs === undefined || Number.isNaN(this.#startMs)) return undefined
    return this.#startMs + (nextOf(this.#cursor) - this.#first) / this.#ratePerMs
  }

  ready(nowMs: number): boolean {
    if (this.exhausted) return false
    const deadlineMs = this.deadlineMs
    return deadlineMs === undefined || deadlineMs <= nowMs
  }

  take(limit: number, nowMs: number): number {
    if (Number.isNaN(this.#startMs)) this.#startMs = nowMs
    const cursor = this.#cursor
    const before = cursor.done
    let allowed = Math.min(limit, this.#total - before)
    if (this.#ratePerMs !== undefined) {
      const due = this.#first + Math.floor((nowMs - this.#startMs) * this.#ratePerMs + DUE_TOLERANCE) + 1
      allowed = Math.min(allowed, indexesBelow(cursor, due) - before)
    }
    if (allowed <= 0) return NOTHING_TAKEN
    this.#drivers.index(cursor, allowed)
    const taken = cursor.done - before
    if (cursor.done >= this.#total) this.#nextPhase()
    return taken
  }

  snapshot(): IndexSourceState {
    const subtask = this.#subtask
    const parallelism = this.#parallelism
    const place = nextOf(this.#cursor)
    const splits = indexSplitsOf(subtask, parallelism)
    const next = splits.map((split) => {
      const joins = this.#phases.findIndex(({ cursor }) => cursor.offsets.includes(split))
      // The cursor of a phase that has not begun still stands where it begins.
      return joins > this.#phase ? (this.#phases[joins] as IndexPhase).cursor.base + split : firstIndexFrom(place, split)
    })
    const inStep = splits.every((split, position) => next[position] === firstIndexFrom(place, split))
    return { reads: 'index', subtask, parallelism, next: inStep ? place : next }
  }

  restore(states: readonly SourceState[]): void {
    const next: number[] = []
    for (const state of states) {
      if (state.reads !== 'index') continue
      indexSplitsOf(state.subtask, state.parallelism).forEach((split, position) => {
        next[split] = typeof state.next === 'number' ? firstIndexFrom(state.next, split) : (state.next[position] as number)
      })
    }
    if (next.length === 0) return
    const beyond = next.findIndex((index, split) => index > split && index - this.#cursor.stride >= this.#count)
    if (beyond >= 0) throw changed(this.#count, (next[beyond] as number) - this.#cursor.stride)
    this.#first = next.reduce((least, index) => Math.min(least, index), Number.POSITIVE_INFINITY)
    this.#begin(createIndexPhases(this.#subtask, this.#parallelism, next))
  }

  async close(): Promise<void> {}

  #begin(phases: readonly IndexPhase[]): void {
    this.#phases = phases
    this.#phase = -1
    this.#nextPhase()
  }

  /** Goes on to the next phase that has something; stays where the count ends, because nothing behind it was emitted. */
  #nextPhase(): void {
    while (this.#phase < this.#phases.length - 1 && (this.#phases[this.#phase]?.end ?? -1) < this.#count) {
      const { cursor, end } = this.#phases[++this.#phase] as IndexPhase
      this.#cursor = cursor
      this.#total = indexesBelow(cursor, Math.min(end, this.#count))
      if (cursor.done < this.#total) return
    }
  }
}

function nextOf({ base, offset, offsets }: IndexCursor): number {
  return base + (offsets[offset] ?? 0)
}

function changed(count: number, emitted: number): SluiceError {
  return new SluiceError('SLUICE_INPUT_CHANGED', `The source has ${count} records, and record ${emitted} was read before the checkpoint.`, {
    hint: 'Give the source as many records as it had, or leave out --restore to begin anew.',
  })
}
