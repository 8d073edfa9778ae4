/** A data point of a metric. */
import type { Attributes, HoldsAttributes } from './attributes.js'
import type { FromResource } from './resource.js'

/**
 * One data point of a metric, with what the metric says of all its points; `type` tells which of the five kinds it is. Every field is there in every point of
 * a kind. Times are as in `Span`. A metric without points is no record.
 */
export type MetricPoint = GaugePoint | SumPoint | HistogramPoint | ExponentialHistogramPoint | SummaryPoint

interface PointOfMetric extends FromResource, HoldsAttributes {
  /** Of the metric, as are description, unit and metadata. */
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly metadata: Attributes
  /** As `wholeDoubles`, within `metadata`; the points of a metric share it. */
  readonly metadataWholeDoubles?: readonly string[]
  /** What tells this time series from others of the metric. */
  readonly attributes: Attributes
  /** When the count began; 0 where that is not known. */
  readonly startTimeMs: number
  readonly startTimeNanos: number
  readonly timeMs: number
  readonly timeNanos: number
  /** Bit 0: no value was recorded. */
  readonly flags: number
}

/** A value of a gauge or sum. */
interface NumberValue {
  /** A bigint where it is an integer beyond 2^53; null where there is none. */
  readonly value: number | bigint | null
  readonly valueType: 'int' | 'double' | 'none'
  readonly exemplars: readonly Exemplar[]
}

/** A value at a time. */
export interface GaugePoint extends PointOfMetric, NumberValue {
  readonly type: 'gauge'
}

export interface SumPoint extends PointOfMetric, NumberValue {
  readonly type: 'sum'
  readonly temporality: Temporality
  readonly isMonotonic: boolean
}

/** Counts by buckets with given bounds. Counts up to 2^53-1: a request with larger ones cannot be decoded. */
export interface HistogramPoint extends PointOfMetric {
  readonly type: 'histogram'
  readonly temporality: Temporality
  readonly count: number
  readonly sum: number | null
  readonly min: number | null
  readonly max: number | null
  /** One more than bounds, or none. */
  readonly bucketCounts: readonly number[]
  readonly explicitBounds: readonly number[]
  readonly exemplars: readonly Exemplar[]
}

/** Counts by buckets whose bounds grow by a factor of 2^(2^-scale). */
export interface ExponentialHistogramPoint extends PointOfMetric {
  readonly type: 'exponentialHistogram'
  readonly temporality: Temporality
  readonly count: number
  readonly sum: number | null
  readonly min: number | null
  readonly max: number | null
  readonly scale: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  readonly positive: ExponentialBuckets | null
  readonly negative: ExponentialBuckets | null
  readonly exemplars: readonly Exemplar[]
}

export interface ExponentialBuckets {
  /** Of the first bucket. */
  readonly offset: number
  readonly bucketCounts: readonly number[]
}

/** Quantiles that were computed where the values were measured. */
export interface SummaryPoint extends PointOfMetric {
  readonly type: 'summary'
  readonly count: number
  readonly sum: number
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[]
}

/** A measurement that stands for others, with the span it was taken in. */
export interface Exemplar {
  /** Attributes of the measurement that the point does not have. */
  readonly filteredAttributes: Attributes
  readonly timeMs: number
  readonly timeNanos: number
  readonly value: number | bigint | null
  readonly valueType: 'int' | 'double' | 'none'
  readonly spanId: string
  readonly traceId: string
}

/** Whether points count from the last one ('delta') or from the beginning ('cumulative'). */
export type Temporality = 'unspecified' | 'delta' | 'cumulative'
