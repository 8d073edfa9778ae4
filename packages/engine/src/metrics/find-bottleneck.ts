/**
 * Who holds the sources back, from the walk of the wait-for graph. What limits a job works all the time: of the ends of the walk those that
 * are occupied most count, and of these the most blamed. Pure.
 */
import type { LogicalGraph } from '../graph/logical-graph.js'
import { HOST_WORKER, type PhysicalPlan } from '../plan/physical-plan.js'
import type { CallBlame } from './blame-calls.js'
import { type BottleneckKind, blameSubtask } from './blame-subtask.js'
import { callBlameInWords } from './call-blame-in-words.js'
import { type Interval, perSecond, shareOfTime } from './interval.js'
import { slowestOperator } from './operator-at-work.js'
import { OK_SHARE_MAX } from './pressure-level.js'
import { heldBackMs, type Wait, WaitForWalk } from './wait-for-walk.js'

export interface Bottleneck {
  readonly kind: BottleneckKind
  readonly operator: string
  readonly subtask: number
  /** The thread it runs on; -1: the calling thread. */
  readonly worker: number
  /** Share of its time in which it was busy, 0 to 1; asynchronous work at its limit counts. */
  readonly busy: number
  /** Where it waits for what it calls: what is known of that. */
  readonly calls?: CallBlame | undefined
  /** The edges through which it holds the sources back, from the source on; those by which barriers come late in between. */
  readonly because: readonly string[]
  /** Operators on the way that read nothing more from it, because the barrier of a checkpoint has not arrived on their other inputs. */
  readonly aligning: readonly string[]
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
  const { operator: slowest, kind, calls } = blameSubtask(graph, plan, interval, end)
  const operator = slowest?.name ?? ''
  const worker = subtask?.worker ?? HOST_WORKER
  const busy = shareOfTime(times?.busyMs ?? 0, interval.elapsedMs)

  const heldBack = heldBackBySource(graph, plan, interval, walk, starts, peers)
  const from = mostHeldBack(plan, interval, walk, starts, end)
  const waits = from === undefined ? [] : walk.pathOf(from, end)
  const blamed = `${operator} (subtask ${subtask?.index ?? 0}) is the bottleneck`
  const who = (): string => {
    if (calls !== undefined) return `${blamed}: ${callBlameInWords(calls)}`
    if (kind === 'limit') return `${blamed}: its ${slowest?.limit ?? 'limit'} is reached ${percent(busy)} of the time`
    if (kind === 'worker') return `${workerName(worker)} is saturated: ${busiestOf(graph, plan, interval, worker)}`
    return `${blamed}: busy ${percent(busy)}`
  }
  return {
    kind,
    operator,
    subtask: subtask?.index ?? 0,
    worker,
    busy,
    ...(calls === undefined ? {} : { calls }),
    because: waits.map(({ edge }) => plan.edges[edge]?.name ?? ''),
    aligning: alignersOf(graph, plan, waits),
    heldBackMsPerSecond: heldBack,
    message: `${who()}, holds ${heldBackText(graph, plan, starts, heldBack)} through ${pathText(graph, plan, headName(graph, plan, from), waits, kind === 'worker' ? undefined : operator)}`,
  }
}

/** Operators at which the walk turns against the stream: they wait for a barrier. */
function alignersOf(graph: LogicalGraph, plan: PhysicalPlan, waits: readonly Wait[]): readonly string[] {
  const names = waits.flatMap(({ edge, upstream }, at) => {
    if (!upstream || waits[at - 1]?.upstream === true) return []
    return graph.nodes[graph.edges[plan.edges[edge]?.logical ?? -1]?.to.node ?? -1]?.name ?? []
  })
  return [...new Set(names)]
}

/**
 * "a -> b -> c"; where the walk turns against the stream and back: "a -> c, which aligns a checkpoint whose barrier is late through x -> y -> c", "..., itself held back through x -> z".
 * `operator`: where it ends.
 */
function pathText(graph: LogicalGraph, plan: PhysicalPlan, source: string, waits: readonly Wait[], operator: string | undefined): string {
  let upstream = false
  let edges: number[] = []
  let text = source
  const end = (lead: string, last: boolean): void => {
    const names = pathNames(graph, plan, text === source && !upstream ? source : undefined, upstream ? edges.reverse() : edges)
    if (last && operator !== undefined && !names.includes(operator)) {
      if (upstream) names.unshift(operator)
      else names.push(operator)
    }
    text = text === source && !upstream ? names.join(' -> ') : `${text}${lead}${names.join(' -> ')}`
    edges = []
  }
  const leadOf = (against: boolean): string =>
    against ? ', which aligns a checkpoint whose barrier is late through ' : ', itself held back through '
  for (const wait of waits) {
    if (wait.upstream !== upstream) {
      if (edges.length > 0) end(leadOf(upstream), false)
      upstream = wait.upstream
    }
    edges.push(wait.edge)
  }
  end(leadOf(upstream), true)
  return text
}

/** The operators that a user sees on the way: both ends of each edge. */
function pathNames(graph: LogicalGraph, plan: PhysicalPlan, first: string | undefined, edges: readonly number[]): string[] {
  const names = first === undefined ? [] : [first]
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

function blockedShare(plan: PhysicalPlan, interval: Interval, subtask: number): number {
  return shareOfTime(heldBackMs(plan, interval, subtask), interval.elapsedMs)
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
