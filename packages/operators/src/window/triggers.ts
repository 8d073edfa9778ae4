/** The triggers that users ask for: when a window of a key gives results. Runs while a job is declared. */
import type { Duration } from '../duration/duration.js'
import type { Trigger, TriggerHandlers } from './window-types.js'

/**
 * Fires when the watermark has passed the end of the window, and for every late record within `allowedLateness`: what windows of event time
 * do anyway. A global window fires at the end of the input.
 *
 * @example
 * orders
 *   .withTimestamps((order) => order.at)
 *   .keyBy((order) => order.customer)
 *   .window(globalWindow(), { trigger: eventTimeTrigger() })
 *   .aggregate('in-all', { orders: count() })
 */
export function eventTimeTrigger(): Trigger {
  return { kind: 'eventTime' }
}

/**
 * Fires when the clock has passed the end of the window: what windows of processing time do anyway, and they alone.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .window(tumbling('10s', { time: 'processing' }), { trigger: processingTimeTrigger() })
 *   .aggregate('by-the-clock', { orders: count() })
 */
export function processingTimeTrigger(): Trigger {
  return { kind: 'processingTime' }
}

/**
 * Fires for every `n` records of a window, and with what came since when the window ends. `purge: true` empties the window each time, so
 * that results are of `n` records; by default they are of all records so far.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .window(globalWindow(), { trigger: countTrigger(1_000, { purge: true }) })
 *   .aggregate('by-thousand', { amount: sum((order) => order.amount) })
 */
export function countTrigger(n: number, options: { readonly purge?: boolean | undefined } = {}): Trigger {
  return { kind: 'count', count: n, purges: options.purge === true }
}

/**
 * Early results: fires this long (of processing time) after the first change at the latest as long as the window is open, then at its end
 * as without it.
 *
 * @example
 * orders
 *   .withTimestamps((order) => order.at)
 *   .keyBy((order) => order.customer)
 *   .window(tumbling('1d'), { trigger: earlyTrigger('1m') })
 *   .aggregate('today', { orders: count() })
 */
export function earlyTrigger(every: Duration): Trigger {
  return { kind: 'early', every }
}

/**
 * A trigger of one's own: handlers say for each record and for each of their timers whether the window fires, is emptied, or both.
 * Nothing else fires it, also not its end: set a timer for `context.window.end - 1`. At the end of the input all timers come; then
 * windows are given up.
 *
 * @example
 * const large = defineTrigger({
 *   onRecord(record, context) {
 *     if (context.count === 1) context.timers.eventTime.set(context.window.end - 1)
 *     return context.count >= 1_000 ? 'fireAndPurge' : 'continue'
 *   },
 *   onEventTime: () => 'fire',
 * })
 * orders
 *   .withTimestamps((order) => order.at)
 *   .keyBy((order) => order.customer)
 *   .window(tumbling('1d'), { trigger: large })
 *   .aggregate('daily', { orders: count() })
 */
export function defineTrigger(handlers: TriggerHandlers): Trigger {
  return { kind: 'custom', handlers }
}
