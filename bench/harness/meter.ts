/**
 * When a measurement begins and ends. A meter counts records where they are made or taken, lets a warm-up pass, and notes time, count
 * and CPU time of the whole process at the begin and the end of the measured span. The notes lie in shared memory, so that the
 * process that started the threads sees the end. One writer per slot.
 */

/** How long a measurement takes. */
export interface Span {
  readonly warmMs: number
  /** And at least so many records. */
  readonly warmRecords?: number | undefined
  readonly measureMs: number
}

const SLOT_WORDS = 8
const BEGIN_MS = 0
const BEGIN_COUNT = 1
const BEGIN_CPU_US = 2
const END_MS = 3
const END_COUNT = 4
const END_CPU_US = 5
const ENDED = 6

/** Records between two looks at the clock, less one. */
export const CHECK_MASK = 4095

/** What a slot says once its meter has ended. */
export interface Reading {
  readonly records: number
  readonly ms: number
  /** Of all threads of the process. */
  readonly cpuMs: number
}

export function createBoard(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT)
}

/**
 * The one who handles records does `if ((++meter.count & CHECK_MASK) === 0) meter.check()`: a field and a mask per record.
 */
export class Meter {
  count = 0
  readonly #words: Float64Array
  readonly #at: number
  readonly #span: Span
  #startMs = Number.NaN
  #begun = false

  constructor(board: SharedArrayBuffer, slot: number, span: Span) {
    this.#words = new Float64Array(board)
    this.#at = slot * SLOT_WORDS
    this.#span = span
  }

  get ended(): boolean {
    return this.#words[this.#at + ENDED] === 1
  }

  check(): void {
    const nowMs = performance.now()
    if (Number.isNaN(this.#startMs)) this.#startMs = nowMs
    if (!this.#begun) {
      if (nowMs - this.#startMs < this.#span.warmMs || this.count < (this.#span.warmRecords ?? 0)) return
      this.#begun = true
      this.#note(BEGIN_MS, nowMs)
    } else if (!this.ended && nowMs - (this.#words[this.#at + BEGIN_MS] as number) >= this.#span.measureMs) {
      this.#note(END_MS, nowMs)
      this.#words[this.#at + ENDED] = 1
    }
  }

  #note(at: typeof BEGIN_MS | typeof END_MS, nowMs: number): void {
    const words = this.#words
    const { user, system } = process.cpuUsage()
    words[this.#at + at] = nowMs
    words[this.#at + at + BEGIN_COUNT] = this.count
    words[this.#at + at + BEGIN_CPU_US] = user + system
  }
}

/** What the slot's meter measured; undefined while it goes on. */
export function readSlot(board: SharedArrayBuffer, slot: number): Reading | undefined {
  const words = new Float64Array(board, slot * SLOT_WORDS * Float64Array.BYTES_PER_ELEMENT, SLOT_WORDS)
  if (words[ENDED] !== 1) return undefined
  return {
    records: (words[END_COUNT] as number) - (words[BEGIN_COUNT] as number),
    ms: (words[END_MS] as number) - (words[BEGIN_MS] as number),
    cpuMs: ((words[END_CPU_US] as number) - (words[BEGIN_CPU_US] as number)) / 1000,
  }
}

/** Whether the meter of the first slot is between its begin and its end. */
export function isMeasuring(words: Float64Array): boolean {
  return words[BEGIN_MS] !== 0 && words[ENDED] !== 1
}

const POLL_MS = 20

/** Waits until every slot has ended. */
export async function awaitSlots(board: SharedArrayBuffer, slots: number): Promise<readonly Reading[]> {
  for (;;) {
    const readings = Array.from({ length: slots }, (_, slot) => readSlot(board, slot))
    if (readings.every((reading) => reading !== undefined)) return readings
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
