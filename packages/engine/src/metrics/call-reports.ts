/** What operators whose calls are guarded did in an interval, over all of their subtasks. Pure. */
import type { LogicalGraph } from '../graph/logical-graph.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import type { CallInterval } from './call-interval.js'
import type { BreakerStateName, CallCounts } from './call-words.js'
import type { Interval } from './interval.js'
import type { MetricsSnapshot } from './read-metrics.js'

export interface CallReport {
  readonly operator: string
  /** What it calls, where the user gave it a name. */
  readonly dependency?: string | undefined
  /** Records whose first attempt began, in the interval; and attempts, those that failed, those behind the first, those that an open breaker refused. */
  readonly calls: number
  readonly attempts: number
  readonly failures: number
  readonly retries: number
  readonly refused: number
  /** Records that were given up and became dead letters. */
  readonly deadLetters: number
  /** How long an attempt took; undefined: none ended. */
  readonly meanMs: number | undefined
  /** Calls under way now. */
  readonly underWay: number
  /** Where the circuit breaker stands now, of the subtask where it is worst; undefined: it was never open. */
  readonly breaker?: BreakerStateName | undefined
  /** How long it was open or half-open in the interval, of the subtask where that was longest. */
  readonly breakerOpenMs: number
}

/** By operator, in the order of the tasks. */
export function callReports(graph: LogicalGraph, plan: PhysicalPlan, previous: MetricsSnapshot, interval: Interval): readonly CallReport[] {
  const { current } = interval
  return plan.tasks.flatMap(({ nodes, guarded = [], subtasks }) =>
    guarded.flatMap((node) => {
      const position = nodes.indexOf(node)
      const { name, dependency } = graph.nodes[node] ?? {}
      const intervals = subtasks.flatMap((id) => interval.calls[id]?.[position] ?? [])
      const counts = subtasks.flatMap((id) => current.operators[id]?.[position]?.calls ?? [])
      if (name === undefined) return []
      const deadLetters = lettersOf(current, subtasks, position) - lettersOf(previous, subtasks, position)
      return reportOf(name, dependency, Math.max(0, deadLetters), intervals, counts)
    }),
  )
}

function lettersOf({ operators }: MetricsSnapshot, subtasks: readonly number[], position: number): number {
  return subtasks.flatMap((id) => operators[id]?.[position]?.deadLetters ?? []).reduce((sum, { count }) => sum + count, 0)
}

const worstFirst: readonly BreakerStateName[] = ['open', 'half-open', 'closed']

function reportOf(
  operator: string,
  dependency: string | undefined,
  deadLetters: number,
  intervals: readonly CallInterval[],
  counts: readonly CallCounts[],
): CallReport {
  const sum = (of: (calls: CallInterval) => number): number => intervals.reduce((total, calls) => total + of(calls), 0)
  const [calls, attempts, ended] = [sum((of) => of.calls), sum((of) => of.attempts), sum((of) => of.ended)]
  const states = new Set(counts.flatMap(({ breaker, breakerForMs }) => (breakerForMs === undefined ? [] : breaker)))
  return {
    operator,
    ...(dependency === undefined ? {} : { dependency }),
    calls,
    attempts,
    failures: sum(({ failures }) => failures),
    retries: Math.max(0, attempts - calls),
    refused: sum(({ refused }) => refused),
    deadLetters,
    meanMs: ended === 0 ? undefined : sum(({ underWayMs }) => underWayMs) / ended,
    underWay: counts.reduce((total, { underWay }) => total + underWay.now, 0),
    breaker: worstFirst.find((state) => states.has(state)),
    breakerOpenMs: Math.max(0, ...intervals.map(({ openMs, halfOpenMs }) => openMs + halfOpenMs)),
  }
}
