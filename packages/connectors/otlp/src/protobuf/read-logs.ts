/** `ExportLogsServiceRequest`: opentelemetry/proto/logs/v1/logs.proto. */
import type { AttributeValue } from '../records/attributes.js'
import type { Decoded } from '../records/decoded.js'
import type { LogRecord } from '../records/log-record.js'
import type { FromResource } from '../records/resource.js'
import { createStringSite } from '../wire/string-memory.js'
import { WireReader } from '../wire/wire-reader.js'
import { readAttribute, readValue } from './read-attributes.js'
import { readMarked, readRequest } from './read-resource.js'

const textSite = createStringSite()
const bodySite = createStringSite()

/** @throws MalformedTelemetry for bytes that are no such request. */
export function readLogs(bytes: Uint8Array): Decoded<LogRecord> {
  const reader = new WireReader()
  const records: LogRecord[] = []
  reader.open(bytes)
  readRequest(reader, (reader, origin) => {
    const at = reader.at
    reader.sawWholeDouble = false
    const record = readLog(reader, origin)
    records.push(reader.sawWholeDouble ? readMarked(reader, at, () => readLog(reader, origin), []) : record)
  })
  return { records, rejected: 0, reason: '' }
}

function readLog(reader: WireReader, origin: FromResource): LogRecord {
  const outer = reader.enter()
  let timeMs = 0
  let timeNanos = 0
  let observedTimeMs = 0
  let observedTimeNanos = 0
  let severityNumber = 0
  let severityText = ''
  let body: AttributeValue = null
  const attributes: Record<string, AttributeValue> = {}
  let droppedAttributesCount = 0
  let traceId = ''
  let spanId = ''
  let flags = 0
  let eventName = ''
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    switch (tag) {
      case 9:
        reader.time()
        timeMs = reader.ms
        timeNanos = reader.nanos
        break
      case 16:
        severityNumber = reader.int32()
        break
      case 26:
        severityText = reader.string(textSite)
        break
      case 42:
        body = readValue(reader, bodySite)
        break
      case 50:
        readAttribute(reader, attributes)
        break
      case 56:
        droppedAttributesCount = reader.uint32()
        break
      case 69:
        flags = reader.fixed32()
        break
      case 74:
        traceId = reader.repeatedHex()
        break
      case 82:
        spanId = reader.hex()
        break
      case 89:
        reader.time()
        observedTimeMs = reader.ms
        observedTimeNanos = reader.nanos
        break
      case 98:
        eventName = reader.string(textSite)
        break
      default:
        reader.skip(tag)
    }
  }
  reader.leave(outer)
  return {
    timeMs,
    timeNanos,
    observedTimeMs,
    observedTimeNanos,
    severityNumber,
    severityText,
    body,
    attributes,
    droppedAttributesCount,
    traceId,
    spanId,
    flags,
    eventName,
    serviceName: origin.serviceName,
    resource: origin.resource,
    scopeName: origin.scopeName,
    scope: origin.scope,
  }
}
