/**
 * An operator as another one sees it: sums over the metric words of all its subtasks, which their workers write. Read on the thread of the observer, now and
 * then; one word may be newer than another.
 */
import type { LogicalGraph } from '../graph/logical-graph.js'
import type { ObservedOperator } from '../graph/operator-context.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { ChannelWord, type MetricLayout, OperatorWord, SubtaskWord } from './metric-layout.js'

export class MetricsOfOperator implements ObservedOperator {
  readonly #metrics: Float64Array
  /** Where the words of each subtask lie. */
  readonly #operators: readonly number[]
  readonly #channels: readonly number[]
  readonly #subtasks: readonly number[]
  /** Its time is taken of every record, not of samples. */
  readonly #timed: boolean

  constructor(graph: LogicalGraph, plan: PhysicalPlan, layout: MetricLayout, metrics: Float64Array, operator: string) {
    this.#metrics = metrics
    const node = graph.nodes.findIndex(({ name }) => name === operator)
    const task = plan.tasks.find(({ nodes }) => nodes.includes(node))
    const position = task?.nodes.indexOf(node) ?? 0
    this.#operators = (task?.subtasks ?? []).map((subtask) => layout.operatorAt(subtask, position))
    this.#channels = (task?.inputs ?? []).flatMap((edge) => plan.edges[edge]?.channels ?? []).map((channel) => layout.channelAt(channel))
    this.#subtasks = (task?.subtasks ?? []).map((subtask) => layout.subtaskAt(subtask))
    this.#timed = takesTime(graph, node)
  }

  get completed(): number {
    return this.#sum(this.#operators, this.#timed ? OperatorWord.completed : OperatorWord.sampledRecords)
  }

  get latencyMs(): number {
    return this.#sum(this.#operators, this.#timed ? OperatorWord.latencyMs : OperatorWord.sampledMs)
  }

  get errors(): number {
    return this.#sum(this.#operators, OperatorWord.errors)
  }

  get taken(): number {
    return this.#sum(this.#channels, ChannelWord.consumedRecords)
  }

  get queued(): number {
    return Math.max(0, this.#sum(this.#channels, ChannelWord.records) - this.taken)
  }

  get inFlight(): number {
    return this.#sum(this.#subtasks, SubtaskWord.asyncInFlight)
  }

  #sum(at: readonly number[], word: number): number {
    let sum = 0
    for (const base of at) sum += this.#metrics[base + word] as number
    return sum
  }
}

/** Whether each record's time is known by itself: there are calls that end. */
function takesTime(graph: LogicalGraph, node: number): boolean {
  const kind = graph.nodes[node]?.spec.kind
  return kind === 'async' || kind === 'sink'
}

/** Somebody looks at the operator: its time is taken. */
export function isObserved(graph: LogicalGraph, operator: string): boolean {
  return graph.nodes.some(({ spec }) => spec.kind === 'general' && spec.observes === operator)
}
