/**
 * The limit of one edge: two threads, one ring, no engine. Records are encoded straight into the ring, in batches, and published with one
 * atomic store per batch. What an edge of the engine does beyond it: credits, learnt shapes, fair scheduling, accounting, errors.
 */
import { Buffer } from 'node:buffer'
import { Meter, type Span } from '../harness/meter.js'
import { type KindName, recordKind } from '../records/kinds.js'
import { summingSink } from '../records/summing-sink.js'
import {
  BATCH_HEADER,
  CONSUMED,
  CONSUMER_PARKED,
  CONTROL_BYTES,
  PRODUCER_PARKED,
  RING_BYTES,
  RING_MASK,
  SLEEP_MS,
  SPINS,
  WRITTEN,
} from './ring-words.js'

export interface RingLoopData {
  readonly role: 'producer' | 'consumer'
  readonly kind: KindName
  readonly ring: SharedArrayBuffer
  readonly board: SharedArrayBuffer
  readonly span: Span
}

const BATCH_RECORDS = 256
const BATCH_BYTES_MAX = 16_384

export function produce({ kind, ring, board, span }: RingLoopData): void {
  const { make, encode, bytesMax } = recordKind(kind)
  const meter = new Meter(board, 0, span)
  const control = new Int32Array(ring, 0, CONTROL_BYTES / 4)
  const view = new DataView(ring, CONTROL_BYTES, RING_BYTES)
  const bytes = Buffer.from(ring, CONTROL_BYTES, RING_BYTES)
  const batchRecords = Math.min(BATCH_RECORDS, Math.floor((BATCH_BYTES_MAX - BATCH_HEADER) / bytesMax))
  let index = 0
  let written = 0
  let consumed = 0
  while (!meter.ended) {
    let start = written & RING_MASK
    const pad = start + BATCH_BYTES_MAX > RING_BYTES ? RING_BYTES - start : 0
    const need = pad + BATCH_BYTES_MAX
    let spins = 0
    while (((written - consumed) | 0) + need > RING_BYTES) {
      consumed = Atomics.load(control, CONSUMED)
      if (((written - consumed) | 0) + need <= RING_BYTES) break
      if (++spins < SPINS) continue
      if (meter.ended) return
      Atomics.store(control, PRODUCER_PARKED, 1)
      Atomics.wait(control, CONSUMED, consumed, SLEEP_MS)
      Atomics.store(control, PRODUCER_PARKED, 0)
    }
    if (pad > 0) {
      view.setInt32(start, -1, true)
      written = (written + pad) | 0
      start = 0
    }
    let at = start + BATCH_HEADER
    const end = index + batchRecords
    for (; index < end; index++) at = encode(make(index), view, bytes, at)
    const length = (at - start + 7) & ~7
    view.setInt32(start, length, true)
    view.setInt32(start + 4, batchRecords, true)
    written = (written + length) | 0
    Atomics.store(control, WRITTEN, written)
    if (Atomics.load(control, CONSUMER_PARKED) === 1) Atomics.notify(control, WRITTEN)
  }
}

export function consume({ kind, ring, board, span }: RingLoopData): void {
  const { decode, measure } = recordKind(kind)
  const meter = new Meter(board, 0, span)
  const take = summingSink(measure, meter)
  const control = new Int32Array(ring, 0, CONTROL_BYTES / 4)
  const view = new DataView(ring, CONTROL_BYTES, RING_BYTES)
  const bytes = Buffer.from(ring, CONTROL_BYTES, RING_BYTES)
  const cursor = { at: 0 }
  let consumed = 0
  let written = 0
  let spins = 0
  while (!meter.ended) {
    if (written === consumed) {
      written = Atomics.load(control, WRITTEN)
      if (written === consumed) {
        if (++spins < SPINS) continue
        Atomics.store(control, CONSUMER_PARKED, 1)
        Atomics.wait(control, WRITTEN, written, SLEEP_MS)
        Atomics.store(control, CONSUMER_PARKED, 0)
        continue
      }
      spins = 0
    }
    let start = consumed & RING_MASK
    if (view.getInt32(start, true) === -1) {
      consumed = (consumed + RING_BYTES - start) | 0
      start = 0
    }
    const length = view.getInt32(start, true)
    const count = view.getInt32(start + 4, true)
    cursor.at = start + BATCH_HEADER
    for (let k = 0; k < count; k++) take(decode(view, bytes, cursor))
    consumed = (consumed + length) | 0
    Atomics.store(control, CONSUMED, consumed)
    if (Atomics.load(control, PRODUCER_PARKED) === 1) Atomics.notify(control, CONSUMED)
  }
}
