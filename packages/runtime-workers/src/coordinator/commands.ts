/** The coordinator's voice: one command word that every loop reads in every turn, and a ring for those that sleep. */
import { Command, type CommandCode, ControlWord, Doorbell, HOST_WORKER } from '@sluice/engine'

export class Commands {
  readonly #words: Int32Array
  readonly #doorbells: readonly Doorbell[]

  constructor(control: SharedArrayBuffer, workers: number) {
    this.#words = new Int32Array(control)
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
    for (const doorbell of this.#doorbells) doorbell.wake()
  }

  get aborted(): boolean {
    return this.current === Command.abort
  }
}
