/**
 * Records of a channel as state: what a barrier overtook, as raw frames of a ring or as values of a local queue. A channel may have two: the
 * part the consumer took from the ring up to the barrier, then the part that still waited at the producer.
 */
import type { EndReasonCode } from './frame.js'

export interface ChannelSlice {
  /** `from.port -> to[input]`, by names of operators: the edge in the graph. */
  readonly edge: string
  readonly fromIndex: number
  readonly toIndex: number
  /** `consumer`: from the record index inside the frame at `consumed` up to `barrierAt`. `producer`: staging and overdraft behind it. */
  readonly side: 'consumer' | 'producer'
  readonly timed: boolean
  readonly content: SliceFrames | SliceValues
  /** The newest watermark in the slice or waiting behind it; NaN: none. */
  readonly watermark: number
  readonly idle: boolean
  /** The end of the input is part of the slice. */
  readonly ended: EndReasonCode | undefined
}

/** Whole frames one behind the other as in a ring, control frames left out. */
export interface SliceFrames {
  readonly kind: 'frames'
  /** Of the shapes in force in front of the first frame. */
  readonly definitions: readonly Uint8Array[]
  readonly frames: Uint8Array
  /** Records at the beginning of the first frame that were processed already. */
  readonly skip: number
}

export interface SliceValues {
  readonly kind: 'values'
  readonly values: readonly unknown[]
  /** Empty where the edge is untimed. */
  readonly times: Float64Array
}
