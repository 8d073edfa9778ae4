/** What all joins of two keyed streams share. */
import { SluiceError } from '@sluice/engine'
import { type Duration, parseDuration } from '../duration/duration.js'
import type { AnyFunction } from '../job/graph-draft.js'

/** The two sides: input 0 and input 1 of the operator. */
export interface JoinInput {
  readonly leftKeyOf: AnyFunction
  readonly rightKeyOf: AnyFunction
  /** Whether both streams have timestamps. */
  readonly timed: boolean
}

/** Functions of users as operators call them. */
export type KeyOf = (record: unknown) => unknown
export type JoinFn = (left: unknown, right: unknown) => unknown

/** How many results leave for one record without a look at the credit; more are an expansion. */
export const RESULTS_AT_ONCE_MAX = 64

/** A span that has to be longer than nothing. */
export function parseSpan(duration: Duration, what: string): number {
  const spanMs = parseDuration(duration, what)
  if (spanMs > 0) return spanMs
  throw new SluiceError('SLUICE_DURATION_INVALID', `${what} is ${String(duration)}, and takes more than nothing`)
}

/** Fails where one of the two sides has no event time. */
export function needTimestamps(what: string, timed: boolean): void {
  if (timed) return
  throw new SluiceError('SLUICE_TIMESTAMPS_MISSING', `${what} works in event time, and one of its streams has no timestamps`)
}

/** The time of a pair: that of the later record. */
export function laterOf(left: number, right: number): number {
  return left < right ? right : left
}
