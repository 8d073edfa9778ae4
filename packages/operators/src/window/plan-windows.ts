/** From what a user wrote of a window to the operator that keeps it. Runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import type { Aggregator } from '../aggregate/aggregator.js'
import type { AnyFunction } from '../job/graph-draft.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import type { WindowAssigner, WindowOptions } from './window-types.js'

/** What windows are made over. */
export interface WindowInput {
  /** undefined: all records have the key `null`. */
  readonly keyOf: AnyFunction | undefined
  readonly assigner: WindowAssigner<never>
  readonly options: WindowOptions
  /** Whether the stream has timestamps. */
  readonly timed: boolean
}

export function planWindowAggregate(
  name: string,
  _input: WindowInput,
  _aggregators: Readonly<Record<string, Aggregator<never, unknown>>>,
): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: windows are not there yet`)
}

export function planWindowReduce(name: string, _input: WindowInput, _fn: AnyFunction): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: windows are not there yet`)
}

export function planWindowProcess(name: string, _input: WindowInput, _fn: AnyFunction): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: windows are not there yet`)
}
