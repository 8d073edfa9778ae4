/**
 * Reads the counters of a running job every few milliseconds, without a message to its threads. What a channel holds is what was published less what was
 * consumed; where that looks like more than the bound it is read again, because the two words are not read at one instant.
 */
import type { MetricsSnapshot } from '@sluice/engine'
import type { RunHandle } from 'sluice'

const SAMPLE_MS = 10

export interface SamplerOptions {
  /** By channel: what it may hold at most, in bytes. */
  readonly boundBytes: (channel: number) => number
  readonly onSample: (metrics: MetricsSnapshot) => void
}

export class JobSampler {
  /** The most that any channel held, as a share of its bound. */
  fillMax = 0
  readonly #handle: RunHandle<unknown>
  readonly #options: SamplerOptions
  readonly #timer: NodeJS.Timeout
  #error: Error | undefined

  constructor(handle: RunHandle<unknown>, options: SamplerOptions) {
    this.#handle = handle
    this.#options = options
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
  }

  /** @throws Error where a channel held more than its bound at any time. */
  end(): void {
    clearInterval(this.#timer)
    if (this.#error !== undefined) throw this.#error
  }

  #sample(): void {
    const metrics = this.#handle.metrics()
    if (metrics === undefined || this.#error !== undefined) return
    try {
      metrics.channels.forEach((_, channel) => this.#check(metrics, channel))
      this.#options.onSample(metrics)
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error))
    }
  }

  #check(metrics: MetricsSnapshot, channel: number): void {
    const bound = this.#options.boundBytes(channel)
    const published = metrics.channels[channel]?.bytes ?? 0
    const held = published - (metrics.channels[channel]?.consumedBytes ?? 0)
    if (held <= bound) {
      this.fillMax = Math.max(this.fillMax, held / bound)
      return
    }
    // Consumed is read behind what was published: this can only be less than what was held.
    const surely = published - (this.#handle.metrics()?.channels[channel]?.consumedBytes ?? 0)
    if (surely > bound) throw new Error(`channel ${channel} held ${surely} bytes, and its largest window is ${bound}`)
  }
}
