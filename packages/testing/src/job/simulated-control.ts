/**
 * The coordinator's words to subtasks in a simulation: as the runtime writes them into the control memory, but that a checkpoint is complete is sometimes
 * told late, and sometimes twice.
 */
import { type CheckpointControl, type CheckpointMode, CheckpointWords } from '@sluice/engine'
import type { Attempt } from './attempt.js'
import type { Scheduler } from '../schedule/scheduler.js'

const LATE = 0.3
const LATE_MS = 60
const TWICE = 0.15

export class SimulatedControl implements CheckpointControl {
  readonly #attempt: Attempt
  readonly #scheduler: Scheduler
  readonly #words: CheckpointWords

  constructor(attempt: Attempt, scheduler: Scheduler) {
    this.#attempt = attempt
    this.#scheduler = scheduler
    this.#words = new CheckpointWords(attempt.shared.control, () => attempt.ring())
  }

  trigger(id: number, mode: CheckpointMode, atMs: number, final: boolean): void {
    this.#words.trigger(id, mode, atMs, final)
  }

  overtake(id: number): void {
    this.#words.overtake(id)
  }

  abort(upTo: number): void {
    this.#words.abort(upTo)
  }

  completed(id: number): void {
    const { random } = this.#scheduler
    const tell = (): void => {
      if (this.#words.completedId <= id) this.#words.completed(id)
    }
    if (random.chance(LATE)) this.#later(`completed ${id}, late`, tell)
    else tell()
    if (random.chance(TWICE)) this.#later(`completed ${id}, again`, tell)
  }

  #later(what: string, happen: () => void): void {
    const { nowMs, random } = this.#scheduler
    this.#scheduler.await({ life: this.#attempt.life, what, atMs: nowMs + random.next() * LATE_MS, happen })
  }
}
