/** Which traces the policies over spans keep, in a job. */
import { attribute, errors, slowerThan, type Span } from '@sluice/otlp'
import { defineJob, dropWhen, fromArray, run, type TracePolicy } from 'sluice'
import { expect, test } from 'vitest'
import { sampleSpans } from '../support/sample-records.js'

const base: Span = { ...sampleSpans[0]!, attributes: {}, status: { code: 'unset', message: '' } }

function spanOf(trace: string, more: Partial<Span>): Span {
  return { ...base, traceId: trace, startTimeMs: 1_000, startTimeNanos: 0, endTimeMs: 1_001, endTimeNanos: 0, ...more }
}

const spans: readonly Span[] = [
  spanOf('fine', { status: { code: 'ok', message: '' } }),
  spanOf('failed', {}),
  spanOf('failed', { status: { code: 'error', message: 'no stock' } }),
  // Two spans that are short, and 2 s together, to the nanosecond.
  spanOf('slow', { startTimeNanos: 1 }),
  spanOf('slow', { startTimeMs: 2_999, endTimeMs: 3_000, endTimeNanos: 1 }),
  spanOf('nearly slow', { startTimeNanos: 1 }),
  spanOf('nearly slow', { startTimeMs: 2_999, endTimeMs: 3_000 }),
  spanOf('checkout', { attributes: { 'http.route': '/checkout', 'http.response.status_code': 200 } }),
  spanOf('cart', { attributes: { 'http.route': '/cart', 'http.response.status_code': 503 } }),
]

async function kept(...policies: readonly TracePolicy<Span>[]): Promise<readonly string[]> {
  const job = defineJob({ name: 'sample' }, (builder) => ({
    kept: builder
      .source('spans', fromArray(spans))
      .keyBy(({ traceId }) => traceId)
      .tailSample('tail', { decideAfter: '1m', policies }),
  }))
  const { outputs } = await run(job).finished
  return outputs.kept.map(({ traceId }) => traceId).toSorted()
}

test.each<readonly [string, readonly TracePolicy<Span>[], readonly string[]]>([
  ['errors', [errors()], ['failed', 'failed']],
  ['slow traces', [slowerThan('2s')], ['slow', 'slow']],
  ['one value', [attribute('http.route', '/checkout')], ['checkout']],
  ['one of several', [attribute('http.route', ['/checkout', '/cart'])], ['cart', 'checkout']],
  ['what a function says', [attribute('http.response.status_code', (value) => Number(value) >= 500)], ['cart']],
  ['an attribute that nobody has', [attribute('toString', () => true)], []],
  ['none of what is dropped first', [dropWhen('all', () => true), errors()], []],
  ['several', [errors(), slowerThan('2s'), attribute('http.route', '/cart')], ['cart', 'failed', 'failed', 'slow', 'slow']],
])('%s', async (_what, policies, traces) => {
  expect(await kept(...policies)).toEqual(traces)
})

test('wrong options', () => {
  expect(() => attribute('', 'x')).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  expect(() => attribute('x', undefined as never)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  expect(() => slowerThan('soon' as never)).toThrow(expect.objectContaining({ code: 'SLUICE_DURATION_INVALID' }))
})
