/** The official SDK of OpenTelemetry sends to a running job. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { SeverityNumber } from '@opentelemetry/api-logs'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { fromOtlp, resourceOf, scopeOf, type Span } from '@sluice/otlp'
import { defineJob, run } from 'sluice'
import { expect, onTestFinished, test } from 'vitest'
import { addressOf, startReceiver } from '../support/running-receiver.js'

const resource = resourceFromAttributes({
  'service.name': 'checkout',
  'process.pid': 4242,
  'host.cpus': 2.5,
  'deployment.regions': ['a', 'b'],
})

const exporters = {
  protobuf: (url: string) => new OTLPTraceExporter({ url: `${url}/v1/traces` }),
  'protobuf, compressed': (url: string) => new OTLPTraceExporter({ url: `${url}/v1/traces`, compression: 'gzip' as never }),
  JSON: (url: string) => new JsonTraceExporter({ url: `${url}/v1/traces` }),
}

test.each(Object.entries(exporters))('spans arrive with everything that the SDK knows of them: %s', async (_name, exporterOf) => {
  const { url, received } = await startReceiver()
  const memory = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(exporterOf(url)), new SimpleSpanProcessor(memory)],
  })
  const tracer = provider.getTracer('shop', '1.2.3', { schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' })
  const root = tracer.startSpan('order', { kind: SpanKind.SERVER, attributes: { 'http.status_code': 503, 'http.route': '/orders/:id' } })
  root.setAttributes({ flag: true, ratio: 0.25, names: ['a', 'b'], sizes: [1, 2], flags: [true, false], gruß: 'schön 😀' })
  const child = tracer.startSpan(
    'query',
    { kind: SpanKind.CLIENT, links: [{ context: root.spanContext(), attributes: { why: 'cause' } }] },
    trace.setSpan(ROOT_CONTEXT, root),
  )
  child.recordException(new Error('no connection'))
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'no connection' })
  child.end()
  root.end()
  // Shutting down empties the memory.
  const finished = [...memory.getFinishedSpans()]
  await provider.shutdown()

  const { spans } = await received()
  const [query, order] = finished
  expect(spans).toHaveLength(2)
  expect(spans[0]).toMatchObject({
    ...expected(query!),
    kind: 'client',
    status: { code: 'error', message: 'no connection' },
    links: [{ traceId: order!.spanContext().traceId, spanId: order!.spanContext().spanId, attributes: { why: 'cause' } }],
    events: [{ name: 'exception', attributes: { 'exception.message': 'no connection' } }],
  })
  expect(spans[1]).toMatchObject({
    ...expected(order!),
    kind: 'server',
    status: { code: 'unset' },
    parentSpanId: '',
    events: [],
    links: [],
  })
  expect(resourceOf(spans[0]!).attributes).toEqual(resource.attributes)
  expect(spans[0]).toMatchObject({ serviceName: 'checkout', scopeName: 'shop' })
  expect(scopeOf(spans[0]!)).toMatchObject({ name: 'shop', version: '1.2.3', schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' })
})

/** What a span of the SDK is as a record. */
function expected(span: ReadableSpan): Partial<Span> {
  return {
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? '',
    name: span.name,
    startTimeMs: span.startTime[0] * 1_000 + Math.floor(span.startTime[1] / 1e6),
    startTimeNanos: span.startTime[1] % 1e6,
    endTimeMs: span.endTime[0] * 1_000 + Math.floor(span.endTime[1] / 1e6),
    endTimeNanos: span.endTime[1] % 1e6,
    attributes: span.attributes as Span['attributes'],
  }
}

test('logs arrive with body, severity and the trace that they belong to', async () => {
  const { url, received } = await startReceiver()
  const provider = new LoggerProvider({
    resource,
    processors: [new SimpleLogRecordProcessor(new OTLPLogExporter({ url: `${url}/v1/logs` }))],
  })
  const spanContext = { traceId: '5b8aa5a2d2c872e8321cf37308d69df2', spanId: '051581bf3cb55c13', traceFlags: TraceFlags.SAMPLED }
  provider.getLogger('shop', '1.2.3').emit({
    severityNumber: SeverityNumber.WARN,
    severityText: 'WARN',
    body: { text: 'low stock', items: [1, 2.5, 'three'], none: null },
    attributes: { sku: 'a-17', left: 3 },
    timestamp: new Date(1_700_000_000_123),
    eventName: 'stock.low',
    context: trace.setSpanContext(ROOT_CONTEXT, spanContext),
  })
  await provider.shutdown()

  const { logs } = await received()
  expect(logs).toHaveLength(1)
  expect(logs[0]).toMatchObject({
    serviceName: 'checkout',
    scopeName: 'shop',
    timeMs: 1_700_000_000_123,
    timeNanos: 0,
    severityNumber: 13,
    severityText: 'WARN',
    body: { text: 'low stock', items: [1, 2.5, 'three'] },
    attributes: { sku: 'a-17', left: 3 },
    eventName: 'stock.low',
    traceId: spanContext.traceId,
    spanId: spanContext.spanId,
    flags: 1,
  })
})

test('metrics arrive as points of all kinds that the SDK makes', async () => {
  const { url, received } = await startReceiver()
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: `${url}/v1/metrics` }),
    exportIntervalMillis: 3_600_000,
  })
  const provider = new MeterProvider({
    resource,
    readers: [reader],
    views: [{ instrumentName: 'sizes', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  })
  const meter = provider.getMeter('shop')
  meter.createCounter('orders', { description: 'Orders taken', unit: '{order}' }).add(3, { country: 'DE' })
  meter.createHistogram('latency', { unit: 'ms', advice: { explicitBucketBoundaries: [10, 100] } }).record(42)
  meter.createHistogram('sizes').record(5.5)
  meter.createObservableGauge('load').addCallback((result) => result.observe(0.75))
  await provider.shutdown()

  const points = new Map((await received()).points.map((point) => [point.name, point]))
  expect([...points.keys()].sort()).toEqual(['latency', 'load', 'orders', 'sizes'])
  expect(points.get('orders')).toMatchObject({
    type: 'sum',
    value: 3,
    description: 'Orders taken',
    unit: '{order}',
    attributes: { country: 'DE' },
    temporality: 'cumulative',
    isMonotonic: true,
    serviceName: 'checkout',
  })
  expect(points.get('latency')).toMatchObject({
    type: 'histogram',
    count: 1,
    sum: 42,
    min: 42,
    max: 42,
    bucketCounts: [0, 1, 0],
    explicitBounds: [10, 100],
  })
  expect(points.get('sizes')).toMatchObject({
    type: 'exponentialHistogram',
    count: 1,
    sum: 5.5,
    zeroCount: 0,
    positive: { bucketCounts: [1] },
  })
  expect(points.get('load')).toMatchObject({ type: 'gauge', value: 0.75, valueType: 'double' })
})

/** Spans of a request, and as many as the source lets wait. */
const BATCH = 64

test('under pressure the SDK is told when to come again, and nothing is lost', async () => {
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const job = defineJob({ name: 'busy' }, (job) => ({
    spans: job
      .source('spans', fromOtlp({ signal: 'traces', port: 0, queue: { records: BATCH } }))
      .mapAsync('held', async (span) => held.then(() => span), { concurrency: 1 }),
  }))
  const handle = run(job)
  onTestFinished(() => handle[Symbol.asyncDispose]())
  const url = await addressOf(handle, 1)
  const refused = new Promise<string>((resolve) => {
    const look = (message: unknown): void => {
      const { response } = message as { response: { statusCode: number; headers: Record<string, string> } }
      if (response.statusCode === 429) resolve(response.headers['retry-after']!)
    }
    subscribe('http.client.response.finish', look)
    onTestFinished(() => void unsubscribe('http.client.response.finish', look))
  })
  const provider = new NodeTracerProvider({
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }), { maxExportBatchSize: BATCH, maxQueueSize: 10 * BATCH }),
    ],
  })
  const tracer = provider.getTracer('busy')
  // The edge behind the source takes some; how many, the test does not say. A flush settles when its batch is answered for good.
  const sent: string[] = []
  let retryAfter: string | undefined
  while (retryAfter === undefined) {
    for (let index = 0; index < BATCH; index++) {
      sent.push(`span ${sent.length}`)
      tracer.startSpan(sent.at(-1)!).end()
    }
    retryAfter = await Promise.race([refused, provider.forceFlush().then(() => undefined)])
  }
  expect(retryAfter).toBe('1')
  release()
  await provider.shutdown()
  await handle.stop()
  const names = (await handle.finished).outputs.spans.map(({ name }) => name)
  expect(names.sort()).toEqual(sent.sort())
})
