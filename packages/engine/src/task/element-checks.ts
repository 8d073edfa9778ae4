/** The slow halves of the checks that drivers make on what user functions return. */
import type { LogicalNode } from '../graph/logical-graph.js'
import { SluiceError } from '../errors/sluice-error.js'

export interface ElementChecks {
  /** What a predicate returned, where it is not a boolean. */
  truthy(value: unknown): boolean
  /** What a timestamp function returned, where it is not a number. */
  timestamp(value: unknown): number
  /** The port of a side output; -1 where nothing reads it. */
  portOf(node: LogicalNode, tag: string): number
}

export const elementChecks: ElementChecks = {
  truthy(value) {
    if (isPromise(value))
      throw new SluiceError('SLUICE_RECORD_PROMISE', 'A predicate returned a Promise, which would let every record pass.', {
        hint: 'Make the predicate synchronous, or compute the answer with mapAsync(name, fn) before.',
      })
    return Boolean(value)
  },
  timestamp(value) {
    const time = value instanceof Date ? value.getTime() : Number.NaN
    if (Number.isNaN(time)) throw new SluiceError('SLUICE_TIMESTAMP_INVALID', `A timestamp function returned ${describeTimestamp(value)}.`)
    return time
  },
  portOf(node, tag) {
    return node.ports.indexOf(tag)
  },
}

/** Farthest from the epoch that a Date can be, in ms. */
export const TIMESTAMP_MAX = 8.64e15

function describeTimestamp(value: unknown): string {
  if (value instanceof Date) return 'an invalid Date'
  if (typeof value === 'number') return Number.isNaN(value) ? 'NaN' : `${value}, which is beyond what a Date can hold`
  return typeof value === 'string'
    ? `the text ${JSON.stringify(value.slice(0, 40))}`
    : `${value === null ? 'null' : `a value of type ${typeof value}`}`
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
