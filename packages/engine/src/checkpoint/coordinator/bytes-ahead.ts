/**
 * What stands in front of the barriers of the checkpoint in flight, by edge. Rings are asked themselves, so it is true even while a consumer is inside a long function; local channels
 * have no memory that others see, so their consumers write it down. Runs on the coordinator's thread; changes nothing.
 */
import { RING_HEADER_BYTES, RingWord } from '../../channel/ring-layout.js'
import { ChannelWord, layoutMetrics } from '../../metrics/metric-layout.js'
import type { PhysicalPlan } from '../../plan/physical-plan.js'
import type { SharedRegions } from '../../task/shared-regions.js'
import type { CheckpointUnderWay } from './checkpoint-event.js'

/** `subtasks`: ids of those that have not acknowledged; only what is on the way to them counts. Edges without any are left out. */
export function bytesAhead(
  plan: PhysicalPlan,
  shared: Pick<SharedRegions, 'rings' | 'metrics'>,
  checkpoint: number,
  subtasks: readonly number[],
): CheckpointUnderWay['ahead'] {
  const metrics = new Float64Array(shared.metrics)
  const layout = layoutMetrics(plan)
  const awaited = new Set(subtasks)
  const ahead = plan.edges.map(({ name, channels }) => {
    let bytes = 0
    for (const id of channels) {
      if (!awaited.has(plan.channels[id]?.toSubtask ?? -1)) continue
      const ring = shared.rings[id]
      const at = layout.channelAt(id)
      bytes +=
        ring === undefined
          ? (metrics[at + ChannelWord.bytesAhead] ?? 0)
          : bytesAheadIn(ring, checkpoint, metrics[at + ChannelWord.stagedBytes] ?? 0)
    }
    return { edge: name, bytes }
  })
  return ahead.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes)
}

/** Up to the barrier; while it has not arrived, all that the ring holds and its producer has staged. */
function bytesAheadIn(ring: SharedArrayBuffer, checkpoint: number, stagedBytes: number): number {
  const words = new Int32Array(ring, 0, RING_HEADER_BYTES / 4)
  // In this order: what is consumed meanwhile is then never counted as less than nothing.
  const written = Atomics.load(words, RingWord.written)
  const number = Atomics.load(words, RingWord.barriers)
  const id = Atomics.load(words, RingWord.barrierId + (number & 1))
  const at = Atomics.load(words, RingWord.barrierAt + (number & 1))
  const consumed = Atomics.load(words, RingWord.consumed)
  const arrived = number > 0 && id >= checkpoint
  return Math.max(0, ((arrived ? at : written) - consumed) | 0) + (arrived ? 0 : stagedBytes)
}
