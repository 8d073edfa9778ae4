/** `ExportTraceServiceRequest`: opentelemetry/proto/trace/v1/trace.proto. */
import type { AttributeValue } from '../records/attributes.js'
import type { Decoded } from '../records/decoded.js'
import { codeOf, kindOf } from '../records/names.js'
import type { FromResource } from '../records/resource.js'
import type { Span, SpanEvent, SpanKind, SpanLink, SpanStatus } from '../records/span.js'
import { refusalOf } from '../records/valid-ids.js'
import { createStringSite } from '../wire/string-memory.js'
import { WireReader } from '../wire/wire-reader.js'
import { readAttribute } from './read-attributes.js'
import { readMarked, readRequest } from './read-resource.js'

const nameSite = createStringSite()
const stateSite = createStringSite()
const messageSite = createStringSite()
const eventSite = createStringSite()
const UNSET: SpanStatus = { code: 'unset', message: '' }

/** @throws MalformedTelemetry for bytes that are no such request. */
export function readSpans(bytes: Uint8Array): Decoded<Span> {
  const reader = new WireReader()
  const records: Span[] = []
  let rejected = 0
  let reason = ''
  reader.open(bytes)
  readRequest(reader, (reader, origin) => {
    const at = reader.at
    reader.sawWholeDouble = false
    let span = readSpan(reader, origin)
    if (reader.sawWholeDouble) span = readMarked(reader, at, () => readSpan(reader, origin), [])
    const refusal = refusalOf(span.traceId, span.spanId)
    if (refusal === undefined) records.push(span)
    else if (rejected++ === 0) reason = refusal
  })
  return { records, rejected, reason }
}

function readSpan(reader: WireReader, origin: FromResource): Span {
  const outer = reader.enter()
  let traceId = ''
  let spanId = ''
  let traceState = ''
  let parentSpanId = ''
  let name = ''
  let kind: SpanKind = 'unspecified'
  let startTimeMs = 0
  let startTimeNanos = 0
  let endTimeMs = 0
  let endTimeNanos = 0
  const attributes: Record<string, AttributeValue> = {}
  let droppedAttributesCount = 0
  const events: SpanEvent[] = []
  let droppedEventsCount = 0
  const links: SpanLink[] = []
  let droppedLinksCount = 0
  let status = UNSET
  let flags = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    switch (tag) {
      case 10:
        traceId = reader.repeatedHex()
        break
      case 18:
        spanId = reader.spanId(false)
        break
      case 26:
        traceState = reader.string(stateSite)
        break
      case 34:
        parentSpanId = reader.spanId(true)
        break
      case 42:
        name = reader.string(nameSite)
        break
      case 48:
        kind = kindOf(reader.int32())
        break
      case 57:
        reader.time()
        startTimeMs = reader.ms
        startTimeNanos = reader.nanos
        break
      case 65:
        reader.time()
        endTimeMs = reader.ms
        endTimeNanos = reader.nanos
        break
      case 74:
        readAttribute(reader, attributes)
        break
      case 80:
        droppedAttributesCount = reader.uint32()
        break
      case 90:
        events.push(readEvent(reader))
        break
      case 96:
        droppedEventsCount = reader.uint32()
        break
      case 106:
        links.push(readLink(reader))
        break
      case 112:
        droppedLinksCount = reader.uint32()
        break
      case 122:
        status = readStatus(reader)
        break
      case 133:
        flags = reader.fixed32()
        break
      default:
        reader.skip(tag)
    }
  }
  reader.leave(outer)
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    startTimeMs,
    startTimeNanos,
    endTimeMs,
    endTimeNanos,
    durationMs: endTimeMs - startTimeMs + (endTimeNanos - startTimeNanos) / 1e6,
    status,
    attributes,
    droppedAttributesCount,
    events,
    droppedEventsCount,
    links,
    droppedLinksCount,
    traceState,
    flags,
    serviceName: origin.serviceName,
    resource: origin.resource,
    scopeName: origin.scopeName,
    scope: origin.scope,
  }
}

function readStatus(reader: WireReader): SpanStatus {
  const outer = reader.enter()
  let message = ''
  let code: SpanStatus['code'] = 'unset'
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 18) message = reader.string(messageSite)
    else if (tag === 24) code = codeOf(reader.int32())
    else reader.skip(tag)
  }
  reader.leave(outer)
  return { code, message }
}

function readEvent(reader: WireReader): SpanEvent {
  const outer = reader.enter()
  let timeMs = 0
  let timeNanos = 0
  let name = ''
  const attributes: Record<string, AttributeValue> = {}
  let droppedAttributesCount = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 9) {
      reader.time()
      timeMs = reader.ms
      timeNanos = reader.nanos
    } else if (tag === 18) name = reader.string(eventSite)
    else if (tag === 26) readAttribute(reader, attributes)
    else if (tag === 32) droppedAttributesCount = reader.uint32()
    else reader.skip(tag)
  }
  reader.leave(outer)
  return { timeMs, timeNanos, name, attributes, droppedAttributesCount }
}

function readLink(reader: WireReader): SpanLink {
  const outer = reader.enter()
  let traceId = ''
  let spanId = ''
  let traceState = ''
  const attributes: Record<string, AttributeValue> = {}
  let droppedAttributesCount = 0
  let flags = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) traceId = reader.hex()
    else if (tag === 18) spanId = reader.hex()
    else if (tag === 26) traceState = reader.string(stateSite)
    else if (tag === 34) readAttribute(reader, attributes)
    else if (tag === 40) droppedAttributesCount = reader.uint32()
    else if (tag === 53) flags = reader.fixed32()
    else reader.skip(tag)
  }
  reader.leave(outer)
  return { traceId, spanId, traceState, attributes, droppedAttributesCount, flags }
}
