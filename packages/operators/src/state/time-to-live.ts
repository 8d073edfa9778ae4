/** How long state lives, in numbers. What has expired is given up when it is met, and by a sweep that looks at a few rows for every record. */
import { SluiceError } from '@sluice/engine'
import { parseDuration } from '../duration/duration.js'
import { checkChoice, checkOptions } from '../options/check-options.js'
import type { Ttl } from './state-types.js'

export interface TimeToLive {
  readonly afterMs: number
  /** By the watermark; otherwise by the clock. */
  readonly byEvent: boolean
  /** Reading counts as a touch too. */
  readonly onRead: boolean
}

/** Fails with `SLUICE_DURATION_INVALID` or `SLUICE_OPTIONS_INVALID`. `what` is the state it belongs to, for messages. */
export function compileTtl(what: string, ttl: Ttl | undefined): TimeToLive | undefined {
  if (ttl === undefined) return undefined
  const given = typeof ttl === 'object' && ttl !== null ? ttl : { after: ttl }
  checkOptions(`ttl of ${what}`, given, ['after', 'time', 'refresh'])
  const { after, time = 'processing', refresh = 'write' } = given
  const afterMs = parseDuration(after, `ttl of ${what}`)
  if (afterMs === 0) throw new SluiceError('SLUICE_DURATION_INVALID', `ttl of ${what} is 0: nothing would be kept`)
  checkChoice(`ttl time of ${what}`, time, ['event', 'processing'])
  checkChoice(`ttl refresh of ${what}`, refresh, ['write', 'readAndWrite'])
  return { afterMs, byEvent: time === 'event', onRead: refresh === 'readAndWrite' }
}
