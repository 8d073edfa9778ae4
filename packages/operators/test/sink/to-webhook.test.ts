import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { forEachBatch } from '../../src/sink/for-each.js'
import { toWebhook } from '../../src/sink/to-webhook.js'
import { openSink, sinkContext, writeSink } from './write-sink.js'

interface Received {
  readonly method: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function receiver(
  answer: (response: ServerResponse) => void = (response) => response.end(),
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      received.push({ method: request.method, headers: request.headers, body })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received }
}

const keysOf = (received: readonly Received[]): unknown[] => received.map(({ headers }) => headers['idempotency-key'])

describe('toWebhook', () => {
  test('sends a record per request, or lists of them', async () => {
    const { url, received } = await receiver()
    await writeSink(toWebhook(url, { headers: { authorization: 'token' }, method: 'PUT' }), [{ id: 1n }, { id: 2 }])
    await writeSink(toWebhook(url, { records: 2 }), [1, 2, 3])
    expect(received.map(({ method, body }) => [method, body])).toEqual([
      ['PUT', '{"id":"1"}'],
      ['PUT', '{"id":2}'],
      ['POST', '[1,2]'],
      ['POST', '[3]'],
    ])
    expect(received[0]?.headers).toMatchObject({ authorization: 'token', 'content-type': 'application/json' })
  })

  test('a record that comes again has the same key; another record in its place has not', async () => {
    const { url, received } = await receiver()
    const run = { id: 'r1', attempt: 1, restoredCheckpoint: 0 }
    await writeSink(toWebhook(url), ['a', 'b', 'b'], sinkContext({ run }))
    await writeSink(toWebhook(url), ['b', 'b'], sinkContext({ run, firstRecord: 1, restored: [] }))
    await writeSink(toWebhook(url), ['c'], sinkContext({ run, firstRecord: 1, restored: [] }))
    const keys = keysOf(received)
    expect(keys[0]).toMatch(/^test\/r1\/out\/0\/0-[0-9a-f]{16}$/)
    expect(keys.slice(3, 5)).toEqual(keys.slice(1, 3))
    expect(new Set(keys).size).toBe(4)
  })

  test('what was not answered yet is state', async () => {
    let asked = (): void => undefined
    const arrived = new Promise<void>((resolve) => {
      asked = resolve
    })
    const { url } = await receiver(() => asked())
    const writer = await openSink(toWebhook(url))
    const writing = Promise.resolve(writer.write([1, 2, 3]))
    await arrived
    expect(writer.unwritten?.()).toEqual([1, 2, 3])
    closers.shift()?.()
    await expect(writing).rejects.toMatchObject({ code: 'SLUICE_SINK_FAILED' })
    expect(writer.unwritten?.()).toEqual([1, 2, 3])
  })

  test.each<[string, (response: ServerResponse) => void, object]>([
    [
      'is refused',
      (response) => {
        response.statusCode = 422
        response.end('no such order')
      },
      { code: 'SLUICE_SINK_FAILED', message: expect.stringContaining('status 422: no such order') },
    ],
    [
      'loses its connection',
      (response) => void response.destroy(),
      { code: 'SLUICE_SINK_FAILED', message: expect.stringContaining('cannot send') },
    ],
    ['has no answer', () => undefined, { code: 'SLUICE_TIMEOUT', message: expect.stringContaining('within 50 ms') }],
  ])('a request that %s fails the sink', async (_name, answer, error) => {
    const { url } = await receiver(answer)
    await expect(writeSink(toWebhook(url, { timeout: 50 }), [1])).rejects.toMatchObject({ ...error, coordinates: { operator: 'out' } })
  })

  test('options are checked while declaring, and headers are not shown with the plan', () => {
    for (const url of ['nowhere', 'ftp://host/'])
      expect(() => toWebhook(url)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
    const { options } = toWebhook('https://user:secret@host/path?token=secret', { headers: { authorization: 'secret' } })
    expect(JSON.stringify(options)).not.toContain('secret')
  })
})

describe('forEachBatch', () => {
  test('gives the number of the first record, over restores, and tells what it still holds', async () => {
    const ids: [string, readonly number[]][] = []
    const settle: (() => void)[] = []
    const sink = forEachBatch<number>(
      (batch, { recordId }) => {
        ids.push([recordId, batch])
        return new Promise<void>((resolve) => settle.push(resolve))
      },
      { records: 2 },
    )
    const writer = await openSink(sink)
    const batch = [10, 11, 12, 13, 14]
    const writing = Promise.resolve(writer.write(batch))
    batch.length = 0
    expect(writer.unwritten?.()).toEqual([10, 11, 12, 13, 14])
    settle.shift()?.()
    await Promise.resolve().then(() => undefined)
    await new Promise((resolve) => setImmediate(resolve))
    expect(writer.unwritten?.()).toEqual([12, 13, 14])
    settle.shift()?.()
    await writing
    expect(writer.unwritten?.()).toEqual([14])

    const again = await openSink(sink, sinkContext({ firstRecord: 4 }))
    void again.write([14, 15])
    expect(ids).toEqual([
      ['out/0/0', [10, 11]],
      ['out/0/2', [12, 13]],
      ['out/0/4', [14, 15]],
    ])
  })
})
