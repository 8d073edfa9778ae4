/** The pressure on each edge: what the job log prints as `edge.pressure`, field by field. */
import type { LogicalGraph, Partitioning } from '../graph/logical-graph.js'
import type { PhysicalPlan, PlannedEdge } from '../plan/physical-plan.js'
import { type Interval, perSecond, shareOfTime } from './interval.js'
import type { ChannelMetrics } from './read-metrics.js'
import { levelOf, type PressureLevel } from './pressure-level.js'

export interface EdgePressure {
  /** `from -> to`, as in the plan. */
  readonly edge: string
  /** Operator names. */
  readonly from: string
  readonly to: string
  readonly partitioning: Partitioning
  /** How many channels. */
  readonly channels: number
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
  /** Whether some of the bytes are estimates: local channels hand over references. */
  readonly bytesEstimated: boolean
  /** Window in use now, 0 to 1, maximum over channels; of a pull edge the share of what was asked for. */
  readonly fill: number
  /** Credit window of the fullest channel, in bytes. */
  readonly window: number
  /** Records that each consumer asks for, on a pull edge. */
  readonly prefetch?: number | undefined
  /** Producers waiting for credit, in ms per second, over channels. */
  readonly blockedMsPerSecond: { readonly max: number; readonly mean: number }
  /** The stall that is still open counts up to now. */
  readonly longestStallMs: number
  /** Consumers idle with nothing to read here, in ms per second, mean over channels. */
  readonly starvedMsPerSecond: number
  /** Estimated time a record waits in the edge, in ms, maximum over channels. */
  readonly queueMs: number
  /** By the channel that is blocked most: one hot subtask is not averaged away. */
  readonly level: PressureLevel
}

export function edgePressures(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval): readonly EdgePressure[] {
  return plan.edges.map((edge) => edgePressure(graph, plan, edge, interval))
}

function edgePressure(graph: LogicalGraph, plan: PhysicalPlan, edge: PlannedEdge, interval: Interval): EdgePressure {
  const { elapsedMs, current } = interval
  const logical = graph.edges[edge.logical]
  let bytes = 0
  let records = 0
  let blockedSumMs = 0
  let blockedMaxMs = 0
  let starvedMs = 0
  let longestStallMs = 0
  let queueMs = 0
  let fill = -1
  let window = 0
  for (const id of edge.channels) {
    const channel = interval.channels[id]
    const metrics = current.channels[id]
    if (channel === undefined || metrics === undefined) continue
    bytes += channel.bytes
    records += channel.records
    const blockedMs = Math.min(channel.blockedMs, elapsedMs)
    blockedSumMs += blockedMs
    blockedMaxMs = Math.max(blockedMaxMs, blockedMs)
    starvedMs += Math.min(channel.starvedMs, elapsedMs)
    longestStallMs = Math.max(longestStallMs, channel.longestStallMs)
    const inFlightBytes = Math.max(0, metrics.bytes - metrics.consumedBytes)
    const channelFill = fillOf(metrics, inFlightBytes, edge.flow?.prefetch)
    if (channelFill > fill || (channelFill === fill && metrics.windowBytes > window)) {
      fill = channelFill
      window = metrics.windowBytes
    }
    queueMs = Math.max(queueMs, queueTime(inFlightBytes + metrics.stagedBytes, id, plan, interval))
  }
  const channels = edge.channels.length
  return {
    edge: edge.name,
    from: graph.nodes[logical?.from.node ?? -1]?.name ?? '',
    to: graph.nodes[logical?.to.node ?? -1]?.name ?? '',
    partitioning: edge.partitioning,
    channels,
    recordsPerSecond: perSecond(records, elapsedMs),
    bytesPerSecond: perSecond(bytes, elapsedMs),
    bytesEstimated: edge.channels.some((id) => plan.channels[id]?.kind === 'local'),
    fill: Math.max(0, fill),
    window,
    ...(edge.flow?.prefetch === undefined ? {} : { prefetch: edge.flow.prefetch }),
    blockedMsPerSecond: {
      max: perSecond(blockedMaxMs, elapsedMs),
      mean: channels === 0 ? 0 : perSecond(blockedSumMs / channels, elapsedMs),
    },
    longestStallMs,
    starvedMsPerSecond: channels === 0 ? 0 : perSecond(starvedMs / channels, elapsedMs),
    queueMs,
    level: levelOf(shareOfTime(blockedMaxMs, elapsedMs)),
  }
}

function fillOf({ windowBytes, records, consumedRecords }: ChannelMetrics, inFlightBytes: number, prefetch: number | undefined): number {
  if (prefetch !== undefined) return Math.min(1, Math.max(0, records - consumedRecords) / prefetch)
  return windowBytes > 0 ? Math.min(1, inFlightBytes / windowBytes) : 0
}

/**
 * What waits, over the rate at which its consumer takes it while it is not idle: an idle consumer would take it at once, a
 * backpressured one as slowly as it does now. Where nothing was taken: at the last known rate, but at least the time it worked
 * without taking any.
 */
function queueTime(waitingBytes: number, id: number, plan: PhysicalPlan, { elapsedMs, channels, subtasks, current }: Interval): number {
  if (waitingBytes === 0) return 0
  const consumedBytes = channels[id]?.consumedBytes ?? 0
  const idleMs = subtasks[plan.channels[id]?.toSubtask ?? -1]?.idleMs ?? 0
  const workMs = Math.max(0, elapsedMs - idleMs)
  if (consumedBytes > 0 && workMs > 0) return (waitingBytes * workMs) / consumedBytes
  const bytesPerMs = (current.channels[id]?.bytesPerBusySecond ?? 0) / 1000
  return Math.max(workMs, bytesPerMs > 0 ? waitingBytes / bytesPerMs : 0)
}
