/**
 * The same edge by messages: arrays of 256 objects, which `postMessage` clones, or batches encoded by hand into ArrayBuffers that are
 * transferred and come back empty. What a program does that has threads and no shared memory. At most `AHEAD_MAX` batches are on their way.
 */
import { Buffer } from 'node:buffer'
import type { MessagePort } from 'node:worker_threads'
import { Meter, type Span } from '../harness/meter.js'
import { type KindName, recordKind } from '../records/kinds.js'
import { summingSink } from '../records/summing-sink.js'

export interface PostLoopData {
  readonly role: 'producer' | 'consumer'
  readonly style: 'objects' | 'buffers'
  readonly kind: KindName
  readonly port: MessagePort
  readonly board: SharedArrayBuffer
  readonly span: Span
}

const BATCH_RECORDS = 256
const AHEAD_MAX = 16

export function postObjects({ kind, port, board, span }: PostLoopData): void {
  const { make } = recordKind(kind)
  const meter = new Meter(board, 0, span)
  let index = 0
  const post = (): void => {
    if (meter.ended) return
    const batch: unknown[] = []
    for (const end = index + BATCH_RECORDS; index < end; index++) batch.push(make(index))
    port.postMessage(batch)
  }
  // Each batch that was taken makes room for the next.
  port.on('message', post)
  for (let ahead = 0; ahead < AHEAD_MAX; ahead++) post()
}

export function receiveObjects({ kind, port, board, span }: PostLoopData): void {
  const take = summingSink(recordKind(kind).measure, new Meter(board, 0, span))
  port.on('message', (batch: unknown[]) => {
    for (let k = 0; k < batch.length; k++) take(batch[k])
    port.postMessage(0)
  })
}

export function postBuffers({ kind, port, board, span }: PostLoopData): void {
  const { make, encode, bytesMax } = recordKind(kind)
  const meter = new Meter(board, 0, span)
  let index = 0
  const post = (buffer: ArrayBuffer): void => {
    if (meter.ended) return
    const view = new DataView(buffer)
    const bytes = Buffer.from(buffer)
    let at = 0
    for (const end = index + BATCH_RECORDS; index < end; index++) at = encode(make(index), view, bytes, at)
    port.postMessage(buffer, [buffer])
  }
  port.on('message', post)
  for (let ahead = 0; ahead < AHEAD_MAX; ahead++) post(new ArrayBuffer(BATCH_RECORDS * bytesMax))
}

export function receiveBuffers({ kind, port, board, span }: PostLoopData): void {
  const { decode, measure } = recordKind(kind)
  const take = summingSink(measure, new Meter(board, 0, span))
  const cursor = { at: 0 }
  port.on('message', (buffer: ArrayBuffer) => {
    const view = new DataView(buffer)
    const bytes = Buffer.from(buffer)
    cursor.at = 0
    for (let k = 0; k < BATCH_RECORDS; k++) take(decode(view, bytes, cursor))
    port.postMessage(buffer, [buffer])
  })
}
