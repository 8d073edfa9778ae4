/** Placeholder until the channels give it: an InputChannel over restored records. */
import type { InputChannel } from './input-channel.js'

export interface ReplayOptions {
  readonly id: number
  readonly input: number
  readonly values: readonly unknown[]
  /** NaN where the edge is untimed. */
  readonly times: Float64Array
}

export interface ReplayInput extends InputChannel {
  readonly drained: boolean
  /** What has not been read. */
  rest(): { readonly values: readonly unknown[]; readonly times: Float64Array }
  close(): void
}
export const ReplayInput = undefined as unknown as new (options: ReplayOptions) => ReplayInput
