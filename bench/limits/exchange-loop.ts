/**
 * The limit of a keyed all-to-all exchange: each of P threads makes records, deals them out by key over P rings, and counts per key
 * what the others send it; one cooperative loop per thread, no engine. The last thing it does is to check its counts.
 */
import { Buffer } from 'node:buffer'
import type { Span } from '../harness/meter.js'
import { channelBid, type ChannelBid } from '../records/keyed.js'
import { meteredSource } from '../records/metered-source.js'
import { BATCH_HEADER, CONSUMED, CONTROL_BYTES, RING_BYTES, RING_MASK, WRITTEN } from './ring-words.js'

export interface ExchangeLoopData {
  readonly index: number
  readonly threads: number
  /** rings[from][to] */
  readonly rings: readonly (readonly SharedArrayBuffer[])[]
  /** Int32 words: 0: stop, 1: sources that have ended, 2: records made, 3: records counted (modulo 2^32), 4: threads that are done. */
  readonly control: SharedArrayBuffer
  readonly board: SharedArrayBuffer
  readonly taken: SharedArrayBuffer
  readonly span: Span
}

export const ExchangeWord = { stop: 0, ended: 1, made: 2, counted: 3, done: 4 } as const

const STAGING_BYTES = 16_384
const BATCH_BYTES = 15_000
const TURN_RECORDS = 512

export function exchange({ index: thread, threads, rings, control, board, taken, span }: ExchangeLoopData): void {
  const words = new Int32Array(control)
  const outputs = (rings[thread] as readonly SharedArrayBuffer[]).map((ring) => new Output(ring))
  const inputs = rings.map((row) => new Input(row[thread] as SharedArrayBuffer))
  const make = meteredSource(channelBid.make, { board, taken, span })
  const counts = new Map<number, number>()
  const count = (bid: ChannelBid): void => {
    counts.set(bid.auction, (counts.get(bid.auction) ?? 0) + 1)
  }
  let index = thread
  let made = 0
  let blocked: Output | undefined
  let finished = false
  for (;;) {
    let progress = 0
    if (blocked !== undefined) {
      if (blocked.flush()) {
        blocked = undefined
        progress++
      }
    } else if (finished || Atomics.load(words, ExchangeWord.stop) === 1) {
      if (!finished && outputs.every((output) => output.flush())) {
        finished = true
        Atomics.add(words, ExchangeWord.made, made)
        Atomics.add(words, ExchangeWord.ended, 1)
      }
    } else {
      progress = TURN_RECORDS
      for (let k = 0; k < TURN_RECORDS; k++) {
        const bid = make(index)
        index += threads
        made = (made + 1) | 0
        const output = outputs[(Math.imul(bid.auction, 0x9e3779b1) >>> 16) % threads] as Output
        if (output.write(bid) && !output.flush()) {
          blocked = output
          break
        }
      }
    }
    const allEnded = finished && Atomics.load(words, ExchangeWord.ended) === threads
    for (const input of inputs) progress += input.poll(count)
    if (allEnded && progress === 0) break
  }
  let counted = 0
  for (const value of counts.values()) counted = (counted + value) | 0
  Atomics.add(words, ExchangeWord.counted, counted)
  Atomics.add(words, ExchangeWord.done, 1)
}

class Output {
  readonly #control: Int32Array
  readonly #ring: Uint8Array
  readonly #ringView: DataView
  readonly #staging = Buffer.allocUnsafeSlow(STAGING_BYTES)
  readonly #view = new DataView(this.#staging.buffer)
  #at = BATCH_HEADER
  #count = 0
  #written = 0
  #consumed = 0

  constructor(ring: SharedArrayBuffer) {
    this.#control = new Int32Array(ring, 0, CONTROL_BYTES / 4)
    this.#ring = new Uint8Array(ring, CONTROL_BYTES, RING_BYTES)
    this.#ringView = new DataView(ring, CONTROL_BYTES, RING_BYTES)
  }

  /** True when the batch is full. */
  write(bid: ChannelBid): boolean {
    this.#at = channelBid.encode(bid, this.#view, this.#staging, this.#at)
    this.#count++
    return this.#at >= BATCH_BYTES
  }

  /** False where there is no room. */
  flush(): boolean {
    if (this.#count === 0) return true
    const length = (this.#at + 7) & ~7
    const start = this.#written & RING_MASK
    const pad = start + length > RING_BYTES ? RING_BYTES - start : 0
    if (!this.#hasRoom(pad + length)) return false
    if (pad > 0) {
      this.#ringView.setInt32(start, -1, true)
      this.#written = (this.#written + pad) | 0
    }
    this.#view.setInt32(0, length, true)
    this.#view.setInt32(4, this.#count, true)
    this.#ring.set(this.#staging.subarray(0, length), this.#written & RING_MASK)
    this.#written = (this.#written + length) | 0
    Atomics.store(this.#control, WRITTEN, this.#written)
    this.#at = BATCH_HEADER
    this.#count = 0
    return true
  }

  #hasRoom(need: number): boolean {
    if (((this.#written - this.#consumed) | 0) + need <= RING_BYTES) return true
    this.#consumed = Atomics.load(this.#control, CONSUMED)
    return ((this.#written - this.#consumed) | 0) + need <= RING_BYTES
  }
}

class Input {
  readonly #control: Int32Array
  readonly #view: DataView
  readonly #bytes: Buffer
  readonly #cursor = { at: 0 }
  #consumed = 0
  #written = 0

  constructor(ring: SharedArrayBuffer) {
    this.#control = new Int32Array(ring, 0, CONTROL_BYTES / 4)
    this.#view = new DataView(ring, CONTROL_BYTES, RING_BYTES)
    this.#bytes = Buffer.from(ring, CONTROL_BYTES, RING_BYTES)
  }

  /** Visits one batch; returns how many records it had. */
  poll(visit: (bid: ChannelBid) => void): number {
    if (this.#written === this.#consumed) {
      this.#written = Atomics.load(this.#control, WRITTEN)
      if (this.#written === this.#consumed) return 0
    }
    const view = this.#view
    const bytes = this.#bytes
    const cursor = this.#cursor
    let start = this.#consumed & RING_MASK
    if (view.getInt32(start, true) === -1) {
      this.#consumed = (this.#consumed + RING_BYTES - start) | 0
      start = 0
    }
    const length = view.getInt32(start, true)
    const count = view.getInt32(start + 4, true)
    cursor.at = start + BATCH_HEADER
    for (let k = 0; k < count; k++) visit(channelBid.decode(view, bytes, cursor))
    this.#consumed = (this.#consumed + length) | 0
    Atomics.store(this.#control, CONSUMED, this.#consumed)
    return count
  }
}
