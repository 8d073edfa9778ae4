/** `LogRecord`: opentelemetry/proto/logs/v1/logs.proto. */
import type { LogRecord } from '../records/log-record.js'
import { withWholeDoubles } from '../wire/whole-double.js'
import type { WireWriter } from '../wire/wire-writer.js'
import { writeAttributes, writeValue } from './write-attributes.js'

/** One record as field 2 of `ScopeLogs`. */
export function writeLog(writer: WireWriter, log: LogRecord): void {
  const { attributes, body } = log.wholeDoubles === undefined ? log : withWholeDoubles(log)
  const start = writer.begin(18, 2)
  writer.time(9, log.timeMs, log.timeNanos)
  if (log.severityNumber !== 0) writer.int32(16, log.severityNumber)
  if (log.severityText !== '') writer.string(26, log.severityText)
  if (body !== null && body !== undefined) writeValue(writer, 42, body, 0, 'body')
  writeAttributes(writer, 50, attributes)
  if (log.droppedAttributesCount !== 0) writer.uint32(56, log.droppedAttributesCount)
  if (log.flags !== 0) writer.fixed32(69, log.flags)
  if (log.traceId !== '') writer.repeatedHex(74, log.traceId)
  if (log.spanId !== '') writer.hex(82, log.spanId)
  writer.time(89, log.observedTimeMs, log.observedTimeNanos)
  if (log.eventName !== '') writer.string(98, log.eventName)
  writer.end(start, 2)
}
