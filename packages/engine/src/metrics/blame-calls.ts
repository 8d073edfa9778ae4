/**
 * Why an operator whose work is awaited is slow: its circuit breaker, a retry behind which ordered results wait, the delay between attempts, the retry budget,
 * a pause that was asked for, no place among the calls under way, or calls that take long. What most of its records were in for most of the time
 * counts. Pure.
 */
import type { LogicalGraph, LogicalNode } from '../graph/logical-graph.js'
import type { AsyncSpec } from '../graph/operator-spec.js'
import type { PhysicalPlan, PlannedSubtask, PlannedTask } from '../plan/physical-plan.js'
import { shareOf } from '../plan/share-of.js'
import type { CallInterval } from './call-interval.js'
import type { BreakerStateName, CallCounts } from './call-words.js'
import type { Interval } from './interval.js'

/**
 * `breaker`: the circuit breaker is open, half-open, or lets calls through bit by bit. `retry`: records are tried again; where results are ordered, finished ones wait
 * behind such a record. `budget`: the retry budget is used up. `retryAfter`: what is called asked for a pause. `bulkhead`: there is no place among the
 * calls under way. `calls`: as many calls are under way as may be, and take their time.
 */
export type CallBlameKind = 'breaker' | 'retry' | 'budget' | 'retryAfter' | 'bulkhead' | 'calls'

/** What is known of the calls of an operator that is waited for. Numbers of records are means over the interval, of one subtask. */
export interface CallBlame {
  readonly kind: CallBlameKind
  /** What is called, where the user gave it a name. */
  readonly dependency?: string | undefined
  /** Calls under way, and how many there may be. */
  readonly underWay: number
  readonly limit: number
  /** How long a call took; undefined: none ended. */
  readonly meanMs?: number | undefined
  /** Records that wait for what `kind` says; 0 for `calls`. */
  readonly waiting: number
  /** Where the breaker stands, and for how long. */
  readonly breaker?: { readonly state: BreakerStateName; readonly forMs: number } | undefined
  /** The record behind which ordered results wait: its `recordId`, its attempt, how many wait, and for how long (undefined: they have left). */
  readonly record?:
    | { readonly id: string; readonly attempt: number; readonly behind: number; readonly forMs: number | undefined }
    | undefined
  /** Operators that call the same dependency, with their calls under way over all subtasks; those that have none are left out. */
  readonly others?: readonly { readonly operator: string; readonly underWay: number }[] | undefined
  /** What calls failed with last. */
  readonly error?: string | undefined
}

/** Part of the awaited time in which the breaker was not closed, or results waited behind a retry, from which on that is the reason. */
const REASON_SHARE_MIN = 0.5

/** Calls of one operator in one subtask. `undefined`: nothing is known of them, or none was under way or wanted to be. */
export function blameCalls(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  interval: Interval,
  subtask: PlannedSubtask,
  node: LogicalNode,
): CallBlame | undefined {
  const task = plan.tasks[subtask.task]
  if (node.spec.kind !== 'async' || task === undefined || interval.elapsedMs <= 0) return undefined
  const position = task.nodes.indexOf(node.id)
  const counts = interval.current.operators[subtask.id]?.[position]?.calls
  const calls = interval.calls[subtask.id]?.[position]
  const allowed = callsAllowed(node.spec, task, subtask)
  if (counts === undefined || calls === undefined) return blameUnguarded(interval, subtask, node, allowed)
  return blameGuarded(graph, plan, interval, { subtask, node, counts, calls, allowed: counts.limit ?? allowed })
}

/** How many calls of a subtask its share of the concurrency allows. */
export function callsAllowed(spec: AsyncSpec, task: PlannedTask, { index }: PlannedSubtask): number {
  return spec.concurrency === undefined ? 1 : Math.max(1, shareOf(spec.concurrency, task.parallelism, index))
}

function blameUnguarded(interval: Interval, subtask: PlannedSubtask, node: LogicalNode, limit: number): CallBlame | undefined {
  const times = interval.subtasks[subtask.id]
  if (times === undefined || times.inFlightMs === 0) return undefined
  // Records that are gathered come in numbers that say nothing of calls.
  const gathers = node.spec.kind === 'async' && node.spec.gathers !== undefined
  return {
    kind: 'calls',
    dependency: node.dependency,
    underWay: times.inFlightMs / interval.elapsedMs,
    limit,
    meanMs: gathers || times.recordsIn === 0 ? undefined : times.inFlightMs / times.recordsIn,
    waiting: 0,
  }
}

interface Guarded {
  readonly subtask: PlannedSubtask
  readonly node: LogicalNode
  readonly counts: CallCounts
  readonly calls: CallInterval
  readonly allowed: number
}

function blameGuarded(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval, guarded: Guarded): CallBlame | undefined {
  const { subtask, node, counts, calls, allowed } = guarded
  const { elapsedMs } = interval
  const reason = reasonOf(calls, interval.subtasks[subtask.id]?.awaitingMs ?? 0, elapsedMs)
  if (reason === undefined) return undefined
  const { kind, waitedMs } = reason
  const { stall, breakerForMs, breaker, lastError } = counts
  // Whoever waits for another attempt failed once, perhaps before the interval.
  const failed = calls.failures > 0 || (kind !== 'calls' && kind !== 'bulkhead')
  return {
    kind,
    dependency: node.dependency,
    underWay: calls.underWayMs / elapsedMs,
    limit: allowed,
    meanMs: calls.ended === 0 ? undefined : calls.underWayMs / calls.ended,
    waiting: waitedMs / elapsedMs,
    breaker: kind === 'breaker' && breakerForMs !== undefined ? { state: breaker, forMs: breakerForMs } : undefined,
    record:
      reason.stalled === true && stall !== undefined
        ? {
            id: `${node.name}/${subtask.index}/${stall.sequence}`,
            attempt: stall.attempt,
            behind: stall.behind,
            forMs: stall.forMs,
          }
        : undefined,
    others: kind === 'bulkhead' ? othersOf(graph, plan, interval, node) : undefined,
    error: failed ? lastError : undefined,
  }
}

/** What records spent most of their time in. Ms of records. */
function reasonOf(
  calls: CallInterval,
  awaitingMs: number,
  elapsedMs: number,
): { readonly kind: CallBlameKind; readonly waitedMs: number; readonly stalled?: boolean } | undefined {
  const notClosedMs = calls.openMs + calls.halfOpenMs
  // Whoever waits for its next attempt while the breaker is open waits for the breaker.
  const open = Math.min(1, notClosedMs / elapsedMs)
  const backoffMs = calls.delayedMs + calls.budgetMs + calls.retryAfterMs
  const breakerMs = calls.heldMs + open * backoffMs
  if (notClosedMs >= REASON_SHARE_MIN * awaitingMs && breakerMs > 0) return { kind: 'breaker', waitedMs: breakerMs }
  if (calls.stalledMs > 0 && calls.stalledMs >= REASON_SHARE_MIN * awaitingMs) return { kind: 'retry', waitedMs: backoffMs, stalled: true }
  const amounts: readonly [CallBlameKind, number][] = [
    ['calls', calls.underWayMs],
    ['breaker', breakerMs],
    ['retry', (1 - open) * calls.delayedMs],
    ['budget', (1 - open) * calls.budgetMs],
    ['retryAfter', (1 - open) * calls.retryAfterMs],
    ['bulkhead', calls.queuedMs],
  ]
  const [kind, ms] = amounts.reduce((most, amount) => (amount[1] > most[1] ? amount : most))
  return ms === 0 ? undefined : { kind, waitedMs: kind === 'calls' ? 0 : ms }
}

/** Who else has calls of the same dependency under way, the most first. */
function othersOf(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval, { id, dependency }: LogicalNode): CallBlame['others'] {
  if (dependency === undefined) return undefined
  return graph.nodes
    .filter((node) => node.id !== id && node.dependency === dependency)
    .map((node) => ({ operator: node.name, underWay: callsUnderWay(plan, interval, node) }))
    .filter(({ underWay }) => underWay > 0)
    .sort((left, right) => right.underWay - left.underWay)
}

/** Mean over the interval, over all subtasks. */
function callsUnderWay(plan: PhysicalPlan, interval: Interval, node: LogicalNode): number {
  const task = plan.tasks.find(({ nodes }) => nodes.includes(node.id))
  const position = task?.nodes.indexOf(node.id) ?? -1
  return (task?.subtasks ?? []).reduce((sum, id) => sum + (interval.calls[id]?.[position]?.underWayMs ?? 0) / interval.elapsedMs, 0)
}
