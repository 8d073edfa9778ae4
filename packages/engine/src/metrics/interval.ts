/**
 * What happened between two snapshots. Everything that is derived (edges, subtasks, bottleneck, headroom) is computed
 * from this one difference. Counters that seem to run backwards (read while written) count as unmoved.
 */
import { type CallInterval, callInterval } from './call-interval.js'
import type { ChannelMetrics, MetricsSnapshot, SubtaskMetrics } from './read-metrics.js'

export interface Interval {
  readonly elapsedMs: number
  readonly subtasks: readonly SubtaskInterval[]
  readonly channels: readonly ChannelInterval[]
  /** By subtask and position: ms spent in the operator's own function, of the samples in the interval. */
  readonly sampledMs: readonly (readonly number[])[]
  /** By subtask and position, where calls are guarded. */
  readonly calls: readonly (readonly (CallInterval | undefined)[])[]
  readonly current: MetricsSnapshot
}

/** In the interval. */
export interface SubtaskInterval {
  readonly busyMs: number
  readonly queuedMs: number
  readonly backpressuredMs: number
  readonly idleMs: number
  readonly alignedMs: number
  readonly refusingMs: number
  readonly checkpointMs: number
  readonly awaitingMs: number
  readonly inFlightMs: number
  readonly recordsIn: number
  readonly recordsOut: number
}

/** In the interval. */
export interface ChannelInterval {
  readonly bytes: number
  readonly records: number
  readonly consumedBytes: number
  readonly blockedMs: number
  readonly starvedMs: number
  readonly stalls: number
  readonly longestStallMs: number
}

export function measureInterval(previous: MetricsSnapshot, current: MetricsSnapshot): Interval {
  return {
    elapsedMs: Math.max(0, current.atMs - previous.atMs),
    subtasks: current.subtasks.map((subtask, id) => subtaskInterval(previous.subtasks[id], subtask)),
    channels: current.channels.map((channel, id) => channelInterval(previous.channels[id], channel)),
    sampledMs: current.operators.map((chain, subtask) =>
      chain.map((operator, position) => grown(previous.operators[subtask]?.[position]?.sampledMs, operator.sampledMs)),
    ),
    calls: current.operators.map((chain, subtask) =>
      chain.map(({ calls }, position) =>
        calls === undefined ? undefined : callInterval(previous.operators[subtask]?.[position]?.calls, calls),
      ),
    ),
    current,
  }
}

/** Amount per second; 0 over no time. */
export function perSecond(amount: number, elapsedMs: number): number {
  return elapsedMs > 0 ? (amount * 1000) / elapsedMs : 0
}

/** A share of the interval, 0 to 1. */
export function shareOfTime(ms: number, elapsedMs: number): number {
  return elapsedMs > 0 ? Math.min(1, Math.max(0, ms / elapsedMs)) : 0
}

function subtaskInterval(previous: SubtaskMetrics | undefined, current: SubtaskMetrics): SubtaskInterval {
  return {
    busyMs: grown(previous?.busyMs, current.busyMs),
    queuedMs: grown(previous?.queuedMs, current.queuedMs),
    backpressuredMs: grown(previous?.backpressuredMs, current.backpressuredMs),
    idleMs: grown(previous?.idleMs, current.idleMs),
    alignedMs: grown(previous?.alignedMs, current.alignedMs),
    refusingMs: grown(previous?.refusingMs, current.refusingMs),
    checkpointMs: grown(previous?.checkpointMs, current.checkpointMs),
    awaitingMs: grown(previous?.awaitingMs, current.awaitingMs),
    inFlightMs: grown(previous?.inFlightMs, current.inFlightMs),
    recordsIn: grown(previous?.recordsIn, current.recordsIn),
    recordsOut: grown(previous?.recordsOut, current.recordsOut),
  }
}

function channelInterval(previous: ChannelMetrics | undefined, current: ChannelMetrics): ChannelInterval {
  const blockedMs = grown(previous?.blockedMs, current.blockedMs)
  const stalls = grown(previous?.stalls, current.stalls)
  return {
    bytes: grown(previous?.bytes, current.bytes),
    records: grown(previous?.records, current.records),
    consumedBytes: grown(previous?.consumedBytes, current.consumedBytes),
    blockedMs,
    starvedMs: grown(previous?.starvedMs, current.starvedMs),
    stalls,
    longestStallMs: longestStall(previous, current, blockedMs, stalls),
  }
}

/**
 * Exact for an open stall and for one that is the longest so far. Of others the totals tell only how many there were and how
 * long together: their mean.
 */
function longestStall(previous: ChannelMetrics | undefined, current: ChannelMetrics, blockedMs: number, stalls: number): number {
  const isLongestSoFar = current.longestStallMs > (previous?.longestStallMs ?? 0)
  const ended = isLongestSoFar ? current.longestStallMs : stalls > 0 ? Math.max(0, blockedMs - current.openStallMs) / stalls : 0
  return Math.max(current.openStallMs, ended)
}

function grown(previous: number | undefined, current: number): number {
  return Math.max(0, current - (previous ?? 0))
}
