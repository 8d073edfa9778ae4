export type { Attributes, AttributeValue } from './records/attributes.js'
export type { EntityRef, Resource, Scope } from './records/resource.js'
export { resourceOf, resourceText, scopeOf, scopeText } from './records/origin.js'
export type { LogRecord } from './records/log-record.js'
export type {
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogramPoint,
  GaugePoint,
  HistogramPoint,
  MetricPoint,
  SumPoint,
  SummaryPoint,
  Temporality,
} from './records/metric-point.js'
export type { Span, SpanEvent, SpanKind, SpanLink, SpanStatus } from './records/span.js'
export type { RecordOfSignal, Signal } from './signals/signals.js'
export { type ToOtlpOptions, toOtlp } from './sink/to-otlp.js'
export { fromOtlp, type FromOtlpOptions } from './source/from-otlp.js'
export { attribute, errors, slowerThan } from './sampling/span-policies.js'
