/**
 * The producing side of a channel as its task sees it, over a ring or over a local queue: staging, credit, overdraft.
 */
import type { EndReasonCode } from './frame.js'

export interface OutputChannel {
  readonly id: number
  /** Something sealed could not be published for want of credit; while it is so the chain's gate is closed. */
  readonly blocked: boolean
  /** Publishes what is staged, or seals it into the overdraft where there is no credit. */
  flush(): void
  /** Publishes what waits in the overdraft as far as credit goes. */
  drain(): void
  /** Whether `drain` could publish something now; reads shared words, changes nothing. */
  creditArrived(): boolean
  /** Queues control behind all data. The watermark needs credit: while it waits only the newest is kept. `idle`: nobody shall wait for this channel until the next one. */
  sendWatermark(watermark: number, idle: boolean): void
  sendBarrier(checkpointId: number): void
  sendEnd(reason: EndReasonCode): void
  /** Nothing staged, nothing waiting. */
  readonly drained: boolean
}
