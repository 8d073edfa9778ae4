/** Spans in OTLP/JSON. */
import type { Decoded } from '../records/decoded.js'
import { codeOf, kindOf, numberOfCode, numberOfKind } from '../records/names.js'
import type { FromResource } from '../records/resource.js'
import type { Span, SpanEvent, SpanLink } from '../records/span.js'
import { refusalOf } from '../records/valid-ids.js'
import { digitsOf } from '../wire/nanoseconds.js'
import { nameWholeDoubles, withWholeDoubles } from '../wire/whole-double.js'
import { attributesFrom, attributesTo } from './json-attributes.js'
import { type Fields, id, integer, list, message, objectOf, text, time } from './json-fields.js'
import { readLayout, writeLayout } from './json-resource.js'

const names = { resources: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' }

/** @throws MalformedTelemetry for what is no such request. */
export function spansFrom(request: unknown): Decoded<Span> {
  const records: Span[] = []
  let rejected = 0
  let reason = ''
  readLayout(request, names, (fields, origin) => {
    const span = nameWholeDoubles(spanFrom(fields, origin), [])
    const refusal = refusalOf(span.traceId, span.spanId)
    if (refusal === undefined) records.push(span)
    else if (rejected++ === 0) reason = refusal
  })
  return { records, rejected, reason }
}

export function spansTo(spans: readonly Span[]): object {
  return writeLayout(spans, names, (records) => records.map(spanTo))
}

function spanFrom(fields: Fields, origin: FromResource): Span {
  const start = time(fields, 'startTimeUnixNano')
  const end = time(fields, 'endTimeUnixNano')
  const status = message(fields, 'status') ?? {}
  return {
    traceId: id(fields, 'traceId'),
    spanId: id(fields, 'spanId'),
    parentSpanId: id(fields, 'parentSpanId'),
    name: text(fields, 'name'),
    kind: kindOf(integer(fields, 'kind')),
    startTimeMs: start.ms,
    startTimeNanos: start.nanos,
    endTimeMs: end.ms,
    endTimeNanos: end.nanos,
    durationMs: end.ms - start.ms + (end.nanos - start.nanos) / 1e6,
    status: { code: codeOf(integer(status, 'code')), message: text(status, 'message') },
    attributes: attributesFrom(fields, 'attributes'),
    droppedAttributesCount: integer(fields, 'droppedAttributesCount'),
    events: list(fields, 'events').map(eventFrom),
    droppedEventsCount: integer(fields, 'droppedEventsCount'),
    links: list(fields, 'links').map(linkFrom),
    droppedLinksCount: integer(fields, 'droppedLinksCount'),
    traceState: text(fields, 'traceState'),
    flags: integer(fields, 'flags'),
    ...origin,
  }
}

function eventFrom(item: unknown): SpanEvent {
  const fields = objectOf(item, 'an event')
  const at = time(fields, 'timeUnixNano')
  return {
    timeMs: at.ms,
    timeNanos: at.nanos,
    name: text(fields, 'name'),
    attributes: attributesFrom(fields, 'attributes'),
    droppedAttributesCount: integer(fields, 'droppedAttributesCount'),
  }
}

function linkFrom(item: unknown): SpanLink {
  const fields = objectOf(item, 'a link')
  return {
    traceId: id(fields, 'traceId'),
    spanId: id(fields, 'spanId'),
    traceState: text(fields, 'traceState'),
    attributes: attributesFrom(fields, 'attributes'),
    droppedAttributesCount: integer(fields, 'droppedAttributesCount'),
    flags: integer(fields, 'flags'),
  }
}

function spanTo(span: Span): object {
  const { attributes, events, links } = withWholeDoubles(span)
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.traceState === '' ? {} : { traceState: span.traceState }),
    ...(span.parentSpanId === '' ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: numberOfKind(span.kind),
    startTimeUnixNano: digitsOf(span.startTimeMs, span.startTimeNanos),
    endTimeUnixNano: digitsOf(span.endTimeMs, span.endTimeNanos),
    attributes: attributesTo(attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: events.map((event) => ({
      timeUnixNano: digitsOf(event.timeMs, event.timeNanos),
      name: event.name,
      attributes: attributesTo(event.attributes),
      droppedAttributesCount: event.droppedAttributesCount,
    })),
    droppedEventsCount: span.droppedEventsCount,
    links: links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      ...(link.traceState === '' ? {} : { traceState: link.traceState }),
      attributes: attributesTo(link.attributes),
      droppedAttributesCount: link.droppedAttributesCount,
      flags: link.flags,
    })),
    droppedLinksCount: span.droppedLinksCount,
    status: { ...(span.status.message === '' ? {} : { message: span.status.message }), code: numberOfCode(span.status.code) },
    flags: span.flags,
  }
}
