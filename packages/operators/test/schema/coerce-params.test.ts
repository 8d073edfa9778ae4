import { expect, test } from 'vitest'
import { z } from 'zod'
import { coerceParams } from '../../src/schema/coerce-params.js'

function coerced(schema: z.ZodType, value: unknown): unknown {
  return coerceParams({ param: value }, z.toJSONSchema(z.object({ param: schema }), { io: 'input', unrepresentable: 'any' }))['param']
}

test.each<[string, z.ZodType, unknown, unknown]>([
  ['a number', z.number(), '10', 10],
  ['a number with a fraction, a sign, an exponent', z.number(), '-1.5e3', -1500],
  ['an integer', z.int(), '42', 42],
  ['a number with a default', z.number().default(1), '2', 2],
  ['an optional number', z.number().optional(), '2', 2],
  ['a boolean', z.boolean(), 'false', false],
  ['a boolean as a digit', z.boolean(), '1', true],
  ['a text that looks like a number', z.string(), '007', '007'],
  ['an empty text', z.string(), '', ''],
  ['a list of one', z.array(z.string()), 'a', ['a']],
  ['a list of several', z.array(z.number()), ['1', '2'], [1, 2]],
  ['a list as JSON', z.array(z.number()), '[1, 2]', [1, 2]],
  ['an optional list', z.array(z.number()).optional(), ['1'], [1]],
  ['a nullable list', z.array(z.number()).nullable(), ['1'], [1]],
  ['a list of texts in brackets', z.array(z.string()), '[a', ['[a']],
  ['an object as JSON', z.object({ x: z.number() }), '{"x": 1}', { x: 1 }],
  ['null', z.number().nullable(), 'null', null],
  ['a number that may be null', z.number().nullable(), '3', 3],
  ['a number or a text', z.union([z.string(), z.number()]), '3', 3],
  ['a text or a number', z.union([z.number(), z.string()]), 'x', 'x'],
  ['an enum', z.enum(['a', 'b']), 'b', 'b'],
  ['a literal number', z.literal(3), '3', 3],
  ['one of several literals', z.literal([1, 2]), '2', 2],
  ['what the schema coerces itself', z.coerce.date(), '2026-01-01', '2026-01-01'],
  ['a value that is no text', z.string(), 5, 5],
])('%s', (_name, schema, text, value) => {
  expect(coerced(schema, text)).toEqual(value)
})

test.each<[string, z.ZodType, unknown]>([
  ['a word for a number', z.number(), 'ten'],
  ['nothing for a number', z.number(), ''],
  ['a hexadecimal number', z.number(), '0x10'],
  ['a word for a boolean', z.boolean(), 'perhaps'],
  ['an unknown choice', z.enum(['a', 'b']), 'c'],
  ['broken JSON for an object', z.object({}), '{x'],
  ['a list for a number', z.number(), ['1', '2']],
])('%s stays what it is, for the schema to refuse', (_name, schema, text) => {
  expect(coerced(schema, text)).toBe(text)
})

test('an element that does not fit stays, the others are coerced', () => {
  expect(coerced(z.array(z.number()), ['1', 'x'])).toEqual([1, 'x'])
})

test('a schema that refers to itself', () => {
  interface Tree {
    readonly children: Tree[]
  }
  const tree: z.ZodType<Tree> = z.object({ children: z.array(z.lazy(() => tree)) })
  expect(coerced(tree, '{"children": []}')).toEqual({ children: [] })
})

test('names that the schema does not know are left alone, unless it says what they are', () => {
  expect(coerceParams({ other: '1' }, z.toJSONSchema(z.object({})))).toEqual({ other: '1' })
  expect(coerceParams({ other: '1' }, z.toJSONSchema(z.record(z.string(), z.number())))).toEqual({ other: 1 })
  expect(Object.hasOwn(coerceParams(JSON.parse('{"__proto__": "1"}'), z.toJSONSchema(z.object({}))), '__proto__')).toBe(true)
})
