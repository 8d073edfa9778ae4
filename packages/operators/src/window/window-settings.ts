/** What a windowed operator was asked for, checked: every way to ask for nonsense is told with the operator's name. Pure. */
import { SluiceError } from '@sluice/engine'
import { parseDuration } from '../duration/duration.js'
import { checkFunction, checkInteger, checkOptions } from '../options/check-options.js'
import type { Trigger, WindowAssigner, WindowDefinition, WindowOptions } from './window-types.js'

export interface WindowSettings {
  readonly definition: WindowDefinition
  readonly latenessMs: number
  readonly trigger: CheckedTrigger
  /** The trigger is the one that such windows have anyway. */
  readonly byDefault: boolean
  /** The stream has timestamps. */
  readonly timed: boolean
}

/** A trigger with its duration read. */
export type CheckedTrigger = Exclude<Trigger, { readonly kind: 'early' }> | { readonly kind: 'early'; readonly everyMs: number }

export function checkWindow(name: string, assigner: WindowAssigner<never>, options: WindowOptions, timed: boolean): WindowSettings {
  try {
    return settingsOf(name, assigner, options, timed)
  } catch (error) {
    throw error instanceof SluiceError ? error.at({ operator: name }) : error
  }
}

function settingsOf(name: string, assigner: WindowAssigner<never>, options: WindowOptions, timed: boolean): WindowSettings {
  const given: unknown = assigner
  if (typeof given !== 'object' || given === null || !('window' in given)) {
    throw invalid(`${name} needs windows such as tumbling('1h')`)
  }
  checkOptions(`the window of ${name}`, options, ['allowedLateness', 'trigger'])
  const definition = assigner.window
  const byEventTime = 'time' in definition && definition.time === 'event'
  if (byEventTime && !timed) {
    throw new SluiceError('SLUICE_TIMESTAMPS_MISSING', `${name} has windows of event time, and its stream has no timestamps`)
  }
  const latenessMs = parseDuration(options.allowedLateness ?? 0, `allowedLateness of ${name}`)
  if (latenessMs > 0 && !byEventTime) throw invalid(`allowedLateness of ${name} is for windows of event time alone`)
  const usual = usualTrigger(definition)
  if (options.trigger === undefined) {
    if (usual === undefined) {
      throw invalid(`${name} has a global window, which never ends: give it a trigger such as { trigger: countTrigger(100) }`)
    }
    return { definition, latenessMs, trigger: usual, byDefault: true, timed }
  }
  const trigger = checkTrigger(name, options.trigger)
  const byDefault = trigger.kind === usual?.kind && definition.kind !== 'count'
  if (!byDefault) checkFit(name, definition, trigger)
  if (trigger.kind === 'eventTime' && !timed) {
    throw new SluiceError('SLUICE_TIMESTAMPS_MISSING', `${name} has a trigger of event time, and its stream has no timestamps`)
  }
  return { definition, latenessMs, trigger, byDefault, timed }
}

function usualTrigger(definition: WindowDefinition): CheckedTrigger | undefined {
  if (definition.kind === 'global') return undefined
  if (definition.kind === 'count') return { kind: 'count', count: definition.count, purges: true }
  return { kind: definition.time === 'event' ? 'eventTime' : 'processingTime' }
}

function checkTrigger(name: string, trigger: Trigger): CheckedTrigger {
  const { kind } = trigger
  switch (kind) {
    case 'eventTime':
    case 'processingTime':
      return trigger
    case 'count':
      checkInteger(`n of countTrigger of ${name}`, trigger.count, 1)
      return trigger
    case 'early': {
      const everyMs = parseDuration(trigger.every, `every of earlyTrigger of ${name}`)
      if (everyMs >= 1) return { kind, everyMs }
      throw invalid(`every of earlyTrigger of ${name} is ${everyMs} ms, and takes at least 1 ms`)
    }
    case 'custom':
      checkHandlers(name, trigger.handlers)
      return trigger
    default:
      throw invalid(`trigger of ${name} is none: take countTrigger(n), earlyTrigger(every), defineTrigger(...) and the like`)
  }
}

function checkHandlers(name: string, handlers: unknown): void {
  if (typeof handlers !== 'object' || handlers === null) throw invalid(`defineTrigger of ${name} takes an object of handlers`)
  const given = handlers as Readonly<Record<string, unknown>>
  for (const handler of ['onRecord', 'onEventTime', 'onProcessingTime']) {
    if (handler === 'onRecord' || given[handler] !== undefined) checkFunction(`${handler} of the trigger of ${name}`, given[handler])
  }
}

function checkFit(name: string, definition: WindowDefinition, trigger: CheckedTrigger): void {
  if (definition.kind === 'count') {
    throw invalid(`${name} has windows by count, which fire when they are full: for another trigger take globalWindow()`)
  }
  if (definition.kind === 'session') {
    throw invalid(`${name} has session windows, which fire when they end: they take no other trigger`)
  }
  if (trigger.kind === 'eventTime' && definition.kind !== 'global') {
    throw invalid(`${name} has windows of processing time, about which a trigger of event time knows nothing`)
  }
  if (trigger.kind === 'processingTime' && definition.kind !== 'global') {
    throw invalid(`${name} has windows of event time: take { time: 'processing' } windows, or earlyTrigger for results before their end`)
  }
}

function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_OPTIONS_INVALID', message)
}
