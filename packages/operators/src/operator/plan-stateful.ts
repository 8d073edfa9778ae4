/** From handlers with state to the operator that runs them. Runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkFunction, checkOptions } from '../options/check-options.js'
import { type Declarations, describeStates, functionsOf, layOutState } from '../state/state-layout.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { BroadcastOperator } from './broadcast-operator.js'
import type { LooseStatefulHandlers } from './loose-handlers.js'
import { type Inputs, StatefulOperator } from './stateful-operator.js'

export type { LooseStatefulHandlers } from './loose-handlers.js'

type HandlerName = Exclude<keyof LooseStatefulHandlers, 'state' | 'broadcast'>

/** `process` with state, on one keyed stream. */
export function planStatefulProcess(name: string, keyOf: AnyFunction, handlers: LooseStatefulHandlers, timed: boolean): OperatorPlan {
  return planKeyed(`process ${name}`, 'process', 'one', [keyOf], handlers, ['onRecord'], timed)
}

/** Two keyed streams with the same state. */
export function planCoProcess(
  name: string,
  leftKeyOf: AnyFunction,
  rightKeyOf: AnyFunction,
  handlers: LooseStatefulHandlers,
  timed: boolean,
): OperatorPlan {
  return planKeyed(`coProcess ${name}`, 'coProcess', 'two', [leftKeyOf, rightKeyOf], handlers, ['onLeft', 'onRight'], timed)
}

/** Input 1 is the broadcast stream. `keyOf` is undefined on a stream without a key. */
export function planConnectBroadcast(
  name: string,
  keyOf: AnyFunction | undefined,
  handlers: LooseStatefulHandlers,
  timed: boolean,
): OperatorPlan {
  const what = `connectBroadcast ${name}`
  const needed = ['onRecord', 'onBroadcast'] as const
  if (keyOf !== undefined) return planKeyed(what, 'connectBroadcast', 'broadcast', [keyOf], handlers, needed, timed)
  const functions = handlersOf(what, handlers, needed)
  const broadcast = checkBroadcast(what, handlers.broadcast)
  const names = Object.keys(broadcast)
  return {
    spec: { kind: 'general', redistribution: 'union', create: (context) => new BroadcastOperator(context, handlers, names) },
    options: { type: 'connectBroadcast', broadcast: describeStates(broadcast) },
    functions,
  }
}

function planKeyed(
  what: string,
  type: string,
  inputs: Inputs,
  keyOf: readonly AnyFunction[],
  handlers: LooseStatefulHandlers,
  needed: readonly HandlerName[],
  timed: boolean,
): OperatorPlan {
  const functions = handlersOf(what, handlers, needed)
  const state = declarationsOf(what, 'state', handlers.state)
  const broadcast = inputs === 'broadcast' ? checkBroadcast(what, handlers.broadcast) : {}
  const layout = layOutState(what, state, timed, handlers.onTimer !== undefined)
  const parts = { handlers, inputs, keyOf, layout, broadcast: Object.keys(broadcast), timed }
  return {
    spec: { kind: 'general', redistribution: 'union', create: (context) => new StatefulOperator(context, parts) },
    options: {
      type,
      state: describeStates(state),
      ...(inputs === 'broadcast' ? { broadcast: describeStates(broadcast) } : {}),
      timers: handlers.onTimer !== undefined,
    },
    functions: [...functions, ...functionsOf(state)],
  }
}

/** The handlers that there are, those that are needed among them. */
function handlersOf(what: string, handlers: LooseStatefulHandlers, needed: readonly HandlerName[]): readonly AnyFunction[] {
  if (typeof handlers !== 'object' || handlers === null) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} takes an object of handlers: ${needed.join(', ')}`)
  }
  const functions: AnyFunction[] = []
  for (const handler of ['onStart', ...needed, 'onTimer', 'onEnd'] as const) {
    if (handlers[handler] === undefined && !needed.includes(handler)) continue
    checkFunction(`${what}: ${handler}`, handlers[handler])
    functions.push(handlers[handler] as AnyFunction)
  }
  return functions
}

/** Broadcast state is maps that everyone has and that stay until they are changed: by the clock they would differ from subtask to subtask. */
function checkBroadcast(what: string, broadcast: Declarations | undefined): Declarations {
  const declarations = declarationsOf(what, 'broadcast', broadcast)
  for (const [name, declaration] of Object.entries(declarations)) {
    if (declaration?.kind !== 'map') {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `broadcast state ${name} of ${what} is not a map: declare it with mapState()`)
    }
    checkOptions(`broadcast state ${name} of ${what}`, declaration.options, ['ttl'])
    if (declaration.options.ttl === undefined) continue
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `broadcast state ${name} of ${what} has a ttl, which only keyed state can have`, {
      hint: 'Delete entries in onBroadcast.',
    })
  }
  return declarations
}

function declarationsOf(what: string, option: 'state' | 'broadcast', given: unknown): Declarations {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Declarations
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} needs ${option}: an object of declarations such as { total: valueState() }`)
}
