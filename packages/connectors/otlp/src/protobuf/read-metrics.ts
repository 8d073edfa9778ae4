/** `ExportMetricsServiceRequest`: opentelemetry/proto/metrics/v1/metrics.proto. */
import type { Attributes, AttributeValue } from '../records/attributes.js'
import type { Decoded } from '../records/decoded.js'
import type { Exemplar, ExponentialBuckets, MetricPoint, Temporality } from '../records/metric-point.js'
import { temporalityOf } from '../records/names.js'
import type { FromResource } from '../records/resource.js'
import { createStringSite } from '../wire/string-memory.js'
import { nameWholeDoubles } from '../wire/whole-double.js'
import { WireReader } from '../wire/wire-reader.js'
import { readAttribute } from './read-attributes.js'
import { readMarked, readRequest } from './read-resource.js'

const site = createStringSite()

/** What a point shares with others: no places are named there. */
const OF_METRIC = ['metadata']

/** What all points of a metric have. */
interface OfMetric {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly metadata: Attributes
  readonly wholeDoubles?: readonly string[]
  readonly origin: FromResource
}

type ReadPoint = (reader: WireReader, metric: OfMetric, temporality: Temporality, isMonotonic: boolean) => MetricPoint

/** @throws MalformedTelemetry for bytes that are no such request. */
export function readMetrics(bytes: Uint8Array): Decoded<MetricPoint> {
  const reader = new WireReader()
  const records: MetricPoint[] = []
  reader.open(bytes)
  readRequest(reader, (reader, origin) => readMetric(reader, origin, records))
  return { records, rejected: 0, reason: '' }
}

/** Its points stand in a field of their own per type; what they share may come in front of them or behind. */
function readMetric(reader: WireReader, origin: FromResource, records: MetricPoint[]): void {
  const outer = reader.enter()
  const start = reader.at
  let name = ''
  let description = ''
  let unit = ''
  const metadata: Record<string, AttributeValue> = {}
  let readPoint: ReadPoint | undefined
  let at = -1
  reader.sawWholeDouble = false
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) name = reader.string(site)
    else if (tag === 18) description = reader.string(site)
    else if (tag === 26) unit = reader.string(site)
    else if (tag === 98) readAttribute(reader, metadata)
    else {
      const read = pointReaders.get(tag)
      if (read !== undefined) {
        readPoint = read
        at = reader.at
      }
      reader.skip(tag)
    }
  }
  const named = reader.sawWholeDouble ? nameWholeDoubles({ metadata: readMarkedMetadata(reader, start) }, []) : { metadata }
  if (readPoint !== undefined) {
    reader.at = at
    readPoints(reader, readPoint, { name, description, unit, ...named, origin }, records)
  }
  reader.leave(outer)
}

/** With its whole doubles as `WholeDouble`. */
function readMarkedMetadata(reader: WireReader, start: number): Record<string, AttributeValue> {
  const metadata: Record<string, AttributeValue> = {}
  reader.at = start
  reader.marksWholeDoubles = true
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 98) readAttribute(reader, metadata)
    else reader.skip(tag)
  }
  reader.marksWholeDoubles = false
  return metadata
}

/** `Gauge`, `Sum`, `Histogram`, `ExponentialHistogram`, `Summary`: points in field 1, what they share in 2 and 3. */
function readPoints(reader: WireReader, read: ReadPoint, metric: OfMetric, records: MetricPoint[]): void {
  const outer = reader.enter()
  const start = reader.at
  let temporality: Temporality = 'unspecified'
  let isMonotonic = false
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 16) temporality = temporalityOf(reader.int32())
    else if (tag === 24) isMonotonic = reader.bool()
    else reader.skip(tag)
  }
  reader.at = start
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag !== 10) {
      reader.skip(tag)
      continue
    }
    const at = reader.at
    reader.sawWholeDouble = false
    const point = read(reader, metric, temporality, isMonotonic)
    const isMarked = reader.sawWholeDouble
    records.push(isMarked ? readMarked(reader, at, () => read(reader, metric, temporality, isMonotonic), OF_METRIC) : point)
  }
  reader.leave(outer)
}

const pointReaders: ReadonlyMap<number, ReadPoint> = new Map<number, ReadPoint>([
  [42, (reader, metric) => readNumber(reader, metric, 'gauge', 'unspecified', false)],
  [58, (reader, metric, temporality, isMonotonic) => readNumber(reader, metric, 'sum', temporality, isMonotonic)],
  [74, readHistogram],
  [82, readExponential],
  [90, readSummary],
])

/** `NumberDataPoint`. */
function readNumber(
  reader: WireReader,
  metric: OfMetric,
  type: 'gauge' | 'sum',
  temporality: Temporality,
  isMonotonic: boolean,
): MetricPoint {
  const outer = reader.enter()
  const attributes: Record<string, AttributeValue> = {}
  const exemplars: Exemplar[] = []
  let startTimeMs = 0
  let startTimeNanos = 0
  let timeMs = 0
  let timeNanos = 0
  let value: number | bigint | null = null
  let valueType: 'int' | 'double' | 'none' = 'none'
  let flags = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    switch (tag) {
      case 17:
        reader.time()
        startTimeMs = reader.ms
        startTimeNanos = reader.nanos
        break
      case 25:
        reader.time()
        timeMs = reader.ms
        timeNanos = reader.nanos
        break
      case 33:
        value = reader.double()
        valueType = 'double'
        break
      case 42:
        exemplars.push(readExemplar(reader))
        break
      case 49:
        value = reader.sfixed64()
        valueType = 'int'
        break
      case 58:
        readAttribute(reader, attributes)
        break
      case 64:
        flags = reader.uint32()
        break
      default:
        reader.skip(tag)
    }
  }
  reader.leave(outer)
  const times = { startTimeMs, startTimeNanos, timeMs, timeNanos }
  const rest = { ...times, flags, value, valueType, exemplars }
  return type === 'gauge'
    ? { type, ...ofMetric(metric, attributes), ...rest }
    : { type, ...ofMetric(metric, attributes), ...rest, temporality, isMonotonic }
}

/** `HistogramDataPoint`. */
function readHistogram(reader: WireReader, metric: OfMetric, temporality: Temporality): MetricPoint {
  const outer = reader.enter()
  const attributes: Record<string, AttributeValue> = {}
  const exemplars: Exemplar[] = []
  const bucketCounts: number[] = []
  const explicitBounds: number[] = []
  let startTimeMs = 0
  let startTimeNanos = 0
  let timeMs = 0
  let timeNanos = 0
  let count = 0
  let sum: number | null = null
  let min: number | null = null
  let max: number | null = null
  let flags = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    switch (tag) {
      case 17:
        reader.time()
        startTimeMs = reader.ms
        startTimeNanos = reader.nanos
        break
      case 25:
        reader.time()
        timeMs = reader.ms
        timeNanos = reader.nanos
        break
      case 33:
        count = reader.count()
        break
      case 41:
        sum = reader.double()
        break
      case 49:
        bucketCounts.push(reader.count())
        break
      case 50:
        readPacked(reader, bucketCounts, readCount)
        break
      case 57:
        explicitBounds.push(reader.double())
        break
      case 58:
        readPacked(reader, explicitBounds, readDouble)
        break
      case 66:
        exemplars.push(readExemplar(reader))
        break
      case 74:
        readAttribute(reader, attributes)
        break
      case 80:
        flags = reader.uint32()
        break
      case 89:
        min = reader.double()
        break
      case 97:
        max = reader.double()
        break
      default:
        reader.skip(tag)
    }
  }
  reader.leave(outer)
  const times = { startTimeMs, startTimeNanos, timeMs, timeNanos }
  const measured = { flags, temporality, count, sum, min, max, bucketCounts, explicitBounds, exemplars }
  return { type: 'histogram', ...ofMetric(metric, attributes), ...times, ...measured }
}

/** `ExponentialHistogramDataPoint`. */
function readExponential(reader: WireReader, metric: OfMetric, temporality: Temporality): MetricPoint {
  const outer = reader.enter()
  const attributes: Record<string, AttributeValue> = {}
  const exemplars: Exemplar[] = []
  let startTimeMs = 0
  let startTimeNanos = 0
  let timeMs = 0
  let timeNanos = 0
  let count = 0
  let sum: number | null = null
  let min: number | null = null
  let max: number | null = null
  let scale = 0
  let zeroCount = 0
  let zeroThreshold = 0
  let positive: ExponentialBuckets | null = null
  let negative: ExponentialBuckets | null = null
  let flags = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    switch (tag) {
      case 10:
        readAttribute(reader, attributes)
        break
      case 17:
        reader.time()
        startTimeMs = reader.ms
        startTimeNanos = reader.nanos
        break
      case 25:
        reader.time()
        timeMs = reader.ms
        timeNanos = reader.nanos
        break
      case 33:
        count = reader.count()
        break
      case 41:
        sum = reader.double()
        break
      case 48:
        scale = reader.sint32()
        break
      case 57:
        zeroCount = reader.count()
        break
      case 66:
        positive = readBuckets(reader)
        break
      case 74:
        negative = readBuckets(reader)
        break
      case 80:
        flags = reader.uint32()
        break
      case 90:
        exemplars.push(readExemplar(reader))
        break
      case 97:
        min = reader.double()
        break
      case 105:
        max = reader.double()
        break
      case 113:
        zeroThreshold = reader.double()
        break
      default:
        reader.skip(tag)
    }
  }
  reader.leave(outer)
  const times = { startTimeMs, startTimeNanos, timeMs, timeNanos }
  const measured = { flags, temporality, count, sum, min, max, scale, zeroCount, zeroThreshold, positive, negative, exemplars }
  return { type: 'exponentialHistogram', ...ofMetric(metric, attributes), ...times, ...measured }
}

/** `ExponentialHistogramDataPoint.Buckets`. */
function readBuckets(reader: WireReader): ExponentialBuckets {
  const outer = reader.enter()
  const bucketCounts: number[] = []
  let offset = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 8) offset = reader.sint32()
    else if (tag === 16) bucketCounts.push(reader.uint64())
    else if (tag === 18) readPacked(reader, bucketCounts, readUint64)
    else reader.skip(tag)
  }
  reader.leave(outer)
  return { offset, bucketCounts }
}

/** `SummaryDataPoint`. */
function readSummary(reader: WireReader, metric: OfMetric): MetricPoint {
  const outer = reader.enter()
  const attributes: Record<string, AttributeValue> = {}
  const quantiles: { quantile: number; value: number }[] = []
  let startTimeMs = 0
  let startTimeNanos = 0
  let timeMs = 0
  let timeNanos = 0
  let count = 0
  let sum = 0
  let flags = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    switch (tag) {
      case 17:
        reader.time()
        startTimeMs = reader.ms
        startTimeNanos = reader.nanos
        break
      case 25:
        reader.time()
        timeMs = reader.ms
        timeNanos = reader.nanos
        break
      case 33:
        count = reader.count()
        break
      case 41:
        sum = reader.double()
        break
      case 50:
        quantiles.push(readQuantile(reader))
        break
      case 58:
        readAttribute(reader, attributes)
        break
      case 64:
        flags = reader.uint32()
        break
      default:
        reader.skip(tag)
    }
  }
  reader.leave(outer)
  const times = { startTimeMs, startTimeNanos, timeMs, timeNanos }
  return { type: 'summary', ...ofMetric(metric, attributes), ...times, flags, count, sum, quantiles }
}

function readQuantile(reader: WireReader): { quantile: number; value: number } {
  const outer = reader.enter()
  let quantile = 0
  let value = 0
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 9) quantile = reader.double()
    else if (tag === 17) value = reader.double()
    else reader.skip(tag)
  }
  reader.leave(outer)
  return { quantile, value }
}

function readExemplar(reader: WireReader): Exemplar {
  const outer = reader.enter()
  const filteredAttributes: Record<string, AttributeValue> = {}
  let timeMs = 0
  let timeNanos = 0
  let value: number | bigint | null = null
  let valueType: Exemplar['valueType'] = 'none'
  let spanId = ''
  let traceId = ''
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 17) {
      reader.time()
      timeMs = reader.ms
      timeNanos = reader.nanos
    } else if (tag === 25) {
      value = reader.double()
      valueType = 'double'
    } else if (tag === 34) spanId = reader.hex()
    else if (tag === 42) traceId = reader.hex()
    else if (tag === 49) {
      value = reader.sfixed64()
      valueType = 'int'
    } else if (tag === 58) readAttribute(reader, filteredAttributes)
    else reader.skip(tag)
  }
  reader.leave(outer)
  return { filteredAttributes, timeMs, timeNanos, value, valueType, spanId, traceId }
}

const readCount = (reader: WireReader): number => reader.count()
const readUint64 = (reader: WireReader): number => reader.uint64()
const readDouble = (reader: WireReader): number => reader.double()

function readPacked(reader: WireReader, values: number[], read: (reader: WireReader) => number): void {
  const outer = reader.enter()
  while (reader.at < reader.limit) values.push(read(reader))
  reader.leave(outer)
}

type Shared = Pick<MetricPoint, 'name' | 'description' | 'unit' | 'metadata' | 'attributes' | keyof FromResource> & {
  readonly metadataWholeDoubles?: readonly string[]
}

/** The fields that come first in a point. */
function ofMetric({ name, description, unit, metadata, wholeDoubles, origin }: OfMetric, attributes: Attributes): Shared {
  const shared = { name, description, unit, metadata, attributes, ...origin }
  return wholeDoubles === undefined ? shared : { ...shared, metadataWholeDoubles: wholeDoubles }
}
