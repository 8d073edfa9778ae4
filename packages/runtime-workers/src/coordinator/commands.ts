/**
 * The coordinator's voice: the command word and the checkpoint words, which every loop reads in every turn, and a ring for those that sleep. Runs in the
 * coordinator, which alone writes them.
 */
import {
  type CheckpointControl,
  type CheckpointMode,
  checkpointModes,
  Command,
  type CommandCode,
  ControlWord,
  Doorbell,
  HOST_WORKER,
  triggerTime,
} from '@sluice/engine'

export class Commands implements CheckpointControl {
  readonly #words: Int32Array
  readonly #triggeredAtMs: Float64Array
  readonly #doorbells: readonly Doorbell[]

  constructor(control: SharedArrayBuffer, workers: number) {
    this.#words = new Int32Array(control)
    this.#triggeredAtMs = triggerTime(control)
    const threads = [HOST_WORKER, ...Array.from({ length: workers }, (_, worker) => worker)]
    this.#doorbells = threads.map((thread) => new Doorbell(control, workers, thread))
  }

  get current(): number {
    return Atomics.load(this.#words, ControlWord.command)
  }

  /** A command is never taken back: abort stands above drain, drain above stop. */
  give(command: CommandCode): void {
    if (command <= this.current) return
    Atomics.store(this.#words, ControlWord.command, command)
    this.#wakeAll()
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
    if (final) Atomics.store(this.#words, ControlWord.finalId, id)
    this.#publish(ControlWord.completedId, id)
  }

  #publish(word: number, id: number): void {
    Atomics.store(this.#words, word, id)
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const doorbell of this.#doorbells) doorbell.wake()
  }

  get aborted(): boolean {
    return this.current === Command.abort
  }
}
