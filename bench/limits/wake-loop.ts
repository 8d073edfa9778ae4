/**
 * The limit of handing over single records: one thread sleeps until the next record is due and rings, the other sleeps until it is rung.
 * Either sleep blocks its thread; `waitAsync` is what a loop can use that has to leave its thread to I/O as well. Records that fell due
 * together are handed over together. A ring of plain words carries them.
 */
import { dueRecords, type LatencyBoard, noteArrival } from '../records/latency.js'

export interface WakeLoopData {
  readonly role: 'producer' | 'consumer'
  readonly sleep: 'wait' | 'waitAsync'
  readonly board: LatencyBoard
  readonly ratePerSecond: number
  /** Int32: records published, records taken, consumer sleeps. */
  readonly control: SharedArrayBuffer
  /** Float64 per slot: time made. */
  readonly slots: SharedArrayBuffer
}

const PUBLISHED = 0
const TAKEN = 16
const PARKED = 32
export const WAKE_CONTROL_BYTES = 256
export const WAKE_SLOTS = 4096
const SLOT_MASK = WAKE_SLOTS - 1
const SPINS = 500

export function produceDue({ board, ratePerSecond, control, slots }: WakeLoopData): void {
  const words = new Int32Array(control)
  const lane = new Float64Array(slots)
  const nap = new Int32Array(new SharedArrayBuffer(4))
  const make = dueRecords()
  const periodMs = 1000 / ratePerSecond
  const startMs = performance.now()
  let index = 0
  while (index < board.count) {
    const dueMs = startMs + index * periodMs
    const restMs = dueMs - performance.now()
    if (restMs > 0) {
      Atomics.wait(nap, 0, 0, restMs)
      continue
    }
    while (index - Atomics.load(words, TAKEN) >= WAKE_SLOTS) Atomics.wait(nap, 0, 0, 1)
    lane[index & SLOT_MASK] = make(index).madeAtMs
    index++
    Atomics.store(words, PUBLISHED, index)
    if (Atomics.load(words, PARKED) === 1) Atomics.notify(words, PUBLISHED)
  }
}

export async function consumeDue({ sleep, board, control, slots }: WakeLoopData): Promise<void> {
  const words = new Int32Array(control)
  const lane = new Float64Array(slots)
  const take = noteArrival(board)
  const alive = setInterval(() => {}, 1e6)
  let taken = 0
  let spins = 0
  while (taken < board.count) {
    const published = Atomics.load(words, PUBLISHED)
    if (published === taken) {
      if (++spins < SPINS) continue
      spins = 0
      Atomics.store(words, PARKED, 1)
      if (sleep === 'wait') Atomics.wait(words, PUBLISHED, taken)
      else {
        const waiting = Atomics.waitAsync(words, PUBLISHED, taken)
        if (waiting.async) await waiting.value
      }
      Atomics.store(words, PARKED, 0)
      continue
    }
    for (; taken < published; taken++) take({ index: taken, madeAtMs: lane[taken & SLOT_MASK] as number })
    Atomics.store(words, TAKEN, taken)
  }
  clearInterval(alive)
}
