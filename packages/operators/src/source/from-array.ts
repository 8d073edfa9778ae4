/** Records that are at hand: for tests and small tables. */
import { SluiceError } from '@sluice/engine'
import type { Source } from './source.js'

/**
 * The records of an array, in order.
 *
 * @throws SLUICE_OPTIONS_INVALID where it is not an array.
 * @example
 * job.source('words', fromArray(['to', 'be', 'or', 'not']))
 */
export function fromArray<T>(records: readonly T[]): Source<T> {
  if (!Array.isArray(records)) throw new SluiceError('SLUICE_OPTIONS_INVALID', 'fromArray takes an array of records.')
  return {
    spec: { kind: 'source', reads: 'index', fn: (index) => records[index], count: records.length, ratePerSecond: undefined },
    options: { type: 'array', records: records.length },
    parallelismMax: { value: 1, because: 'an array has one reader' },
    delivery: 'exactly-once',
    replayable: true,
  }
}
