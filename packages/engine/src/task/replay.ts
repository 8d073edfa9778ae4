/**
 * Records that barriers had overtaken in front of a subtask, as it reads them after a restore, before its channels. They are state: what is
 * left of them when the next snapshot is taken goes into it. The time that stood behind them comes again: whoever sent it says it anew.
 */
import type { ReplayInput } from '../channel/replay-input.js'
import type { ChannelSlice } from '../channel/channel-slice.js'

export interface Replay {
  readonly input: ReplayInput
  /** What has not been read yet; undefined: nothing. */
  rest(): ChannelSlice | undefined
}
