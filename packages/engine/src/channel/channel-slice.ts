/**
 * Records of a channel as state: what a barrier overtook, as frames of a ring or as values of a local queue. A channel may have two: the
 * part the consumer took from the ring up to the barrier, then the part that still waited at the producer. A record may begin in the first
 * and end in the second, so they are decoded together (`decodeSlices`).
 */
import type { EndReasonCode } from './frame.js'

export interface ChannelSlice {
  /** `from.port -> to[input]`, by names of operators: the edge in the graph. */
  readonly edge: string
  readonly fromIndex: number
  readonly toIndex: number
  /** `consumer`: from the first record that was not processed up to the barrier. `producer`: staging and overdraft behind it. */
  readonly side: 'consumer' | 'producer'
  readonly timed: boolean
  readonly content: SliceFrames | SliceValues
  /** The newest watermark in the slice or waiting behind it; NaN: none. */
  readonly watermark: number
  readonly idle: boolean
  /** The end of the input is part of the slice. */
  readonly ended: EndReasonCode | undefined
}

/** Frames as in a ring (records, fragments, shape definitions), each at a multiple of 16, its length in the header exact; of any size. */
export interface SliceFrames {
  readonly kind: 'frames'
  /** Of the shapes in force in front of the first frame. */
  readonly definitions: readonly Uint8Array[]
  readonly frames: Uint8Array
}

export interface SliceValues {
  readonly kind: 'values'
  readonly values: readonly unknown[]
  /** Empty where the edge is untimed. */
  readonly times: Float64Array
}

/** Which channel of which edge, in terms that hold at another parallelism. */
export interface ChannelIdentity {
  readonly edge: string
  readonly fromIndex: number
  readonly toIndex: number
}
