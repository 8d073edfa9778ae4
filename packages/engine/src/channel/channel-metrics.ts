/**
 * The report words of one channel side: cumulative Float64 totals, written by their owner once per batch and read by the
 * coordinator at any time.
 */
import { ChannelWord } from '../metrics/metric-layout.js'

/** Totals and stalls of the producing side. */
export class ProducerMetrics {
  readonly #words: Float64Array
  readonly #at: number

  constructor(words: Float64Array, at: number) {
    this.#words = words
    this.#at = at
    words[at + ChannelWord.producerWatermark] = Number.NEGATIVE_INFINITY
  }

  published(bytes: number, records: number): void {
    const words = this.#words
    const at = this.#at
    words[at + ChannelWord.bytes] = (words[at + ChannelWord.bytes] as number) + bytes
    words[at + ChannelWord.records] = (words[at + ChannelWord.records] as number) + records
  }

  staged(bytes: number): void {
    this.#words[this.#at + ChannelWord.stagedBytes] = bytes
  }

  watermark(watermark: number): void {
    this.#words[this.#at + ChannelWord.producerWatermark] = watermark
  }

  stallBegins(nowMs: number): void {
    this.#words[this.#at + ChannelWord.stallSinceMs] = nowMs
  }

  stallEnds(nowMs: number): void {
    const words = this.#words
    const at = this.#at
    const since = words[at + ChannelWord.stallSinceMs] as number
    if (since === 0) return
    const stallMs = Math.max(0, nowMs - since)
    words[at + ChannelWord.stallSinceMs] = 0
    words[at + ChannelWord.blockedMs] = (words[at + ChannelWord.blockedMs] as number) + stallMs
    words[at + ChannelWord.stalls] = (words[at + ChannelWord.stalls] as number) + 1
    if (stallMs > (words[at + ChannelWord.longestStallMs] as number)) words[at + ChannelWord.longestStallMs] = stallMs
  }
}

/** Totals, window and starvation of the consuming side. */
export class ConsumerMetrics {
  readonly #words: Float64Array
  readonly #at: number

  constructor(words: Float64Array, at: number) {
    this.#words = words
    this.#at = at
    words[at + ChannelWord.consumerWatermark] = Number.NEGATIVE_INFINITY
  }

  get consumedBytes(): number {
    return this.#words[this.#at + ChannelWord.consumedBytes] as number
  }

  consumed(bytes: number, records: number): void {
    const words = this.#words
    const at = this.#at
    words[at + ChannelWord.consumedBytes] = (words[at + ChannelWord.consumedBytes] as number) + bytes
    words[at + ChannelWord.consumedRecords] = (words[at + ChannelWord.consumedRecords] as number) + records
  }

  watermark(watermark: number): void {
    this.#words[this.#at + ChannelWord.consumerWatermark] = watermark
  }

  window(windowBytes: number, bytesPerBusySecond: number, shrank: boolean): void {
    const words = this.#words
    const at = this.#at
    words[at + ChannelWord.windowBytes] = windowBytes
    words[at + ChannelWord.bytesPerBusySecond] = bytesPerBusySecond
    if (shrank) words[at + ChannelWord.windowShrinks] = (words[at + ChannelWord.windowShrinks] as number) + 1
  }

  starvedBegins(nowMs: number): void {
    this.#words[this.#at + ChannelWord.starvedSinceMs] = nowMs
  }

  starvedEnds(nowMs: number): void {
    const words = this.#words
    const at = this.#at
    const since = words[at + ChannelWord.starvedSinceMs] as number
    if (since === 0) return
    words[at + ChannelWord.starvedSinceMs] = 0
    words[at + ChannelWord.starvedMs] = (words[at + ChannelWord.starvedMs] as number) + Math.max(0, nowMs - since)
  }
}
