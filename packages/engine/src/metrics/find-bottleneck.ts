/**
 * Who holds the sources back: a walk of the wait-for graph. A subtask without credit waits for the consumers of the channels
 * that it was blocked on; the walk ends at what waits for nobody. Time is shared out over the branches by how long each
 * one blocked, so that a slow consumer among many is found, and paths that meet again add up. Pure.
 */
import type { LogicalGraph } from '../graph/logical-graph.js'
import { HOST_WORKER, type PhysicalPlan } from '../plan/physical-plan.js'
import { type Interval, perSecond, shareOfTime } from './interval.js'
import { slowestOperator } from './operator-at-work.js'
import { OK_SHARE_MAX } from './pressure-level.js'

export interface Bottleneck {
  /** `worker`: the subtask is ready more than it runs, because its thread runs others. */
  readonly kind: 'operator' | 'worker'
  readonly operator: string
  readonly subtask: number
  /** The thread it runs on; -1: the calling thread. */
  readonly worker: number
  /** Share of its time in which it was busy, 0 to 1; asynchronous work at its limit counts. */
  readonly busy: number
  /** The edges through which it holds the sources back, from the source on. */
  readonly because: readonly string[]
  /** By source, mean over its subtasks. Where no source is held back: the operators that are. */
  readonly heldBackMsPerSecond: readonly { readonly source: string; readonly ms: number }[]
  /** All of it as a sentence. */
  readonly message: string
}

/** undefined while nobody lacks credit for more than `OK_SHARE_MAX` of the time: then every edge is `OK`. */
export function findBottleneck(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval): Bottleneck | undefined {
  const walk = new WaitForWalk(plan, interval)
  const starts = startsOf(graph, plan, interval)
  const blameMs = new Map<number, number>()
  for (const start of starts) {
    for (const [end, share] of walk.endsOf(start)) {
      if (end !== start) blameMs.set(end, (blameMs.get(end) ?? 0) + share * heldBackMs(plan, interval, start))
    }
  }
  const end = mostBlamed(plan, interval, blameMs)
  return end === undefined ? undefined : describe(graph, plan, interval, walk, starts, end)
}

/** Source subtasks that are held back; where there is none, whoever else is. */
function startsOf(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval): readonly number[] {
  const held = plan.subtasks.filter(({ id }) => blockedShare(plan, interval, id) > OK_SHARE_MAX)
  const sources = held.filter(({ task }) => graph.nodes[plan.tasks[task]?.nodes[0] ?? -1]?.spec.kind === 'source')
  return (sources.length > 0 ? sources : held).map(({ id }) => id)
}

/** Ends with less than this share of all blame are not considered. */
const BLAME_SHARE_MIN = 0.1
/** Ends whose work takes nearly as much of their time as that of the most occupied one count as equal. */
const OCCUPIED_MARGIN = 0.1

/**
 * What limits a job works all the time. A consumer that blocks in bursts and has time to spare in between would not be faster
 * for the job if it were faster itself, however long the source waited for it. So: among the tasks with real blame those
 * that are occupied most, of these the most blamed, and of its subtasks again the most blamed.
 */
function mostBlamed(plan: PhysicalPlan, interval: Interval, blameMs: ReadonlyMap<number, number>): number | undefined {
  const byTask = new Map<number, { blameMs: number; occupied: number }>()
  let totalMs = 0
  for (const [subtask, ms] of blameMs) {
    const task = plan.subtasks[subtask]?.task ?? -1
    const times = interval.subtasks[subtask]
    const occupied = shareOfTime((times?.busyMs ?? 0) + (times?.queuedMs ?? 0), interval.elapsedMs)
    const known = byTask.get(task)
    byTask.set(task, { blameMs: (known?.blameMs ?? 0) + ms, occupied: Math.max(known?.occupied ?? 0, occupied) })
    totalMs += ms
  }
  const blamed = [...byTask].filter(([, end]) => end.blameMs >= totalMs * BLAME_SHARE_MIN)
  const candidates = blamed.length > 0 ? blamed : [...byTask]
  const occupiedMin = Math.max(0, ...candidates.map(([, end]) => end.occupied)) - OCCUPIED_MARGIN
  const limiting = candidates.filter(([, end]) => end.occupied >= occupiedMin)
  const task = largest(new Map(limiting.map(([id, end]) => [id, end.blameMs])))
  return largest(new Map([...blameMs].filter(([subtask]) => plan.subtasks[subtask]?.task === task)))
}

function largest(amounts: ReadonlyMap<number, number>): number | undefined {
  let best: number | undefined
  for (const [key, amount] of amounts) {
    const known = best === undefined ? Number.NEGATIVE_INFINITY : (amounts.get(best) ?? 0)
    if (amount > known || (amount === known && best !== undefined && key < best)) best = key
  }
  return best
}

function describe(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  interval: Interval,
  walk: WaitForWalk,
  starts: readonly number[],
  end: number,
): Bottleneck {
  const subtask = plan.subtasks[end]
  const peers = new Set(plan.tasks[subtask?.task ?? -1]?.subtasks ?? [])
  const times = interval.subtasks[end]
  const operator = slowestOperator(graph, plan, interval, end)?.name ?? ''
  const worker = subtask?.worker ?? HOST_WORKER
  const busy = shareOfTime(times?.busyMs ?? 0, interval.elapsedMs)
  const kind = (times?.queuedMs ?? 0) > (times?.busyMs ?? 0) ? 'worker' : 'operator'

  const heldBack = heldBackBySource(graph, plan, interval, walk, starts, peers)
  const from = mostHeldBack(plan, interval, walk, starts, end)
  const edges = from === undefined ? [] : walk.pathOf(from, end)
  const who =
    kind === 'operator'
      ? `${operator} (subtask ${subtask?.index ?? 0}) is the bottleneck: busy ${percent(busy)}`
      : `${workerName(worker)} is saturated: ${busiestOf(graph, plan, interval, worker)}`
  const path = pathNames(graph, plan, headName(graph, plan, from), edges)
  if (kind === 'operator' && path[path.length - 1] !== operator) path.push(operator)
  return {
    kind,
    operator,
    subtask: subtask?.index ?? 0,
    worker,
    busy,
    because: edges.map((edge) => plan.edges[edge]?.name ?? ''),
    heldBackMsPerSecond: heldBack,
    message: `${who}, holds ${heldBackText(graph, plan, starts, heldBack)} through ${path.join(' -> ')}`,
  }
}

/** The operators that a user sees on the way: the source, then both ends of each edge. */
function pathNames(graph: LogicalGraph, plan: PhysicalPlan, source: string, edges: readonly number[]): string[] {
  const names = [source]
  for (const id of edges) {
    const edge = graph.edges[plan.edges[id]?.logical ?? -1]
    for (const end of [edge?.from, edge?.to]) {
      const name = graph.nodes[end?.node ?? -1]?.name
      if (name !== undefined && name !== names[names.length - 1]) names.push(name)
    }
  }
  return names
}

function heldBackBySource(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  interval: Interval,
  walk: WaitForWalk,
  starts: readonly number[],
  ends: ReadonlySet<number>,
): Bottleneck['heldBackMsPerSecond'] {
  const byTask = new Map<number, number>()
  for (const start of starts) {
    let ms = 0
    for (const [end, share] of walk.endsOf(start)) if (ends.has(end)) ms += share * heldBackMs(plan, interval, start)
    const task = plan.subtasks[start]?.task ?? -1
    if (ms > 0) byTask.set(task, (byTask.get(task) ?? 0) + ms / (plan.tasks[task]?.parallelism ?? 1))
  }
  return [...byTask]
    .map(([task, ms]) => ({ source: nameOfHead(graph, plan, task), ms: perSecond(ms, interval.elapsedMs) }))
    .sort((a, b) => b.ms - a.ms)
}

function mostHeldBack(
  plan: PhysicalPlan,
  interval: Interval,
  walk: WaitForWalk,
  starts: readonly number[],
  end: number,
): number | undefined {
  return largest(new Map(starts.map((start) => [start, (walk.endsOf(start).get(end) ?? 0) * heldBackMs(plan, interval, start)])))
}

/** "source flights back 71 % of the time", "source a back 50 % and source b 20 % of the time". */
function heldBackText(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  starts: readonly number[],
  heldBack: Bottleneck['heldBackMsPerSecond'],
): string {
  const head = graph.nodes[plan.tasks[plan.subtasks[starts[0] ?? -1]?.task ?? -1]?.nodes[0] ?? -1]
  const what = head?.spec.kind === 'source' ? 'source ' : ''
  const [first, ...others] = heldBack.map(({ source, ms }) => ({ source: `${what}${source}`, share: percent(ms / 1000) }))
  return `${[`${first?.source} back ${first?.share}`, ...others.map(({ source, share }) => `${source} ${share}`)].join(' and ')} of the time`
}

const BUSIEST_NAMED_MAX = 3

/** "parse 40 %, join 35 %": what the worker's time goes to. */
function busiestOf(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval, worker: number): string {
  const byOperator = new Map<string, number>()
  for (const { id } of plan.subtasks.filter((subtask) => subtask.worker === worker)) {
    const name = slowestOperator(graph, plan, interval, id)?.name ?? ''
    byOperator.set(name, (byOperator.get(name) ?? 0) + shareOfTime(interval.subtasks[id]?.busyMs ?? 0, interval.elapsedMs))
  }
  return [...byOperator]
    .sort(([, a], [, b]) => b - a)
    .slice(0, BUSIEST_NAMED_MAX)
    .map(([name, busy]) => `${name} ${percent(busy)}`)
    .join(', ')
}

/** How long a subtask lacked credit; by its own account or, where that lags, by its channel that was blocked longest. */
export function heldBackMs(plan: PhysicalPlan, interval: Interval, subtask: number): number {
  let ms = interval.subtasks[subtask]?.backpressuredMs ?? 0
  for (const channel of outputsOf(plan, subtask)) ms = Math.max(ms, interval.channels[channel]?.blockedMs ?? 0)
  return Math.min(ms, interval.elapsedMs)
}

function blockedShare(plan: PhysicalPlan, interval: Interval, subtask: number): number {
  return shareOfTime(heldBackMs(plan, interval, subtask), interval.elapsedMs)
}

function outputsOf(plan: PhysicalPlan, subtask: number): readonly number[] {
  const { task = -1, index = 0 } = plan.subtasks[subtask] ?? {}
  return (plan.tasks[task]?.outputs ?? []).flatMap((id) => {
    const edge = plan.edges[id]
    if (edge === undefined) return []
    if (edge.partitioning === 'forward') return edge.channels.slice(index, index + 1)
    const width = plan.tasks[edge.toTask]?.parallelism ?? 0
    return edge.channels.slice(index * width, (index + 1) * width)
  })
}

/** Memoised: the graph has no cycles, and each subtask is expanded once. */
class WaitForWalk {
  readonly #plan: PhysicalPlan
  readonly #interval: Interval
  readonly #ends = new Map<number, ReadonlyMap<number, number>>()

  constructor(plan: PhysicalPlan, interval: Interval) {
    this.#plan = plan
    this.#interval = interval
  }

  /** Subtasks at which the waiting ends, with their shares; the shares add up to 1. A subtask that does not wait is its own end. */
  endsOf(subtask: number): ReadonlyMap<number, number> {
    const known = this.#ends.get(subtask)
    if (known !== undefined) return known
    const ends = new Map<number, number>()
    const waits = this.#waitsOf(subtask)
    if (waits.length === 0) ends.set(subtask, 1)
    for (const { to, share } of waits) {
      for (const [end, further] of this.endsOf(to)) ends.set(end, (ends.get(end) ?? 0) + share * further)
    }
    this.#ends.set(subtask, ends)
    return ends
  }

  /** Planned edges from a subtask to an end: at each step the branch that contributes most. */
  pathOf(subtask: number, end: number): readonly number[] {
    const edges: number[] = []
    let at = subtask
    while (at !== end) {
      let best: { readonly to: number; readonly edge: number } | undefined
      let most = 0
      for (const { to, edge, share } of this.#waitsOf(at)) {
        const amount = share * (this.endsOf(to).get(end) ?? 0)
        if (amount <= most) continue
        most = amount
        best = { to, edge }
      }
      if (best === undefined) break
      edges.push(best.edge)
      at = best.to
    }
    return edges
  }

  #waitsOf(subtask: number): readonly { readonly to: number; readonly edge: number; readonly share: number }[] {
    if (blockedShare(this.#plan, this.#interval, subtask) <= OK_SHARE_MAX) return []
    const blocked = outputsOf(this.#plan, subtask)
      .map((id) => ({ channel: this.#plan.channels[id], ms: this.#interval.channels[id]?.blockedMs ?? 0 }))
      .filter(({ ms }) => ms > 0)
    const total = blocked.reduce((sum, { ms }) => sum + ms, 0)
    return blocked.map(({ channel, ms }) => ({ to: channel?.toSubtask ?? -1, edge: channel?.edge ?? -1, share: ms / total }))
  }
}

function headName(graph: LogicalGraph, plan: PhysicalPlan, subtask: number | undefined): string {
  return nameOfHead(graph, plan, plan.subtasks[subtask ?? -1]?.task ?? -1)
}

function nameOfHead(graph: LogicalGraph, plan: PhysicalPlan, task: number): string {
  return graph.nodes[plan.tasks[task]?.nodes[0] ?? -1]?.name ?? ''
}

function workerName(worker: number): string {
  return worker === HOST_WORKER ? 'the calling thread' : `worker ${worker}`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
