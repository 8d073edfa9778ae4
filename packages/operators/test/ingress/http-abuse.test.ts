/** Clients that lie, dawdle, flood or leave: what they can make a source hold is bounded, and everybody else is served. Over raw sockets. */
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { brotliCompressSync } from 'node:zlib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type FromHttpOptions, fromHttp } from '../../src/index.js'
import { type DriveOptions, type DrivenSource, driveSource } from './drive-source.js'
import { http2Frame } from './http2-frame.js'

const drive = (options: Partial<FromHttpOptions> & object = {}, driving?: DriveOptions): Promise<DrivenSource> =>
  driveSource(fromHttp({ port: 0, path: '/in', ...options } as never), driving)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
/** Settles when something holds; what it waits for happens in other callbacks of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  let over = false
  onTestFinished(() => void (over = true))
  while (!holds() && !over) await turn()
}

class RawClient {
  text = ''
  closed = false
  readonly socket: Socket
  readonly ended: Promise<string>

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setNoDelay(true)
    this.socket.setEncoding('utf8')
    this.socket.on('data', (chunk: string) => (this.text += chunk))
    this.socket.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.closed = true
        resolve(this.text)
      })
    })
    onTestFinished(() => void this.socket.destroy())
  }

  write(text: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(text, () => resolve())
    })
  }

  /** Status lines of the answers so far. */
  get statuses(): number[] {
    if (this.text === '') return []
    return [...this.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)).filter((status) => status !== 100)
  }
}

const head = (headers: Record<string, string | number>, line = 'POST /in HTTP/1.1'): string =>
  `${[line, 'host: test', ...Object.entries({ 'content-type': 'application/json', ...headers }).map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`

async function post(
  source: DrivenSource,
  body: string,
  type = 'application/json',
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(source.listening.url, { method: 'POST', headers: { 'content-type': type }, body })
  return { status: response.status, body: await response.json() }
}

function session(source: DrivenSource): ClientHttp2Session {
  const made = connectHttp2(new URL(source.listening.url).origin)
  made.on('error', () => undefined)
  onTestFinished(() => made.destroy())
  return made
}

function answerOf(stream: ClientHttp2Stream): Promise<{ readonly status: number; readonly body: unknown }> {
  return new Promise((resolve, reject) => {
    let status = 0
    let text = ''
    stream.setEncoding('utf8')
    stream.on('response', (headers) => (status = Number(headers[':status'])))
    stream.on('data', (chunk: string) => (text += chunk))
    stream.on('error', reject)
    stream.on('close', () => resolve({ status, body: text === '' ? undefined : JSON.parse(text) }))
  })
}

/** What a connection of HTTP/2 begins with, and the headers of a request of JSON on stream 1, literally. */
function http2Request(path: string): Buffer {
  const headers = { ':method': 'POST', ':scheme': 'http', ':path': path, ':authority': 'test', 'content-type': 'application/json' }
  const literal: number[] = []
  for (const [name, value] of Object.entries(headers))
    literal.push(0, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value))
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    http2Frame(4, 0, 0, Buffer.alloc(0)),
    http2Frame(1, 4, 1, Buffer.from(literal)),
  ])
}

test('a body that is announced too long is refused before it is read, and the client reads why', async () => {
  const source = await drive({ bodyBytesMax: 1_000 })
  const client = new RawClient(source.listening.port)
  await client.write(head({ 'content-length': 50_000_000 }))
  await until(() => client.statuses.length > 0)
  expect(client.statuses).toEqual([413])
  expect(client.text).toContain('"code":"BODY_TOO_LARGE"')
  expect(await client.ended).toContain('connection: close')
})

test('a body that asks first is refused without being sent; one that fits is asked for', async () => {
  const source = await drive({ bodyBytesMax: 1_000 })
  const refused = new RawClient(source.listening.port)
  await refused.write(head({ 'content-length': 5_000, expect: '100-continue' }))
  await refused.ended
  expect(refused.statuses).toEqual([413])
  expect(refused.text).not.toContain('100 Continue')
  const asked = new RawClient(source.listening.port)
  await asked.write(head({ 'content-length': 1, expect: '100-continue' }))
  await until(() => asked.text.includes('100 Continue'))
  await asked.write('7')
  await until(() => asked.statuses.length > 0)
  expect([asked.statuses, source.records]).toEqual([[200], [7]])
})

test('a body that never ends: chunks without end stop at the bound', async () => {
  const source = await drive({ bodyBytesMax: 100_000 })
  const client = new RawClient(source.listening.port)
  await client.write(head({ 'transfer-encoding': 'chunked' }))
  const chunk = `1000\r\n${' '.repeat(4096)}\r\n`
  while (client.statuses.length === 0 && !client.closed) {
    await client.write(chunk)
    await turn()
  }
  expect(client.statuses).toEqual([413])
  await client.ended
  expect(source.records).toEqual([])
})

test('a body shorter than it says, one that comes a byte at a time, and one that never comes: 408, and nothing is taken', async () => {
  const source = await drive({ bodyTimeout: 150 })
  const [shorter, slow, silent] = [1, 2, 3].map(() => new RawClient(source.listening.port)) as [RawClient, RawClient, RawClient]
  await shorter.write(`${head({ 'content-length': 100 })}[1]`)
  await silent.write(head({ 'content-length': 5 }))
  await slow.write(head({ 'content-length': 1_000_000 }))
  while (slow.statuses.length === 0) {
    await slow.write(' ')
    await turn()
  }
  await Promise.all([shorter.ended, silent.ended, slow.ended])
  for (const client of [shorter, silent, slow])
    expect([client.statuses, client.text]).toEqual([[408], expect.stringContaining('BODY_TIMEOUT')])
  const stream = session(source).request({ ':method': 'POST', ':path': '/in', 'content-type': 'application/json' })
  expect(await answerOf(stream)).toMatchObject({ status: 408, body: { accepted: 0 } })
  expect(source.records).toEqual([])
})

test('a body longer than it says: what is behind it is no request of ours', async () => {
  const source = await drive()
  const client = new RawClient(source.listening.port)
  await client.write(`${head({ 'content-length': 3 })}[1]garbage here\r\n\r\n`)
  await client.ended
  // The one that was whole is answered for what became of it.
  expect(client.statuses).toEqual([200, 400])
  expect(client.text).toContain('{"accepted":1}')
  expect(client.text).toContain('"code":"REQUEST_MALFORMED"')
  expect(source.records).toEqual([1])
  // HTTP/2 frames say how long they are: a body that does not fit its content-length is no body.
  const stream = session(source).request({ ':method': 'POST', ':path': '/in', 'content-type': 'application/json', 'content-length': 3 })
  stream.end('[1,2,3]')
  await expect(answerOf(stream)).rejects.toThrow('NGHTTP2_PROTOCOL_ERROR')
  expect(source.records).toEqual([1])
})

test('both lengths at once, a length that is none, headers without end: refused by the protocol', async () => {
  const source = await drive({ headerBytesMax: 2_000 })
  for (const [text, status, code] of [
    [head({ 'content-length': 3, 'transfer-encoding': 'chunked' }), 400, 'REQUEST_MALFORMED'],
    [head({ 'content-length': '3x' }), 400, 'REQUEST_MALFORMED'],
    [head({ 'x-long': 'x'.repeat(5_000) }), 431, 'HEADERS_TOO_LARGE'],
    // What comes behind it does not take the answer away.
    [head({ 'x-long': 'x'.repeat(500_000) }), 431, 'HEADERS_TOO_LARGE'],
    ['GARBAGE\r\n\r\n', 400, 'REQUEST_MALFORMED'],
  ] as const) {
    const client = new RawClient(source.listening.port)
    await client.write(text)
    client.socket.end()
    await client.ended
    expect([text.slice(0, 100), client.statuses]).toEqual([text.slice(0, 100), [status]])
    expect(JSON.parse(client.text.slice(client.text.indexOf('{')))).toMatchObject({ error: { code }, accepted: 0 })
  }
  // Some lines of it may have been taken: no more is said than that it is wrong.
  const lines = new RawClient(source.listening.port)
  await lines.write(`${head({ 'content-type': 'application/x-ndjson', 'transfer-encoding': 'chunked' })}4\r\n1\n2\n\r\n`)
  await source.took(2)
  await lines.write('ZZ\r\n')
  await lines.ended
  expect([lines.statuses, lines.text.includes('accepted')]).toEqual([[400], false])
  expect(source.records.splice(0)).toEqual([1, 2])
  const stream = session(source).request({
    ':method': 'POST',
    ':path': '/in',
    'content-type': 'application/json',
    'x-long': 'x'.repeat(5_000),
  })
  stream.end('1')
  expect(await answerOf(stream)).toMatchObject({ status: 431, body: { error: { code: 'HEADERS_TOO_LARGE' } } })
  expect(await post(source, '1')).toMatchObject({ status: 200 })
})

test('headers that come slowly, connections that say nothing: closed', async () => {
  const source = await drive({ headersTimeout: 1_000 })
  const silent = new RawClient(source.listening.port)
  const slow = new RawClient(source.listening.port)
  const half = new RawClient(source.listening.port)
  const idle = new RawClient(source.listening.port)
  await slow.write('POST /in HTTP/1.1\r\nhost: test\r\nx-never: ')
  await half.write('PRI * HT')
  await idle.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  await Promise.all([silent.ended, slow.ended, half.ended, idle.ended])
  expect([slow.statuses, silent.text, half.text]).toEqual([[408], '', ''])
  expect(slow.text).toContain('"code":"HEADERS_TIMEOUT"')
})

test('no more connections than there may be', async () => {
  const source = await drive({ connectionsMax: 2 })
  const clients = [1, 2].map(() => new RawClient(source.listening.port))
  for (const client of clients) await client.write(`${head({ 'content-length': 1 })}1`)
  await until(() => clients.every(({ statuses }) => statuses.length === 1))
  const third = new RawClient(source.listening.port)
  expect(await third.ended).toBe('')
  expect(source.counts).toMatchObject({ connectionsRefused: 1, accepted: 2 })
})

test('a client that leaves: before it is accepted nothing of its body is taken, and its room is free again', async () => {
  const source = await drive({ queue: { records: 1 }, overload: { wait: '200ms' } })
  const client = new RawClient(source.listening.port)
  await client.write(`${head({ 'content-length': 100 })}[1,`)
  let busy = await post(source, '2')
  while (busy.status === 200) busy = await post(source, '2')
  client.socket.destroy()

  await until(() => source.counts.disconnected === 1)

  const before = source.records.length
  expect(await post(source, '3')).toMatchObject({ status: 200 })
  expect(source.records.slice(before)).toEqual([3])

  const other = new RawClient(source.listening.port)
  // What came would be a record: that it was cut is known by how it ended alone.
  await other.write(Buffer.concat([http2Request('/in'), http2Frame(0, 0, 1, Buffer.from('4'))]))
  busy = await post(source, '5')
  while (busy.status === 200) busy = await post(source, '5')
  await other.write(http2Frame(3, 0, 1, Buffer.from([0, 0, 0, 8])))
  await until(() => source.counts.disconnected === 2)
  expect(await post(source, '6')).toMatchObject({ status: 200 })
  expect(source.records).not.toContain(4)
})

test('a client that leaves behind its last byte: what was taken stays taken, once, and is counted', async () => {
  const source = await drive({}, { held: true })
  const client = new RawClient(source.listening.port)
  await client.write(`${head({ 'content-length': 5 })}[1,2]`)
  const probes = [post(source, '3')]
  while (source.counts.invalid !== 1) await post(source, '[')
  client.socket.destroy()
  await client.ended
  // By then the server has seen it too.
  for (let times = 0; times < 10; times++) await post(source, '[')
  source.flow()
  await Promise.all(probes)
  await until(() => source.counts.unanswered === 1)
  await source.stop()
  expect(source.records).toHaveLength(3)
  expect(new Set(source.records)).toEqual(new Set([1, 2, 3]))
  expect(source.counts).toMatchObject({ accepted: 3, unanswered: 1 })
  expect(source.log).toContain('1 requests were taken whose clients had left before the answer')
})

test('a stream of lines of a client that leaves: the lines that came are taken, the half one is not', async () => {
  const source = await drive()
  const client = new RawClient(source.listening.port)
  await client.write(head({ 'transfer-encoding': 'chunked', 'content-type': 'application/x-ndjson' }))
  await client.write('6\r\n1\n2\n{"\r\n')
  await source.took(2)
  client.socket.destroy()
  await until(() => source.counts.disconnected === 1)
  expect([source.records, source.counts]).toEqual([[1, 2], { accepted: 2, disconnected: 1 }])
})

test('lines that come a byte at a time are put together, and a line that never ends is not waited for', async () => {
  const source = await drive({ bodyTimeout: 2_000 })
  const client = new RawClient(source.listening.port)
  await client.write(head({ 'transfer-encoding': 'chunked', 'content-type': 'application/x-ndjson' }))
  for (const byte of Buffer.from('"ä"\n[2]\n3')) {
    await client.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]))
    await turn()
  }
  await client.ended
  expect([client.statuses, source.records]).toEqual([[408], ['ä', [2]]])
  expect(client.text).toContain('"accepted":2')
})

test('requests on one connection, sent without waiting for answers, are answered in their order', async () => {
  const source = await drive()
  const client = new RawClient(source.listening.port)
  const bodies = Array.from({ length: 200 }, (_, index) => String(index))
  await client.write(bodies.map((body) => `${head({ 'content-length': body.length })}${body}`).join(''))
  await until(() => client.statuses.length === 200)
  expect(client.statuses.every((status) => status === 200)).toBe(true)
  expect(source.records).toEqual(bodies.map(Number))
})

test('a client that does not read its answers is left after some time, and holds nobody up', async () => {
  const source = await drive()
  const made = session(source)
  // No window for answers: they cannot leave.
  made.settings({ initialWindowSize: 0 })
  await new Promise<void>((resolve) => made.once('localSettings', () => resolve()))
  const streams = Array.from({ length: 20 }, () => {
    const stream = made.request({ ':method': 'POST', ':path': '/in', 'content-type': 'application/json' })
    stream.on('error', () => undefined)
    stream.end('1')
    return stream
  })
  await source.took(20)
  expect(await post(source, '2')).toMatchObject({ status: 200 })
  expect(streams.every(({ destroyed }) => !destroyed)).toBe(true)
  await source.stop()
  expect(source.records).toHaveLength(21)
})

test.each([['HTTP/1.1'], ['HTTP/2']])(
  '%s: a stream of lines is not read while the job stands, and goes on with it; everything sent is delivered in order',
  async (version) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const source = await drive({ queue: { records: 1_000, bytes: '1mb' }, bodyTimeout: 400 }, { held: true })
    const line = (index: number): string => `{"id":${index},"pad":"${'x'.repeat(1_000)}"}\n`
    // More than the system and the source hold between them.
    const count = 40_000
    let written = 0
    let waiting = false
    let answer: Promise<{ readonly status: number; readonly body: unknown }>
    let write: (text: string) => boolean
    let drained: (then: () => void) => void
    let end: () => void
    if (version === 'HTTP/2') {
      const stream = session(source).request({ ':method': 'POST', ':path': '/in', 'content-type': 'application/x-ndjson' })
      answer = answerOf(stream)
      write = (text) => stream.write(text)
      drained = (then) => stream.once('drain', then)
      end = () => stream.end()
    } else {
      const client = new RawClient(source.listening.port)
      await client.write(head({ 'transfer-encoding': 'chunked', 'content-type': 'application/x-ndjson' }))
      answer = until(() => client.text.endsWith('}')).then(() => ({
        status: client.statuses[0] as number,
        body: JSON.parse(client.text.slice(client.text.indexOf('{'))),
      }))
      write = (text) => client.socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
      drained = (then) => client.socket.once('drain', then)
      end = () => client.socket.write('0\r\n\r\n')
    }
    const more = (): void => {
      waiting = false
      while (written < count) {
        let text = ''
        for (let lines = 0; lines < 50 && written < count; lines++) text += line(written++)
        if (!write(text)) {
          waiting = true
          drained(more)
          return
        }
      }
      end()
    }
    more()
    // The client is blocked: he stands while others come and go. And he stays so, for longer than a body may take while somebody reads it.
    const probe = (): Promise<unknown> => post(source, '[')
    for (let quiet = 0, before = -1; quiet < 20; before = written) {
      await probe()
      quiet = waiting && written === before ? quiet + 1 : 0
    }
    const blockedAt = written
    vi.advanceTimersByTime(60_000)
    for (let times = 0; times < 5; times++) await probe()
    expect(written).toBe(blockedAt)
    expect(written).toBeLessThan(count / 2)
    expect(source.records).toHaveLength(0)
    source.flow()
    expect(await answer).toMatchObject({ status: 200, body: { accepted: count } })
    expect(source.records).toHaveLength(count)
    expect(source.records.every((record, index) => (record as { id: number }).id === index)).toBe(true)
  },
)

test('many streams share the room fairly: none waits until another has ended', async () => {
  const source = await drive({ queue: { records: 50 }, overload: { wait: '1m' } }, { held: true })
  const clients = Array.from({ length: 10 }, () => new RawClient(source.listening.port))
  const lines = 3_000
  await Promise.all(
    clients.map(async (client, index) => {
      await client.write(head({ 'transfer-encoding': 'chunked', 'content-type': 'application/x-ndjson' }))
      const body = `${index}\n`.repeat(lines)
      client.socket.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
    }),
  )
  source.flow()
  await source.took(lines)
  const early = new Set(source.records)
  expect(early.size).toBeGreaterThanOrEqual(5)
  for (const client of clients) await until(() => client.statuses.length === 1)
  expect(source.records).toHaveLength(10 * lines)
})

test('a thousand connections at once', async () => {
  const source = await drive({ connectionsMax: 1_100, queue: { records: 200 }, overload: { wait: '1m' } })
  const clients = Array.from({ length: 1_000 }, () => new RawClient(source.listening.port))
  await Promise.all(clients.map((client, index) => client.write(`${head({ 'content-length': String(index).length })}${index}`)))
  for (const client of clients) await until(() => client.statuses.length === 1)
  expect(clients.every(({ statuses }) => statuses[0] === 200)).toBe(true)
  expect(new Set(source.records)).toEqual(new Set(Array.from({ length: 1_000 }, (_, index) => index)))
})

test('streams that are reset as soon as they are opened: nothing of them is held, and the log stays silent', async () => {
  const source = await drive({ queue: { requests: 50 } })
  const made = session(source)
  for (let times = 0; times < 8; times++) {
    for (let count = 0; count < 90; count++) {
      const stream = made.request({ ':method': 'POST', ':path': '/in', 'content-type': 'application/json', expect: '100-continue' })
      stream.on('error', () => undefined)
      stream.close(8)
    }
    await turn()
  }
  await until(() => (source.counts.disconnected ?? 0) + (source.counts.refused ?? 0) >= 90)
  made.destroy()
  // Their room is free again.
  expect(await Promise.all(Array.from({ length: 50 }, (_, record) => post(source, String(record))))).toEqual(
    Array.from({ length: 50 }, () => ({ status: 200, body: { accepted: 1 } })),
  )
  expect(source.log).toEqual([])
})

test('a source of the port that stands: nobody waits for it on the same port, not even on the same connection', async () => {
  const controller = new AbortController()
  const standing = await driveSource(fromHttp({ port: 0, path: '/standing', queue: { records: 4, bytes: '1mb' } }), {
    controller,
    held: true,
  })
  const other = await driveSource(fromHttp({ port: 0, path: '/other' }), { controller })
  expect(other.listening.port).toBe(standing.listening.port)
  const made = session(standing)
  const blocked = Array.from({ length: 20 }, () => {
    const stream = made.request({ ':method': 'POST', ':path': '/standing', 'content-type': 'application/x-ndjson' })
    stream.on('error', () => undefined)
    stream.write('1\n'.repeat(100_000))
    return stream
  })
  for (let record = 0; record < 20; record++) {
    const stream = made.request({ ':method': 'POST', ':path': '/other', 'content-type': 'application/json' })
    stream.end(String(record))
    expect(await answerOf(stream)).toMatchObject({ status: 200 })
    expect(await post(other, '1')).toMatchObject({ status: 200 })
  }
  expect([standing.records.length, other.records.length]).toEqual([0, 40])
  for (const stream of blocked) stream.destroy()
})

test('a source that has closed while another of its port has not: its path is not unknown, the job stops', async () => {
  const controller = new AbortController()
  const first = await driveSource(fromHttp({ port: 0, path: '/first' }), { controller })
  const second = await driveSource(fromHttp({ port: 0, path: '/second' }), { controller })
  await first.stop()
  for (const source of [first, second])
    expect(await post(source, '1')).toMatchObject({ status: 503, body: { error: { code: 'STOPPING' }, accepted: 0 } })
})

test('no more requests wait for room than there may be open', async () => {
  const source = await drive({ queue: { records: 1, requests: 3 }, overload: { wait: '1h' } }, { held: true })
  const answers = Array.from({ length: 10 }, (_, record) => post(source, String(record)))
  const statuses: number[] = []
  for (const answer of answers) void answer.then(({ status }) => statuses.push(status))
  await until(() => statuses.length === 6)
  expect(statuses).toEqual([429, 429, 429, 429, 429, 429])
  source.flow()
  expect((await Promise.all(answers)).filter(({ status }) => status === 200)).toHaveLength(4)
})

test('so many bodies of Brotli at once: a further one comes later, and one that leaves makes room', async () => {
  const source = await drive()
  const headers = { 'content-encoding': 'br', 'content-length': 100 }
  const clients = Array.from({ length: 4 }, () => new RawClient(source.listening.port))
  for (const client of clients) await client.write(head(headers))
  const sent = async (): Promise<number> => {
    const response = await fetch(source.listening.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'br' },
      body: brotliCompressSync('1'),
    })
    await response.text()
    return response.status
  }
  while ((await sent()) !== 429) await turn()
  clients[0]?.socket.destroy()
  let status = await sent()
  while (status === 429) status = await sent()
  expect(status).toBe(200)
})

test('a client that does not read his answers is left behind some time, and others are served meanwhile', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const answer = 'x'.repeat(256 * 1024)
  const source = await driveSource(
    fromHttp({ port: 0, path: '/in', format: { types: ['application/json', 'a/b'], decode: () => [1], reply: () => ({ body: answer }) } }),
  )
  const roundTrip = async (): Promise<void> => {
    const response = await fetch(source.listening.url, { method: 'POST', headers: { 'content-type': 'c/d' } })
    expect((await response.text()).length).toBe(answer.length)
  }
  const client = new RawClient(source.listening.port)
  client.socket.pause()
  const sent = 200
  client.socket.write(`${head({ 'content-length': 1 })}1`.repeat(sent))
  await source.took(sent)
  await roundTrip()
  vi.advanceTimersByTime(60_000)
  client.socket.resume()
  await client.ended
  expect(client.text.length).toBeLessThan((sent * answer.length) / 2)
  await roundTrip()
})

test('a client that sends requests without end and does not wait for answers is left', async () => {
  const source = await drive({ queue: { requests: 10 } }, { held: true })
  const client = new RawClient(source.listening.port)
  client.socket.write(`${head({ 'content-length': 1 })}1`.repeat(2_000))
  await client.ended
  expect((source.counts.refused ?? 0) + (source.counts.disconnected ?? 0)).toBeLessThanOrEqual(256)
  source.flow()
  expect(await post(source, '2')).toMatchObject({ status: 200 })
})
