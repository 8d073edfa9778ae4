/**
 * What the coordinator says to subtasks of checkpoints, written into the control memory: each word that a loop looks at is stored behind those that go with it,
 * and then everybody is woken. Runs in the coordinator, which alone writes them.
 */
import { type CheckpointControl, type CheckpointMode, checkpointModes } from '../checkpoint/protocol.js'
import { ControlWord, triggerTime } from './control-layout.js'

export class CheckpointWords implements CheckpointControl {
  readonly #words: Int32Array
  readonly #triggeredAtMs: Float64Array
  readonly #wakeAll: () => void

  constructor(control: SharedArrayBuffer, wakeAll: () => void) {
    this.#words = new Int32Array(control)
    this.#triggeredAtMs = triggerTime(control)
    this.#wakeAll = wakeAll
  }

  /** The newest complete checkpoint that was told of. */
  get completedId(): number {
    return Atomics.load(this.#words, ControlWord.completedId)
  }

  trigger(id: number, mode: CheckpointMode, atMs: number, final: boolean): void {
    this.#triggeredAtMs[0] = atMs
    if (final) Atomics.store(this.#words, ControlWord.finalId, id)
    Atomics.store(this.#words, ControlWord.checkpointMode, checkpointModes.indexOf(mode))
    this.#publish(ControlWord.checkpointId, id)
  }

  overtake(id: number): void {
    this.#publish(ControlWord.overtakeId, id)
  }

  abort(upTo: number): void {
    this.#publish(ControlWord.abortedUpTo, upTo)
  }

  completed(id: number): void {
    this.#publish(ControlWord.completedId, id)
  }

  #publish(word: number, id: number): void {
    Atomics.store(this.#words, word, id)
    this.#wakeAll()
  }
}
