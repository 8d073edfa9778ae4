/**
 * Records that were restored, as a subtask reads them before its channels: one frame as of a local queue. It takes part in no credit, in no
 * barrier and in no figures; what is left of it when a snapshot is taken is asked for with `rest`.
 */
import type { ChannelSlice } from './channel-slice.js'
import { EndReason, type EndReasonCode } from './frame.js'
import { Input, type InputChannel, type InputCode } from './input-channel.js'

export interface ReplayInputOptions {
  readonly id: number
  /** Input index of the head operator. */
  readonly input: number
  readonly values: readonly unknown[]
  /** By value; NaN where the edge is untimed. */
  readonly times: Float64Array
}

export class ReplayInput implements InputChannel {
  readonly isRing: boolean = false
  readonly id: number
  readonly input: number
  count = 0
  index = 0
  watermark: number = Number.NEGATIVE_INFINITY
  idle = false
  readonly barrierId: number = 0
  readonly ended: boolean = false
  readonly endReason: EndReasonCode = EndReason.exhausted
  readonly windowBytes: number = 0
  readonly arrivedBarrier: number = 0
  readonly captured: boolean = false
  readonly captureBytes: number = 0
  // Read by generated code.
  records: readonly unknown[]
  times: Float64Array

  constructor({ id, input, values, times }: ReplayInputOptions) {
    this.id = id
    this.input = input
    this.records = values
    this.times = times
  }

  /** Everything was read. */
  get drained(): boolean {
    return this.records.length === 0
  }

  ready(): boolean {
    return this.records.length > 0
  }

  next(): InputCode {
    if (this.records.length === 0) return Input.empty
    this.count = this.records.length
    this.index = 0
    return Input.records
  }

  release(): void {
    this.close()
  }

  /** What has not been processed. */
  rest(): { readonly values: readonly unknown[]; readonly times: Float64Array } {
    return { values: this.records.slice(this.index), times: this.times.slice(this.index) }
  }

  /** Lets go of the records. */
  close(): void {
    this.records = []
    this.times = new Float64Array(0)
    this.count = 0
    this.index = 0
  }

  adapt(): void {}
  starvedBegins(): void {}
  starvedEnds(): void {}
  forgetBarriers(): void {}
  beginCapture(): void {}
  abandonCapture(): void {}

  bytesAhead(): number {
    return 0
  }

  takeCapture(): readonly ChannelSlice[] {
    return []
  }
}
