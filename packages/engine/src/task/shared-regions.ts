/** The shared memory of one attempt of a job: control words, metrics, one ring per channel that crosses threads. */
import { allocateRing, windowBytesMin } from '../channel/ring-layout.js'
import { controlBytes } from '../control/control-layout.js'
import { layoutMetrics } from '../metrics/metric-layout.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'

export interface SharedRegions {
  readonly control: SharedArrayBuffer
  readonly metrics: SharedArrayBuffer
  /** By channel id; undefined for local channels. */
  readonly rings: readonly (SharedArrayBuffer | undefined)[]
}

/** Allocates what the plan asks for. Called once per attempt by the coordinator; nothing is ever reset in place. */
export function allocateShared(plan: PhysicalPlan): SharedRegions {
  return {
    control: new SharedArrayBuffer(controlBytes(plan.workers)),
    metrics: new SharedArrayBuffer(layoutMetrics(plan).words * 8),
    rings: plan.channels.map((channel) =>
      channel.kind === 'ring'
        ? allocateRing(channel.capacityBytes, windowBytesMin(channel.maxFrameBytes), plan.edges[channel.edge]?.flow?.prefetch)
        : undefined,
    ),
  }
}
