/** Records computed from their index: for load tests and examples. */
import { SluiceError } from '@sluice/engine'
import { checkFunction, checkInteger, checkOptions } from '../options/check-options.js'
import type { Source } from './source.js'

export interface GenerateOptions {
  /** Records per second over all subtasks. Default: as fast as the job takes them. */
  readonly rate?: number | undefined
  /** How many records: indexes 0 to count - 1. Default: without end. */
  readonly count?: number | undefined
}

/**
 * Records made by a function of their index. The function must be pure: an index always gives the same record.
 * In parallel, each subtask makes its own indexes in ascending order; at parallelism 1 that is index order.
 *
 * @throws SLUICE_OPTIONS_INVALID for a rate that is not above 0 or a count that is not an integer of at least 0.
 * @example
 * job.source('ticks', generate((index) => ({ id: index, at: index * 10 }), { count: 5_000, rate: 1_000 }))
 */
export function generate<T>(fn: (index: number) => T, options: GenerateOptions = {}): Source<T> {
  checkOptions('generate', options, ['rate', 'count'])
  const { rate, count } = options
  checkFunction('generate', fn)
  if (count !== undefined) checkInteger('generate: count', count, 0)
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0)) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `generate: rate is ${String(rate)}, and takes records per second above 0.`)
  }
  return {
    spec: { kind: 'source', reads: 'index', fn, count, ratePerSecond: rate },
    options: { type: 'generate', count, rate },
    delivery: 'exactly-once',
    replayable: true,
  }
}
