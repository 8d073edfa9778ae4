/**
 * What a guard of calls sees of its subtask and of the thread that it shares with others. One per subtask of an operator that has a guard; made before
 * anything is opened.
 */
import type { LogicalGraph, LogicalNode } from '../graph/logical-graph.js'
import type { BreakerChange, CallMetrics, GuardContext, OperatorLog } from '../graph/operator-context.js'
import type { PhysicalPlan, PlannedTask } from '../plan/physical-plan.js'
import type { OperatorContexts } from './operator-contexts.js'
import type { UserMetrics } from './user-metrics.js'

interface GuardHost {
  readonly calls: CallMetrics
  /** Of the thread. */
  readonly shares: Map<string, unknown>
  readonly threads: GuardContext['threads']
}

export class GuardContexts implements GuardContext {
  readonly calls: CallMetrics
  readonly threads: GuardContext['threads']
  readonly #contexts: OperatorContexts
  readonly #shares: Map<string, unknown>

  constructor(contexts: OperatorContexts, { calls, shares, threads }: GuardHost) {
    this.calls = calls
    this.threads = threads
    this.#contexts = contexts
    this.#shares = shares
  }

  get job(): string {
    return this.#contexts.job
  }

  get operator(): string {
    return this.#contexts.operator
  }

  get subtask(): GuardContext['subtask'] {
    return this.#contexts.subtask
  }

  get log(): OperatorLog {
    return this.#contexts.log
  }

  get metrics(): UserMetrics {
    return this.#contexts.metrics
  }

  get signal(): AbortSignal {
    return this.#contexts.signal
  }

  now(): number {
    return this.#contexts.now()
  }

  monotonicMs(): number {
    return this.#contexts.monotonicMs()
  }

  use(name: string): unknown {
    return this.#contexts.use(name)
  }

  share<T>(key: string, make: () => T): T {
    const known = this.#shares.get(key)
    if (known !== undefined) return known as T
    const made = make()
    this.#shares.set(key, made)
    return made
  }

  sayBreaker(change: BreakerChange): void {
    const { index, count } = this.threads
    this.#contexts.sayBreaker(change, count === 1 ? '' : ` (thread ${index + 1} of ${count})`)
  }
}

/** The workers of the operators that call the same thing, in a stable order. */
export function threadsOf(graph: LogicalGraph, plan: PhysicalPlan, node: LogicalNode): readonly number[] {
  const callers = new Set(graph.nodes.filter(({ id, dependency }) => id === node.id || isSame(dependency, node)).map(({ id }) => id))
  const workers = plan.subtasks.flatMap(({ task, worker }) =>
    (plan.tasks[task] as PlannedTask).nodes.some((id) => callers.has(id)) ? [worker] : [],
  )
  return [...new Set(workers)].sort((left, right) => left - right)
}

function isSame(dependency: string | undefined, node: LogicalNode): boolean {
  return dependency !== undefined && dependency === node.dependency
}
