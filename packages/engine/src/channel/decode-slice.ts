/** Placeholder until the channels give it. */
import type { ChannelSlice } from './channel-slice.js'

export function decodeSlices(_slices: readonly ChannelSlice[], _generate: boolean): { values: unknown[]; times: Float64Array } {
  throw new Error('not here yet')
}
