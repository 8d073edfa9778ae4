/** Requests of the three signals: `ExportTraceServiceRequest`, `ExportLogsServiceRequest`, `ExportMetricsServiceRequest`. */
import type { LogRecord } from '../records/log-record.js'
import type { MetricPoint } from '../records/metric-point.js'
import type { FromResource } from '../records/resource.js'
import { readResourceText, readScopeText } from '../records/origin.js'
import { groupRecords } from '../records/group-records.js'
import { metricsOf } from '../records/same-metric.js'
import type { Span } from '../records/span.js'
import { WireWriter } from '../wire/wire-writer.js'
import { writeLog } from './write-logs.js'
import { writeMetric } from './write-metrics.js'
import { writeResource, writeScope } from './write-resource.js'
import { writeSpan } from './write-spans.js'

/** One per thread; a request is written at once and copied. */
let shared: WireWriter | undefined

export function writeSpans(spans: readonly Span[]): Uint8Array<ArrayBuffer> {
  return writeRequest(spans, (records, writer) => {
    for (let index = 0; index < records.length; index++) writeSpan(writer, records[index]!)
  })
}

export function writeLogs(logs: readonly LogRecord[]): Uint8Array<ArrayBuffer> {
  return writeRequest(logs, (records, writer) => {
    for (let index = 0; index < records.length; index++) writeLog(writer, records[index]!)
  })
}

export function writeMetrics(points: readonly MetricPoint[]): Uint8Array<ArrayBuffer> {
  return writeRequest(points, (records, writer) => {
    for (const metric of metricsOf(records)) writeMetric(writer, metric)
  })
}

function writeRequest<T extends FromResource>(
  all: readonly T[],
  writeRecords: (records: readonly T[], writer: WireWriter) => void,
): Uint8Array<ArrayBuffer> {
  const writer = (shared ??= new WireWriter())
  writer.reset()
  for (const group of groupRecords(all)) {
    const resource = readResourceText(group.resource)
    const ofResource = writer.begin(10, 3)
    writeResource(writer, resource)
    for (const { scope: scopeText, records } of group.scopes) {
      const scope = readScopeText(scopeText)
      const ofScope = writer.begin(18, 3)
      writeScope(writer, scope)
      writeRecords(records, writer)
      if (scope.schemaUrl !== '') writer.string(26, scope.schemaUrl)
      writer.end(ofScope, 3)
    }
    if (resource.schemaUrl !== '') writer.string(26, resource.schemaUrl)
    writer.end(ofResource, 3)
  }
  return writer.finish()
}
