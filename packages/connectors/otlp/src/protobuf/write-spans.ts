/** `Span`: opentelemetry/proto/trace/v1/trace.proto. Fields with their default are left out, as in all of Protocol Buffers. */
import { numberOfCode, numberOfKind } from '../records/names.js'
import type { Span } from '../records/span.js'
import { withWholeDoubles } from '../wire/whole-double.js'
import type { WireWriter } from '../wire/wire-writer.js'
import { writeAttributes } from './write-attributes.js'

/** One span as field 2 of `ScopeSpans`. */
export function writeSpan(writer: WireWriter, span: Span): void {
  const { attributes, events, links } = span.wholeDoubles === undefined ? span : withWholeDoubles(span)
  const start = writer.begin(18, 2)
  if (span.traceId !== '') writer.repeatedHex(10, span.traceId)
  if (span.spanId !== '') writer.hex(18, span.spanId)
  if (span.traceState !== '') writer.string(26, span.traceState)
  if (span.parentSpanId !== '') writer.hex(34, span.parentSpanId)
  if (span.name !== '') writer.string(42, span.name)
  const kind = numberOfKind(span.kind)
  if (kind !== 0) writer.uint32(48, kind)
  writer.time(57, span.startTimeMs, span.startTimeNanos)
  writer.time(65, span.endTimeMs, span.endTimeNanos)
  writeAttributes(writer, 74, attributes)
  if (span.droppedAttributesCount !== 0) writer.uint32(80, span.droppedAttributesCount)
  for (let index = 0; index < events.length; index++) {
    const event = events[index]!
    const at = writer.begin(90, 2)
    writer.time(9, event.timeMs, event.timeNanos)
    if (event.name !== '') writer.string(18, event.name)
    writeAttributes(writer, 26, event.attributes)
    if (event.droppedAttributesCount !== 0) writer.uint32(32, event.droppedAttributesCount)
    writer.end(at, 2)
  }
  if (span.droppedEventsCount !== 0) writer.uint32(96, span.droppedEventsCount)
  for (let index = 0; index < links.length; index++) {
    const link = links[index]!
    const at = writer.begin(106, 1)
    if (link.traceId !== '') writer.hex(10, link.traceId)
    if (link.spanId !== '') writer.hex(18, link.spanId)
    if (link.traceState !== '') writer.string(26, link.traceState)
    writeAttributes(writer, 34, link.attributes)
    if (link.droppedAttributesCount !== 0) writer.uint32(40, link.droppedAttributesCount)
    if (link.flags !== 0) writer.fixed32(53, link.flags)
    writer.end(at, 1)
  }
  if (span.droppedLinksCount !== 0) writer.uint32(112, span.droppedLinksCount)
  const code = numberOfCode(span.status.code)
  if (code !== 0 || span.status.message !== '') {
    const at = writer.begin(122, 1)
    if (span.status.message !== '') writer.string(18, span.status.message)
    if (code !== 0) writer.uint32(24, code)
    writer.end(at, 1)
  }
  if (span.flags !== 0) writer.fixed32(133, span.flags)
  writer.end(start, 2)
}
