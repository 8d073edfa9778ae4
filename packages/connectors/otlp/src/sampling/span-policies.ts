/** Policies of `tailSample` over spans: what most pipelines of traces keep. Pure; runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import { type Duration, keepIfAny, keepIfLonger, type TracePolicy } from '@sluice/operators'
import type { AttributeValue } from '../records/attributes.js'
import type { Span } from '../records/span.js'

const NANOS_PER_MS = 1_000_000

/**
 * Keeps traces with a span whose status is an error, as soon as it comes. The policy is called `errors`.
 *
 * @example
 * spans.keyBy((span) => span.traceId).tailSample('kept', { decideAfter: '10s', policies: [errors(), keepShare('others', 0.01)] })
 */
export function errors(): TracePolicy<Span> {
  return keepIfAny('errors', ({ status }) => status.code === 'error')
}

/**
 * Keeps traces that last so long, from the start of the first span to the end of the last. The policy is called `slow` unless told otherwise.
 *
 * @throws SLUICE_DURATION_INVALID
 * @example
 * spans.keyBy((span) => span.traceId).tailSample('kept', { decideAfter: '10s', policies: [errors(), slowerThan('2s')] })
 */
export function slowerThan(duration: Duration, name = 'slow'): TracePolicy<Span> {
  return keepIfLonger(name, duration, ({ startTimeMs, startTimeNanos, endTimeMs, endTimeNanos }) => [
    startTimeMs + startTimeNanos / NANOS_PER_MS,
    endTimeMs + endTimeNanos / NANOS_PER_MS,
  ])
}

/**
 * Keeps traces with a span that has an attribute: with this value, with one of several, or one for which a function holds. The policy is called like the key unless
 * told otherwise.
 *
 * @throws SLUICE_OPTIONS_INVALID
 * @example
 * attribute('http.route', '/checkout')
 * @example
 * attribute('http.response.status_code', (value) => Number(value) >= 500, 'server errors')
 */
export function attribute(
  key: string,
  value: string | number | boolean | readonly (string | number | boolean)[] | ((value: AttributeValue) => boolean),
  name: string = key,
): TracePolicy<Span> {
  if (typeof key !== 'string' || key === '')
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'attribute takes the key of an attribute, such as http.route')
  if (value === undefined) throw new SluiceError('SLUICE_OPTIONS_INVALID', `attribute ${key} takes a value, several, or a function`)
  const holds = typeof value === 'function' ? value : isOneOf(Array.isArray(value) ? value : [value])
  return keepIfAny(name, ({ attributes }) => Object.hasOwn(attributes, key) && holds(attributes[key] as AttributeValue))
}

function isOneOf(values: readonly unknown[]): (value: AttributeValue) => boolean {
  const known = new Set(values)
  return (value) => known.has(value)
}
