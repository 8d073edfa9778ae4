/** From what a user wrote of a join to the operator that does it. Runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import type { Source } from '../source/source.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import type {
  AsyncLookupOptions,
  DedupeOptions,
  IntervalJoinOptions,
  JoinOptions,
  LookupOptions,
  OuterJoin,
  OuterJoinOptions,
  TemporalJoinOptions,
  TopNOptions,
  WindowJoinOptions,
} from './join-types.js'

/** The two sides: input 0 and input 1 of the operator. */
export interface JoinInput {
  readonly leftKeyOf: AnyFunction
  readonly rightKeyOf: AnyFunction
  /** Whether both streams have timestamps. */
  readonly timed: boolean
}

export function planWindowJoin(name: string, _input: JoinInput, _fn: AnyFunction, _options: WindowJoinOptions<never>): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: joins are not there yet`)
}

export function planIntervalJoin(name: string, _input: JoinInput, _fn: AnyFunction, _options: IntervalJoinOptions): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: joins are not there yet`)
}

export function planJoin(
  name: string,
  _input: JoinInput,
  _fn: AnyFunction,
  _options: JoinOptions | OuterJoinOptions<OuterJoin>,
): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: joins are not there yet`)
}

export function planTemporalJoin(name: string, _input: JoinInput, _fn: AnyFunction, _options: TemporalJoinOptions): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: joins are not there yet`)
}

export function planLookupJoin(
  name: string,
  _table: Source<unknown> | AnyFunction,
  _fn: AnyFunction,
  _options: LookupOptions<never, never, unknown> | AsyncLookupOptions<never, unknown>,
): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: joins are not there yet`)
}

export function planDedupe(name: string, _keyOf: AnyFunction, _options: DedupeOptions): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: dedupe is not there yet`)
}

export function planTopN(name: string, _keyOf: AnyFunction, _n: number, _compare: AnyFunction, _options: TopNOptions): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: topN is not there yet`)
}
