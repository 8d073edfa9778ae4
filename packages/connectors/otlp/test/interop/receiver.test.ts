/** What clients of the receiver are answered. */
import { gzipSync } from 'node:zlib'
import { fromOtlp, type Span } from '@sluice/otlp'
import { expect, test } from 'vitest'
import { writeSpans } from '../../src/protobuf/write-request.js'
import { readResponse } from '../../src/signals/response.js'
import { officialMessage } from '../support/official-definitions.js'
import { startReceiver } from '../support/running-receiver.js'
import { sampleSpans } from '../support/sample-records.js'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const three = sampleSpans.slice(0, 3)
const statusOf = officialMessage('opentelemetry.proto.trace.v1.Status')

async function post(url: string, type: string, body: Uint8Array | string, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': type, ...headers },
    body: body as NonNullable<RequestInit['body']>,
  })
  return { status: response.status, type: response.headers.get('content-type'), body: new Uint8Array(await response.arrayBuffer()) }
}
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

test('a request is answered in the encoding that it came in', async () => {
  const { url, received } = await startReceiver()
  expect(await post(`${url}/v1/traces`, PROTOBUF, writeSpans(three))).toEqual({ status: 200, type: PROTOBUF, body: new Uint8Array(0) })
  const json = {
    resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'A'.repeat(32), spanId: 'b'.repeat(16), name: 'json', unknown: [{}] }] }] }],
  }
  const answer = await post(`${url}/v1/traces`, `${JSON_TYPE}; charset=utf-8`, JSON.stringify(json))
  expect([answer.status, answer.type, textOf(answer.body)]).toEqual([200, JSON_TYPE, '{}'])
  const { spans } = await received()
  expect(spans.map(({ traceId }) => traceId).sort()).toEqual([...three.map(({ traceId }) => traceId), 'a'.repeat(32)].sort())
})

test('spans without a valid id are refused one by one, and the answer says how many', async () => {
  const { url, received } = await startReceiver()
  const wrong: Span[] = [
    { ...three[0]!, traceId: '0'.repeat(32) },
    { ...three[0]!, traceId: 'abcd' },
    { ...three[0]!, spanId: '' },
  ]
  const answer = await post(`${url}/v1/traces`, PROTOBUF, writeSpans([...three, ...wrong]))
  expect(answer.status).toBe(200)
  expect(readResponse(answer.body)).toEqual({ rejected: 3, message: 'a span without a valid trace id' })
  const response = officialMessage('opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse')
  expect(response.toObject(response.decode(answer.body), { longs: String })).toEqual({
    partialSuccess: { rejectedSpans: '3', errorMessage: 'a span without a valid trace id' },
  })
  const json = { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: '', spanId: 'b'.repeat(16) }] }] }] }
  expect(JSON.parse(textOf((await post(`${url}/v1/traces`, JSON_TYPE, JSON.stringify(json))).body))).toEqual({
    partialSuccess: { rejectedSpans: '1', errorMessage: 'a span without a valid trace id' },
  })
  expect((await received()).spans).toHaveLength(3)
})

test('truncated protobuf is 400 with the reason as google.rpc.Status, and nothing of it is taken', async () => {
  const { url, received } = await startReceiver()
  const bytes = writeSpans(three)
  const answer = await post(`${url}/v1/traces`, PROTOBUF, bytes.subarray(0, bytes.length - 5))
  expect([answer.status, answer.type]).toEqual([400, PROTOBUF])
  // Field 1 is the code there; the message is field 2 in both.
  expect(statusOf.toObject(statusOf.decode(answer.body), {})['message']).toContain('the message is cut short')
  expect((await received()).spans).toEqual([])
})

test.each([
  ['no JSON', '{"resourceSpans":[', 'the body is no JSON'],
  ['another type', '{"resourceSpans":{}}', 'resourceSpans is no array'],
  ['an id that is none', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}', 'traceId is not made of'],
  ['a time that is none', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"-1"}]}]}]}', 'startTimeUnixNano is no time'],
])('JSON with %s is 400 with the reason', async (_what, body, reason) => {
  const { url } = await startReceiver()
  const answer = await post(`${url}/v1/traces`, JSON_TYPE, body)
  expect([answer.status, answer.type]).toEqual([400, JSON_TYPE])
  expect(JSON.parse(textOf(answer.body))).toEqual({ code: 3, message: expect.stringContaining(reason) })
})

test('another content type is 415, another path 404, another method 405', async () => {
  const { url } = await startReceiver()
  expect((await post(`${url}/v1/traces`, 'text/plain', 'spans')).status).toBe(415)
  expect((await post(`${url}/v1/profiles`, PROTOBUF, new Uint8Array(0))).status).toBe(404)
  expect((await fetch(`${url}/v1/traces`)).status).toBe(405)
})

test('a compressed body is taken, and one that is too large when it is decompressed is 413', async () => {
  const { url, received } = await startReceiver()
  expect((await post(`${url}/v1/traces`, PROTOBUF, gzipSync(writeSpans(three)), { 'content-encoding': 'gzip' })).status).toBe(200)
  expect((await post(`${url}/v1/traces`, PROTOBUF, gzipSync(Buffer.alloc(64 << 20)), { 'content-encoding': 'gzip' })).status).toBe(413)
  expect((await received()).spans).toHaveLength(3)
})

test('an empty request is taken: it has nothing', async () => {
  const { url, received } = await startReceiver()
  expect((await post(`${url}/v1/traces`, PROTOBUF, new Uint8Array(0))).status).toBe(200)
  expect((await post(`${url}/v1/logs`, JSON_TYPE, '{}')).status).toBe(200)
  expect((await received()).spans).toEqual([])
})

test('fromOtlp says which signals there are', () => {
  expect(() => fromOtlp({ signal: 'spans' as 'traces' })).toThrow("fromOtlp: signal is \"spans\", and takes 'traces', 'logs' or 'metrics'.")
})
