/**
 * The consuming side of a channel as its task sees it, over a ring or over a local queue: the current frame, and credit that is
 * given back as frames are processed.
 */
import type { ChannelSlice } from './channel-slice.js'
import type { EndReasonCode } from './frame.js'
import type { WindowLimits } from './credit-window.js'

/** What `next` found: nothing, records to process, or a control frame (already released). */
export const Input = { empty: 0, records: 1, watermark: 2, barrier: 3, end: 4 } as const
export type InputCode = (typeof Input)[keyof typeof Input]

export interface InputChannel {
  readonly isRing: boolean
  readonly id: number
  /** Input index of the head operator. */
  readonly input: number
  /** Records of the current frame and how many are processed; the driver advances `index`. */
  count: number
  index: number
  /** Valid after `next` returned that kind; set anew by a restore. */
  watermark: number
  /** With the last watermark: nobody shall wait for this channel. */
  idle: boolean
  readonly barrierId: number
  readonly ended: boolean
  readonly endReason: EndReasonCode
  /** Makes the next frame current; never while records of the current one are left. */
  next(): InputCode
  /** Releases the current records frame and grants credit for it. */
  release(): void
  /** Whether `next` would find something; reads shared words, changes nothing. */
  ready(): boolean
  /** Sets the window anew from the consumer's speed over the last period; `choked`: records wait while other inputs are read first. */
  adapt(busyMs: number, limits: WindowLimits, choked?: boolean): void
  readonly windowBytes: number
  /** The newest barrier that stands in the channel or was reached in it; 0: none. Reads shared words. */
  readonly arrivedBarrier: number
  /** Barriers up to this id are not delivered any more. */
  forgetBarriers(upTo: number): void
  /** Bytes in front of the barrier of this checkpoint; while it has not arrived, all that the channel holds. */
  bytesAhead(checkpoint: number): number
  /**
   * At the consumer's snapshot point, where barriers overtake: from here on what stands in front of the barrier of this checkpoint is state,
   * beginning with the rest of the current frame. What is read meanwhile is kept; the barrier itself is not delivered any more. To be called
   * for every input, also where the barrier was reached: it may have overtaken the rest of a record that is half here.
   */
  beginCapture(checkpoint: number): void
  /** What stood in front of the barrier, once that has arrived; it is not waited for that the barrier is reached. */
  takeCapture(): readonly ChannelSlice[] | 'incomplete'
  /** Whether `takeCapture` would give something; reads shared words, changes nothing. */
  readonly captured: boolean
  /** Bytes that the capture under way has kept. */
  readonly captureBytes: number
  abandonCapture(): void
  starvedBegins(nowMs: number): void
  starvedEnds(nowMs: number): void
}
