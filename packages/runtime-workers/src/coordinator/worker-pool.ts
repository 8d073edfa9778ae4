/**
 * The worker threads of one run: a piscina pool with one long-running task per thread. Threads start when the pool is made, so that they
 * come up while the job is bundled. Runs in the coordinator.
 */
import { fileURLToPath } from 'node:url'
import type { Piscina } from 'piscina'
import { unseal, type WorkerMessage, type WorkerTask } from '../protocol/messages.js'

/** Heap limits of each worker thread in MiB; what is not given is Node's own choice. */
export interface WorkerHeapLimits {
  readonly maxOldGenerationSizeMb?: number | undefined
  readonly maxYoungGenerationSizeMb?: number | undefined
}

/** Records that live for a batch or two should die before they are promoted. */
const YOUNG_GENERATION_MB = 96

export class WorkerPool {
  readonly threads: number
  readonly #piscina: Piscina
  #onMessage: ((message: WorkerMessage) => void) | undefined

  static async start(threads: number, limits: WorkerHeapLimits): Promise<WorkerPool> {
    const { Piscina: Pool } = await import('piscina')
    return new WorkerPool(
      threads,
      new Pool({
        filename: fileURLToPath(import.meta.resolve('#worker-thread')),
        minThreads: threads,
        maxThreads: threads,
        concurrentTasksPerWorker: 1,
        atomics: 'disabled',
        idleTimeout: Number.POSITIVE_INFINITY,
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB, ...limits },
        recordTiming: false,
      }),
    )
  }

  private constructor(threads: number, piscina: Piscina) {
    this.threads = threads
    this.#piscina = piscina
    piscina.on('message', (posted: unknown) => {
      const message = unseal(posted)
      if (message !== undefined) this.#onMessage?.(message)
    })
    // An error of a thread without a task: the task that it gets next fails with it.
    piscina.on('error', () => {})
  }

  onMessage(receive: (message: WorkerMessage) => void): void {
    this.#onMessage = receive
  }

  /** Settles when the worker has left; rejects where its thread died. */
  run(task: WorkerTask): Promise<void> {
    return this.#piscina.run(task)
  }

  /** Terminates all threads, also those that are busy. */
  async destroy(): Promise<void> {
    await this.#piscina.destroy()
  }
}
