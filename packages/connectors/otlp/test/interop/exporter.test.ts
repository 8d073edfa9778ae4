/** The exporter sends to a second job, and to receivers that refuse, fail or answer in parts. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { type Signal, type Span, toOtlp, type ToOtlpOptions } from '@sluice/otlp'
import { defineJob, fromArray, run } from 'sluice'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readSpans } from '../../src/protobuf/read-spans.js'
import { writeResponse } from '../../src/signals/response.js'
import { startReceiver } from '../support/running-receiver.js'
import { sampleLogs, samplePoints, sampleSpans } from '../support/sample-records.js'

const forms = (['protobuf', 'json'] as const).flatMap((encoding) =>
  (['none', 'gzip'] as const).map((compression) => ({ encoding, compression })),
)

describe.each(forms)('from job to job as $encoding, compression $compression', (form) => {
  test('spans, logs and points are the same in all fields', async () => {
    const { url, received } = await startReceiver()
    const job = defineJob({ name: 'sender' }, (job) => {
      job.source('spans', fromArray(sampleSpans)).sink('to spans', toOtlp(url, { signal: 'traces', records: 7, ...form }))
      job.source('logs', fromArray(sampleLogs)).sink('to logs', toOtlp(url, { signal: 'logs', ...form }))
      job.source('points', fromArray(samplePoints)).sink('to points', toOtlp(url, { signal: 'metrics', ...form }))
    })
    await run(job).finished
    const { spans, logs, points } = await received()
    // Within a request records are laid out by what they come from.
    expect([...spans].sort((a, b) => a.startTimeMs - b.startTimeMs)).toStrictEqual(sampleSpans)
    expect(logs).toStrictEqual(sampleLogs)
    expect(points).toStrictEqual(samplePoints)
  })
})

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

/** Answers one request after the other as it is told, the last answer for all that follow. */
async function scriptedReceiver(
  answers: readonly Answer[],
): Promise<{ url: string; requests: { headers: IncomingHttpHeaders; names: string[] }[] }> {
  const requests: { headers: IncomingHttpHeaders; names: string[] }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, headers = {}, body = '' } = answers[Math.min(requests.length, answers.length - 1)]!
      const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks)
      requests.push({ headers: request.headers, names: readSpans(bytes).records.map(({ name }) => name) })
      response.writeHead(status, { 'content-type': 'application/x-protobuf', ...headers }).end(body)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

function send(url: string, options: Partial<ToOtlpOptions<'traces'>> = {}) {
  const job = defineJob({ name: 'sender' }, (job) => {
    job.source('spans', fromArray(sampleSpans)).sink('out', toOtlp(url, { signal: 'traces', ...options }))
    return { letters: job.deadLetters }
  })
  const lines: string[] = []
  const handle = run(job, { log: (entry) => void lines.push(JSON.stringify(entry)) })
  return { finished: handle.finished, lines }
}

test.each([429, 502, 503, 504])('a request answered with %i is sent again, when it may be', async (status) => {
  const { url, requests } = await scriptedReceiver([{ status, headers: { 'retry-after': '0' } }, { status: 200 }])
  await send(url, { retry: { delay: '1ms' } }).finished
  expect(requests).toHaveLength(2)
  expect(requests[1]!.names).toEqual(requests[0]!.names)
  expect(requests[0]!.names).toHaveLength(20)
})

test('where all records of a request are refused each of them is a dead letter', async () => {
  const { url, requests } = await scriptedReceiver([{ status: 200, body: writeResponse({ rejected: 20, message: 'not mine' }) }])
  const { outputs } = await send(url, { onError: 'deadLetter' }).finished
  expect(requests).toHaveLength(1)
  expect(outputs.letters.map(({ reason }) => reason)).toEqual(Array.from({ length: 20 }, () => expect.stringContaining('not mine')))
})

test.each(['protobuf', 'json'] as const)(
  'one value that OTLP lacks is one dead letter, and the rest of its request goes out as %s',
  async (encoding) => {
    const { url, received } = await startReceiver()
    const wrong: readonly Span[] = [new Map(), new Date(0), 1n << 70n].map((value, index) => ({
      ...sampleSpans[index]!,
      name: `wrong ${index}`,
      attributes: { 'what is it': value as never },
    }))
    const job = defineJob({ name: 'sender' }, (job) => {
      const { deadLetters } = job
        .source('spans', fromArray([...wrong.slice(0, 1), ...sampleSpans, ...wrong.slice(1)]))
        .sink('out', toOtlp(url, { signal: 'traces', encoding, onError: 'deadLetter' }))
      return { letters: deadLetters.map(({ input, reason, code }) => ({ name: (input as Span).name, reason, code })) }
    })
    const { outputs } = await run(job).finished
    const { spans } = await received()
    expect([...spans].sort((a, b) => a.startTimeMs - b.startTimeMs)).toStrictEqual(sampleSpans)
    expect(outputs.letters).toEqual(
      wrong.map(({ name }) => ({
        name,
        reason: expect.stringMatching(/^The value of "what is it" is .*, which OpenTelemetry does not have$/),
        code: 'NotTelemetry',
      })),
    )
  },
)

test('one value that OTLP lacks fails the job where nothing else is said, without another attempt', async () => {
  const { url, requests } = await scriptedReceiver([{ status: 200 }])
  const job = defineJob({ name: 'sender' }, (job) => {
    const spans = [...sampleSpans, { ...sampleSpans[0]!, attributes: { odd: new Map() as never } }]
    job.source('spans', fromArray(spans)).sink('out', toOtlp(url, { signal: 'traces' }))
  })
  await expect(run(job).finished).rejects.toMatchObject({
    message: expect.stringContaining('The value of "odd" is an object of the class Map'),
  })
  expect(requests).toHaveLength(0)
})

test.each([400, 401, 404, 413, 500, 307])('a request answered with %i is not sent again', async (status) => {
  const { url, requests } = await scriptedReceiver([{ status, headers: { location: '/elsewhere' }, body: 'in words of a proxy' }])
  await expect(send(url, { retry: { delay: '1ms' } }).finished).rejects.toMatchObject({
    message: expect.stringContaining(`answered ${status}: in words of a proxy`),
  })
  expect(requests).toHaveLength(1)
})

test('records that are refused in an answer that takes the others are counted, told, and not sent again', async () => {
  const body = writeResponse({ rejected: 3, message: 'too old' })
  const { url, requests } = await scriptedReceiver([{ status: 200, body }])
  const { finished, lines } = send(url)
  const result = await finished
  expect(requests).toHaveLength(1)
  expect(lines.filter((line) => line.includes('refused records'))).toEqual([
    expect.stringMatching(/"rejected":3.*too old|too old.*"rejected":3/),
  ])
  expect(result.outputs.letters).toEqual([])
})

test('headers are sent, and neither they nor the query are shown anywhere', async () => {
  const { url, requests } = await scriptedReceiver([{ status: 403 }])
  const { finished, lines } = send(`${url}/v1/traces?key=geheim-1`, { headers: { 'x-api-key': 'geheim-2' }, compression: 'gzip' })
  const error = await finished.then(
    () => undefined,
    (error: unknown) => error as Error,
  )
  expect(requests[0]!.headers).toMatchObject({ 'x-api-key': 'geheim-2', 'content-encoding': 'gzip' })
  const shown = [error!.message, error!.stack, String((error!.cause as Error)?.message), ...lines].join('\n')
  expect(shown).toContain('answered 403')
  expect(shown).not.toContain('geheim')
})

test.each<[string, Partial<Record<keyof ToOtlpOptions<Signal>, unknown>>]>([
  ['signal is "spans"', { signal: 'spans' }],
  ['signal is not given', { signal: undefined }],
  ['compression is "br"', { compression: 'br' }],
  ['encoding is "xml"', { encoding: 'xml' }],
])('toOtlp says which option is wrong: %s', (message, options) => {
  expect(() => toOtlp('http://localhost:4318', { signal: 'traces', ...options } as ToOtlpOptions<'traces'>)).toThrow(message)
})

test('toOtlp refuses a header that cannot be sent, and does not show it', () => {
  expect(() => toOtlp('http://localhost:4318', { signal: 'traces', headers: { authorization: 'Bearer geheim\n' } })).toThrow(
    /^(?!.*geheim)toOtlp: the header authorization/,
  )
})

test.each(['nowhere', 'ftp://localhost', 'http://user:geheim@localhost:4318'])('toOtlp refuses the URL %s, and does not show it', (url) => {
  expect(() => toOtlp(url, { signal: 'traces' })).toThrow(/^(?!.*geheim)toOtlp/)
})
