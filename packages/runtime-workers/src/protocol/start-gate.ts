/**
 * The gate between declaring and opening: nothing of a job is opened in any thread before every thread has declared the same
 * graph. One Int32 word of its own: written by the coordinator once, waited for by every worker.
 */
const GateState = { closed: 0, open: 1, cancelled: 2 } as const
const WORDS = 1
const KEEP_ALIVE_MS = 2_147_483_647

export class StartGate {
  readonly #words: Int32Array

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.#words = new Int32Array(memory)
  }

  open(): void {
    this.#decide(GateState.open)
  }

  /** The job failed before it began: workers leave without opening anything. Has no effect on an open gate. */
  cancel(): void {
    this.#decide(GateState.cancelled)
  }

  /** Worker: true once the gate is open, false where the job was called off. */
  async passed(): Promise<boolean> {
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS)
    try {
      const waiting = Atomics.waitAsync(this.#words, 0, GateState.closed)
      if (waiting.async) await waiting.value
      return Atomics.load(this.#words, 0) === GateState.open
    } finally {
      clearInterval(keepAlive)
    }
  }

  #decide(state: number): void {
    Atomics.compareExchange(this.#words, 0, GateState.closed, state)
    Atomics.notify(this.#words, 0)
  }
}
