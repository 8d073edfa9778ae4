/** Telemetry to where OpenTelemetry receives it, over OTLP/HTTP. */
import { SluiceError } from '@sluice/engine'
import type { CallOptions, Duration, Sink, SinkWithLetters } from '@sluice/operators'
import { batchSink, checkOptions } from '@sluice/operators/connector'
import { isSignal, type RecordOfSignal, type Signal, signals, unknownSignal } from '../signals/signals.js'
import { OtlpExporter } from './otlp-exporter.js'

export interface ToOtlpOptions<S extends Signal> extends CallOptions {
  /** Which kind of telemetry. */
  readonly signal: S
  /** Records of a request at most. Default 512. */
  readonly records?: number | undefined
  /** How long the first record of a request waits for others at most. Default '1s'. */
  readonly time?: Duration | undefined
  /** Requests under way at once, over all subtasks. Default: one per subtask. */
  readonly concurrency?: number | undefined
  /** Sent with every request. They may hold secrets and are not shown, neither with the plan nor in the log. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default 'none'. */
  readonly compression?: 'gzip' | 'none' | undefined
  /** Default 'protobuf'. */
  readonly encoding?: 'protobuf' | 'json' | undefined
}

const OPTIONS = [
  'signal',
  'records',
  'time',
  'concurrency',
  'headers',
  'compression',
  'encoding',
  'timeout',
  'retry',
  'circuitBreaker',
  'adaptive',
  'dependency',
  'onError',
]
const RECORDS = 512
const TIME_MS = 1_000
const TIMEOUT_MS = 10_000

/**
 * Sends spans, records of logs or points of metrics to a collector or a back end, in requests that are laid out by resource and scope. `url` is the address of
 * the receiver (`http://localhost:4318`); where it has a path of its own, that is taken as it stands.
 *
 * Answers 429, 502, 503 and 504 and lost connections are worth another attempt, no sooner than `Retry-After` says; any other is not. By default there are up to 5 attempts of 10 s each. Then
 * `onError` says what becomes of the records. Records that the receiver refuses in an answer that takes the others are counted as `user.rejected` and logged; they are not sent again,
 * because nobody says which ones they are. A record with a value that OpenTelemetry does not have is left to `onError` alone, and the others are sent. Where it refuses all of them, the request has failed.
 *
 * At least once: requests that were under way at a checkpoint are sent again after a restore.
 *
 * @throws SLUICE_OPTIONS_INVALID; SLUICE_OPERATOR_FAILED where a request fails for good and `onError` is 'fail'.
 * @example
 * spans.sink('back end', toOtlp('https://otlp.example.org', {
 *   signal: 'traces',
 *   headers: { authorization: 'Bearer ...' },
 *   retry: { attempts: 'unlimited' },
 *   circuitBreaker: { whileOpen: 'wait' },
 * }))
 */
export function toOtlp<const O extends ToOtlpOptions<Signal>>(
  url: string | URL,
  options: O,
): SinkWithLetters<O, Sink<RecordOfSignal[O['signal']]>>
export function toOtlp<S extends Signal>(url: string | URL, options: ToOtlpOptions<S>): Sink<RecordOfSignal[S]> {
  checkOptions('toOtlp', options, OPTIONS)
  const {
    signal,
    records = RECORDS,
    time = TIME_MS,
    concurrency,
    headers = {},
    compression = 'none',
    encoding = 'protobuf',
    ...calls
  } = options
  if (!isSignal(signal)) throw unknownSignal('toOtlp', signal)
  if (compression !== 'gzip' && compression !== 'none')
    throw invalid(`toOtlp: compression is ${JSON.stringify(compression)}, and takes 'gzip' or 'none'.`)
  if (encoding !== 'protobuf' && encoding !== 'json')
    throw invalid(`toOtlp: encoding is ${JSON.stringify(encoding)}, and takes 'protobuf' or 'json'.`)
  const target = parseUrl(url, signals[signal].path)
  const exporter = new OtlpExporter<RecordOfSignal[S]>({ target, codec: signals[signal], headers, compression, encoding })
  return batchSink<RecordOfSignal[S]>(
    'toOtlp',
    (batch, context) => exporter.send(batch, context),
    { timeout: TIMEOUT_MS, retry: {}, ...calls, records, time, concurrency },
    { type: 'otlp', signal, url: `${target.origin}${target.pathname}`, compression, encoding },
  )
}

function parseUrl(url: string | URL, path: string): URL {
  let target: URL
  try {
    target = new URL(url)
  } catch {
    throw invalid('toOtlp takes the URL of a receiver, such as http://localhost:4318, and was given something else.')
  }
  if (target.protocol !== 'http:' && target.protocol !== 'https:')
    throw invalid(`toOtlp takes an http or https URL such as http://localhost:4318, and was given ${target.protocol}//.`)
  if (target.username !== '' || target.password !== '')
    throw invalid('toOtlp: the URL has a user or a password. Send them as a header: { headers: { authorization: ... } }.')
  if (target.pathname === '/') target.pathname = path
  return target
}

function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_OPTIONS_INVALID', message)
}
