/** Whatever the official encoder writes is read, and written again so that the official decoder finds nothing missing and nothing changed. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { logsFrom, logsTo } from '../../src/json/json-logs.js'
import { metricsFrom, metricsTo } from '../../src/json/json-metrics.js'
import { spansFrom, spansTo } from '../../src/json/json-spans.js'
import { readLogs } from '../../src/protobuf/read-logs.js'
import { readMetrics } from '../../src/protobuf/read-metrics.js'
import { readSpans } from '../../src/protobuf/read-spans.js'
import { writeLogs, writeMetrics, writeSpans } from '../../src/protobuf/write-request.js'
import type { Decoded } from '../../src/records/decoded.js'
import { officialMessage } from '../support/official-definitions.js'
import { type Message, officialRequest } from '../support/official-requests.js'
import { toOtlpJson } from '../support/official-json.js'

const RUNS = process.env['SLUICE_TEST_MODE'] === 'nightly' ? 2_000 : 30

interface Signal {
  readonly request: string
  read(bytes: Uint8Array): Decoded<never>
  write(records: readonly never[]): Uint8Array
  from(request: unknown): Decoded<never>
  to(records: readonly never[]): object
}

const signals: readonly Signal[] = [
  { request: 'trace.v1.ExportTraceServiceRequest', read: readSpans as never, write: writeSpans, from: spansFrom as never, to: spansTo },
  { request: 'logs.v1.ExportLogsServiceRequest', read: readLogs as never, write: writeLogs, from: logsFrom as never, to: logsTo },
  {
    request: 'metrics.v1.ExportMetricsServiceRequest',
    read: readMetrics as never,
    write: writeMetrics,
    from: metricsFrom as never,
    to: metricsTo,
  },
]

describe.each(signals)('$request', ({ request, read, write, from, to }) => {
  const name = `opentelemetry.proto.collector.${request}`
  const official = officialMessage(name)
  const encode = (message: Message): Uint8Array => official.encode(official.fromObject(message)).finish()
  const plain = (bytes: Uint8Array): unknown =>
    settle(official.toObject(official.decode(bytes), { longs: String, bytes: String, defaults: true }))

  test('protobuf in and out is equal in all fields', () => {
    fc.assert(
      fc.property(officialRequest(name), (message) => {
        const bytes = encode(message)
        const { records, rejected } = read(bytes)
        expect(rejected).toBe(0)
        expectEqual(plain(write(records)), plain(bytes))
      }),
      { numRuns: RUNS },
    )
  })

  test('JSON says the same as protobuf, and is equal in and out', () => {
    fc.assert(
      fc.property(officialRequest(name), (message) => {
        const { records } = read(encode(message))
        expectEqual(from(toOtlpJson(name, message)).records, records)
        expectEqual(from(JSON.parse(JSON.stringify(to(records)))).records, records)
      }),
      { numRuns: RUNS },
    )
  })

  test('what is cut short at any place is refused or is shorter, and ends', () => {
    fc.assert(
      fc.property(officialRequest(name), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (message, share) => {
        const bytes = encode(message)
        const cut = bytes.slice(0, Math.floor(bytes.length * share))
        let left: Decoded<never> | undefined
        try {
          left = read(cut)
        } catch (error) {
          expect(error).toMatchObject({ name: 'MalformedTelemetry' })
        }
        if (left !== undefined) expect(left.records.length).toBeLessThanOrEqual(read(bytes).records.length)
      }),
      { numRuns: RUNS },
    )
  })

  test('bytes of any kind are read or refused with a reason', () => {
    fc.assert(
      fc.property(officialRequest(name), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }), (message, changes) => {
        const bytes = encode(message)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        try {
          read(bytes)
        } catch (error) {
          expect(error).toMatchObject({ name: 'MalformedTelemetry' })
        }
      }),
      { numRuns: RUNS },
    )
  })
})

/** Attributes in the order of their keys, and a status or body that says nothing as none. */
function settle(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(settle) as Message[]
    const isAttributes = items.length > 0 && items.every((item) => typeof item === 'object' && item !== null && 'key' in item)
    return isAttributes ? items.sort((a, b) => (String(a['key']) < String(b['key']) ? -1 : 1)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    const settled = settle(item) as Message | null
    const saysNothing =
      (name === 'status' && settled !== null && settled['message'] === '' && settled['code'] === 0) ||
      (name === 'body' && settled !== null && Object.keys(settled).length === 0)
    return [name, saysNothing ? null : settled]
  })
  return Object.fromEntries(entries)
}

/** Vitest compares slowly; it is asked where there is a difference to show. */
function expectEqual(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected)
}
