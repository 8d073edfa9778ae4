/**
 * A request of OTLP in protobuf from bytes to spans and back, in one thread: 512 spans of 8 attributes, of one resource of 12. Sluice makes flat records of it; the peer is the official
 * definitions as protobufjs compiles them, which stops at messages. Sluice's codec is taken as it is inside `fromOtlp` and `toOtlp`. tinybench warms up and samples; the figure is its median.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Span } from '@sluice/otlp'
import { Bench } from 'tinybench'
import type * as readSpansModule from '../../packages/connectors/otlp/src/protobuf/read-spans.js'
import type * as writeRequestModule from '../../packages/connectors/otlp/src/protobuf/write-request.js'
import type { MeasureOptions, Measurement } from '../harness/figure.js'

export const OTLP_SPANS = 512
export type OtlpCodec = 'sluice' | 'official'
export type OtlpDirection = 'read' | 'write'

interface OfficialRequest {
  fromObject(value: object): object
  encode(message: object): { finish(): Uint8Array }
  decode(bytes: Uint8Array): object
}

interface OfficialRoot {
  readonly opentelemetry: {
    readonly proto: { readonly collector: { readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: OfficialRequest } } } }
  }
}

/** The generated module has no entry of its own; it is the one that the exporters of OpenTelemetry encode with. */
async function officialRequest(): Promise<OfficialRequest> {
  const root: unknown = (await import('@opentelemetry/otlp-transformer/build/src/generated/root.js')).default
  return (root as OfficialRoot).opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest
}

const attribute = (key: string, value: object) => ({ key, value })
const idOf = (bytes: number, seed: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, at) => 1 + ((seed * 31 + at * 17) % 255))

function spanOf(index: number): object {
  return {
    traceId: idOf(16, index >> 3),
    spanId: idOf(8, index),
    parentSpanId: idOf(8, index - 1),
    name: 'GET /api/users/:id',
    kind: 2,
    startTimeUnixNano: String(1_700_000_000_000_123_456n + BigInt(index) * 1_000_000n),
    endTimeUnixNano: String(1_700_000_000_100_654_321n + BigInt(index) * 1_000_000n),
    flags: 257,
    attributes: [
      attribute('http.request.method', { stringValue: 'GET' }),
      attribute('http.route', { stringValue: '/api/users/:id' }),
      attribute('http.response.status_code', { intValue: 200 + (index % 5) }),
      attribute('url.path', { stringValue: `/api/users/${index}` }),
      attribute('network.protocol.version', { stringValue: '1.1' }),
      attribute('server.port', { intValue: 8080 }),
      attribute('user.cached', { boolValue: index % 2 === 0 }),
      attribute('db.time', { doubleValue: index + 0.25 }),
    ],
    status: { code: index % 100 === 0 ? 2 : 0 },
  }
}

function requestOf(official: OfficialRequest): Uint8Array {
  const names = ['service.name', 'service.version', 'host.name', 'host.arch', 'process.pid', 'process.executable.name', 'process.command']
  const more = ['process.runtime.name', 'process.runtime.version', 'telemetry.sdk.name', 'telemetry.sdk.language', 'telemetry.sdk.version']
  const resource = { attributes: [...names, ...more].map((name) => attribute(name, { stringValue: `the value of ${name}` })) }
  const scope = { name: '@opentelemetry/instrumentation-http', version: '0.208.0' }
  const spans = Array.from({ length: OTLP_SPANS }, (_, index) => spanOf(index))
  return official.encode(official.fromObject({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] })).finish()
}

/** The request that is measured, and its spans. */
export async function otlpRequest(): Promise<{ readonly bytes: Uint8Array; readonly spans: readonly Span[] }> {
  const bytes = requestOf(await officialRequest())
  return { bytes, spans: (await loadCodec()).readSpans(bytes).records }
}

type SluiceCodec = Pick<typeof readSpansModule, 'readSpans'> & Pick<typeof writeRequestModule, 'writeSpans'>

async function loadCodec(): Promise<SluiceCodec> {
  const base = import.meta.resolve('@sluice/otlp/package.json')
  const { readSpans } = (await import(new URL('./dist/protobuf/read-spans.js', base).href)) as typeof readSpansModule
  const { writeSpans } = (await import(new URL('./dist/protobuf/write-request.js', base).href)) as typeof writeRequestModule
  return { readSpans, writeSpans }
}

export async function measureOtlp(codec: OtlpCodec, direction: OtlpDirection, { quick }: MeasureOptions): Promise<Measurement> {
  const official = await officialRequest()
  const bytes = requestOf(official)
  const { readSpans, writeSpans } = await loadCodec()
  const { records } = readSpans(bytes)
  if (records.length !== OTLP_SPANS || !isDeepStrictEqual(readSpans(writeSpans(records)).records, records))
    throw new Error('the spans are not given back as they were')
  const message = official.decode(bytes)
  const run = {
    sluice: { read: () => void readSpans(bytes), write: () => void writeSpans(records) },
    official: { read: () => void official.decode(bytes), write: () => void official.encode(message).finish() },
  }[codec][direction]
  const bench = new Bench({ time: quick ? 100 : 1_000, warmupTime: quick ? 100 : 500 })
  bench.add(direction, run)
  const [task] = await bench.run()
  const result = task?.result
  if (result === undefined || !('latency' in result)) throw new Error(`${codec} was not measured: ${String(result?.state)}`)
  return { value: (result.latency.p50 * 1e6) / OTLP_SPANS }
}
