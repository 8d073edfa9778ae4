/** Telemetry that OpenTelemetry sends, over OTLP/HTTP. */
import type { HttpListenOptions, Source } from '@sluice/operators'
import { checkOptions, httpSource } from '@sluice/operators/connector'
import { isSignal, type RecordOfSignal, type Signal, type SignalCodec, signals, unknownSignal } from '../signals/signals.js'
import { otlpFormat } from './otlp-format.js'

/** As `fromHttp` has them, with the port and the path that OpenTelemetry sends to. */
export interface FromOtlpOptions<S extends Signal> extends Omit<HttpListenOptions, 'port' | 'path' | 'method'> {
  /** Which kind of telemetry. Sources of several kinds share a port. */
  readonly signal: S
  /** Default 4318, that of OTLP over HTTP. 0: the system chooses one. */
  readonly port?: number | undefined
  /** Default `/v1/traces`, `/v1/logs` or `/v1/metrics`. */
  readonly path?: string | undefined
}

const OPTIONS = [
  'signal',
  'port',
  'host',
  'path',
  'ack',
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
/** A request of an SDK has about 300 kB; collectors send larger ones. */
const BODY_BYTES_MAX = '4mb'

/**
 * Receives traces, logs or metrics over OTLP/HTTP, as protobuf or JSON, plain or compressed: a `Span`, `LogRecord` or `MetricPoint` per record. Takes the options of `fromHttp`: `host`,
 * `token`, `tls`, `ack`, `queue`, `overload`, and bodies of up to 4 MB unless told otherwise.
 *
 * A request is taken whole, and answered when the job has it (`ack: 'accepted'`) or when a checkpoint covers it (`ack: 'checkpoint'`). Where the job is behind, the
 * answer is 429 with `Retry-After`, which makes an SDK keep its spans and send them again. Spans without a valid id are refused one by one, and the answer says how many.
 * What cannot be decoded is answered with 400, which nobody sends again.
 *
 * @throws SLUICE_OPTIONS_INVALID; SLUICE_SOURCE_FAILED where the port is in use.
 * @example
 * const spans = job.source('spans', fromOtlp({ signal: 'traces' }))
 * spans.filter((span) => span.durationMs > 1_000).sink('out', toJsonLines('slow.jsonl'))
 */
export function fromOtlp<S extends Signal>(options: FromOtlpOptions<S>): Source<RecordOfSignal[S]> {
  checkOptions('fromOtlp', options, OPTIONS)
  const { signal, ...rest } = options
  if (!isSignal(signal)) throw unknownSignal('fromOtlp', signal)
  const codec: SignalCodec<RecordOfSignal[S]> = signals[signal]
  const { path = codec.path, port = 4318, bodyBytesMax = BODY_BYTES_MAX } = rest
  const source = httpSource<RecordOfSignal[S]>('fromOtlp', { ...rest, port, path, bodyBytesMax, method: 'POST', format: otlpFormat(codec) })
  return { ...source, options: { ...source.options, type: 'otlp', signal } }
}
