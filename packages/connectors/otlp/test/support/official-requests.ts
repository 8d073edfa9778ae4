/**
 * Random requests over the official definitions: whatever fields these have, the requests have. Where the definitions forbid a thing or say that it means
 * nothing (a key that comes twice, a metric without points, an id of the wrong length), it is left out here and has a test of its own.
 */
import fc from 'fast-check'
import { officialFields, type OfficialField } from './official-definitions.js'

export type Message = Record<string, unknown>

const messages = officialFields()
const text = fc.oneof({ weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) }, fc.string({ minLength: 60, maxLength: 200 }))
const wide = fc.oneof(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.bigInt({ min: 0n, max: 2_000_000n }))
const signed = fc.oneof(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), fc.bigInt({ min: -300n, max: 300n }))
const counts = fc.oneof(fc.nat(300), fc.maxSafeNat()).map(String)
const double = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, 1e300, Number.NaN, Number.POSITIVE_INFINITY))

/** Digits of `bytes` bytes, not all zero. */
const idOf = (bytes: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).filter((id) => id.some(Boolean))
const anyId = fc.uint8Array({ maxLength: 20 })

/** Of each message the groups of fields of which one is set: `oneof` of the definitions. */
const choices: Readonly<Record<string, readonly string[]>> = {
  AnyValue: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue'],
  Metric: ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'],
  NumberDataPoint: ['asDouble', 'asInt'],
  Exemplar: ['asDouble', 'asInt'],
}
/** What is there at least once: without it there is no record. */
const needed = new Set([
  'resource',
  'scope',
  'dataPoints',
  'spans',
  'logRecords',
  'metrics',
  'scopeSpans',
  'scopeLogs',
  'scopeMetrics',
  'value',
  'key',
])
const enums: Readonly<Record<string, number>> = { kind: 5, code: 2, aggregationTemporality: 2, severityNumber: 24 }
/** Of messages within each other, counted from the request: values of attributes nest as deep as this leaves them. */
const DEPTH_MAX = 7

export function officialRequest(name: string): fc.Arbitrary<Message> {
  return fc
    .array(arbitraryOf(messages.get(name)![0]!.type, 0), { minLength: 1, maxLength: 2 })
    .map((ofResources) => ({ [messages.get(name)![0]!.name]: ofResources.map(distinct) }))
}

/** Equal resources and scopes are put together by whoever writes; neighbours that look like one metric become one. */
function distinct(ofResource: Message, index: number): Message {
  const copy: Message = { ...ofResource, resource: { ...(ofResource['resource'] as Message), droppedAttributesCount: index } }
  for (const key of ['scopeSpans', 'scopeLogs', 'scopeMetrics'])
    if (key in copy)
      copy[key] = (copy[key] as Message[]).map((ofScope, at) => ({
        ...ofScope,
        scope: { ...(ofScope['scope'] as Message), droppedAttributesCount: at },
        ...('metrics' in ofScope && { metrics: (ofScope['metrics'] as Message[]).map(named) }),
      }))
  return copy
}

const named = (metric: Message, index: number): Message => ({ ...metric, name: `${metric['name'] as string} ${index}` })

function arbitraryOf(name: string, depth: number): fc.Arbitrary<Message> {
  const short = name.split('.').at(-1)!
  const fields = messages.get(name)!
  const oneof = choices[short] ?? []
  const plain = fields.filter((field) => !oneof.includes(field.name))
  const required = plain
    .filter(({ name }) => needed.has(name) || (short === 'Span' && (name === 'traceId' || name === 'spanId')))
    .map((field) => field.name)
  const parts = Object.fromEntries(plain.map((field) => [field.name, fieldOf(field, short, depth)]))
  const rest = fc.record(parts, { requiredKeys: required }) as fc.Arbitrary<Message>
  if (oneof.length === 0) return rest
  const chosen = fields
    .filter((field) => oneof.includes(field.name) && (depth < DEPTH_MAX || !field.type.includes('.')))
    .map((field) => fieldOf(field, short, depth).map((value): Message => ({ [field.name]: value })))
  const choice = short === 'Metric' ? fc.oneof(...chosen) : fc.oneof(...chosen, fc.constant<Message>({}))
  return fc.tuple(rest, choice).map(([a, b]) => ({ ...a, ...b }))
}

function fieldOf(field: OfficialField, message: string, depth: number): fc.Arbitrary<unknown> {
  const one = valueOf(field, message, depth)
  if (!field.repeated) return one
  const minLength = needed.has(field.name) ? 1 : 0
  if (field.type.endsWith('.KeyValue'))
    return fc.uniqueArray(one as fc.Arbitrary<Message>, { maxLength: 3, selector: (item) => item['key'], comparator: 'SameValue' })
  return fc.array(one, { minLength, maxLength: 2 })
}

function valueOf(field: OfficialField, message: string, depth: number): fc.Arbitrary<unknown> {
  const { name, type } = field
  if (name in enums) return fc.integer({ min: 0, max: enums[name]! })
  switch (type) {
    case 'string':
      return text
    case 'bool':
      return fc.boolean()
    case 'bytes':
      if (message === 'Span' && name === 'traceId') return idOf(16)
      if (message === 'Span' && name === 'spanId') return idOf(8)
      return anyId
    case 'double':
      return double
    case 'int64':
    case 'sfixed64':
      return signed.map(String)
    case 'uint64':
      return counts
    case 'fixed64':
      return name.endsWith('UnixNano') ? wide.map(String) : counts
    case 'uint32':
    case 'fixed32':
      return fc.nat(0xffff_ffff)
    case 'int32':
    case 'sint32':
      return fc.integer()
    default:
      if (!type.includes('.')) throw new Error(`No values for fields of the type ${type}: ${message}.${name}`)
      return arbitraryOf(type, depth + 1)
  }
}
