/** From what a user wrote of a window join to its operator. Runs while a job is declared. */
import { type Operator, type OperatorContext, SluiceError } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkFunction } from '../options/check-options.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { ByTheClock } from '../window/timed-operator.js'
import { checkWindow } from '../window/window-settings.js'
import type { WindowJoinFn } from './cross-product.js'
import type { JoinInput, KeyOf } from './join-input.js'
import type { WindowJoinOptions } from './join-types.js'
import { paneWindowsOf } from './pane-windows.js'
import { SessionJoin } from './session-join.js'
import { WindowJoin } from './window-join.js'

export function planWindowJoin(
  name: string,
  { leftKeyOf, rightKeyOf, timed }: JoinInput,
  fn: AnyFunction,
  { window, allowedLateness }: WindowJoinOptions<never>,
): OperatorPlan {
  checkFunction(`windowJoin ${name}`, fn)
  const { definition, latenessMs } = checkWindow(name, window, { allowedLateness }, timed)
  if (definition.kind === 'count' || definition.kind === 'global')
    throw invalid(`windowJoin ${name} has windows without bounds in time: take tumbling, sliding or session, or join(...) with a ttl`)
  if (definition.kind === 'session' && latenessMs > 0)
    throw invalid(`windowJoin ${name} has sessions, which take no allowedLateness in a join: a late record could join two that have fired`)
  const functions = [leftKeyOf as KeyOf, rightKeyOf as KeyOf, fn as WindowJoinFn] as const
  const create = (context: OperatorContext): Operator => {
    const operator =
      definition.kind === 'session'
        ? new SessionJoin(context, ...functions, definition.gapMs)
        : new WindowJoin(context, ...functions, paneWindowsOf(definition), latenessMs)
    return definition.time === 'processing' ? new ByTheClock(context, operator) : operator
  }
  return {
    spec: { kind: 'general', redistribution: 'union', create },
    ports: ['out', 'late'],
    options: { type: 'windowJoin', window: definition, ...(latenessMs === 0 ? {} : { allowedLatenessMs: latenessMs }) },
    functions: [fn],
  }
}

function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_OPTIONS_INVALID', message)
}
