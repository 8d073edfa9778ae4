/** What joins offer to the streams: from what a user wrote to the operator that does it. Runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import type { Source } from '../source/source.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { planAsyncLookup } from './async-lookup.js'
import type { AsyncLookupOptions, LookupOptions } from './join-types.js'
import { planSideTable } from './side-table.js'

export { planDedupe } from './dedupe.js'
export { planIntervalJoin } from './interval-join.js'
export type { JoinInput } from './join-input.js'
export { planJoin } from './plan-keyed-join.js'
export { planTemporalJoin } from './temporal-join.js'
export { planTopN } from './top-n.js'
export { planWindowJoin } from './plan-window-join.js'

export function planLookupJoin(
  name: string,
  table: Source<unknown> | AnyFunction,
  fn: AnyFunction,
  options: LookupOptions<never, never, unknown> | AsyncLookupOptions<never, unknown>,
): OperatorPlan {
  if (typeof table === 'function') return planAsyncLookup(name, table, fn, options)
  const given: unknown = table
  if (typeof given !== 'object' || given === null || !('spec' in given)) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `lookupJoin ${name} needs a source such as fromCsv(path), or a function of the key`)
  }
  return planSideTable(name, table, fn, options as LookupOptions<never, never, unknown>)
}
