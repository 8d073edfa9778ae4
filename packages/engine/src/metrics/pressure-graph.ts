/**
 * Who depends on whom: for every edge how long it held its producer and whose doing that was, for every source which operators it waited for. Blocked time is
 * followed through the wait-for graph to where it ends, so that an edge in the middle is not taken for the cause. Pure, and plain data: it is sent to
 * whoever asks a running job.
 */
import type { LogicalGraph, LogicalNode, Partitioning } from '../graph/logical-graph.js'
import { roleOf } from '../plan/describe/operator-facts.js'
import type { PhysicalPlan, PlannedEdge, PlannedTask } from '../plan/physical-plan.js'
import { edgePressures } from './edge-pressure.js'
import { type BottleneckKind, blameSubtask } from './blame-subtask.js'
import { type Bottleneck, findBottleneck } from './find-bottleneck.js'
import { type Interval, measureInterval, shareOfTime } from './interval.js'
import { slowestOperator } from './operator-at-work.js'
import type { PressureLevel } from './pressure-level.js'
import type { MetricsSnapshot } from './read-metrics.js'
import { heldBackMs, outputsOf, WaitForWalk } from './wait-for-walk.js'

export interface PressureGraph {
  /** Of the time that all of it is about. */
  readonly intervalMs: number
  /** In the order of the job. */
  readonly operators: readonly PressureOperator[]
  /** In the order of the job; those within a chain too, which hold nobody. */
  readonly edges: readonly PressureEdge[]
  /** The sources that waited, those that waited longest first. */
  readonly sources: readonly SourceDependency[]
  /** undefined while nobody is held back for more than a tenth of the time. */
  readonly bottleneck: Bottleneck | undefined
}

export interface PressureOperator {
  readonly name: string
  /** `source`, `sink`, or what kind of operator it is. */
  readonly role: string
  /** Index of the task: operators of one task share a chain, and a thread at a time. */
  readonly task: number
  readonly subtasks: number
  /** Share of the time in which it worked, 0 to 1, of its busiest subtask; in a chain its part, as far as its functions were timed. */
  readonly busy: number
  /** Share of the time in which its task lacked credit, 0 to 1, of the subtask that lacked it most. */
  readonly heldBack: number
  /** Records that it holds back now. */
  readonly heldRecords: number
}

export interface PressureEdge {
  /** `from -> to`, as in the plan. */
  readonly edge: string
  readonly from: string
  readonly to: string
  /** undefined: it lies within a chain, where records are handed on one by one. All that follows is missing too. */
  readonly flow: EdgeFlow | undefined
  /** It is part of the way through which the bottleneck holds the sources back. */
  readonly onPath: boolean
}

export interface EdgeFlow {
  readonly partitioning: Partitioning
  readonly channels: number
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
  /** Window in use now, 0 to 1, maximum over channels; and the window, in bytes. */
  readonly fill: number
  readonly window: number
  /** Records that each consumer asks for, on a pull edge. */
  readonly prefetch?: number | undefined
  readonly queueMs: number
  readonly level: PressureLevel
  /** Share of the time in which it held its producer, 0 to 1: of the channel that did so longest. And the same in ms. */
  readonly heldShare: number
  readonly heldMs: number
  readonly longestStallMs: number
  /** Whose doing that was, the largest part first; the shares add up to 1. Empty: it held nobody. */
  readonly causes: readonly Cause[]
}

/** Where waiting ends. */
export interface Cause {
  readonly kind: BottleneckKind
  readonly operator: string
  /** What it calls, where it waits for that and the user gave it a name. */
  readonly dependency?: string | undefined
  /** Threads it runs on; -1: the calling thread. */
  readonly workers: readonly number[]
  readonly share: number
}

export interface SourceDependency {
  readonly source: string
  /** Share of the time in which it waited for credit, 0 to 1, mean over its subtasks. */
  readonly heldBack: number
  /** For whom, the largest part first; the shares are of the whole time and add up to `heldBack`. */
  readonly on: readonly Cause[]
}

/**
 * The graph between two snapshots of one run.
 *
 * @example
 * const [edge] = pressureGraph(graph, plan, previous, readMetrics(plan, metrics, nowMs)).edges
 * edge?.flow?.causes // [{ kind: 'operator', operator: 'write', workers: [1], share: 1 }]
 */
export function pressureGraph(graph: LogicalGraph, plan: PhysicalPlan, previous: MetricsSnapshot, current: MetricsSnapshot): PressureGraph {
  const interval = measureInterval(previous, current)
  const walk = new WaitForWalk(plan, interval)
  const bottleneck = findBottleneck(graph, plan, interval)
  const path = new Set(bottleneck?.because)
  const planned = new Map(plan.edges.map((edge) => [edge.logical, edge]))
  const pressures = edgePressures(graph, plan, interval)
  const causesOf = (held: ReadonlyMap<number, number>): readonly Cause[] => causes(graph, plan, interval, walk, held)
  return {
    intervalMs: interval.elapsedMs,
    operators: plan.tasks.flatMap((task) => task.nodes.map((_, position) => operatorAt(graph, task, position, plan, interval))),
    edges: graph.edges.map(({ id, from, to }) => {
      const [source, target] = [graph.nodes[from.node]?.name ?? '', graph.nodes[to.node]?.name ?? '']
      const edge = planned.get(id)
      const name = edge?.name ?? `${source} -> ${target}`
      const flow = edge === undefined ? undefined : flowOf(edge, interval, pressures[edge.id], causesOf)
      return { edge: name, from: source, to: target, flow, onPath: edge !== undefined && path.has(name) }
    }),
    sources: plan.tasks
      .flatMap((task) => dependencyOf(graph, plan, task, interval, causesOf) ?? [])
      .sort((left, right) => right.heldBack - left.heldBack),
    bottleneck,
  }
}

function operatorAt(graph: LogicalGraph, task: PlannedTask, position: number, plan: PhysicalPlan, interval: Interval): PressureOperator {
  const node = graph.nodes[task.nodes[position] ?? -1] as LogicalNode
  const { elapsedMs, subtasks, sampledMs, current } = interval
  const shares = task.subtasks.map((id) => {
    const sampled = sampledMs[id] ?? []
    const total = sampled.reduce((sum, ms) => sum + ms, 0)
    const slowest = slowestOperator(graph, plan, interval, id)
    // Asynchronous work that is waited for is not timed on the thread; where nothing was timed all of it is the head's.
    const timed = total > 0 && slowest?.spec.kind !== 'async'
    const part = timed ? (sampled[position] ?? 0) / total : node === (total > 0 ? slowest : graph.nodes[task.nodes[0] ?? -1]) ? 1 : 0
    return part * shareOfTime(subtasks[id]?.busyMs ?? 0, elapsedMs)
  })
  return {
    name: node.name,
    role: roleOf(node),
    task: task.id,
    subtasks: task.parallelism,
    busy: Math.max(0, ...shares),
    heldBack: Math.max(0, ...task.subtasks.map((id) => shareOfTime(heldBackMs(plan, interval, id), elapsedMs))),
    heldRecords: position === 0 ? task.subtasks.reduce((sum, id) => sum + (current.subtasks[id]?.heldRecords ?? 0), 0) : 0,
  }
}

type CausesOf = (heldMs: ReadonlyMap<number, number>) => readonly Cause[]

function flowOf(
  edge: PlannedEdge,
  { elapsedMs, channels }: Interval,
  pressure: ReturnType<typeof edgePressures>[number] | undefined,
  causesOf: CausesOf,
): EdgeFlow | undefined {
  if (pressure === undefined) return undefined
  const { partitioning, recordsPerSecond, bytesPerSecond, fill, window, prefetch, queueMs, level, longestStallMs } = pressure
  const heldMs = Math.max(0, ...edge.channels.map((id) => Math.min(elapsedMs, channels[id]?.blockedMs ?? 0)))
  return {
    partitioning,
    channels: edge.channels.length,
    recordsPerSecond,
    bytesPerSecond,
    fill,
    window,
    ...(prefetch === undefined ? {} : { prefetch }),
    queueMs,
    level,
    heldShare: shareOfTime(heldMs, elapsedMs),
    heldMs,
    longestStallMs,
    causes: causesOf(new Map(edge.channels.map((id) => [id, channels[id]?.blockedMs ?? 0]))),
  }
}

function dependencyOf(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  task: PlannedTask,
  interval: Interval,
  causesOf: CausesOf,
): SourceDependency | undefined {
  const head = graph.nodes[task.nodes[0] ?? -1]
  if (head?.spec.kind !== 'source') return undefined
  const { elapsedMs, channels } = interval
  const heldMs = new Map<number, number>()
  let totalMs = 0
  for (const id of task.subtasks) {
    const waitedMs = heldBackMs(plan, interval, id)
    const blocked = outputsOf(plan, id).map((channel) => ({ channel, ms: channels[channel]?.blockedMs ?? 0 }))
    const sumMs = blocked.reduce((sum, { ms }) => sum + ms, 0)
    // Channels lack credit at the same time: the time of the subtask is shared out over them.
    for (const { channel, ms } of blocked) if (ms > 0) heldMs.set(channel, (waitedMs * ms) / sumMs)
    totalMs += sumMs > 0 ? waitedMs : 0
  }
  const heldBack = shareOfTime(totalMs / Math.max(1, task.parallelism), elapsedMs)
  if (heldBack === 0) return undefined
  return { source: head.name, heldBack, on: causesOf(heldMs).map((cause) => ({ ...cause, share: cause.share * heldBack })) }
}

/** Parts smaller than this are not told. */
const PART_MIN = 0.005

/** From how long each channel held its producer to who was waited for in the end, by operator. */
function causes(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  interval: Interval,
  walk: WaitForWalk,
  heldMs: ReadonlyMap<number, number>,
): readonly Cause[] {
  const byOperator = new Map<string, Omit<Cause, 'workers' | 'share'> & { workers: Set<number>; ms: number }>()
  let totalMs = 0
  for (const [channel, ms] of heldMs) {
    if (ms <= 0) continue
    for (const [end, share] of walk.endsOf(plan.channels[channel]?.toSubtask ?? -1)) {
      const { operator: slowest, kind, calls } = blameSubtask(graph, plan, interval, end)
      const operator = slowest?.name ?? ''
      const key = `${kind} ${operator}`
      const named = calls?.dependency === undefined ? {} : { dependency: calls.dependency }
      const cause = byOperator.get(key) ?? { kind, operator, ...named, workers: new Set(), ms: 0 }
      cause.ms += ms * share
      cause.workers.add(plan.subtasks[end]?.worker ?? -1)
      byOperator.set(key, cause)
    }
    totalMs += ms
  }
  const told = [...byOperator.values()].filter(({ ms }) => ms >= totalMs * PART_MIN)
  const toldMs = told.reduce((sum, { ms }) => sum + ms, 0)
  return told
    .sort((left, right) => right.ms - left.ms)
    .map(({ workers, ms, ...cause }) => ({ ...cause, workers: [...workers].sort((a, b) => a - b), share: ms / toldMs }))
}
