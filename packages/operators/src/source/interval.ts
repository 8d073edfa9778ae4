/** A clock as a source: one record per period. */
import { SluiceError } from '@sluice/engine'
import { type Duration, parseDuration } from '../duration/duration.js'
import type { Source } from './source.js'

/**
 * One record per period without end: 0, 1, 2, and so on, the first at once. A job that is held back catches up, no tick is lost.
 *
 * @throws SLUICE_DURATION_INVALID for text that is no duration; SLUICE_OPTIONS_INVALID for a period of 0.
 * @example
 * job.source('every-second', interval('1s')).map((tick) => ({ tick }))
 */
export function interval(period: Duration): Source<number> {
  const periodMs = parseDuration(period, 'interval')
  if (periodMs === 0) throw new SluiceError('SLUICE_OPTIONS_INVALID', 'interval takes a period above 0.')
  return {
    spec: { kind: 'source', reads: 'index', fn: (index) => index, count: undefined, ratePerSecond: 1_000 / periodMs },
    options: { type: 'interval', periodMs },
    parallelismMax: { value: 1, because: 'a clock ticks in one place' },
    delivery: 'exactly-once',
    replayable: true,
  }
}
