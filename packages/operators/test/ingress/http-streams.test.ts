/** What clients of HTTP/2 can make a listener hold, besides the requests that a source has let in. */
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { HttpExchange } from '../../src/ingress/http/http-exchange.js'
import { HttpListener } from '../../src/ingress/http/http-listener.js'
import { http2Frame } from './http2-frame.js'

const STREAMS_MAX = 10

async function listen(handle: (exchange: HttpExchange) => void): Promise<HttpListener> {
  const listener = await HttpListener.open({
    port: 0,
    host: '127.0.0.1',
    tls: undefined,
    headerBytesMax: 16_384,
    headersTimeoutMs: 10_000,
    connectionsMax: 100,
    streamsMax: STREAMS_MAX,
  })
  listener.add({ operator: 'in', method: 'POST', path: '/in', handle, refusedConnection: () => undefined })
  return listener
}

function session(listener: HttpListener, settings = {}): ClientHttp2Session {
  const made = connect(listener.origin, { settings })
  made.on('error', () => undefined)
  return made
}

function open(on: ClientHttp2Session): { readonly stream: ClientHttp2Stream; readonly closed: Promise<number> } {
  const stream = on.request({ ':method': 'POST', ':path': '/in' })
  stream.on('error', () => undefined)
  stream.resume()
  stream.end('1')
  return { stream, closed: new Promise((resolve) => stream.once('close', () => resolve(stream.rstCode))) }
}

test('so many streams are open on all connections together, and one that ends makes room', async () => {
  const exchanges: HttpExchange[] = []
  let arrived: (() => void) | undefined
  const listener = await listen((exchange) => {
    exchanges.push(exchange)
    if (exchanges.length % STREAMS_MAX === 0) arrived?.()
  })
  const sessions = [session(listener), session(listener), session(listener)]
  onTestFinished(async () => {
    for (const one of sessions) one.destroy()
    await listener.close()
  })
  const turn = (index: number): ClientHttp2Session => sessions[index % sessions.length] as ClientHttp2Session
  const full = new Promise<void>((resolve) => (arrived = resolve))
  const first = Array.from({ length: STREAMS_MAX }, (_, index) => open(turn(index)))
  await full
  const beyond = Array.from({ length: 6 }, (_, index) => open(turn(index)))
  expect(await Promise.all(beyond.map(({ closed }) => closed))).toEqual(beyond.map(() => constants.NGHTTP2_REFUSED_STREAM))
  expect(exchanges).toHaveLength(STREAMS_MAX)

  for (const exchange of exchanges) exchange.answer(200, {}, Buffer.from('x'))
  expect(await Promise.all(first.map(({ closed }) => closed))).toEqual(first.map(() => constants.NGHTTP2_NO_ERROR))
  const again = new Promise<void>((resolve) => (arrived = resolve))
  for (let index = 0; index < STREAMS_MAX; index++) open(turn(index))
  await again
  expect(exchanges).toHaveLength(2 * STREAMS_MAX)
})

test('answers that a client does not read count as open', async () => {
  let handled = 0
  const listener = await listen((exchange) => {
    handled++
    exchange.answer(429, {}, Buffer.from('later'))
  })
  // No window for answers: they cannot leave.
  const made = session(listener, { initialWindowSize: 0 })
  onTestFinished(async () => {
    made.destroy()
    await listener.close()
  })
  await new Promise<void>((resolve) => made.once('localSettings', () => resolve()))
  const streams = Array.from({ length: STREAMS_MAX + 3 }, () => open(made))
  const codes = await Promise.all(streams.slice(STREAMS_MAX).map(({ closed }) => closed))
  expect(codes).toEqual([1, 2, 3].map(() => constants.NGHTTP2_REFUSED_STREAM))
  expect(handled).toBe(STREAMS_MAX)
  const other = session(listener)
  onTestFinished(() => other.destroy())
  expect(await open(other).closed).toBe(constants.NGHTTP2_REFUSED_STREAM)
})

const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const GOAWAY = 7

/** POST /in, literally, with names from the static table. */
const POST = Buffer.concat([Buffer.from([0x83, 0x86, 0x04, 3]), Buffer.from('/in'), Buffer.from([0x01, 1]), Buffer.from('t')])
const BEGINNING = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), http2Frame(SETTINGS, 0, 0, Buffer.alloc(0))])
const ids = (count: number): number[] => Array.from({ length: count }, (_, index) => 2 * index + 1)

/** Sends bytes and settles at the first GOAWAY, or when the connection is closed. */
async function send(listener: HttpListener, bytes: Uint8Array): Promise<'told to go' | 'closed'> {
  const socket = connectTcp(listener.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  return new Promise((resolve) => {
    let rest = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('close', () => resolve('closed'))
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        if (rest.readUInt8(3) === GOAWAY) resolve('told to go')
        rest = rest.subarray(9 + rest.readUIntBE(0, 3))
      }
    })
    socket.write(bytes)
  })
}

test('a client that opens streams and resets them is told to go away, and not listened to any more', async () => {
  let handled = 0
  const listener = await listen(() => handled++)
  onTestFinished(() => listener.close())
  const streams = ids(5_000).flatMap((id) => [http2Frame(HEADERS, 4, id, POST), http2Frame(RST_STREAM, 0, id, Buffer.from([0, 0, 0, 8]))])
  expect(await send(listener, Buffer.concat([BEGINNING, ...streams]))).toBe('told to go')
  expect(handled).toBeLessThan(2_500)
})

test('a client that opens more streams than it may is left', async () => {
  let handled = 0
  const listener = await listen(() => handled++)
  onTestFinished(() => listener.close())
  const streams = ids(5_000).map((id) => http2Frame(HEADERS, 4, id, POST))
  expect(['told to go', 'closed']).toContain(await send(listener, Buffer.concat([BEGINNING, ...streams])))
  expect(handled).toBe(STREAMS_MAX)
})
