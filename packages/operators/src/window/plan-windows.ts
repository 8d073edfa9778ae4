/** From what a user wrote of a window to the operator that keeps it. Runs while a job is declared. */
import type { Operator, OperatorContext } from '@sluice/engine'
import type { Aggregator } from '../aggregate/aggregator.js'
import type { AnyFunction } from '../job/graph-draft.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { CountOperator } from './count-operator.js'
import { gridOf } from './time-grid.js'
import { SessionOperator } from './session-operator.js'
import { SlidingOperator } from './sliding-operator.js'
import { ByTheClock, type TimedOperator } from './timed-operator.js'
import { TriggeredOperator } from './triggered-operator.js'
import { TumblingOperator } from './tumbling-operator.js'
import { checkWindow, type WindowSettings } from './window-settings.js'
import { aggregateContents, processContents, reduceContents, replayedContents, type WindowContents } from './window-contents.js'
import type { WindowAssigner, WindowDefinition, WindowOptions } from './window-types.js'

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
  input: WindowInput,
  aggregators: Readonly<Record<string, Aggregator<never, unknown>>>,
): OperatorPlan {
  const { definition } = checkWindow(name, input.assigner, input.options, input.timed)
  const inOrder = Object.values(aggregators).some((aggregator) => aggregator.inOrder === true)
  const make = inOrder && definition.kind === 'session' ? replayedContents : aggregateContents
  const kinds = Object.fromEntries(Object.entries(aggregators).map(([result, { kind }]) => [result, kind]))
  return planWindows(name, input, (context, keyOf) => make(context, keyOf, aggregators), {
    options: { of: 'aggregate', aggregators: kinds },
    functions: Object.values(aggregators).flatMap(({ functions }) => functions),
  })
}

export function planWindowReduce(name: string, input: WindowInput, fn: AnyFunction): OperatorPlan {
  const make: Make = (context, keyOf) => reduceContents(context, keyOf, fn)
  return planWindows(name, input, make, { options: { of: 'reduce' }, functions: [fn] })
}

export function planWindowProcess(name: string, input: WindowInput, fn: AnyFunction): OperatorPlan {
  const { definition } = checkWindow(name, input.assigner, input.options, input.timed)
  const make: Make = (context, keyOf) => processContents(context, keyOf, fn, definition.kind === 'session')
  return planWindows(name, input, make, { options: { of: 'process' }, functions: [fn] })
}

type KeyOf = (record: never) => unknown
type Make = (context: OperatorContext, keyOf: KeyOf) => WindowContents

const nullKey = (): null => null

function planWindows(name: string, input: WindowInput, make: Make, details: Pick<OperatorPlan, 'options' | 'functions'>): OperatorPlan {
  const settings = checkWindow(name, input.assigner, input.options, input.timed)
  const { definition, trigger, latenessMs } = settings
  const { keyOf = nullKey } = input
  const own = trigger.kind === 'custom' ? Object.values<AnyFunction>({ ...trigger.handlers }) : []
  return {
    spec: {
      kind: 'general',
      redistribution: 'union',
      create: (context) => createOperator(context, settings, make(context, keyOf as KeyOf)),
    },
    ports: ['out', 'late'],
    options: {
      type: 'window',
      ...details.options,
      window: definition,
      ...(settings.byDefault ? {} : { trigger: trigger.kind === 'custom' ? { kind: 'custom' } : trigger }),
      ...(latenessMs === 0 ? {} : { allowedLatenessMs: latenessMs }),
    },
    functions: [...details.functions, ...own],
    ...(input.keyOf === undefined ? { parallelismMax: { value: 1, because: 'windowAll sees all records in one place' } } : {}),
    ...(definition.kind === 'global' && !(trigger.kind === 'count' && trigger.purges)
      ? { warning: `${name} keeps a window for every key for ever: nothing but its trigger can empty it` }
      : {}),
  }
}

function createOperator(context: OperatorContext, settings: WindowSettings, contents: WindowContents): Operator {
  const { definition, byDefault, latenessMs } = settings
  if (!byDefault || definition.kind === 'global') return new TriggeredOperator(context, contents, settings)
  if (definition.kind === 'count') return new CountOperator(context, contents, definition.count)
  const operator = byTime(context, definition, contents, latenessMs)
  if (operator === undefined) return new TriggeredOperator(context, contents, settings)
  return definition.time === 'processing' ? new ByTheClock(context, operator) : operator
}

type TimedDefinition = Exclude<WindowDefinition, { readonly kind: 'count' | 'global' }>

/** undefined: the parts of overlapping windows cannot be merged, so each is kept for itself. */
function byTime(
  context: OperatorContext,
  definition: TimedDefinition,
  contents: WindowContents,
  latenessMs: number,
): TimedOperator | undefined {
  if (definition.kind === 'session') return new SessionOperator(context, contents, definition.gapMs, latenessMs)
  if (definition.kind === 'tumbling') return new TumblingOperator(context, contents, gridOf(definition), latenessMs)
  return contents.mergeable ? new SlidingOperator(context, contents, definition, latenessMs) : undefined
}
