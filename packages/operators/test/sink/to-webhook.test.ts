import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AsyncSpec, GuardedContext } from '@sluice/engine'
import { afterEach, describe, expect, test } from 'vitest'
import type { Sink } from '../../src/sink/sink.js'
import { toWebhook } from '../../src/sink/to-webhook.js'
import { FakeGuardContext } from '../call/fake-guard-context.js'

interface Received {
  readonly method: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly atMs: number
  /** Of the connection. */
  readonly port: number | undefined
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** Answers the first request with the first function, and so on; those behind the last one with it. */
async function receiver(
  ...answers: readonly ((response: ServerResponse) => void)[]
): Promise<{ url: string; received: Received[]; arrived: Promise<void> }> {
  const received: Received[] = []
  let tell = (): void => undefined
  const arrived = new Promise<void>((resolve) => {
    tell = resolve
  })
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const answer = answers[Math.min(received.length, answers.length - 1)]
      received.push({ method: request.method, headers: request.headers, body, atMs: performance.now(), port: request.socket.remotePort })
      tell()
      if (answer === undefined) response.end()
      else answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received, arrived }
}

const status =
  (code: number, headers: Readonly<Record<string, string>> = {}, text = '') =>
  (response: ServerResponse): void => {
    response.writeHead(code, headers)
    response.end(text)
  }

/** Sends batches one after the other, as the engine would. */
async function send(
  sink: Sink<never>,
  batches: readonly (readonly unknown[])[],
  { context = new FakeGuardContext(), first = 0, run }: { context?: FakeGuardContext; first?: number; run?: GuardedContext['run'] } = {},
): Promise<void> {
  const { guard, fn } = sink.spec as AsyncSpec
  const call = guard?.(context) ?? fn
  for (const [index, batch] of batches.entries()) await call(batch as never, context.record(first + index, run))
}

const keysOf = (received: readonly Received[]): unknown[] => received.map(({ headers }) => headers['idempotency-key'])

describe('toWebhook', () => {
  test('sends a record per request, or lists of them', async () => {
    const { url, received } = await receiver()
    await send(toWebhook(url, { headers: { authorization: 'token' }, method: 'PUT' }), [[{ id: 1n }], [{ id: 2 }]])
    await send(toWebhook(url, { records: 2 }), [[1, 2], [3]])
    expect(received.map(({ method, body }) => [method, body])).toEqual([
      ['PUT', '{"id":"1"}'],
      ['PUT', '{"id":2}'],
      ['POST', '[1,2]'],
      ['POST', '[3]'],
    ])
    expect(received[0]?.headers).toMatchObject({ authorization: 'token', 'content-type': 'application/json' })
    expect(toWebhook(url, { records: 2, time: '5s' }).spec).toMatchObject({ gathers: { recordsMax: 2, timeMs: 5000 } })
  })

  test('sends the others of a list where one of them is no JSON', async () => {
    const { url, received } = await receiver(status(503), status(200))
    const context = new FakeGuardContext()
    const wrong = { run: () => 1 }
    const unsupported = expect.objectContaining({ code: 'SLUICE_JSON_UNSUPPORTED' })
    await send(toWebhook(url, { records: 3, retry: { delay: 1 } }), [[1, wrong, 2]], { context })
    expect(received.map(({ body }) => body)).toEqual(['[1,2]', '[1,2]'])
    // Said with each attempt; the last one counts.
    expect(context.givenUp).toEqual([
      [wrong, unsupported],
      [wrong, unsupported],
    ])
    await expect(send(toWebhook(url), [[wrong]])).rejects.toEqual(unsupported)
    expect(received).toHaveLength(2)
  })

  test('a request that comes again has the same key; another one in its place has not', async () => {
    const { url, received } = await receiver()
    const run = { id: 'r1', attempt: 1, restoredCheckpoint: 0 }
    await send(toWebhook(url), [['a'], ['b'], ['b']], { run })
    await send(toWebhook(url), [['b'], ['b']], { run, first: 1 })
    await send(toWebhook(url), [['c']], { run, first: 1 })
    const keys = keysOf(received)
    expect(keys[0]).toMatch(/^test\/r1\/out\/0\/0-[0-9a-f]{16}$/)
    expect(keys.slice(3, 5)).toEqual(keys.slice(1, 3))
    expect(new Set(keys).size).toBe(4)
  })

  test.each([408, 425, 429, 500, 502, 503, 504])('makes a request again that was answered with %i, with the same key', async (code) => {
    const { url, received } = await receiver(status(code), status(200))
    await send(toWebhook(url, { retry: { delay: 1 } }), [['a']])
    expect(received).toHaveLength(2)
    expect(new Set(keysOf(received)).size).toBe(1)
  })

  test('makes a request again whose connection was lost', async () => {
    const { url, received } = await receiver((response) => void response.destroy(), status(200))
    await send(toWebhook(url, { retry: { delay: 1 } }), [['a']])
    expect(received).toHaveLength(2)
  })

  test('a redirect takes nothing: followed as a GET it would be answered with 200', async () => {
    const { url, received } = await receiver(status(302, { location: '/elsewhere?token=secret' }), status(200))
    await expect(send(toWebhook(url), [[{ id: 1 }]])).rejects.toThrow(
      /status 302: a redirect to http:\/\/127\.0\.0\.1:\d+\/elsewhere, which is not followed$/,
    )
    expect(received.map(({ method }) => method)).toEqual(['POST'])
  })

  test('reads the beginning of an answer that never ends', async () => {
    const { url } = await receiver((response) => {
      response.writeHead(422)
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(1000), more)
      }
      more()
    })
    await expect(send(toWebhook(url, { timeout: '20s' }), [[{ id: 1 }]])).rejects.toThrow(/status 422: x{200}$/)
  })

  test('comes no earlier than Retry-After asks for', async () => {
    const { url, received } = await receiver(status(429, { 'retry-after': '1' }), status(200))
    const context = new FakeGuardContext()
    await send(toWebhook(url, { retry: { delay: 1 } }), [['a']], { context })
    expect((received[1] as Received).atMs - (received[0] as Received).atMs).toBeGreaterThanOrEqual(995)
    expect(context.told).toContain('backoff 1 retryAfter')
  })

  test.each<[string, (response: ServerResponse) => void, object]>([
    [
      'is refused',
      status(422, {}, 'no such order'),
      { code: 'SLUICE_SINK_FAILED', message: expect.stringContaining('status 422: no such order'), status: 422 },
    ],
    [
      'loses its connection',
      (response) => void response.destroy(),
      { code: 'SLUICE_SINK_FAILED', message: expect.stringContaining('cannot send') },
    ],
    ['has no answer', () => undefined, { code: 'SLUICE_TIMEOUT', message: expect.stringContaining('within 50 ms') }],
  ])('a request that %s fails, in the last attempt', async (name, answer, error) => {
    const { url } = await receiver(answer)
    const context = new FakeGuardContext()
    await expect(
      send(toWebhook(url, { timeout: name === 'has no answer' ? 50 : '30s', retry: { attempts: 2, delay: 1 } }), [[1]], { context }),
    ).rejects.toMatchObject(error)
    expect(context.told.filter((line) => line.startsWith('begin'))).toEqual(name === 'is refused' ? ['begin 1'] : ['begin 1', 'begin 2'])
  })

  test('an answer that never ends has taken the record all the same', async () => {
    const { url, received } = await receiver((response) => void response.writeHead(200).write('more to come'))
    await send(toWebhook(url, { timeout: '5s', retry: false }), [[1], [2]])
    expect(received).toHaveLength(2)
  })

  test('uses connections again', async () => {
    const { url, received } = await receiver(status(200, {}, 'taken'))
    await send(toWebhook(url), [[1], [2], [3], [4], [5], [6]])
    // The end of an answer that nobody reads is not waited for: the next request may need another connection.
    expect(new Set(received.map(({ port }) => port)).size).toBeLessThanOrEqual(2)
  })

  test('a header counts whatever its letters are', async () => {
    const { url, received } = await receiver()
    await send(toWebhook(url, { headers: { 'Content-Type': 'text/plain', 'User-Agent': 'mine' } }), [[1]])
    expect(received[0]?.headers).toMatchObject({ 'content-type': 'text/plain', 'user-agent': 'mine' })
  })

  test('says why nothing answers at a name with several addresses', async () => {
    await expect(send(toWebhook('http://localhost:1/hook', { retry: false }), [[1]])).rejects.toThrow(
      'out cannot send to http://localhost:1: connect ECONNREFUSED',
    )
  })

  test('a request under way ends when the job fails', async () => {
    const { url, arrived } = await receiver(() => undefined)
    const context = new FakeGuardContext()
    const sending = send(toWebhook(url), [[1]], { context })
    await arrived
    context.abort.abort(new Error('the job has failed'))
    await expect(sending).rejects.toThrow('the job has failed')
  })

  test('shows no secret in the plan or in errors', async () => {
    const { url } = await receiver(status(400))
    const secret = url.replace('http://', 'http://user:secret@').concat('?token=secret')
    const sink = toWebhook(secret, { headers: { 'x-key': 'secret' } })
    expect(JSON.stringify(sink.options)).not.toContain('secret')
    for (const target of [sink, toWebhook('http://user:secret@127.0.0.1:1/?token=secret', { retry: false })]) {
      const error = await send(target, [[1]]).catch((thrown: unknown) => thrown as Error)
      expect(error).toBeInstanceOf(Error)
      expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toContain('secret')
    }
    const refused = (): unknown => toWebhook(url, { headers: { authorization: 'Bearer secret\n' } })
    expect(refused).toThrow(
      expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.not.stringContaining('secret') as string }),
    )
    expect(() => toWebhook('secret')).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') as string }))
  })

  test('sends user and password of the URL as a header', async () => {
    const { url, received } = await receiver()
    await send(toWebhook(url.replace('http://', 'http://us%40er:secret@')), [[1]])
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('us@er:secret').toString('base64')}`)
  })

  test('options are checked while declaring', () => {
    for (const url of ['nowhere', 'ftp://host/'])
      expect(() => toWebhook(url)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
    expect(() => toWebhook('http://host/', { headers: { 'a b': 'c' } })).toThrow('no name of a header')
    expect(() => toWebhook('http://host/', { records: 0 })).toThrow('toWebhook: records is 0')
  })
})
