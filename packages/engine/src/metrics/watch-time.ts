/**
 * What the shared words say of event time from one look to the next: which input fell silent or came back, and which operator's watermark
 * stands still although records arrive, with the source that holds it back. Each is told once, when it begins or changes. Runs in
 * the coordinator; no messages.
 */
import type { LogicalGraph, LogicalNode } from '../graph/logical-graph.js'
import type { PhysicalPlan, PlannedTask } from '../plan/physical-plan.js'
import type { MetricsSnapshot } from './read-metrics.js'

/** An input that makes watermarks: a subtask of a source, or of a `timestamps` operator behind a repartition. */
export interface TimedInput {
  readonly operator: string
  readonly subtask: number
  /** The split it reads; undefined: it has none, or none has been opened. */
  readonly split: number | undefined
  /** Splits that this subtask has not begun and of which nothing is known; 0 where they are in the order of time. */
  readonly unopenedSplits: number
}

/** An input was silent for longer than `idleAfter`, or is no longer. */
export interface IdleInput extends TimedInput {
  /** How long it has been, or was, idle. */
  readonly idleMs: number
}

/** The watermark of an operator does not advance although records arrive. */
export interface StalledWatermark {
  readonly operator: string
  readonly subtask: number
  /** Ms since the epoch; -Infinity before the first. */
  readonly watermark: number
  readonly forMs: number
  /** The input with the lowest watermark; undefined where none is left that could be waited for. */
  readonly heldBy: TimedInput | undefined
  /** The edges between the two, from the input on; none: they share a chain. */
  readonly through: readonly string[]
}

export interface TimeChanges {
  readonly idle: readonly IdleInput[]
  readonly active: readonly IdleInput[]
  readonly stalled: readonly StalledWatermark[]
}

export interface TimeWatchOptions {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  /** How long a watermark may stand still while records arrive. */
  readonly stalledAfterMs: number
}

/** What is known of a subtask whose time is watched. */
interface Standing {
  watermark: number
  sinceMs: number
  recordsIn: number
  /** Whom was blamed for the stall that was told; undefined: none was. */
  told: string | undefined
}

export class TimeWatch {
  readonly #options: TimeWatchOptions
  /** Start of the idleness that was told, by subtask id. */
  readonly #idle = new Map<number, number>()
  readonly #standing = new Map<number, Standing>()

  constructor(options: TimeWatchOptions) {
    this.#options = options
  }

  /** What has changed since the last look. */
  look(snapshot: MetricsSnapshot): TimeChanges {
    const changes = { idle: [] as IdleInput[], active: [] as IdleInput[], stalled: [] as StalledWatermark[] }
    const { graph, plan } = this.#options
    for (const { id, task: taskId } of plan.subtasks) {
      const task = plan.tasks[taskId] as PlannedTask
      if (makesWatermarks(graph, task)) this.#lookAtInput(id, snapshot, changes)
      if (firesInTime(graph, task)) this.#lookAtOperator(id, snapshot, changes.stalled)
    }
    return changes
  }

  #lookAtInput(id: number, snapshot: MetricsSnapshot, { idle, active }: { idle: IdleInput[]; active: IdleInput[] }): void {
    const metrics = snapshot.subtasks[id]
    if (metrics === undefined) return
    const told = this.#idle.get(id)
    const sinceMs = metrics.finished ? 0 : metrics.idleSinceMs
    if (told === sinceMs || (told === undefined && sinceMs === 0)) return
    const input = this.#inputOf(id, snapshot)
    if (told !== undefined) {
      this.#idle.delete(id)
      active.push({ ...input, idleMs: Math.max(0, (sinceMs === 0 ? snapshot.atMs : sinceMs) - told) })
    }
    if (sinceMs === 0) return
    this.#idle.set(id, sinceMs)
    idle.push({ ...input, idleMs: Math.max(0, snapshot.atMs - sinceMs) })
  }

  #lookAtOperator(id: number, snapshot: MetricsSnapshot, stalled: StalledWatermark[]): void {
    const metrics = snapshot.subtasks[id]
    if (metrics === undefined || metrics.stateSinceMs === 0) return
    const { watermark, recordsIn, finished } = metrics
    const standing = this.#standing.get(id)
    if (standing === undefined || standing.watermark !== watermark) {
      this.#standing.set(id, { watermark, sinceMs: snapshot.atMs, recordsIn, told: undefined })
      return
    }
    const forMs = snapshot.atMs - standing.sinceMs
    if (finished || forMs <= this.#options.stalledAfterMs || recordsIn === standing.recordsIn) return
    const { graph, plan } = this.#options
    const { at, through } = this.#holderOf(id, snapshot)
    const heldBy = at === undefined ? undefined : this.#inputOf(at, snapshot)
    const key = heldBy === undefined ? '' : `${heldBy.operator}/${heldBy.subtask}/${heldBy.split}`
    if (standing.told === key) return
    standing.told = key
    const subtask = plan.subtasks[id]
    const task = plan.tasks[subtask?.task ?? -1] as PlannedTask
    stalled.push({
      operator: firstThatFires(graph, task)?.name ?? task.name,
      subtask: subtask?.index ?? 0,
      watermark,
      forMs,
      heldBy,
      through,
    })
  }

  /** Walks against the stream, at each step over the channel with the lowest watermark, to the subtask that makes it. */
  #holderOf(id: number, snapshot: MetricsSnapshot): { readonly at: number | undefined; readonly through: readonly string[] } {
    const { graph, plan } = this.#options
    const through: string[] = []
    let at = id
    while (!makesWatermarks(graph, plan.tasks[plan.subtasks[at]?.task ?? -1] as PlannedTask)) {
      let lowest: { readonly from: number; readonly edge: number; readonly watermark: number } | undefined
      for (const { id: channel, edge, fromSubtask, toSubtask } of plan.channels) {
        const producer = snapshot.subtasks[fromSubtask]
        // Nobody waits for who has ended or is idle, or for time of records that have none.
        if (toSubtask !== at || plan.edges[edge]?.timed !== true || producer === undefined || producer.finished || producer.idleSinceMs > 0)
          continue
        const watermark = snapshot.channels[channel]?.consumerWatermark ?? Number.NEGATIVE_INFINITY
        if (lowest === undefined || watermark < lowest.watermark) lowest = { from: fromSubtask, edge, watermark }
      }
      if (lowest === undefined) return { at: undefined, through }
      through.unshift(plan.edges[lowest.edge]?.name ?? '')
      at = lowest.from
    }
    return { at, through }
  }

  #inputOf(id: number, snapshot: MetricsSnapshot): TimedInput {
    const { graph, plan } = this.#options
    const subtask = plan.subtasks[id]
    const nodes = nodesOf(graph, plan.tasks[subtask?.task ?? -1] as PlannedTask)
    const operator = nodes[0]?.spec.kind === 'source' ? nodes[0] : nodes.find(({ spec }) => spec.kind === 'timestamps')
    const metrics = snapshot.subtasks[id]
    return {
      operator: operator?.name ?? '',
      subtask: subtask?.index ?? 0,
      split: metrics === undefined || metrics.split < 0 ? undefined : metrics.split,
      unopenedSplits: isOrdered(nodes[0]) ? 0 : (metrics?.unopenedSplits ?? 0),
    }
  }
}

function nodesOf(graph: LogicalGraph, task: PlannedTask): readonly LogicalNode[] {
  return task.nodes.map((id) => graph.nodes[id] as LogicalNode)
}

function isOrdered(node: LogicalNode | undefined): boolean {
  return node?.spec.kind === 'source' && node.spec.reads === 'splits' && node.spec.orderedSplits === true
}

function makesWatermarks(graph: LogicalGraph, task: PlannedTask): boolean {
  return nodesOf(graph, task).some(({ spec }) => spec.kind === 'timestamps')
}

/** Operators with state may wait for event time; what works on single records does not. */
function firstThatFires(graph: LogicalGraph, task: PlannedTask): LogicalNode | undefined {
  return nodesOf(graph, task).find(
    ({ id, spec }) => spec.kind === 'general' && graph.edges.some(({ to, timed }) => timed && to.node === id),
  )
}

function firesInTime(graph: LogicalGraph, task: PlannedTask): boolean {
  return firstThatFires(graph, task) !== undefined
}
