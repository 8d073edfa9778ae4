/**
 * A request and its answer, the same over HTTP/1.1 and HTTP/2. An answer may be given before the body was read to its end: what is left of it is thrown away within bounds, so that the client
 * reads why it was refused, and then the connection or the stream is closed. Runs in the thread that listens.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'

export interface HttpExchange {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Whose request it is: room is given to connections in turn. */
  readonly connection: object
  readonly body: Readable
  /** The body came as a whole, where its stream has ended. */
  readonly bodyIsComplete: () => boolean | Promise<boolean>
  /** The client has left, or was answered. */
  readonly isOver: boolean
  /** Called once when the client leaves without an answer. */
  onGone: (() => void) | undefined
  /** The client may send the body, where it asks. */
  proceed(): void
  /** Throws where the headers cannot be sent; it may be called again then. */
  answer(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): void
}

/** How long a client may go on sending what nobody reads, or take to read his answer. */
const LINGER_MS = 2_000
const ANSWER_MS = 10_000
/** A body whose rest is smaller is thrown away for the sake of its connection. */
const DISCARDED_BYTES_MAX = 64 * 1024

const ignore = (): void => undefined

export class Http1Exchange implements HttpExchange {
  readonly path: string
  readonly query: string
  isOver = false
  onGone: (() => void) | undefined
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  /** It asks before it sends. */
  readonly #asks: boolean
  /** No further request is read from the connection: the listener is closing. */
  readonly #mustClose: () => boolean
  #proceeded = false

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { asks, mustClose }: { readonly asks: boolean; readonly mustClose: () => boolean },
  ) {
    this.#request = request
    this.#response = response
    this.#asks = asks
    this.#mustClose = mustClose
    const { path, query } = splitTarget(request.url ?? '/')
    this.path = path
    this.query = query
    request.on('error', ignore)
    response.on('error', ignore)
    response.on('close', () => {
      if (!this.isOver) this.#gone()
    })
  }

  get method(): string {
    return this.#request.method ?? ''
  }

  get headers(): HttpExchange['headers'] {
    return this.#request.headers
  }

  get connection(): object {
    return this.#request.socket
  }

  get body(): Readable {
    return this.#request
  }

  readonly bodyIsComplete = (): boolean => this.#request.complete

  proceed(): void {
    if (!this.#asks || this.#proceeded || this.isOver) return
    this.#proceeded = true
    this.#response.writeContinue()
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): void {
    if (this.isOver) return
    const request = this.#request
    const response = this.#response
    const { socket } = request
    const unread = !request.complete
    const closes = this.#mustClose() || (unread && !this.#isDiscardable())
    response.writeHead(status, { ...headers, 'content-length': body.length, ...(closes ? { connection: 'close' } : {}) })
    // Headers that cannot be sent have thrown: another answer may be given.
    this.isOver = true
    const timer = setTimeout(() => socket.destroy(), unread ? LINGER_MS : ANSWER_MS)
    if (!unread) {
      response.once('close', () => clearTimeout(timer))
      response.end(body)
      return
    }
    // What comes is thrown away. A response that is to close the connection ends only then: closing it while bytes come would take the answer from the client.
    request.removeAllListeners('readable')
    request.unpipe()
    request.resume()
    if (!closes) {
      response.end(body)
      // The connection goes on with the next request when the rest has come.
      request.once('close', () => clearTimeout(timer))
      return
    }
    response.once('close', () => clearTimeout(timer))
    response.write(body)
    request.once('end', () => response.end())
    request.once('close', () => response.end())
  }

  /** The rest of the body is known to be short, and on its way. */
  #isDiscardable(): boolean {
    if (this.#asks && !this.#proceeded) return false
    const length = Number(this.#request.headers['content-length'])
    return length <= DISCARDED_BYTES_MAX
  }

  #gone(): void {
    this.isOver = true
    const told = this.onGone
    this.onGone = undefined
    told?.()
  }
}

export class Http2Exchange implements HttpExchange {
  readonly path: string
  readonly query: string
  readonly headers: HttpExchange['headers']
  isOver = false
  onGone: (() => void) | undefined
  readonly #stream: ServerHttp2Stream
  readonly #noError: number
  #proceeded = false

  /** `noError`: the code that says that a stream is closed without one. */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, noError: number) {
    this.#stream = stream
    this.headers = headers
    this.#noError = noError
    const { path, query } = splitTarget(headers[':path'] ?? '/')
    this.path = path
    this.query = query
    stream.on('error', ignore)
    stream.on('close', () => {
      if (this.isOver) return
      this.isOver = true
      const told = this.onGone
      this.onGone = undefined
      told?.()
    })
  }

  get method(): string {
    return String(this.headers[':method'] ?? '')
  }

  get connection(): object {
    return this.#stream.session ?? this.#stream
  }

  get body(): Readable {
    return this.#stream
  }

  /** A stream that was reset ends too; that it was is known when the frame has been processed. */
  readonly bodyIsComplete = async (): Promise<boolean> => {
    const stream = this.#stream
    await new Promise<void>((resolve) => setImmediate(resolve))
    return !stream.aborted && !stream.closed && !stream.destroyed && stream.state.remoteClose === 1
  }

  proceed(): void {
    const { destroyed, closed } = this.#stream
    if (this.#proceeded || destroyed || closed || this.headers.expect !== '100-continue') return
    this.#proceeded = true
    this.#stream.additionalHeaders({ ':status': 100 })
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): void {
    if (this.isOver) return
    const stream = this.#stream
    if (stream.destroyed || stream.closed) {
      this.isOver = true
      return
    }
    stream.respond({ ':status': status, ...headers, 'content-length': body.length })
    this.isOver = true
    const timer = setTimeout(() => stream.destroy(), ANSWER_MS)
    stream.once('close', () => clearTimeout(timer))
    stream.end(body)
    if (stream.readableEnded) return
    // What is not read is not wanted: the client is told to stop sending it.
    stream.removeAllListeners('readable')
    stream.unpipe()
    stream.resume()
    stream.once('finish', () => {
      if (!stream.readableEnded) stream.close(this.#noError)
    })
  }
}

/** Path and query of what stands in the first line of a request, which may be a whole URL. */
function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const local = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '')
  const at = local.indexOf('?')
  return at < 0 ? { path: local, query: '' } : { path: local.slice(0, at), query: local.slice(at + 1) }
}
