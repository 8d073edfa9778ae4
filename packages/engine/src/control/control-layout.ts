/**
 * The shared control words: Int32, each group on its own 64-byte line. Written by the coordinator and read by every task in
 * every turn (`command`, checkpoint words), or a doorbell per thread.
 *
 * A doorbell: the owner stores `parked` = 1, re-reads every input with Atomics.load, then waits on `bell`. Whoever publishes
 * data, credit or a command for that thread looks at `parked` afterwards and, where it is 1 and it is the one to make it 0, adds to
 * `bell` and notifies.
 */
const WORDS_PER_LINE = 16

export const ControlWord = {
  /** A `Command`; writer: coordinator. */
  command: 0,
  /** Newest checkpoint asked for; written behind its mode. Writer of this line: coordinator. */
  checkpointId: 16,
  /** Checkpoints up to this one are void. */
  abortedUpTo: 17,
  /** Index in `checkpointModes`. */
  checkpointMode: 18,
  /** The barriers of this checkpoint overtake from now on. */
  overtakeId: 19,
  /** The newest complete checkpoint: what was prepared up to it is committed. */
  completedId: 20,
  /** The newest checkpoint that was asked for as the last one, 0: none yet; written in front of `checkpointId`. */
  finalId: 21,
  /** When the newest checkpoint was asked for, in ms of the monotonic clock: a Float64 over two words, written in front of `checkpointId`. */
  triggeredAtMs: 22,
  doorbells: 32,
} as const

/** `stop`: sources end, what is in flight flows out. `drain`: the same and everything open fires. `abort`: leave at once. */
export const Command = { run: 0, stop: 1, drain: 2, abort: 3 } as const
export type CommandCode = (typeof Command)[keyof typeof Command]

const DoorbellWord = { bell: 0, parked: 1 } as const

/** The time at which the newest checkpoint was asked for, in ms: one element. */
export function triggerTime(control: ArrayBufferLike): Float64Array {
  return new Float64Array(control, ControlWord.triggeredAtMs * 4, 1)
}

/** Doorbells: one per worker, the last one is the coordinator's own thread. */
export function controlBytes(workers: number): number {
  return (ControlWord.doorbells + (workers + 1) * WORDS_PER_LINE) * 4
}

/** The doorbell of one thread, as every other thread sees it. */
export class Doorbell {
  readonly #words: Int32Array
  /** Word index of the bell: what the owner waits on. */
  readonly bellAt: number
  readonly #parkedAt: number

  /** `worker` is a worker index, or HOST_WORKER (-1) for the coordinator's thread. */
  constructor(control: SharedArrayBuffer, workers: number, worker: number) {
    this.#words = new Int32Array(control)
    const line = ControlWord.doorbells + (worker < 0 ? workers : worker) * WORDS_PER_LINE
    this.bellAt = line + DoorbellWord.bell
    this.#parkedAt = line + DoorbellWord.parked
  }

  get words(): Int32Array {
    return this.#words
  }

  /**
   * Called by others after they published something for the owner. Whoever takes the announcement back wakes the owner; the others need
   * not: it is on its way, and reads everything again.
   */
  ring(): void {
    if (Atomics.load(this.#words, this.#parkedAt) === 1 && Atomics.compareExchange(this.#words, this.#parkedAt, 1, 0) === 1) this.wake()
  }

  /** Wakes the owner whether it says it is parked or not. */
  wake(): void {
    Atomics.add(this.#words, this.bellAt, 1)
    Atomics.notify(this.#words, this.bellAt)
  }

  /** Owner: announces sleep; returns the value to wait on. All inputs must be read again afterwards. */
  announceParked(): number {
    const seen = Atomics.load(this.#words, this.bellAt)
    Atomics.store(this.#words, this.#parkedAt, 1)
    return seen
  }

  /** Owner: is awake again. */
  announceAwake(): void {
    Atomics.store(this.#words, this.#parkedAt, 0)
  }
}
