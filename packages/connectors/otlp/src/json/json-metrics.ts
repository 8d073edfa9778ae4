/** Metrics in OTLP/JSON. */
import type { Decoded } from '../records/decoded.js'
import type { Exemplar, ExponentialBuckets, MetricPoint } from '../records/metric-point.js'
import { numberOfTemporality, temporalityOf } from '../records/names.js'
import { metricsOf } from '../records/same-metric.js'
import type { FromResource } from '../records/resource.js'
import { malformed } from '../wire/malformed.js'
import { digitsOf } from '../wire/nanoseconds.js'
import { nameWholeDoubles, withWholeDoubles } from '../wire/whole-double.js'
import { attributesFrom, attributesTo, doubleTo } from './json-attributes.js'
import {
  count,
  double,
  type Fields,
  flag,
  id,
  integer,
  list,
  message,
  objectOf,
  optionalDouble,
  own,
  text,
  time,
  wideInteger,
} from './json-fields.js'
import { readLayout, writeLayout } from './json-resource.js'

const names = { resources: 'resourceMetrics', scopes: 'scopeMetrics', records: 'metrics' }
const types = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const
const OF_METRIC = ['metadata']

/** @throws MalformedTelemetry for what is no such request. */
export function metricsFrom(request: unknown): Decoded<MetricPoint> {
  const records: MetricPoint[] = []
  readLayout(request, names, (fields, origin) => {
    const type = types.find((name) => own(fields, name) !== undefined)
    if (type === undefined) return
    const data = message(fields, type) ?? {}
    const { metadata, wholeDoubles } = nameWholeDoubles({ metadata: attributesFrom(fields, 'metadata') }, [])
    const shared = {
      name: text(fields, 'name'),
      description: text(fields, 'description'),
      unit: text(fields, 'unit'),
      metadata,
      ...(wholeDoubles === undefined ? {} : { metadataWholeDoubles: wholeDoubles }),
      ...origin,
    }
    for (const item of list(data, 'dataPoints')) {
      const point = pointFrom(type, objectOf(item, 'a data point'), data, shared)
      records.push(nameWholeDoubles(point, OF_METRIC))
    }
  })
  return { records, rejected: 0, reason: '' }
}

export function metricsTo(points: readonly MetricPoint[]): object {
  return writeLayout(points, names, (records) => metricsOf(records).map(metricTo))
}

type Shared = Pick<MetricPoint, 'name' | 'description' | 'unit' | 'metadata' | keyof FromResource>

function pointFrom(type: MetricPoint['type'], fields: Fields, data: Fields, shared: Shared): MetricPoint {
  const start = time(fields, 'startTimeUnixNano')
  const at = time(fields, 'timeUnixNano')
  const common = {
    ...shared,
    attributes: attributesFrom(fields, 'attributes'),
    startTimeMs: start.ms,
    startTimeNanos: start.nanos,
    timeMs: at.ms,
    timeNanos: at.nanos,
    flags: integer(fields, 'flags'),
  }
  const temporality = temporalityOf(integer(data, 'aggregationTemporality'))
  switch (type) {
    case 'gauge':
      return { type, ...common, ...numberFrom(fields), exemplars: exemplarsFrom(fields) }
    case 'sum':
      return {
        type,
        ...common,
        ...numberFrom(fields),
        exemplars: exemplarsFrom(fields),
        temporality,
        isMonotonic: flag(data, 'isMonotonic'),
      }
    case 'histogram':
      return {
        type,
        ...common,
        temporality,
        ...measuredFrom(fields),
        bucketCounts: list(fields, 'bucketCounts').map((item) => count(item, 'an item of bucketCounts')),
        explicitBounds: list(fields, 'explicitBounds').map((item) => double(item, 'an item of explicitBounds')),
        exemplars: exemplarsFrom(fields),
      }
    case 'exponentialHistogram':
      return {
        type,
        ...common,
        temporality,
        ...measuredFrom(fields),
        scale: integer(fields, 'scale'),
        zeroCount: count(own(fields, 'zeroCount'), 'zeroCount'),
        zeroThreshold: optionalDouble(fields, 'zeroThreshold') ?? 0,
        positive: bucketsFrom(message(fields, 'positive')),
        negative: bucketsFrom(message(fields, 'negative')),
        exemplars: exemplarsFrom(fields),
      }
    case 'summary':
      return {
        type,
        ...common,
        count: count(own(fields, 'count'), 'count'),
        sum: optionalDouble(fields, 'sum') ?? 0,
        quantiles: list(fields, 'quantileValues').map((item) => {
          const quantile = objectOf(item, 'an item of quantileValues')
          return { quantile: optionalDouble(quantile, 'quantile') ?? 0, value: optionalDouble(quantile, 'value') ?? 0 }
        }),
      }
    default:
      return malformed(`a metric of the type ${type satisfies never}`)
  }
}

function measuredFrom(fields: Fields): { count: number; sum: number | null; min: number | null; max: number | null } {
  const [sum, min, max] = ['sum', 'min', 'max'].map((name) => optionalDouble(fields, name)) as [number | null, number | null, number | null]
  return { count: count(own(fields, 'count'), 'count'), sum, min, max }
}

function numberFrom(fields: Fields): Pick<Exemplar, 'value' | 'valueType'> {
  if (own(fields, 'asInt') !== undefined) return { value: wideInteger(fields['asInt'], 'asInt'), valueType: 'int' }
  if (own(fields, 'asDouble') !== undefined) return { value: double(fields['asDouble'], 'asDouble'), valueType: 'double' }
  return { value: null, valueType: 'none' }
}

function exemplarsFrom(fields: Fields): readonly Exemplar[] {
  return list(fields, 'exemplars').map((item) => {
    const exemplar = objectOf(item, 'an exemplar')
    const at = time(exemplar, 'timeUnixNano')
    return {
      filteredAttributes: attributesFrom(exemplar, 'filteredAttributes'),
      timeMs: at.ms,
      timeNanos: at.nanos,
      ...numberFrom(exemplar),
      spanId: id(exemplar, 'spanId'),
      traceId: id(exemplar, 'traceId'),
    }
  })
}

function bucketsFrom(fields: Fields | undefined): ExponentialBuckets | null {
  if (fields === undefined) return null
  return {
    offset: integer(fields, 'offset'),
    bucketCounts: list(fields, 'bucketCounts').map((item) => count(item, 'an item of bucketCounts')),
  }
}

function metricTo(points: readonly MetricPoint[]): object {
  const metric = points[0]!
  const { metadata, metadataWholeDoubles } = metric
  const marked = metadataWholeDoubles === undefined ? metadata : withWholeDoubles({ metadata, wholeDoubles: metadataWholeDoubles }).metadata
  return {
    name: metric.name,
    description: metric.description,
    unit: metric.unit,
    [metric.type]: {
      dataPoints: points.map((point) => pointTo(withWholeDoubles(point))),
      ...('temporality' in metric ? { aggregationTemporality: numberOfTemporality(metric.temporality) } : {}),
      ...(metric.type === 'sum' ? { isMonotonic: metric.isMonotonic } : {}),
    },
    ...(Object.keys(metadata).length === 0 ? {} : { metadata: attributesTo(marked) }),
  }
}

function pointTo(point: MetricPoint): object {
  const common = {
    attributes: attributesTo(point.attributes),
    startTimeUnixNano: digitsOf(point.startTimeMs, point.startTimeNanos),
    timeUnixNano: digitsOf(point.timeMs, point.timeNanos),
    flags: point.flags,
  }
  switch (point.type) {
    case 'gauge':
    case 'sum':
      return { ...common, ...numberTo(point), exemplars: point.exemplars.map(exemplarTo) }
    case 'histogram':
      return {
        ...common,
        ...measuredTo(point),
        bucketCounts: point.bucketCounts.map(String),
        explicitBounds: point.explicitBounds.map(doubleTo),
        exemplars: point.exemplars.map(exemplarTo),
      }
    case 'exponentialHistogram':
      return {
        ...common,
        ...measuredTo(point),
        scale: point.scale,
        zeroCount: String(point.zeroCount),
        zeroThreshold: doubleTo(point.zeroThreshold),
        ...(point.positive === null ? {} : { positive: bucketsTo(point.positive) }),
        ...(point.negative === null ? {} : { negative: bucketsTo(point.negative) }),
        exemplars: point.exemplars.map(exemplarTo),
      }
    case 'summary':
      return {
        ...common,
        count: String(point.count),
        sum: doubleTo(point.sum),
        quantileValues: point.quantiles.map(({ quantile, value }) => ({ quantile: doubleTo(quantile), value: doubleTo(value) })),
      }
    default:
      return point satisfies never
  }
}

function measuredTo({ count, sum, min, max }: { count: number; sum: number | null; min: number | null; max: number | null }): object {
  return {
    count: String(count),
    ...(sum === null ? {} : { sum: doubleTo(sum) }),
    ...(min === null ? {} : { min: doubleTo(min) }),
    ...(max === null ? {} : { max: doubleTo(max) }),
  }
}

function numberTo({ value, valueType }: Pick<Exemplar, 'value' | 'valueType'>): object {
  if (value === null || valueType === 'none') return {}
  if (typeof value === 'bigint' || (valueType === 'int' && Number.isSafeInteger(value))) return { asInt: String(value) }
  return { asDouble: doubleTo(value) }
}

function exemplarTo(exemplar: Exemplar): object {
  return {
    filteredAttributes: attributesTo(exemplar.filteredAttributes),
    timeUnixNano: digitsOf(exemplar.timeMs, exemplar.timeNanos),
    ...numberTo(exemplar),
    ...(exemplar.spanId === '' ? {} : { spanId: exemplar.spanId }),
    ...(exemplar.traceId === '' ? {} : { traceId: exemplar.traceId }),
  }
}

function bucketsTo({ offset, bucketCounts }: ExponentialBuckets): object {
  return { offset, bucketCounts: bucketCounts.map(String) }
}
