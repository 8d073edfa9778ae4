/** Records with everything that the codecs tell apart. */
import { type LogRecord, type MetricPoint, resourceText, scopeText, type Span } from '@sluice/otlp'

const attributes = {
  text: 'schön 😀',
  whole: 3,
  ratio: 0.5,
  ten: 10,
  huge: 9_007_199_254_740_993n,
  yes: true,
  none: null,
  bytes: new Uint8Array([0, 255, 7]),
  list: ['a', 1, 2, false],
  tree: { 'a/b': 1, deep: { x: [1.5, 7] } },
  '7': 'a key that looks like a number',
}
const wholeDoubles = ['/attributes/ten', '/attributes/tree/a~1b', '/attributes/tree/deep/x/1']

function origin(service: string, library: string) {
  const resource = {
    attributes: { 'service.name': service, 'host.cpus': 4, 'host.load': 2 },
    entityRefs: [{ schemaUrl: '', type: 'service', idKeys: ['service.name'], descriptionKeys: [] }],
    schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
    wholeDoubles: ['/attributes/host.load'],
  }
  const scope = { name: library, version: '1.0.0', attributes: { lazy: true } }
  return { serviceName: service, resource: resourceText(resource), scopeName: library, scope: scopeText(scope) }
}

export const sampleSpans: readonly Span[] = Array.from(
  { length: 20 },
  (_, index): Span => ({
    traceId: (index + 1).toString(16).padStart(32, 'a'),
    spanId: (index + 1).toString(16).padStart(16, 'b'),
    parentSpanId: index % 2 === 0 ? '' : 'b'.repeat(16),
    name: `span ${index}`,
    kind: index % 2 === 0 ? 'server' : 'producer',
    startTimeMs: 1_700_000_000_000 + index,
    startTimeNanos: 123_456,
    endTimeMs: 1_700_000_000_250 + index,
    endTimeNanos: 999_999,
    durationMs: 250 + (999_999 - 123_456) / 1e6,
    status: { code: index % 3 === 0 ? 'error' : 'unset', message: index % 3 === 0 ? 'it broke' : '' },
    attributes,
    droppedAttributesCount: 1,
    events: [{ timeMs: 1_700_000_000_001, timeNanos: 1, name: 'event', attributes: { at: 1 }, droppedAttributesCount: 2 }],
    droppedEventsCount: 3,
    links: [
      {
        traceId: 'c'.repeat(32),
        spanId: 'd'.repeat(16),
        traceState: 'a=b',
        attributes: { why: 'cause' },
        droppedAttributesCount: 4,
        flags: 1,
      },
    ],
    droppedLinksCount: 5,
    traceState: 'vendor=1',
    flags: 257,
    ...origin(`service ${index % 3}`, `library ${index % 2}`),
    wholeDoubles,
  }),
)

export const sampleLogs: readonly LogRecord[] = Array.from(
  { length: 5 },
  (_, index): LogRecord => ({
    timeMs: 1_700_000_000_000,
    timeNanos: index,
    observedTimeMs: 1_700_000_000_001,
    observedTimeNanos: 7,
    severityNumber: 9,
    severityText: 'INFO',
    body: index === 0 ? 'plain' : { structured: [index, 'x'] },
    attributes,
    droppedAttributesCount: 0,
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    flags: 1,
    eventName: 'event',
    ...origin('logger', 'library'),
    wholeDoubles,
  }),
)

const ofMetric = {
  description: 'What it is',
  unit: 'ms',
  metadata: { source: 'test' },
  attributes: { route: '/' },
  ...origin('meter', 'library'),
  startTimeMs: 1_700_000_000_000,
  startTimeNanos: 1,
  timeMs: 1_700_000_001_000,
  timeNanos: 2,
  flags: 0,
}
const exemplars = [
  {
    filteredAttributes: { user: 'u' },
    timeMs: 1,
    timeNanos: 2,
    value: 4,
    valueType: 'double' as const,
    spanId: 'b'.repeat(16),
    traceId: 'a'.repeat(32),
  },
]

export const samplePoints: readonly MetricPoint[] = [
  { type: 'gauge', name: 'gauge', ...ofMetric, value: 4, valueType: 'double', exemplars },
  { type: 'gauge', name: 'gauge', ...ofMetric, value: null, valueType: 'none', exemplars: [], flags: 1 },
  {
    type: 'sum',
    name: 'sum',
    ...ofMetric,
    value: -9_007_199_254_740_995n,
    valueType: 'int',
    exemplars: [],
    temporality: 'delta',
    isMonotonic: true,
  },
  {
    type: 'histogram',
    name: 'histogram',
    ...ofMetric,
    temporality: 'cumulative',
    count: 6,
    sum: 12.5,
    min: -0.5,
    max: null,
    bucketCounts: [1, 2, 3],
    explicitBounds: [1, 2.5],
    exemplars,
  },
  {
    type: 'exponentialHistogram',
    name: 'exponential',
    ...ofMetric,
    temporality: 'delta',
    count: 7,
    sum: null,
    min: null,
    max: null,
    scale: -3,
    zeroCount: 1,
    zeroThreshold: 0.01,
    positive: { offset: -4, bucketCounts: [1, 2, 300] },
    negative: null,
    exemplars: [],
  },
  { type: 'summary', name: 'summary', ...ofMetric, count: 2, sum: 3.5, quantiles: [{ quantile: 0.5, value: 1 }] },
]
