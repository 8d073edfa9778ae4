/** From what a user wrote of a join to the operator that does it. Runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import type { Source } from '../source/source.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import type { AsyncLookupOptions, LookupOptions } from './join-types.js'

export { planDedupe } from './dedupe.js'
export { planIntervalJoin } from './interval-join.js'
export type { JoinInput } from './join-input.js'
export { planJoin } from './plan-keyed-join.js'
export { planTemporalJoin } from './temporal-join.js'
export { planTopN } from './top-n.js'
export { planWindowJoin } from './plan-window-join.js'

export function planLookupJoin(
  name: string,
  _table: Source<unknown> | AnyFunction,
  _fn: AnyFunction,
  _options: LookupOptions<never, never, unknown> | AsyncLookupOptions<never, unknown>,
): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: joins are not there yet`)
}
