/**
 * The windows that users ask for. What is wrong with one is told when it is given to an operator, which then stands in the message. Runs
 * while a job is declared.
 */
import { SluiceError } from '@sluice/engine'
import { type Duration, parseDuration } from '../duration/duration.js'
import { checkInteger, checkOptions } from '../options/check-options.js'
import type { Caveat } from '../stream/rules.js'
import { checkTimeZone } from './time-zone.js'
import type { WindowAssigner, WindowDefinition } from './window-types.js'

const DAY_MS = 86_400_000

/** Which time windows are cut along. */
export interface EventTimeOptions {
  /** Event time, the default: windows follow the timestamps of the records. */
  readonly time?: 'event' | undefined
}

export interface ProcessingTimeOptions {
  /** Processing time: windows follow the clock, and no record is late. */
  readonly time: 'processing'
}

export interface TumblingOptions {
  /** Where windows begin: at whole multiples of the size since the epoch plus this. Less than the size. Default 0. */
  readonly offset?: Duration | undefined
  /**
   * Days as the clocks of a time zone count them, of 23 or 25 hours where clocks are changed: an IANA name such as `'Europe/Berlin'`. The
   * size must be whole days; `offset` is time of that clock. Default: UTC.
   */
  readonly timeZone?: string | undefined
}

export interface SlidingOptions {
  /** Where windows begin: at whole multiples of the slide since the epoch plus this. Less than the slide. Default 0. */
  readonly offset?: Duration | undefined
}

/**
 * Windows of one size, side by side: `[0, size)`, `[size, 2 size)`, ..., counted from the epoch. The size is a whole number of ms.
 *
 * @throws SLUICE_DURATION_INVALID for what is no duration; SLUICE_OPTIONS_INVALID for a size below 1 ms, an offset that is not
 * below the size, a time zone that there is not.
 * @example
 * orders.withTimestamps((order) => order.at).keyBy((order) => order.customer).window(tumbling('1h')).aggregate('hourly', { orders: count() })
 * @example
 * const daysInBerlin = tumbling('1d', { timeZone: 'Europe/Berlin' })
 * const weeksFromMonday = tumbling('7d', { offset: '4d' })
 * const byTheClock = tumbling('10s', { time: 'processing' })
 */
export function tumbling(size: Duration, options?: TumblingOptions & EventTimeOptions): WindowAssigner<'lossy'>
export function tumbling(size: Duration, options: TumblingOptions & ProcessingTimeOptions): WindowAssigner<Caveat>
export function tumbling(
  size: Duration,
  options: TumblingOptions & (EventTimeOptions | ProcessingTimeOptions) = {},
): WindowAssigner<Caveat> {
  return assigner(() => {
    checkOptions('tumbling', options, ['offset', 'timeZone', 'time'])
    const { offset = 0, timeZone } = options
    const sizeMs = wholeMs(size, 'size of tumbling')
    const offsetMs = wholeMs(offset, 'offset of tumbling', 0)
    const shownSize = `its size, ${sizeMs} ms`
    if (offsetMs >= sizeMs) throw invalid(`offset of tumbling is ${offsetMs} ms, and must be less than ${shownSize}`)
    if (timeZone !== undefined) {
      checkTimeZone(timeZone, 'timeZone of tumbling')
      if (sizeMs % DAY_MS !== 0) throw invalid(`size of tumbling is ${sizeMs} ms, and must be whole days where a timeZone is given`)
    }
    return { kind: 'tumbling', sizeMs, offsetMs, timeZone, time: timeOf(options, 'tumbling') }
  })
}

/**
 * Windows of one size that begin every `slide` and so overlap: a record belongs to `size / slide` of them. The cost of a record does not
 * grow with that number: windows share the aggregates of their panes. What depends on the order of arrival cannot be shared: `process` and
 * the aggregates `first`, `last` and `values` take a record once for each of its windows. Both are whole numbers of ms, the slide at most
 * the size.
 *
 * @throws SLUICE_DURATION_INVALID for what is no duration; SLUICE_OPTIONS_INVALID for a slide below 1 ms or above the size, an
 * offset that is not below the slide.
 * @example
 * orders.withTimestamps((order) => order.at).keyBy((order) => order.customer).window(sliding('1h', '5m')).aggregate('recent', { orders: count() })
 */
export function sliding(size: Duration, slide: Duration, options?: SlidingOptions & EventTimeOptions): WindowAssigner<'lossy'>
export function sliding(size: Duration, slide: Duration, options: SlidingOptions & ProcessingTimeOptions): WindowAssigner<Caveat>
export function sliding(
  size: Duration,
  slide: Duration,
  options: SlidingOptions & (EventTimeOptions | ProcessingTimeOptions) = {},
): WindowAssigner<Caveat> {
  return assigner(() => {
    checkOptions('sliding', options, ['offset', 'time'])
    const { offset = 0 } = options
    const sizeMs = wholeMs(size, 'size of sliding')
    const slideMs = wholeMs(slide, 'slide of sliding')
    const offsetMs = wholeMs(offset, 'offset of sliding', 0)
    if (slideMs > sizeMs) {
      throw invalid(`slide of sliding is ${slideMs} ms, larger than its size, ${sizeMs} ms: records between windows would be in none`)
    }
    if (offsetMs >= slideMs) throw invalid(`offset of sliding is ${offsetMs} ms, and must be less than its slide, ${slideMs} ms`)
    return { kind: 'sliding', sizeMs, slideMs, offsetMs, time: timeOf(options, 'sliding') }
  })
}

/**
 * Windows that last as long as records of a key follow each other by less than `gap`: from the first record to the last plus the gap.
 *
 * @throws SLUICE_DURATION_INVALID for what is no duration; SLUICE_OPTIONS_INVALID for a gap below 1 ms.
 * @example
 * orders.withTimestamps((order) => order.at).keyBy((order) => order.customer).window(session('30m')).aggregate('visits', { orders: count() })
 */
export function session(gap: Duration, options?: EventTimeOptions): WindowAssigner<'lossy'>
export function session(gap: Duration, options: ProcessingTimeOptions): WindowAssigner<Caveat>
export function session(gap: Duration, options: EventTimeOptions | ProcessingTimeOptions = {}): WindowAssigner<Caveat> {
  return assigner(() => {
    checkOptions('session', options, ['time'])
    return { kind: 'session', gapMs: wholeMs(gap, 'gap of session'), time: timeOf(options, 'session') }
  })
}

/**
 * A window for every `n` records of a key, and one for those that are left at the end of the input. It has no bounds in time: `start` is
 * -Infinity, `end` Infinity, and results have the timestamp of the latest record, or one just behind the watermark that has passed it.
 *
 * @example
 * orders.keyBy((order) => order.customer).window(countWindow(10)).aggregate('by-ten', { amount: sum((order) => order.amount) })
 */
export function countWindow(n: number): WindowAssigner<Caveat> {
  return assigner(() => {
    checkInteger('n of countWindow', n, 1)
    return { kind: 'count', count: n }
  })
}

/**
 * One window per key that never ends: `start` is -Infinity, `end` Infinity. It needs a trigger, which says when there are results; what
 * came since the last ones goes out at the end of the input.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .window(globalWindow(), { trigger: countTrigger(100) })
 *   .aggregate('so-far', { amount: sum((order) => order.amount) })
 */
export function globalWindow(): WindowAssigner<Caveat> {
  return assigner(() => ({ kind: 'global' }))
}

/** Reads what was given at once; where it cannot be read, whoever puts the windows to use is told why. */
function assigner(define: () => WindowDefinition): WindowAssigner<Caveat> {
  try {
    return { window: define() }
  } catch (error) {
    return {
      get window(): WindowDefinition {
        throw error
      },
    }
  }
}

function wholeMs(value: Duration, what: string, min = 1): number {
  const durationMs = parseDuration(value, what)
  if (Number.isSafeInteger(durationMs) && durationMs >= min) return durationMs
  throw invalid(`${what} is ${durationMs} ms, and takes whole milliseconds, at least ${min}`)
}

function timeOf({ time = 'event' }: EventTimeOptions | ProcessingTimeOptions, of: string): 'event' | 'processing' {
  if (time === 'event' || time === 'processing') return time
  throw invalid(`time of ${of} is ${JSON.stringify(time)}, and takes 'event' or 'processing'`)
}

function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_OPTIONS_INVALID', message)
}
