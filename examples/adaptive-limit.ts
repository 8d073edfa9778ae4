import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'

/**
 * A dependency answers 2,000 requests a second, and from the fourth second to the ninth only 200. Nothing tells the job but how long answers take: the
 * limit follows. One line per second says how many requests were answered, and how long they took.
 */
export default defineJob(
  {
    name: 'adaptive-limit',
    params: z.object({ requests: z.number().int().positive().default(16_000), algorithm: z.enum(['aimd', 'gradient']).default('aimd') }),
  },
  (job, { requests, algorithm }) => {
    const limit = { observe: 'call', min: 50, max: 5_000, initial: 500 } as const
    const source = job.source(
      'requests',
      generate((index) => ({ id: index }), { count: requests }),
    )
    const limited =
      algorithm === 'aimd'
        ? source.rateLimit('follow', { ...limit, algorithm: 'aimd', target: { latency: '50ms' } })
        : source.rateLimit('follow', { ...limit, algorithm: 'gradient' })
    const server = new Server()
    limited.sink(
      'call',
      forEach(() => server.answer(), { concurrency: 1_000 }),
      { parallelism: 1 },
    )
  },
)

const SLOW_FROM_MS = 4_000
const SLOW_UNTIL_MS = 9_000

/** Answers one request after the other; whoever comes meanwhile waits for its turn. */
class Server {
  #startMs = 0
  #freeAtMs = 0
  #second = 0
  #requests = 0
  #waitedMs = 0

  async answer(): Promise<void> {
    const nowMs = performance.now()
    if (this.#startMs === 0) this.#startMs = nowMs
    const elapsedMs = nowMs - this.#startMs
    const perSecond = elapsedMs >= SLOW_FROM_MS && elapsedMs < SLOW_UNTIL_MS ? 200 : 2_000
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + 1_000 / perSecond
    this.#count(Math.floor(elapsedMs / 1_000), this.#freeAtMs - nowMs)
    await new Promise((resolve) => setTimeout(resolve, this.#freeAtMs - nowMs + 2))
  }

  #count(second: number, waitMs: number): void {
    if (second > this.#second) {
      console.log(`second ${this.#second}: ${this.#requests} requests, ${Math.round(this.#waitedMs / Math.max(1, this.#requests))} ms each`)
      this.#second = second
      this.#requests = 0
      this.#waitedMs = 0
    }
    this.#requests++
    this.#waitedMs += waitMs
  }
}
