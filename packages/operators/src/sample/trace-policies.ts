/** The policies of `tailSample`, as users write them down. Pure; runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import { type Duration, parseDuration } from '../duration/duration.js'
import { checkFunction } from '../options/check-options.js'
import type { NoPromise, Sentence } from '../stream/rules.js'
import type { TraceInfo, TracePolicy } from './sample-types.js'

/** What a test of a policy returns. */
type Answer = boolean | Sentence<NoPromise>

/**
 * Keeps a trace with any record for which `test` holds. Such a trace is decided as soon as the record comes, so that it takes no memory any more; where a `dropWhen` stands
 * in front of it, at its time.
 *
 * @example
 * keepIfAny('large', (order: { amount: number }) => order.amount > 1_000)
 */
export function keepIfAny<T>(name: string, test: (record: T) => Answer): TracePolicy<T> {
  checkFunction(`keepIfAny ${checkName(name)}`, test)
  return { name, rule: { kind: 'keepIfAny', test } }
}

/**
 * Keeps a trace for whose records, in the order of their arrival, `test` holds.
 *
 * @example
 * keepWhen('long', (records) => records.length > 100)
 */
export function keepWhen<T>(name: string, test: (records: readonly T[], trace: TraceInfo) => Answer): TracePolicy<T> {
  checkFunction(`keepWhen ${checkName(name)}`, test)
  return { name, rule: { kind: 'keepWhen', test } }
}

/**
 * Drops a trace for whose records `test` holds: the policies behind it are not asked.
 *
 * @example
 * dropWhen('checks', (records: readonly { route: string }[]) => records.every((record) => record.route === '/health'))
 */
export function dropWhen<T>(name: string, test: (records: readonly T[], trace: TraceInfo) => Answer): TracePolicy<T> {
  checkFunction(`dropWhen ${checkName(name)}`, test)
  return { name, rule: { kind: 'dropWhen', test } }
}

/**
 * Keeps a trace that lasts `duration` or longer, from the earliest start of a record to the latest end. `intervalOf` gives both, in ms; it is called as records come.
 *
 * @example
 * keepIfLonger('slow', '2s', (span: { startMs: number; endMs: number }) => [span.startMs, span.endMs])
 */
export function keepIfLonger<T>(
  name: string,
  duration: Duration,
  intervalOf: (record: T) => readonly [start: number, end: number],
): TracePolicy<T> {
  checkFunction(`keepIfLonger ${checkName(name)}`, intervalOf)
  return { name, rule: { kind: 'keepIfLonger', durationMs: parseDuration(duration, `duration of keepIfLonger ${name}`), intervalOf } }
}

/**
 * Keeps a share of the traces, above 0 up to 1. The hash of the key decides: every subtask and every machine keeps the same traces, also after a restart.
 *
 * @example
 * keepShare('some', 0.01)
 */
export function keepShare<T>(name: string, share: number): TracePolicy<T> {
  checkName(name)
  if (typeof share === 'number' && share > 0 && share <= 1) return { name, rule: { kind: 'keepShare', share } }
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `keepShare ${name} is ${String(share)}, and takes a number above 0 up to 1`, {
    hint: 'A hundredth is 0.01. To keep nothing else leave the policy out.',
  })
}

/**
 * Keeps up to so many traces in a time (default one second), over all subtasks; each has its share, and may use that of one `per` at once after a pause. Only traces that no
 * policy in front of it has kept are counted.
 *
 * @example
 * keepRate('rest', 100)
 */
export function keepRate<T>(name: string, traces: number, per: Duration = '1s'): TracePolicy<T> {
  checkName(name)
  const perMs = parseDuration(per, `per of keepRate ${name}`)
  if (typeof traces === 'number' && traces > 0 && traces < Number.POSITIVE_INFINITY && perMs > 0)
    return { name, rule: { kind: 'keepRate', traces, perMs } }
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `keepRate ${name} takes a number of traces and a time, both above 0`, {
    hint: `keepRate('${name}', 100) keeps a hundred in a second. To keep nothing else leave the policy out.`,
  })
}

function checkName(name: string): string {
  if (typeof name === 'string' && name !== '') return name
  throw new SluiceError('SLUICE_OPTIONS_INVALID', 'a policy of a tail sample needs a name, by which metrics tell it apart')
}
