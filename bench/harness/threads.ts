/** Starts the two or more threads of a hand-written loop and ends them when their meters have ended. */
import { type MessagePort, Worker } from 'node:worker_threads'
import { awaitSlots, type Reading } from './meter.js'

export interface ThreadsOptions {
  readonly module: URL
  /** One thread per element. */
  readonly data: readonly object[]
  readonly transfer?: readonly (readonly MessagePort[])[] | undefined
  readonly board: SharedArrayBuffer
  readonly slots: number
}

export async function runThreads({ module, data, transfer, board, slots }: ThreadsOptions): Promise<readonly Reading[]> {
  const workers = data.map((workerData, index) => new Worker(module, { workerData, transferList: [...(transfer?.[index] ?? [])] }))
  const failed = Promise.race(workers.map((worker) => new Promise<never>((_, reject) => worker.once('error', reject))))
  try {
    return await Promise.race([awaitSlots(board, slots), failed])
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
