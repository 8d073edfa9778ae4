/**
 * One HTTP server of one thread: HTTP/1.1 and HTTP/2 on the same port, told apart by the first bytes of a connection, or by ALPN under TLS. It knows its sources by their paths, and closes
 * with the last of them. Everything that a client can make it hold is bounded. Runs in the thread of its sources.
 */
import type { Server as Http1Server, IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { SluiceError } from '@sluice/engine'
import { cannotListen } from '../cannot-listen.js'
import { loadTls } from '../load-tls.js'
import { Http1Exchange, Http2Exchange, type HttpExchange } from './http-exchange.js'
import type { ListenTls } from './http-types.js'

export interface ListenerSettings {
  readonly port: number
  readonly host: string
  readonly tls: ListenTls | undefined
  readonly headerBytesMax: number
  readonly headersTimeoutMs: number
  readonly connectionsMax: number
  /** Open streams of HTTP/2 of all connections together, those included whose answers are not read. */
  readonly streamsMax: number
}

/** A source, as its listener sees it. */
export interface HttpRoute {
  readonly operator: string
  readonly method: string
  readonly path: string
  handle(exchange: HttpExchange): void
  /** A connection was closed at once, because there were as many as there may be. */
  refusedConnection(): void
}

/** Requests of one connection of HTTP/2 at once. */
const STREAMS_MAX = 100
/** Requests of one connection of HTTP/1.1 that are not answered yet; a client that sends on without waiting for answers is left. */
const PIPELINED_MAX = 256
/** Memory of one session of HTTP/2 besides, in MB; the smallest that leaves room for its streams' windows. */
const SESSION_MEMORY_MB = 8
const HEADER_PAIRS_MAX = 128
/** A connection without a request is closed behind so long. */
const IDLE_CONNECTION_MS = 60_000
/** How long what is under way may take when the last source closes. */
const CLOSE_MS_MAX = 2_000
const PREFACE = 'PRI * HTTP/2.0\r\n'

export class HttpListener {
  readonly settings: ListenerSettings
  readonly port: number
  readonly #server: Http1Server
  readonly #http2: Http2Server
  readonly #sessions: Set<ServerHttp2Session>
  readonly #sockets: Set<Socket>
  readonly #routes: Map<string, HttpRoute[]>
  readonly #state: { closing: boolean }

  private constructor(parts: ListenerParts, settings: ListenerSettings) {
    this.settings = settings
    this.#server = parts.server
    this.#http2 = parts.http2
    this.#sessions = parts.sessions
    this.#sockets = parts.sockets
    this.#routes = parts.routes
    this.#state = parts.state
    this.port = (parts.server.address() as AddressInfo).port
  }

  /** @throws SLUICE_SOURCE_FAILED where the address cannot be bound */
  static async open(settings: ListenerSettings): Promise<HttpListener> {
    const parts = await createParts(settings)
    const { server } = parts
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(settings, error)))
      server.listen({ port: settings.port, host: settings.host }, resolve)
    })
    // A failure to accept a connection (too many open files) is that connection's.
    server.on('error', () => undefined)
    return new HttpListener(parts, settings)
  }

  get origin(): string {
    const { host, tls } = this.settings
    return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${this.port}`
  }

  /** @throws SLUICE_OPTIONS_INVALID where another source has the path */
  add(route: HttpRoute): void {
    const routes = this.#routes.get(route.path) ?? []
    const other = routes.find(({ method }) => method === route.method)
    if (other !== undefined) {
      throw new SluiceError(
        'SLUICE_OPTIONS_INVALID',
        `${route.operator} and ${other.operator} both take ${route.method} ${this.origin}${route.path}.`,
        {
          operator: route.operator,
          hint: 'Give each source a path of its own.',
        },
      )
    }
    this.#routes.set(route.path, [...routes, route])
  }

  /** A source has closed, and with it goes the job. Its path is not unknown by that, which clients would take for the last word: they hear that the job stops. */
  remove(route: HttpRoute): void {
    const routes = this.#routes.get(route.path) ?? []
    this.#routes.set(
      route.path,
      routes.map((other) => (other === route ? closedRoute(route) : other)),
    )
  }

  /** Accepts nothing more, lets answers that were given reach their clients, and ends what is left. */
  async close(): Promise<void> {
    this.#state.closing = true
    const server = this.#server
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
    server.closeIdleConnections()
    for (const session of this.#sessions) session.close()
    // Connections that have not said anything have nothing under way.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
    const timer = setTimeout(() => {
      for (const session of this.#sessions) session.destroy()
      for (const socket of this.#sockets) socket.destroy()
    }, CLOSE_MS_MAX)
    await closed
    clearTimeout(timer)
    this.#http2.close()
  }
}

interface ListenerParts {
  readonly server: Http1Server
  readonly http2: Http2Server
  readonly sessions: Set<ServerHttp2Session>
  readonly sockets: Set<Socket>
  readonly routes: Map<string, HttpRoute[]>
  readonly state: { closing: boolean }
}

async function createParts(settings: ListenerSettings): Promise<ListenerParts> {
  const { tls, headerBytesMax, headersTimeoutMs, connectionsMax, streamsMax } = settings
  const http = await import('node:http')
  const http2 = await import('node:http2')
  const routes = new Map<string, HttpRoute[]>()
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  const state = { closing: false }
  const { NGHTTP2_NO_ERROR: noError, NGHTTP2_REFUSED_STREAM: refusedStream } = http2.constants

  const dispatch = (exchange: HttpExchange): void => {
    const found = routes.get(exchange.path)
    const route = found?.find(({ method }) => method === exchange.method)
    if (route !== undefined) {
      route.handle(exchange)
      return
    }
    if (found === undefined) refuse(exchange, 404, 'NOT_FOUND', 'Nobody listens at this path.', {})
    else {
      const allow = found.map(({ method }) => method).join(', ')
      refuse(exchange, 405, 'METHOD_NOT_ALLOWED', `This path takes ${allow}.`, { allow })
    }
  }
  const unanswered: WeakMap<Duplex, ServerResponse[]> = new WeakMap()
  const broken: WeakSet<Duplex> = new WeakSet()
  const onRequest =
    (asks: boolean) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      const responses = unanswered.get(request.socket) ?? []
      unanswered.set(request.socket, responses)
      // What came with them in one piece is still handed over behind it.
      if (responses.length >= PIPELINED_MAX) request.socket.destroy()
      if (request.socket.destroyed) return
      responses.push(response)
      response.once('close', () => void responses.splice(responses.indexOf(response), 1))
      dispatch(new Http1Exchange(request, response, { asks, mustClose: () => state.closing }))
    }
  const options = {
    maxHeaderSize: headerBytesMax,
    headersTimeout: headersTimeoutMs,
    // Bodies have a time of their own, which stands still while nobody reads them.
    requestTimeout: 0,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    connectionsCheckingInterval: Math.min(1_000, Math.max(50, headersTimeoutMs / 4)),
  }
  const server: Http1Server =
    tls === undefined
      ? http.createServer(options)
      : (await import('node:https')).createServer({
          ...options,
          ...(await loadTls(tls)),
          ALPNProtocols: ['h2', 'http/1.1'],
          handshakeTimeout: headersTimeoutMs,
        })
  server.on('request', onRequest(false))
  server.on('checkContinue', onRequest(true))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // It is told of whatever comes behind, too.
    if (broken.has(socket)) return
    broken.add(socket)
    refuseBroken(error, socket, unanswered.get(socket) ?? [])
  })
  server.maxConnections = connectionsMax
  server.on('drop', () => routes.values().next().value?.[0]?.refusedConnection())

  const framed = http2.createServer({
    settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: headerBytesMax },
    maxSessionMemory: SESSION_MEMORY_MB,
    maxHeaderListPairs: HEADER_PAIRS_MAX,
    peerMaxConcurrentStreams: 0,
  })
  framed.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => session.destroy())
    session.once('close', () => sessions.delete(session))
    watchIdleness(session, headersTimeoutMs)
    if (state.closing) session.close()
  })
  let openStreams = 0
  framed.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    openStreams++
    stream.once('close', () => openStreams--)
    if (openStreams > streamsMax) {
      // Not answered, because answers that nobody reads are what there is too much of: the client knows that nothing of it was looked at.
      stream.on('error', () => undefined)
      stream.close(refusedStream)
      stream.resume()
      return
    }
    const exchange = new Http2Exchange(stream, headers, noError)
    // The bound that is announced to clients is advice to them.
    if (sizeOf(headers) <= headerBytesMax) dispatch(exchange)
    else refuse(exchange, 431, 'HEADERS_TOO_LARGE', `The headers of a request have at most ${headerBytesMax} bytes.`, {})
  })

  // Node's own handler of a connection of HTTP/1.1, which comes behind the look at its first bytes.
  const event = tls === undefined ? 'connection' : 'secureConnection'
  const [acceptHttp1] = server.listeners(event) as ((socket: Socket) => void)[]
  if (acceptHttp1 === undefined) throw new Error('a server of node:http does not listen to its connections')
  server.removeAllListeners(event)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  })
  if (tls === undefined) {
    server.on(event, (socket: Socket) =>
      lookAtPreface(socket, headersTimeoutMs, (isHttp2) => {
        if (isHttp2) framed.emit('connection', socket)
        else acceptHttp1.call(server, socket)
      }),
    )
  } else {
    server.on(event, (socket: Socket & { readonly alpnProtocol?: string | false | null }) => {
      socket.on('error', () => socket.destroy())
      if (socket.alpnProtocol === 'h2') framed.emit('connection', socket)
      else acceptHttp1.call(server, socket)
    })
  }
  return { server, http2: framed, sessions, sockets, routes, state }
}

/** Decides by the first bytes; they are put back. A client that sends none is not waited for. */
function lookAtPreface(socket: Socket, timeoutMs: number, decided: (isHttp2: boolean) => void): void {
  let seen: Buffer | undefined
  const timer = setTimeout(() => socket.destroy(), timeoutMs)
  const onClose = (): void => clearTimeout(timer)
  const onData = (chunk: Buffer): void => {
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk])
    const beginning = seen.toString('latin1', 0, PREFACE.length)
    const mayBe = PREFACE.startsWith(beginning)
    if (mayBe && beginning.length < PREFACE.length) return
    clearTimeout(timer)
    socket.off('data', onData)
    socket.off('close', onClose)
    socket.pause()
    socket.unshift(seen)
    decided(mayBe)
    process.nextTick(() => socket.resume())
  }
  socket.on('data', onData)
  socket.once('close', onClose)
}

/** A session on which no request is open does not last: neither idle ones nor headers that come a byte at a time. */
function watchIdleness(session: ServerHttp2Session, headersTimeoutMs: number): void {
  let open = 0
  const end = (): void => {
    session.close()
    timer = setTimeout(() => session.destroy(), headersTimeoutMs)
  }
  let timer = setTimeout(end, headersTimeoutMs)
  session.on('stream', (stream) => {
    open++
    clearTimeout(timer)
    stream.once('close', () => {
      if (--open === 0 && !session.destroyed) timer = setTimeout(end, IDLE_CONNECTION_MS)
    })
  })
  session.once('close', () => clearTimeout(timer))
}

function closedRoute({ operator, method, path }: HttpRoute): HttpRoute {
  const handle = (exchange: HttpExchange): void => refuse(exchange, 503, 'STOPPING', 'The job stops.', { 'retry-after': '1' })
  return { operator, method, path, handle, refusedConnection: () => undefined }
}

/**
 * What Node itself finds wrong with a connection of HTTP/1.1 is answered like the rest, behind the answers to what came whole before it. A request that breaks in its body gets no more than the
 * status: what became of its lines is not known here.
 */
function refuseBroken(error: NodeJS.ErrnoException, socket: Duplex, unanswered: readonly ServerResponse[]): void {
  const whole = unanswered.find(({ req }) => req.complete)
  if (whole !== undefined) {
    whole.once('close', () => refuseBroken(error, socket, unanswered))
    return
  }
  const [first] = unanswered
  if (!socket.writable || error.code === 'ECONNRESET' || first?.headersSent === true) {
    socket.destroy()
    return
  }
  const [status, code, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'HEADERS_TOO_LARGE', 'The headers of the request are too large.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'HEADERS_TIMEOUT', 'The headers were not sent in time.']
        : ['400 Bad Request', 'REQUEST_MALFORMED', 'This is no request of HTTP.']
  const body = first === undefined ? JSON.stringify({ error: { code, message }, accepted: 0 }) : ''
  const type = body === '' ? '' : 'content-type: application/json\r\n'
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n${type}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  const timer = setTimeout(() => socket.destroy(), CLOSE_MS_MAX)
  socket.once('close', () => clearTimeout(timer))
  // Closing it while bytes come would take the answer from the client.
  socket.resume()
}

function refuse(exchange: HttpExchange, status: number, code: string, message: string, headers: Readonly<Record<string, string>>): void {
  const body = Buffer.from(JSON.stringify({ error: { code, message }, accepted: 0 }))
  exchange.answer(status, { 'content-type': 'application/json', ...headers }, body)
}

function sizeOf(headers: IncomingHttpHeaders): number {
  let bytes = 0
  for (const [name, value] of Object.entries(headers)) bytes += name.length + String(value).length
  return bytes
}
