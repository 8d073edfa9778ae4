/** From handlers with state to the operator that runs them. Runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import type { LooseStateDeclaration } from '../state/state-types.js'
import type { OperatorPlan } from '../stream/operator-plan.js'

/** Handlers with state as the operator calls them; always as methods of their object. */
export interface LooseStatefulHandlers {
  readonly state?: Readonly<Record<string, LooseStateDeclaration>> | undefined
  readonly broadcast?: Readonly<Record<string, LooseStateDeclaration>> | undefined
  onStart?(context: unknown): void
  onRecord?(record: unknown, context: unknown): unknown
  onLeft?(record: unknown, context: unknown): unknown
  onRight?(record: unknown, context: unknown): unknown
  onBroadcast?(record: unknown, context: unknown): unknown
  onTimer?(timer: unknown, context: unknown): unknown
  onEnd?(context: unknown): unknown
}

/** `process` with state, on one keyed stream. */
export function planStatefulProcess(name: string, _keyOf: AnyFunction, _handlers: LooseStatefulHandlers, _timed: boolean): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: keyed state is not there yet`)
}

export function planCoProcess(
  name: string,
  _leftKeyOf: AnyFunction,
  _rightKeyOf: AnyFunction,
  _handlers: LooseStatefulHandlers,
  _timed: boolean,
): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: keyed state is not there yet`)
}

/** Input 1 is the broadcast stream. `keyOf` is undefined on a stream without a key. */
export function planConnectBroadcast(
  name: string,
  _keyOf: AnyFunction | undefined,
  _handlers: LooseStatefulHandlers,
  _timed: boolean,
): OperatorPlan {
  throw new SluiceError('SLUICE_ASSERTION', `${name}: keyed state is not there yet`)
}
