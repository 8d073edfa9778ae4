/** What values of attributes become, and what of it is told apart. */
import { expect, test } from 'vitest'
import { readSpans } from '../../src/protobuf/read-spans.js'
import { writeSpans } from '../../src/protobuf/write-request.js'
import { resourceOf, resourceText, scopeText } from '../../src/records/origin.js'
import type { Attributes } from '../../src/records/attributes.js'
import type { Span } from '../../src/records/span.js'
import { officialMessage } from '../support/official-definitions.js'

const official = officialMessage('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest')
const span: Span = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentSpanId: '',
  name: 'span',
  kind: 'internal',
  startTimeMs: 0,
  startTimeNanos: 0,
  endTimeMs: 0,
  endTimeNanos: 0,
  durationMs: 0,
  status: { code: 'unset', message: '' },
  attributes: {},
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  traceState: '',
  flags: 0,
  serviceName: '',
  resource: resourceText({}),
  scopeName: '',
  scope: scopeText({}),
}

/** The attributes as the official decoder sees them, by key. */
function sent(attributes: Attributes, more: Partial<Span> = {}): Record<string, unknown> {
  const message = official.toObject(official.decode(writeSpans([{ ...span, attributes, ...more }])), {
    longs: String,
    bytes: String,
  }) as never
  const { resourceSpans } = message as {
    resourceSpans: { scopeSpans: { spans: { attributes?: { key: string; value: unknown }[] }[] }[] }[]
  }
  const entries = resourceSpans[0]!.scopeSpans[0]!.spans[0]!.attributes ?? []
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
}

test('a whole number is an integer, unless it came as a double', () => {
  expect(sent({ a: 1, b: 1.5, c: 1, zero: -0, big: 2 ** 60 }, { wholeDoubles: ['/attributes/c'] })).toEqual({
    a: { intValue: '1' },
    b: { doubleValue: 1.5 },
    c: { doubleValue: 1 },
    zero: { doubleValue: -0 },
    big: { doubleValue: 2 ** 60 },
  })
})

test('where a whole double was replaced or removed, nothing is made of it', () => {
  expect(
    sent({ a: 'text', b: [1] }, { wholeDoubles: ['/attributes/a', '/attributes/b/1', '/attributes/gone/x', '/attributes/b'] }),
  ).toEqual({
    a: { stringValue: 'text' },
    b: { arrayValue: { values: [{ intValue: '1' }] } },
  })
})

test('a key that is called __proto__ is a key like any other', () => {
  const attributes = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as Attributes
  const { records } = readSpans(writeSpans([{ ...span, attributes }]))
  expect(Object.keys(records[0]!.attributes).sort()).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(records[0]!.attributes)).toBe(Object.prototype)
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

test('undefined is left out; what OpenTelemetry has no word for says where it is', () => {
  expect(sent({ a: undefined, b: null } as unknown as Attributes)).toEqual({ b: {} })
  const refused: [unknown, string][] = [
    [() => 1, 'The value of "it" is a function'],
    [new Date(0), 'The value of "it" is an object of the class Date'],
    [1n << 64n, 'an integer of more than 64 bits'],
    [new Map(), 'an object of the class Map'],
  ]
  for (const [value, message] of refused) expect(() => sent({ it: value } as unknown as Attributes)).toThrow(message)
  expect(() => sent({}, { traceId: 'xy' })).toThrow('not made of pairs of hexadecimal digits')
  expect(() => sent({}, { traceId: 'ıı' })).toThrow('not made of pairs of hexadecimal digits')
})

test('values within each other have a bound on either way', () => {
  let deep: unknown = 1
  for (let level = 0; level < 40; level++) deep = [deep]
  expect(() => sent({ deep } as Attributes)).toThrow('nested deeper than 32 levels')
  let value: object = { intValue: 1 }
  for (let level = 0; level < 40; level++) value = { arrayValue: { values: [value] } }
  const message = { resourceSpans: [{ scopeSpans: [{ spans: [{ attributes: [{ key: 'deep', value }] }] }] }] }
  expect(() => readSpans(official.encode(official.fromObject(message)).finish())).toThrow('within each other more than 32 times')
})

test('a resource as text keeps what JSON has no word for, and what looks like it', () => {
  const resource = {
    attributes: {
      huge: 1n << 60n,
      bytes: new Uint8Array([1, 2]),
      nan: Number.NaN,
      two: 2,
      odd: { $int: '5' },
      odder: { $list: { $bytes: 'x' } },
    },
    droppedAttributesCount: 3,
    entityRefs: [],
    schemaUrl: 'https://example.org',
    wholeDoubles: ['/attributes/two'],
  }
  expect(resourceOf({ resource: resourceText(resource) })).toEqual(resource)
  expect(resourceText({ attributes: { 'service.name': 'a' } })).toBe('{"attributes":{"service.name":"a"}}')
  expect(() => resourceOf({ resource: 'nonsense' })).toThrow('not such a text as resourceText and scopeText make')
})

test('fields that nobody knows, groups among them, are passed by', () => {
  const bytes = writeSpans([span])
  // Field 100 as a varint, as text, as a group with a field within, and as fixed words.
  const unknown = [
    0xa0, 0x06, 0x05, 0xa2, 0x06, 0x01, 0x61, 0xa3, 0x06, 0x08, 0x01, 0xa4, 0x06, 0xa5, 0x06, 1, 2, 3, 4, 0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7,
    8,
  ]
  expect(readSpans(new Uint8Array([...unknown, ...bytes, ...unknown])).records).toEqual(readSpans(bytes).records)
  expect(() => readSpans(new Uint8Array([0xa3, 0x06, 0xac, 0x06]))).toThrow('a group that does not end')
})

test('what is remembered of keys and ids is exact, whatever came before', () => {
  const id = (number: number, digits: number): string => number.toString(16).padStart(digits, '0')
  // More keys than are remembered, some of them longer than those are and some of more bytes than characters, twice; and ids that come back, as others do in between.
  const keys = Array.from({ length: 1_500 }, (_, number) => `${['key', 'ключ', 'k'.repeat(60), 'k'.repeat(46)][number % 4]}${number}`)
  const spans = Array.from({ length: 3_000 }, (_, number): Span => {
    const key = keys[number % keys.length] as string
    return {
      ...span,
      traceId: id(1 + (number % 7 === 0 ? number : 5), 32),
      spanId: id(number + 1, 16),
      parentSpanId: number === 0 ? '' : id(1 + ((number * 7919) % number), 16),
      attributes: { [key]: number, same: key },
    }
  })
  for (let request = 0; request < 2; request++) expect(readSpans(writeSpans(spans)).records).toEqual(spans)
  const upper = { ...span, traceId: 'A'.repeat(32) }
  expect(readSpans(writeSpans([span, upper, upper])).records).toEqual([span, span, span])
  expect(() => writeSpans([span, { ...span, traceId: 'x'.repeat(32) }])).toThrow('not made of pairs of hexadecimal digits')
  expect(readSpans(writeSpans([span])).records).toEqual([span])
})
