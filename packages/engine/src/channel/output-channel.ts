/**
 * The producing side of a channel as its task sees it, over a ring or over a local queue: staging, credit, overdraft.
 */
import type { ChannelSlice } from './channel-slice.js'
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
  /**
   * Puts a barrier behind everything that was sent. Without `overtake` it waits behind what waits for credit, and needs none itself. With it, it is
   * published at once; what it overtakes is still sent, and answered as a slice. An older barrier that still waits is dropped.
   */
  sendBarrier(checkpoint: number, overtake: boolean): ChannelSlice | undefined
  /** The barrier of this checkpoint, if it still waits, overtakes what it waits behind: that is answered. */
  overtake(checkpoint: number): ChannelSlice | undefined
  /** The barrier that was sent last waits behind what has no credit. */
  barrierPending(): boolean
  /** The overdraft holds as much as it may while something suspended runs on. */
  readonly overdrawn: boolean
  sendEnd(reason: EndReasonCode): void
  /** Nothing staged, nothing waiting. */
  readonly drained: boolean
}
