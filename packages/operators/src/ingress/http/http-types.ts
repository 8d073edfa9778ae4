/** What users say to `fromHttp`, and what their own formats see. */
import type { ByteSize } from '../../duration/byte-size.js'
import type { Duration } from '../../duration/duration.js'
import type { Acknowledgement } from '../ingress-queue.js'

/** A request, as a format sees it. */
export interface HttpRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Behind `?`; empty where there is none. */
  readonly query: string
  /** By names in lower case; `authorization` is not among them. */
  readonly headers: Readonly<Record<string, string>>
  /** In lower case and without parameters: `application/json`. */
  readonly contentType: string
}

/** How a request ended. */
export interface HttpOutcome {
  /** The status that is answered unless `reply` says another. */
  readonly status: number
  /** Records that were acknowledged. */
  readonly accepted: number
  /** Records that do not fit the schema and were dropped or became dead letters. */
  readonly invalid: number
  /** Why it was refused; undefined: it was not. */
  readonly error?: HttpError | undefined
  /** When to come again, where that is told. */
  readonly retryAfterSeconds?: number | undefined
}

export interface HttpError {
  /** A word for programs, such as `OVERLOADED`: see the table of answers in docs/ingress/http.md. */
  readonly code: string
  readonly message: string
  /** Of a stream of lines: which one is wrong, from 1. Everything in front of it was accepted, nothing from there on. */
  readonly line?: number | undefined
}

export interface HttpReply {
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | Uint8Array | undefined
}

/**
 * A format of one's own: how the body of a request becomes records. Runs in the thread that listens.
 *
 * @example
 * const csv = {
 *   types: ['text/csv'],
 *   decode: (body: Uint8Array) => new TextDecoder().decode(body).split('\n').map((line) => line.split(',')),
 * }
 * job.source('rows', fromHttp({ port: 8080, path: '/rows', format: csv }))
 */
export interface HttpFormat<T> {
  /** Content types that it reads: `application/x-protobuf`. Any other is answered with 415. */
  readonly types: readonly string[]
  /** The records of a whole body, which was decompressed. Whatever it throws is a 400 with the message as the reason. */
  readonly decode: (body: Uint8Array, request: HttpRequest) => readonly T[]
  /** What is answered; the default is JSON. It is asked for refusals too. */
  readonly reply?: ((outcome: HttpOutcome, request: HttpRequest) => HttpReply) | undefined
}

/** What a body that is read at once, and everything that waits behind it, may take. */
export interface HttpQueueOptions {
  /** Records that wait for the job. Default 10,000. */
  readonly records?: number | undefined
  /** Bytes of bodies that are read or wait for the job, decompressed. Default '16mb'. */
  readonly bytes?: ByteSize | undefined
  /** Requests that were let in and not answered. Default 4,096. */
  readonly requests?: number | undefined
}

/** What is answered when there is no room. */
export interface HttpOverload {
  /** Default 429. */
  readonly status?: 429 | 503 | undefined
  /** What `Retry-After` says, rounded up to seconds. Default '1s'. */
  readonly retryAfter?: Duration | undefined
  /** How long a request waits for room before it is refused. Default 0: it is refused at once. */
  readonly wait?: Duration | undefined
}

/** Certificate and key as PEM text. */
export interface ListenTls {
  readonly key: string | Uint8Array
  readonly cert: string | Uint8Array
}

/** What `fromHttp` takes besides its format. */
export interface HttpListenOptions {
  /** 0: the system chooses one; sources of the job that say 0 share it. `source.listening` in the log and `run(...).events` say which. */
  readonly port: number
  /** The address to listen on. Default '127.0.0.1': nobody else can connect. */
  readonly host?: string | undefined
  /** Begins with `/`; compared as it stands, without the query. */
  readonly path: string
  /** Default 'POST'. */
  readonly method?: 'POST' | 'PUT' | 'PATCH' | undefined
  /** When a request is answered: when the job has its records, or when a checkpoint covers them. Default 'accepted'. */
  readonly ack?: Acknowledgement | undefined
  /** Who may send: `authorization: Bearer <token>`. Several: any of them. They are neither logged nor shown; hand them over as a secret parameter. Default: everybody. */
  readonly token?: string | readonly string[] | undefined
  /** Default: plain HTTP. */
  readonly tls?: ListenTls | undefined
  /** The largest body, decompressed; of lines, the longest line. Default '1mb'. */
  readonly bodyBytesMax?: ByteSize | undefined
  /** How long a client may take to send a body, or a line of a stream of lines; time in which the job does not read does not count. Default '30s'. */
  readonly bodyTimeout?: Duration | undefined
  readonly queue?: HttpQueueOptions | undefined
  readonly overload?: HttpOverload | undefined
  /** All headers of a request together. Sources on one port say the same of this and what follows. Default '16kb'. */
  readonly headerBytesMax?: ByteSize | undefined
  /** How long a client may take to send the headers. Default '10s'. */
  readonly headersTimeout?: Duration | undefined
  /** Connections that are open at once; a further one is closed. Default 1,024. */
  readonly connectionsMax?: number | undefined
}

/** What happens to what does not fit. `reject`: the client is told, and the job sees nothing of it. */
export type HttpInvalidPolicy = 'reject' | 'fail' | 'drop' | 'deadLetter'
