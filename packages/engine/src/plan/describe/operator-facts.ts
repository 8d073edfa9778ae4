/** What a description says of one operator: numbers are the user's, per operator, beside what each subtask gets. */
import { isSink, type LogicalNode } from '../../graph/logical-graph.js'
import { shareOf } from '../share-of.js'

/** A number the user gave for the whole operator, and the smallest and largest share of a subtask. */
export interface DividedNumber {
  readonly name: 'concurrency' | 'ratePerSecond'
  readonly total: number
  readonly perSubtaskMin: number
  readonly perSubtaskMax: number
}

/** The numbers of an operator that are divided over its subtasks. */
export function dividedNumbers(node: LogicalNode, parallelism: number): readonly DividedNumber[] {
  const { spec } = node
  if (spec.kind === 'async') {
    const total = spec.concurrency ?? parallelism
    const perSubtaskMin = Math.max(1, shareOf(total, parallelism, parallelism - 1))
    return [{ name: 'concurrency', total, perSubtaskMin, perSubtaskMax: Math.max(1, shareOf(total, parallelism, 0)) }]
  }
  if (spec.kind === 'source' && spec.reads === 'index' && spec.ratePerSecond !== undefined) {
    const share = spec.ratePerSecond / parallelism
    return [{ name: 'ratePerSecond', total: spec.ratePerSecond, perSubtaskMin: share, perSubtaskMax: share }]
  }
  return []
}

/** `source`, `map`, `async`, `sink`: an async operator without results is a sink too. */
export function roleOf(node: LogicalNode): string {
  if (node.spec.kind === 'source') return 'source'
  return isSink(node) ? 'sink' : node.spec.kind
}
