/** What differs between traces, logs and metrics: where they go, and how they are read and written. */
import { SluiceError } from '@sluice/engine'
import { logsFrom, logsTo } from '../json/json-logs.js'
import { metricsFrom, metricsTo } from '../json/json-metrics.js'
import { spansFrom, spansTo } from '../json/json-spans.js'
import { readLogs } from '../protobuf/read-logs.js'
import { readMetrics } from '../protobuf/read-metrics.js'
import { readSpans } from '../protobuf/read-spans.js'
import { writeLogs, writeMetrics, writeSpans } from '../protobuf/write-request.js'
import type { Decoded } from '../records/decoded.js'
import type { LogRecord } from '../records/log-record.js'
import type { MetricPoint } from '../records/metric-point.js'
import type { Span } from '../records/span.js'

/** The record of each signal. */
export interface RecordOfSignal {
  traces: Span
  logs: LogRecord
  metrics: MetricPoint
}

export type Signal = keyof RecordOfSignal

export interface SignalCodec<T> {
  /** Behind the address of a receiver, by the specification. */
  readonly path: string
  /** What a response calls the number of records that were refused. */
  readonly rejectedName: string
  /** @throws MalformedTelemetry */
  readonly readProtobuf: (bytes: Uint8Array) => Decoded<T>
  /** @throws MalformedTelemetry */
  readonly readJson: (request: unknown) => Decoded<T>
  /** @throws NotTelemetry */
  readonly writeProtobuf: (records: readonly T[]) => Uint8Array<ArrayBuffer>
  /** @throws NotTelemetry */
  readonly writeJson: (records: readonly T[]) => object
}

export const signals: { readonly [S in Signal]: SignalCodec<RecordOfSignal[S]> } = {
  traces: {
    path: '/v1/traces',
    rejectedName: 'rejectedSpans',
    readProtobuf: readSpans,
    readJson: spansFrom,
    writeProtobuf: writeSpans,
    writeJson: spansTo,
  },
  logs: {
    path: '/v1/logs',
    rejectedName: 'rejectedLogRecords',
    readProtobuf: readLogs,
    readJson: logsFrom,
    writeProtobuf: writeLogs,
    writeJson: logsTo,
  },
  metrics: {
    path: '/v1/metrics',
    rejectedName: 'rejectedDataPoints',
    readProtobuf: readMetrics,
    readJson: metricsFrom,
    writeProtobuf: writeMetrics,
    writeJson: metricsTo,
  },
}

export function isSignal(value: unknown): value is Signal {
  return typeof value === 'string' && Object.hasOwn(signals, value)
}

export const PROTOBUF = 'application/x-protobuf'
export const JSON_TYPE = 'application/json'

export function unknownSignal(caller: string, signal: unknown): SluiceError {
  const given = signal === undefined ? 'not given' : JSON.stringify(signal)
  return new SluiceError('SLUICE_OPTIONS_INVALID', `${caller}: signal is ${given}, and takes 'traces', 'logs' or 'metrics'.`)
}
