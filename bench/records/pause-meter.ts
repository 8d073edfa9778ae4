/**
 * The longest pauses between records that one thread takes, while a meter measures. A look at the clock every few records; how long the thread had no core between two looks
 * though it was ready, and how long it was busy, says the kernel. Others on the machine make pauses of the first kind, checkpoints of the second.
 */
import { openSync, readSync } from 'node:fs'
import { isMeasuring } from '../harness/meter.js'

/** Records between two looks at the clock, less one. */
const LOOK_MASK = 31
/** So often the kernel is asked, in ms. */
const BASELINE_MS = 0.25

/** Float64 words of a slot. */
const SLOT_WORDS = 3
const ELAPSED = 0
const READY = 1
const BUSY = 2

/** The longest of each kind, in ms. */
export interface Pauses {
  readonly elapsedMs: number
  /** Without the time in which the thread was ready and had no core. */
  readonly readyMs: number
  /** In which the thread ran; as exact as the ticks of the kernel. */
  readonly busyMs: number
}

export interface PauseMeterOptions {
  /** Of the meter that says when it is measured. */
  readonly board: SharedArrayBuffer
  readonly pauses: SharedArrayBuffer
  /** One Int32: slots of `pauses` that are taken. */
  readonly taken: SharedArrayBuffer
}

export function createPauseBoard(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT)
}

export function readPauses(board: SharedArrayBuffer): Pauses {
  const words = new Float64Array(board)
  const longest = (field: number): number => Math.max(...words.filter((_, at) => at % SLOT_WORDS === field))
  return { elapsedMs: longest(ELAPSED), readyMs: longest(READY), busyMs: longest(BUSY) }
}

/** Makes what is called for every record; it takes a slot with the first ones, in whichever thread that is. */
export function pauseMeter({ board, pauses, taken }: PauseMeterOptions): () => void {
  const own: { count: number; meter: ThreadPauses | undefined } = { count: 0, meter: undefined }
  return () => {
    if ((++own.count & LOOK_MASK) !== 0) return
    own.meter ??= new ThreadPauses(new Float64Array(board), new Float64Array(pauses), Atomics.add(new Int32Array(taken), 0, 1) * SLOT_WORDS)
    own.meter.look(performance.now())
  }
}

class ThreadPauses {
  readonly #meter: Float64Array
  readonly #words: Float64Array
  readonly #at: number
  readonly #schedule = openSchedule()
  #lookedAtMs = Number.NaN
  #askedAtMs = 0
  #busyMs = 0
  #waitedMs = 0

  constructor(meter: Float64Array, words: Float64Array, at: number) {
    this.#meter = meter
    this.#words = words
    this.#at = at
  }

  look(nowMs: number): void {
    const pauseMs = nowMs - this.#lookedAtMs
    this.#lookedAtMs = nowMs
    if (!isMeasuring(this.#meter)) return
    if (pauseMs < BASELINE_MS && nowMs - this.#askedAtMs < BASELINE_MS) return
    const [busyMs, waitedMs] = this.#schedule()
    if (this.#askedAtMs > 0) {
      this.#note(ELAPSED, pauseMs)
      this.#note(READY, Math.max(0, pauseMs - (waitedMs - this.#waitedMs)))
      this.#note(BUSY, Math.min(pauseMs, busyMs - this.#busyMs))
    }
    this.#askedAtMs = nowMs
    this.#busyMs = busyMs
    this.#waitedMs = waitedMs
  }

  #note(field: number, ms: number): void {
    if (ms > (this.#words[this.#at + field] as number)) this.#words[this.#at + field] = ms
  }
}

/** How long this thread ran, and how long it was ready and had no core, in ms; 0 where the kernel does not say. */
function openSchedule(): () => readonly [busyMs: number, waitedMs: number] {
  try {
    const file = openSync('/proc/thread-self/schedstat', 'r')
    const bytes = Buffer.alloc(128)
    return () => {
      const [busy, waited] = bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0)).split(' ')
      return [Number(busy) / 1e6, Number(waited) / 1e6]
    }
  } catch {
    return () => [0, 0]
  }
}
