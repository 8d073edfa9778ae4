/** `Metric` and its data points: opentelemetry/proto/metrics/v1/metrics.proto. */
import type { Exemplar, ExponentialBuckets, MetricPoint } from '../records/metric-point.js'
import { numberOfTemporality } from '../records/names.js'
import { withWholeDoubles } from '../wire/whole-double.js'
import type { WireWriter } from '../wire/wire-writer.js'
import { writeAttributes } from './write-attributes.js'

/** The field of `Metric` that holds the points of a type. */
const tagOf = { gauge: 42, sum: 58, histogram: 74, exponentialHistogram: 82, summary: 90 } as const

/** Points of one metric as field 2 of `ScopeMetrics`; at least one. */
export function writeMetric(writer: WireWriter, points: readonly MetricPoint[]): void {
  const metric = points[0]!
  const start = writer.begin(18, 2)
  if (metric.name !== '') writer.string(10, metric.name)
  if (metric.description !== '') writer.string(18, metric.description)
  if (metric.unit !== '') writer.string(26, metric.unit)
  const data = writer.begin(tagOf[metric.type], 2)
  for (const point of points) writePoint(writer, point.wholeDoubles === undefined ? point : withWholeDoubles(point))
  if ('temporality' in metric) {
    const temporality = numberOfTemporality(metric.temporality)
    if (temporality !== 0) writer.uint32(16, temporality)
  }
  if (metric.type === 'sum' && metric.isMonotonic) writer.bool(24, true)
  writer.end(data, 2)
  const { metadata, metadataWholeDoubles } = metric
  const marked = metadataWholeDoubles === undefined ? { metadata } : withWholeDoubles({ metadata, wholeDoubles: metadataWholeDoubles })
  writeAttributes(writer, 98, marked.metadata)
  writer.end(start, 2)
}

function writePoint(writer: WireWriter, point: MetricPoint): void {
  const start = writer.begin(10, 2)
  writeAttributes(writer, attributesTag[point.type], point.attributes)
  writer.time(17, point.startTimeMs, point.startTimeNanos)
  writer.time(25, point.timeMs, point.timeNanos)
  switch (point.type) {
    case 'gauge':
    case 'sum':
      writeNumber(writer, point.valueType, point.value, 33, 49)
      writeExemplars(writer, 42, point.exemplars)
      if (point.flags !== 0) writer.uint32(64, point.flags)
      break
    case 'histogram':
      if (point.count !== 0) writer.count(33, point.count)
      if (point.sum !== null) writer.double(41, point.sum)
      writeCounts(writer, point.bucketCounts)
      writeBounds(writer, point.explicitBounds)
      writeExemplars(writer, 66, point.exemplars)
      if (point.flags !== 0) writer.uint32(80, point.flags)
      if (point.min !== null) writer.double(89, point.min)
      if (point.max !== null) writer.double(97, point.max)
      break
    case 'exponentialHistogram':
      if (point.count !== 0) writer.count(33, point.count)
      if (point.sum !== null) writer.double(41, point.sum)
      if (point.scale !== 0) writer.sint32(48, point.scale)
      if (point.zeroCount !== 0) writer.count(57, point.zeroCount)
      if (point.positive !== null) writeBuckets(writer, 66, point.positive)
      if (point.negative !== null) writeBuckets(writer, 74, point.negative)
      if (point.flags !== 0) writer.uint32(80, point.flags)
      writeExemplars(writer, 90, point.exemplars)
      if (point.min !== null) writer.double(97, point.min)
      if (point.max !== null) writer.double(105, point.max)
      if (!Object.is(point.zeroThreshold, 0)) writer.double(113, point.zeroThreshold)
      break
    case 'summary':
      if (point.count !== 0) writer.count(33, point.count)
      if (!Object.is(point.sum, 0)) writer.double(41, point.sum)
      for (const { quantile, value } of point.quantiles) {
        const at = writer.begin(50, 1)
        if (!Object.is(quantile, 0)) writer.double(9, quantile)
        if (!Object.is(value, 0)) writer.double(17, value)
        writer.end(at, 1)
      }
      if (point.flags !== 0) writer.uint32(64, point.flags)
      break
  }
  writer.end(start, 2)
}

const attributesTag = { gauge: 58, sum: 58, histogram: 74, exponentialHistogram: 10, summary: 58 } as const

function writeNumber(
  writer: WireWriter,
  valueType: Exemplar['valueType'],
  value: number | bigint | null,
  doubleTag: number,
  intTag: number,
): void {
  if (value === null || valueType === 'none') return
  if (typeof value === 'bigint' || (valueType === 'int' && Number.isSafeInteger(value))) writer.sfixed64(intTag, value)
  else writer.double(doubleTag, value)
}

function writeExemplars(writer: WireWriter, tag: number, exemplars: readonly Exemplar[]): void {
  for (const exemplar of exemplars) {
    const start = writer.begin(tag, 1)
    writer.time(17, exemplar.timeMs, exemplar.timeNanos)
    writeNumber(writer, exemplar.valueType, exemplar.value, 25, 49)
    if (exemplar.spanId !== '') writer.hex(34, exemplar.spanId)
    if (exemplar.traceId !== '') writer.hex(42, exemplar.traceId)
    writeAttributes(writer, 58, exemplar.filteredAttributes)
    writer.end(start, 1)
  }
}

function writeCounts(writer: WireWriter, counts: readonly number[]): void {
  if (counts.length === 0) return
  const start = writer.begin(50, 2)
  for (const count of counts) writer.packedCount(count)
  writer.end(start, 2)
}

function writeBounds(writer: WireWriter, bounds: readonly number[]): void {
  if (bounds.length === 0) return
  const start = writer.begin(58, 2)
  for (const bound of bounds) writer.packedDouble(bound)
  writer.end(start, 2)
}

function writeBuckets(writer: WireWriter, tag: number, { offset, bucketCounts }: ExponentialBuckets): void {
  const start = writer.begin(tag, 2)
  if (offset !== 0) writer.sint32(8, offset)
  if (bucketCounts.length > 0) {
    const counts = writer.begin(18, 2)
    for (const count of bucketCounts) writer.packedUint64(count)
    writer.end(counts, 2)
  }
  writer.end(start, 2)
}
