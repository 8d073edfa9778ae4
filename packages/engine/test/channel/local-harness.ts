/** Both sides of one local channel, stepped by hand. */
import { expect } from 'vitest'
import { ConsumerMetrics, ProducerMetrics } from '../../src/channel/channel-metrics.js'
import { Gate } from '../../src/channel/gate.js'
import { Input } from '../../src/channel/input-channel.js'
import { createLocalChannel, LOCAL_FRAME_RECORDS, type LocalInput, type LocalOutput } from '../../src/channel/local-channel.js'
import { createRecordEncoder } from '../../src/codec/index.js'
import { CHANNEL_WORDS, ChannelWord } from '../../src/metrics/metric-layout.js'
import { createEmit } from '../../src/task/edge-output.js'

export const WINDOW = 4096
export const LIMITS = { minBytes: 1024, maxBytes: 16_384, targetMs: 100 }

export class LocalHarness {
  readonly metrics: Float64Array = new Float64Array(CHANNEL_WORDS)
  readonly gate: Gate = new Gate()
  readonly received: unknown[] = []
  readonly emit: (record: unknown, timestamp: number) => void
  readonly output: LocalOutput
  readonly input: LocalInput
  nowMs = 1
  readonly #timed: boolean

  constructor(
    timed: boolean,
    codeGeneration: boolean,
    readonly prefetch?: number,
    windowBytes: number = WINDOW,
  ) {
    this.#timed = timed
    const encoder = createRecordEncoder({ onDefine: () => {}, generate: codeGeneration })
    const { output, input } = createLocalChannel({
      id: 0,
      input: 0,
      edgeName: 'a -> b',
      identity: { edge: 'a.out -> b[0]', fromIndex: 1, toIndex: 2 },
      timed,
      windowBytes,
      prefetch,
      encoder,
      gate: this.gate,
      clock: { nowMs: () => this.nowMs, monotonicMs: () => this.nowMs },
      producerMetrics: new ProducerMetrics(this.metrics, 0),
      consumerMetrics: new ConsumerMetrics(this.metrics, 0),
    })
    this.output = output
    this.input = input
    this.emit = createEmit(
      {
        name: 'a -> b',
        consumer: { name: 'b' },
        partitioning: 'forward',
        timed,
        encoder,
        channels: [output],
        keyOf: undefined,
        keyGroups: 1,
        checkRecords: false,
      },
      codeGeneration,
    )
  }

  consume(records: number): boolean {
    const { input } = this
    let left = records
    let moved = false
    for (;;) {
      if (input.index === input.count) {
        if (input.ended) return moved
        const found = input.next()
        if (found === Input.empty) return moved
        moved = true
        if (found === Input.watermark) this.received.push(['watermark', input.watermark])
        if (found === Input.barrier) this.received.push(['barrier', input.barrierId])
        if (found === Input.end) this.received.push(['end', input.endReason])
        if (found !== Input.records) continue
      }
      while (left > 0 && input.index < input.count) {
        left--
        moved = true
        this.received.push([input.records[input.index], this.#timed ? input.times[input.index] : Number.NaN])
        input.index++
      }
      if (input.index < input.count) return moved
      input.release()
    }
  }

  word(word: number): number {
    return this.metrics[word] as number
  }

  check(): void {
    const heldBytes = this.word(ChannelWord.bytes) - this.word(ChannelWord.consumedBytes)
    const heldRecords = this.word(ChannelWord.records) - this.word(ChannelWord.consumedRecords)
    // A window that shrinks takes nothing back; one frame of any size may stand in an empty queue.
    expect(heldRecords).toBeLessThanOrEqual(Math.min(8192, this.prefetch ?? 8192))
    expect(heldBytes).toBeLessThanOrEqual(Math.max(LIMITS.maxBytes, LOCAL_FRAME_RECORDS * 3100))
    expect(this.output.blocked).toBe(this.gate.closed === 1)
    expect(this.gate.closed).toBeGreaterThanOrEqual(0)
    expect(this.gate.closed).toBeLessThanOrEqual(1)
  }
}
