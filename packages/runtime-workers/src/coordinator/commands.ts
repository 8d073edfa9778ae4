/** The coordinator's voice: the command word and the checkpoint words, which every loop reads in every turn, and a ring for those that sleep. */
import { CheckpointWords, Command, type CommandCode, ControlWord, Doorbell, HOST_WORKER } from '@sluice/engine'

export class Commands {
  readonly checkpoints: CheckpointWords
  readonly #words: Int32Array
  readonly #doorbells: readonly Doorbell[]

  constructor(control: SharedArrayBuffer, workers: number) {
    this.#words = new Int32Array(control)
    const threads = [HOST_WORKER, ...Array.from({ length: workers }, (_, worker) => worker)]
    this.#doorbells = threads.map((thread) => new Doorbell(control, workers, thread))
    this.checkpoints = new CheckpointWords(control, () => this.#wakeAll())
  }

  get current(): number {
    return Atomics.load(this.#words, ControlWord.command)
  }

  get aborted(): boolean {
    return this.current === Command.abort
  }

  /** A command is never taken back: abort stands above drain, drain above stop. */
  give(command: CommandCode): void {
    if (command <= this.current) return
    Atomics.store(this.#words, ControlWord.command, command)
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const doorbell of this.#doorbells) doorbell.wake()
  }
}
