/** From the options of `fromHttp` to settings: defaults stand here, and what contradicts is refused while the job is declared. */
import { SluiceError } from '@sluice/engine'
import { parseByteSize } from '../../duration/byte-size.js'
import { parseDuration } from '../../duration/duration.js'
import { checkChoice, checkInteger, checkOptions } from '../../options/check-options.js'
import type { Acknowledgement } from '../ingress-queue.js'
import type { RoomBounds } from '../ingress-room.js'
import type { ListenerSettings } from './http-listener.js'
import type { HttpListenOptions, ListenTls } from './http-types.js'

export interface HttpSettings {
  readonly listener: ListenerSettings
  readonly path: string
  readonly method: string
  readonly acknowledge: Acknowledgement
  readonly tokens: readonly string[]
  readonly bodyBytesMax: number
  readonly bodyTimeoutMs: number
  readonly queue: RoomBounds
  readonly overload: { readonly status: 429 | 503; readonly retryAfterSeconds: number; readonly waitMs: number }
}

const OPTIONS = [
  'port',
  'host',
  'path',
  'method',
  'ack',
  'format',
  'schema',
  'onInvalid',
  'token',
  'tls',
  'bodyBytesMax',
  'bodyTimeout',
  'queue',
  'overload',
  'headerBytesMax',
  'headersTimeout',
  'connectionsMax',
]
const LOOPBACK = '127.0.0.1'
const QUEUE_RECORDS = 10_000
const QUEUE_REQUESTS = 4_096
const CONNECTIONS_MAX = 1_024
/** Of HTTP/2, on all connections of a listener: one that is refused still lasts until its client has read why. */
const STREAMS_OPEN_MAX = 16_384
/** Of a header or a token: what can be sent as one. */
const TOKEN = /^[\x21-\x7e]+$/

/** @throws SLUICE_OPTIONS_INVALID, SLUICE_DURATION_INVALID */
export function planHttp(caller: string, options: HttpListenOptions): HttpSettings {
  checkOptions(caller, options, OPTIONS)
  const { port, path, host = LOOPBACK, method = 'POST', ack = 'accepted', token, tls, queue = {}, overload = {} } = options
  checkOptions(`queue of ${caller}`, queue, ['records', 'bytes', 'requests'])
  checkOptions(`overload of ${caller}`, overload, ['status', 'retryAfter', 'wait'])
  checkInteger(`${caller}: port`, port, 0)
  if (port > 65_535) throw invalid(`${caller}: port is ${port}, and ports end at 65535.`)
  if (typeof host !== 'string' || host === '')
    throw invalid(`${caller}: host is the address to listen on, such as '127.0.0.1' or '0.0.0.0'.`)
  if (typeof path !== 'string' || !/^\/[^?#\s]*$/.test(path)) {
    throw invalid(`${caller}: path is ${JSON.stringify(path)}, and begins with / and has no query, such as '/orders'.`)
  }
  checkChoice(`${caller}: method`, method, ['POST', 'PUT', 'PATCH'])
  checkChoice(`${caller}: ack`, ack, ['accepted', 'checkpoint'])
  const tokens = token === undefined ? [] : typeof token === 'string' ? [token] : token
  if (!Array.isArray(tokens)) throw invalid(`${caller}: token takes text, or a list of texts.`)
  if (token !== undefined && tokens.length === 0)
    throw invalid(`${caller}: token is an empty list: nobody could send. Leave it out to let everybody.`)
  // The message does not show it.
  if (tokens.some((one) => typeof one !== 'string' || !TOKEN.test(one)))
    throw invalid(`${caller}: token is empty, or has characters that a header cannot carry.`)
  if (tls !== undefined) checkTls(caller, tls)
  const bodyBytesMax = parseByteSize(options.bodyBytesMax ?? '1mb', `${caller}: bodyBytesMax`)
  const bytesMax = parseByteSize(queue.bytes ?? '16mb', `${caller}: queue.bytes`)
  const recordsMax = queue.records ?? QUEUE_RECORDS
  const deliveriesMax = queue.requests ?? QUEUE_REQUESTS
  checkInteger(`${caller}: queue.records`, recordsMax, 1)
  checkInteger(`${caller}: queue.requests`, deliveriesMax, 1)
  if (bodyBytesMax > bytesMax) {
    throw invalid(
      `${caller}: a body may have ${bodyBytesMax} bytes (bodyBytesMax), and the queue takes ${bytesMax} (queue.bytes): there would never be room for it.`,
    )
  }
  const { status = 429, retryAfter = 1_000, wait = 0 } = overload
  if (status !== 429 && status !== 503) throw invalid(`${caller}: overload.status is ${String(status)}, and takes 429 or 503.`)
  const connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX
  checkInteger(`${caller}: connectionsMax`, connectionsMax, 1)
  return {
    listener: {
      port,
      host,
      tls,
      headerBytesMax: parseByteSize(options.headerBytesMax ?? '16kb', `${caller}: headerBytesMax`),
      headersTimeoutMs: aboveZero(
        `${caller}: headersTimeout`,
        parseDuration(options.headersTimeout ?? 10_000, `${caller}: headersTimeout`),
      ),
      connectionsMax,
      streamsMax: STREAMS_OPEN_MAX,
    },
    path,
    method,
    acknowledge: ack,
    tokens: [...tokens],
    bodyBytesMax,
    bodyTimeoutMs: aboveZero(`${caller}: bodyTimeout`, parseDuration(options.bodyTimeout ?? 30_000, `${caller}: bodyTimeout`)),
    queue: { recordsMax, bytesMax, deliveriesMax },
    overload: {
      status,
      retryAfterSeconds: Math.ceil(parseDuration(retryAfter, `${caller}: overload.retryAfter`) / 1_000),
      waitMs: parseDuration(wait, `${caller}: overload.wait`),
    },
  }
}

/** Key and certificate of a server. Messages do not show them. */
export function checkTls(caller: string, tls: ListenTls): void {
  checkOptions(`tls of ${caller}`, tls, ['key', 'cert'])
  if (tls.key === undefined || tls.cert === undefined) throw invalid(`${caller}: tls takes { key, cert } as PEM text.`)
}

function aboveZero(option: string, durationMs: number): number {
  if (durationMs > 0) return durationMs
  throw invalid(`${option} is 0: nobody could send anything in that time.`)
}

function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_OPTIONS_INVALID', message)
}
