/** Records of logs in OTLP/JSON. */
import type { Decoded } from '../records/decoded.js'
import type { LogRecord } from '../records/log-record.js'
import type { FromResource } from '../records/resource.js'
import { digitsOf } from '../wire/nanoseconds.js'
import { nameWholeDoubles, withWholeDoubles } from '../wire/whole-double.js'
import { attributesFrom, attributesTo, valueFrom, valueTo } from './json-attributes.js'
import { type Fields, id, integer, message, text, time } from './json-fields.js'
import { readLayout, writeLayout } from './json-resource.js'

const names = { resources: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' }

/** @throws MalformedTelemetry for what is no such request. */
export function logsFrom(request: unknown): Decoded<LogRecord> {
  const records: LogRecord[] = []
  readLayout(request, names, (fields, origin) => {
    records.push(nameWholeDoubles(logFrom(fields, origin), []))
  })
  return { records, rejected: 0, reason: '' }
}

export function logsTo(logs: readonly LogRecord[]): object {
  return writeLayout(logs, names, (records) => records.map(logTo))
}

function logFrom(fields: Fields, origin: FromResource): LogRecord {
  const at = time(fields, 'timeUnixNano')
  const observed = time(fields, 'observedTimeUnixNano')
  return {
    timeMs: at.ms,
    timeNanos: at.nanos,
    observedTimeMs: observed.ms,
    observedTimeNanos: observed.nanos,
    severityNumber: integer(fields, 'severityNumber'),
    severityText: text(fields, 'severityText'),
    body: valueFrom(message(fields, 'body')),
    attributes: attributesFrom(fields, 'attributes'),
    droppedAttributesCount: integer(fields, 'droppedAttributesCount'),
    traceId: id(fields, 'traceId'),
    spanId: id(fields, 'spanId'),
    flags: integer(fields, 'flags'),
    eventName: text(fields, 'eventName'),
    ...origin,
  }
}

function logTo(log: LogRecord): object {
  const { attributes, body } = withWholeDoubles(log)
  return {
    timeUnixNano: digitsOf(log.timeMs, log.timeNanos),
    observedTimeUnixNano: digitsOf(log.observedTimeMs, log.observedTimeNanos),
    severityNumber: log.severityNumber,
    ...(log.severityText === '' ? {} : { severityText: log.severityText }),
    ...(body === null || body === undefined ? {} : { body: valueTo(body, 0, 'body') }),
    attributes: attributesTo(attributes),
    droppedAttributesCount: log.droppedAttributesCount,
    flags: log.flags,
    ...(log.traceId === '' ? {} : { traceId: log.traceId }),
    ...(log.spanId === '' ? {} : { spanId: log.spanId }),
    ...(log.eventName === '' ? {} : { eventName: log.eventName }),
  }
}
