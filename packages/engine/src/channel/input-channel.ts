/**
 * The consuming side of a channel as its task sees it, over a ring or over a local queue: the current frame, and credit that is
 * given back as frames are processed.
 */
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
  /** Valid after `next` returned that kind. */
  readonly watermark: number
  /** With the last watermark: nobody shall wait for this channel. */
  readonly idle: boolean
  readonly barrierId: number
  readonly ended: boolean
  readonly endReason: EndReasonCode
  /** Makes the next frame current; never while records of the current one are left. */
  next(): InputCode
  /** Releases the current records frame and grants credit for it. */
  release(): void
  /** Whether `next` would find something; reads shared words, changes nothing. */
  ready(): boolean
  /** Sets the window anew from the consumer's speed over the last period. */
  adapt(busyMs: number, limits: WindowLimits): void
  readonly windowBytes: number
  starvedBegins(nowMs: number): void
  starvedEnds(nowMs: number): void
}
