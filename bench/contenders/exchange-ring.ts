/** The keyed exchange as a hand-written loop. */
import { Worker } from 'node:worker_threads'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { awaitSlots, createBoard } from '../harness/meter.js'
import { rateOf } from '../harness/rate.js'
import { throughputSpan } from '../harness/spans.js'
import { type ExchangeLoopData, ExchangeWord } from '../limits/exchange-loop.js'
import { createRing } from '../limits/ring-words.js'

const THREADS = 2

export async function measureExchangeLoop(options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(THREADS)
  const control = new SharedArrayBuffer(64)
  const words = new Int32Array(control)
  const rings = Array.from({ length: THREADS }, () => Array.from({ length: THREADS }, createRing))
  const common = { threads: THREADS, rings, control, board, taken: new SharedArrayBuffer(4), span: throughputSpan(options) }
  const module = new URL('../limits/exchange-thread.js', import.meta.url)
  const threads = Array.from({ length: THREADS }, (_, index) => {
    const workerData: ExchangeLoopData = { ...common, index }
    const worker = new Worker(module, { workerData })
    return new Promise<void>((resolve, reject) => worker.once('error', reject).once('exit', () => resolve()))
  })
  const left = Promise.all(threads)
  const early = left.then((): never => {
    throw new Error('the loop ended before it was measured')
  })
  const readings = await Promise.race([awaitSlots(board, THREADS), early])
  early.catch(() => {})
  Atomics.store(words, ExchangeWord.stop, 1)
  await left
  const made = words[ExchangeWord.made]
  const counted = words[ExchangeWord.counted]
  if (made !== counted || words[ExchangeWord.done] !== THREADS) throw new Error(`counted ${counted} of ${made} records`)
  return rateOf(readings)
}
