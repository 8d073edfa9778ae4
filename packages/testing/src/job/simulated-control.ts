/**
 * The coordinator's words to subtasks in a simulation: as the runtime writes them into the control memory, but that a checkpoint is complete is sometimes
 * told late, and sometimes twice.
 */
import { type CheckpointControl, type CheckpointMode, checkpointModes, ControlWord, triggerTime } from '@sluice/engine'
import type { Attempt } from './attempt.js'
import type { Scheduler } from '../schedule/scheduler.js'

const LATE = 0.3
const LATE_MS = 60
const TWICE = 0.15

export class SimulatedControl implements CheckpointControl {
  readonly #attempt: Attempt
  readonly #scheduler: Scheduler
  readonly #words: Int32Array
  readonly #triggeredAtMs: Float64Array

  constructor(attempt: Attempt, scheduler: Scheduler) {
    this.#attempt = attempt
    this.#scheduler = scheduler
    this.#words = new Int32Array(attempt.shared.control)
    this.#triggeredAtMs = triggerTime(attempt.shared.control)
  }

  trigger(id: number, mode: CheckpointMode, atMs: number): void {
    this.#triggeredAtMs[0] = atMs
    Atomics.store(this.#words, ControlWord.checkpointMode, checkpointModes.indexOf(mode))
    this.#publish(ControlWord.checkpointId, id)
  }

  overtake(id: number): void {
    this.#publish(ControlWord.overtakeId, id)
  }

  abort(upTo: number): void {
    this.#publish(ControlWord.abortedUpTo, upTo)
  }

  completed(id: number, final: boolean): void {
    const { random } = this.#scheduler
    const tell = (): void => {
      if (Atomics.load(this.#words, ControlWord.completedId) > id) return
      if (final) Atomics.store(this.#words, ControlWord.finalId, id)
      this.#publish(ControlWord.completedId, id)
    }
    if (random.chance(LATE)) this.#later(`completed ${id}, late`, tell)
    else tell()
    if (random.chance(TWICE)) this.#later(`completed ${id}, again`, tell)
  }

  #later(what: string, happen: () => void): void {
    const { nowMs, random } = this.#scheduler
    this.#scheduler.await({ life: this.#attempt.life, what, atMs: nowMs + random.next() * LATE_MS, happen })
  }

  #publish(word: number, id: number): void {
    Atomics.store(this.#words, word, id)
    this.#attempt.ring()
  }
}
