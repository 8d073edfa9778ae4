/** What clients send and what they are answered, over real sockets: HTTP/1.1 and HTTP/2. */
import { connect, constants } from 'node:http2'
import { brotliCompressSync, constants as zlibConstants, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { type FromHttpOptions, fromHttp, type HttpFormat } from '../../src/index.js'
import { driveSource, type DriveOptions } from './drive-source.js'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: unknown
}
interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}
type Client = (url: string, sent: Sent) => Promise<Answer>

const Order = z.object({ id: z.string(), amount: z.number() })
const LISTEN = { port: 0, path: '/orders' }
const JSON_TYPE = { 'content-type': 'application/json' }
const LINES_TYPE = { 'content-type': 'application/x-ndjson' }

const http1: Client = async (url, { method = 'POST', headers = {}, body }) => {
  const response = await fetch(url, { method, headers, body: body as NonNullable<RequestInit['body']> })
  return { status: response.status, headers: Object.fromEntries(response.headers), body: parsed(await response.text()) }
}

const http2: Client = (url, { method = 'POST', headers = {}, body }) => {
  const { origin, pathname, search } = new URL(url)
  const session = connect(origin)
  onTestFinished(() => session.destroy())
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': pathname + search, ...headers })
    let text = ''
    let answered: Record<string, unknown> = {}
    stream.setEncoding('utf8')
    stream.on('response', (told) => (answered = told))
    stream.on('data', (chunk: string) => (text += chunk))
    stream.on('error', reject)
    session.on('error', reject)
    stream.on('end', () => {
      session.close()
      resolve({ status: Number(answered[constants.HTTP2_HEADER_STATUS]), headers: answered as Answer['headers'], body: parsed(text) })
    })
    stream.end(body)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const drive = (options: Partial<FromHttpOptions> & object = {}, driving?: DriveOptions) =>
  driveSource(fromHttp({ ...LISTEN, ...options } as never), driving)

describe.each([
  ['HTTP/1.1', http1],
  ['HTTP/2', http2],
])('%s', (_version, send) => {
  test('a record, a list of records, lines, text and bytes', async () => {
    const source = await drive({ schema: Order } as never)
    const { url } = source.listening
    const order = { id: 'a', amount: 1 }
    expect(await send(url, { headers: JSON_TYPE, body: JSON.stringify(order) })).toMatchObject({ status: 200, body: { accepted: 1 } })
    expect(await send(`${url}?from=test`, { headers: JSON_TYPE, body: JSON.stringify([order, order]) })).toMatchObject({
      body: { accepted: 2 },
    })
    expect(await send(url, { headers: JSON_TYPE, body: '[]' })).toMatchObject({ status: 200, body: { accepted: 0 } })
    const lines = `${JSON.stringify(order)}\r\n\n  \n${JSON.stringify(order)}`
    expect(await send(url, { headers: LINES_TYPE, body: lines })).toMatchObject({ status: 200, body: { accepted: 2 } })
    expect(source.records).toEqual(Array.from({ length: 5 }, () => order))
    expect(source.counts).toEqual({ accepted: 5 })

    const texts = await drive({ format: 'lines' } as never)
    expect(await send(texts.listening.url, { headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'ä\nb\n' })).toMatchObject({
      body: { accepted: 2 },
    })
    expect(texts.records).toEqual(['ä', 'b'])
    const bytes = await drive({ format: 'bytes' } as never)
    await send(bytes.listening.url, { body: new Uint8Array([1, 0, 255]) })
    expect(bytes.records).toEqual([new Uint8Array([1, 0, 255])])
    expect(Object.getPrototypeOf(bytes.records[0])).toBe(Uint8Array.prototype)
  })

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', (body: Uint8Array | string) => brotliCompressSync(body, { params: { [zlibConstants.BROTLI_PARAM_QUALITY]: 1 } })],
  ])('bodies that are compressed: %s', async (encoding, compress) => {
    const source = await drive({ bodyBytesMax: 1_000 })
    const { url } = source.listening
    const headers = { ...JSON_TYPE, 'content-encoding': encoding }
    expect(await send(url, { headers, body: compress('[1,2]') })).toMatchObject({ status: 200, body: { accepted: 2 } })
    expect(await send(url, { headers: { ...LINES_TYPE, 'content-encoding': encoding }, body: compress('3\n4\n') })).toMatchObject({
      body: { accepted: 2 },
    })
    expect(source.records).toEqual([1, 2, 3, 4])
    // A bomb: 100 MB of zeros in some kB.
    const bomb = compress(Buffer.alloc(20_000_000, 48))
    expect(await send(url, { headers, body: bomb })).toMatchObject({
      status: 413,
      body: { error: { code: 'BODY_TOO_LARGE' }, accepted: 0 },
    })
    expect(await send(url, { headers: { ...LINES_TYPE, 'content-encoding': encoding }, body: bomb })).toMatchObject({
      status: 413,
      body: { error: { line: 1 } },
    })
    const breaks = compress(Buffer.alloc(1_000_000, 10))
    expect(await send(url, { headers: { ...LINES_TYPE, 'content-encoding': encoding }, body: breaks })).toMatchObject({ status: 413 })
    expect(await send(url, { headers, body: compress('[1,2]').subarray(0, 8) })).toMatchObject({
      status: 400,
      body: { error: { code: 'BODY_MALFORMED' } },
    })
    expect(await send(url, { headers, body: '[1,2]' })).toMatchObject({ status: 400, body: { error: { code: 'BODY_MALFORMED' } } })
    expect(source.records).toHaveLength(4)
  })

  test('what is wrong is said, and nothing of it is taken', async () => {
    const source = await drive({ schema: Order, token: ['secret-1', 'secret-2'], bodyBytesMax: 200, headerBytesMax: 2_000 } as never)
    const { url } = source.listening
    const auth = { authorization: 'Bearer secret-2' }
    const good = JSON.stringify({ id: 'a', amount: 1 })
    const cases: readonly (readonly [Sent & { readonly path?: string }, number, object])[] = [
      [{ headers: JSON_TYPE, body: good }, 401, { error: { code: 'UNAUTHORIZED' } }],
      [{ headers: { ...JSON_TYPE, authorization: 'Bearer secret-3' }, body: good }, 401, { error: { code: 'UNAUTHORIZED' } }],
      [{ headers: { ...JSON_TYPE, authorization: 'Basic secret-2' }, body: good }, 401, { error: { code: 'UNAUTHORIZED' } }],
      [{ headers: { ...auth, 'content-type': 'text/csv' }, body: good }, 415, { error: { code: 'TYPE_UNSUPPORTED' } }],
      [{ headers: { ...auth }, body: new Uint8Array([1]) }, 415, { error: { code: 'TYPE_UNSUPPORTED' } }],
      [{ headers: { ...auth, ...JSON_TYPE, 'content-encoding': 'zstd' }, body: good }, 415, { error: { code: 'ENCODING_UNSUPPORTED' } }],
      [{ headers: { ...auth, ...JSON_TYPE }, body: `[${good}` }, 400, { error: { code: 'BODY_MALFORMED' } }],
      [
        { headers: { ...auth, ...JSON_TYPE }, body: Buffer.from('{"id":"\xff","amount":1}', 'latin1') },
        400,
        { error: { code: 'BODY_MALFORMED', message: 'body: not UTF-8' } },
      ],
      [{ headers: { ...auth, ...JSON_TYPE }, body: '' }, 400, { error: { code: 'BODY_MALFORMED' } }],
      [
        { headers: { ...auth, ...JSON_TYPE }, body: `[${good},{"id":1,"amount":1}]` },
        400,
        { error: { code: 'RECORD_INVALID', message: expect.stringContaining('record 2: id (1)') } },
      ],
      [{ headers: { ...auth, ...JSON_TYPE }, body: ' '.repeat(300) }, 413, { error: { code: 'BODY_TOO_LARGE' } }],
      [{ path: '/other', headers: { ...auth, ...JSON_TYPE }, body: good }, 404, { error: { code: 'NOT_FOUND' } }],
      [{ method: 'PUT', headers: { ...auth, ...JSON_TYPE }, body: good }, 405, { error: { code: 'METHOD_NOT_ALLOWED' } }],
    ]
    for (const [sent, status, body] of cases) {
      const answer = await send(sent.path === undefined ? url : new URL(sent.path, url).href, sent)
      expect({ sent, ...answer }).toMatchObject({ sent, status, body: { ...body, accepted: 0 } })
      if (status === 405) expect(answer.headers.allow).toBe('POST')
      if (status === 401) expect(answer.headers['www-authenticate']).toBe('Bearer')
    }
    expect(source.records).toEqual([])
    expect(await send(url, { headers: { ...auth, ...JSON_TYPE }, body: good })).toMatchObject({ status: 200 })
    expect(source.counts).toEqual({ invalid: cases.length - 2, accepted: 1 })
    expect(JSON.stringify([source.log, fromHttp({ ...LISTEN, token: 'secret-1' })])).not.toContain('secret')
  })

  test('lines in front of one that is wrong are taken, none behind it', async () => {
    const source = await drive({ schema: Order } as never)
    const { url } = source.listening
    const lines = Array.from({ length: 1_000 }, (_, index) => JSON.stringify({ id: String(index), amount: index }))
    for (const [wrong, code] of [
      ['{"id":', 'BODY_MALFORMED'],
      ['{"id":1,"amount":1}', 'RECORD_INVALID'],
    ] as const) {
      const body = [...lines.slice(0, 700), wrong, ...lines.slice(700)].join('\n')
      const before = source.records.length
      expect(await send(url, { headers: LINES_TYPE, body })).toMatchObject({
        status: 400,
        body: { error: { code, line: 701 }, accepted: 700 },
      })
      expect(source.records.length - before).toBe(700)
    }
  })

  test('what nobody could process is refused: nested too deep', async () => {
    const source = await drive()
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
    expect(await send(source.listening.url, { headers: JSON_TYPE, body: nested(100_000) })).toMatchObject({
      status: 400,
      body: { error: { code: 'RECORD_INVALID' } },
    })
    expect(await send(source.listening.url, { headers: JSON_TYPE, body: nested(101) })).toMatchObject({ status: 200 })
    expect(source.records).toHaveLength(1)
  })

  test('what does not fit, by each policy', async () => {
    const bad = '{"id":1,"amount":1}'
    const good = '{"id":"a","amount":1}'
    const dropping = await drive({ schema: Order, onInvalid: 'drop' } as never)
    expect(await send(dropping.listening.url, { headers: JSON_TYPE, body: `[${bad},${good}]` })).toMatchObject({
      status: 200,
      body: { accepted: 1, invalid: 1 },
    })
    expect(await send(dropping.listening.url, { headers: JSON_TYPE, body: '[' })).toMatchObject({
      status: 200,
      body: { accepted: 0, invalid: 1 },
    })
    expect([dropping.records.length, dropping.dropped]).toEqual([1, 2])
    const dead = await drive({ schema: Order, onInvalid: 'deadLetter' } as never)
    expect(await send(dead.listening.url, { headers: LINES_TYPE, body: `${bad}\n${good}\n{` })).toMatchObject({
      status: 200,
      body: { accepted: 1, invalid: 2 },
    })
    expect(dead.deadLetters).toEqual([
      { operator: 'input', input: { id: 1, amount: 1 }, position: 'line 1', reason: expect.stringContaining('id (1)') },
      { operator: 'input', input: '{', position: 'line 3', reason: expect.stringContaining('not JSON') },
    ])
    const failing = await drive({ schema: Order, onInvalid: 'fail' } as never)
    expect(await send(failing.listening.url, { headers: JSON_TYPE, body: bad })).toMatchObject({ status: 400 })
    await failing.stop()
    expect(failing.failure()).toMatchObject({ code: 'SLUICE_RECORD_INVALID', coordinates: { operator: 'input' } })
  })

  test('no room: refused with Retry-After, as the source says; with wait, it waits', async () => {
    const source = await drive({ queue: { records: 2 }, overload: { retryAfter: '2500ms' } }, { held: true })
    const { url } = source.listening
    // Any of them may be the one that finds no room; the others are not answered while the source is held.
    const sent = [1, 2, 3].map((record) => send(url, { headers: JSON_TYPE, body: String(record) }))
    const refused = await Promise.race(sent)
    expect(refused).toMatchObject({ status: 429, body: { error: { code: 'OVERLOADED' }, accepted: 0 } })
    expect(refused.headers['retry-after']).toBe('3')
    expect(await send(url, { headers: JSON_TYPE, body: '[1,2,3]' })).toMatchObject({
      status: expect.toSatisfy((status: number) => status === 413 || status === 429),
    })
    source.flow()
    const told = (await Promise.all(sent)).map(({ status, body }) => [status, (body as { accepted: number }).accepted])
    expect(told.toSorted(([a = 0], [b = 0]) => a - b)).toEqual([
      [200, 1],
      [200, 1],
      [429, 0],
    ])
    expect(await send(url, { headers: JSON_TYPE, body: '[1,2,3]' })).toMatchObject({
      status: 413,
      body: { error: { code: 'TOO_MANY_RECORDS' } },
    })

    const patient = await drive({ queue: { records: 2 }, overload: { wait: '1h', status: 503 } }, { held: true })
    const answers = Promise.all([1, 2, 3, 4, 5].map((record) => send(patient.listening.url, { headers: JSON_TYPE, body: String(record) })))
    patient.flow()
    for (const { status } of await answers) expect(status).toBe(200)
    expect(new Set(patient.records)).toEqual(new Set([1, 2, 3, 4, 5]))
    const impatient = await drive({ queue: { records: 1 }, overload: { wait: '20ms', status: 503 } }, { held: true })
    const waiting = Promise.all(
      [1, 2].map((record) =>
        send(impatient.listening.url, { headers: JSON_TYPE, body: String(record) }).then((answer) => (impatient.flow(), answer)),
      ),
    )
    expect(new Set((await waiting).map(({ status }) => status))).toEqual(new Set([200, 503]))
  })

  test('ack: checkpoint answers when a checkpoint covers the records', async () => {
    const source = await drive({ ack: 'checkpoint' })
    let answered = 0
    const first = send(source.listening.url, { headers: JSON_TYPE, body: '[1,2]' }).finally(() => answered++)
    await source.took(2)
    expect(answered).toBe(0)
    source.checkpoint()
    expect(await first).toMatchObject({ status: 200, body: { accepted: 2 } })
    const lost = send(source.listening.url, { headers: LINES_TYPE, body: '3\n4' })
    await source.took(4)
    await source.stop()
    expect(await lost).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { error: { code: 'STOPPING' }, accepted: 0 } })
  })

  test('a job that stops refuses what it has not taken', async () => {
    let read = 0
    const format: HttpFormat<unknown> = { types: ['application/json'], decode: (body) => (read++, [JSON.parse(String(body))]) }
    const source = await drive({ format } as never, { held: true })
    const { url } = source.listening
    const waiting = [1, 2, 3].map((record) => send(url, { headers: JSON_TYPE, body: String(record) }))
    await expect.poll(() => read).toBe(3)
    await source.stop()
    for (const answer of await Promise.all(waiting))
      expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { accepted: 0 } })
    expect(source.records).toEqual([])
    await expect(send(url, { headers: JSON_TYPE, body: '1' })).rejects.toThrow(/ECONNREFUSED|fetch failed/)
  })

  test('a reply of the user that fails, or cannot be sent: the answer is what it is without it', async () => {
    const replies: readonly HttpFormat<number>['reply'][] = [
      () => {
        throw new Error('no words')
      },
      () => ({ headers: { 'x broken': 'by its name' } }),
      () => ({ status: 1 }),
    ]
    for (const reply of replies) {
      const source = await drive({ format: { types: ['a/b'], decode: (body: Uint8Array) => [...body], reply } } as never)
      expect(await send(source.listening.url, { headers: { 'content-type': 'a/b' }, body: 'xyz' })).toMatchObject({
        status: 200,
        body: { accepted: 3 },
      })
      expect(await send(source.listening.url, { headers: { 'content-type': 'c/d' }, body: 'xyz' })).toMatchObject({
        status: 415,
        body: { accepted: 0 },
      })
      expect(source.log).toHaveLength(2)
      expect(source.log[0]).toContain('reply to a request to /orders failed: ')
    }
  })

  test('a format of the user: what it reads, refuses and answers', async () => {
    const outcomes: unknown[] = []
    const format: HttpFormat<number> = {
      types: ['application/x-numbers'],
      decode: (body, request) => {
        if (body.length === 0) throw new Error('there is nothing')
        return [...body].map((byte) => byte + Number(new URLSearchParams(request.query).get('plus')))
      },
      reply: (outcome, request) => {
        outcomes.push([outcome, request.contentType])
        return {
          status: outcome.status === 200 ? 202 : outcome.status,
          headers: { 'content-type': 'text/plain' },
          body: `${outcome.accepted}: ${outcome.error?.message ?? ''}`,
        }
      },
    }
    const source = await drive({ format } as never)
    const { url } = source.listening
    const headers = { 'content-type': 'application/x-numbers; v=1' }
    expect(await send(`${url}?plus=1`, { headers, body: new Uint8Array([1, 2]) })).toMatchObject({
      status: 202,
      body: '2: ',
      headers: { 'content-type': 'text/plain' },
    })
    expect(await send(url, { headers, body: '' })).toMatchObject({ status: 400, body: '0: there is nothing' })
    expect(await send(url, { headers: JSON_TYPE, body: '' })).toMatchObject({ status: 415 })
    expect(source.records).toEqual([2, 3])
    expect(outcomes).toMatchObject([
      [{ status: 200, accepted: 2, invalid: 0 }, 'application/x-numbers'],
      [{ status: 400, accepted: 0, error: { code: 'BODY_MALFORMED', message: 'there is nothing' } }, 'application/x-numbers'],
      [{ status: 415, error: { code: 'TYPE_UNSUPPORTED' } }, 'application/json'],
    ])
  })
})
