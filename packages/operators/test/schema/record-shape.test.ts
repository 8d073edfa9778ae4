import { expect, test } from 'vitest'
import { z } from 'zod'
import { selectShape, shapeOfSchema } from '../../src/schema/record-shape.js'

test.each<[string, z.ZodType, object]>([
  ['text', z.string(), { kind: 'string' }],
  ['an email', z.email(), { kind: 'string' }],
  ['a number', z.number(), { kind: 'float64' }],
  ['an integer', z.int(), { kind: 'int32' }],
  ['a number that is an integer', z.number().int(), { kind: 'int32' }],
  ['a number with bounds', z.number().min(1), { kind: 'float64' }],
  ['a boolean', z.boolean(), { kind: 'boolean' }],
  ['a bigint', z.bigint(), { kind: 'bigint' }],
  ['a date', z.date(), { kind: 'date' }],
  ['words', z.enum(['a', 'b']), { kind: 'string' }],
  ['a literal', z.literal('a'), { kind: 'string' }],
  ['literals of two kinds', z.literal(['a', 1]), { kind: 'any' }],
  ['what may be null', z.string().nullable(), { kind: 'string', nullable: true }],
  ['a default', z.number().default(1), { kind: 'float64' }],
  ['a brand', z.string().brand<'Id'>(), { kind: 'string' }],
  ['a list', z.array(z.int()), { kind: 'array', element: { kind: 'int32' } }],
  ['an object', z.object({ x: z.int() }), { kind: 'object', fields: [{ name: 'x', value: { kind: 'int32' } }] }],
  ['a transform', z.string().transform((text) => text.length), { kind: 'any' }],
  ['a pipe', z.string().pipe(z.coerce.number()), { kind: 'float64' }],
  ['a union', z.union([z.string(), z.number()]), { kind: 'any' }],
  ['a map', z.map(z.string(), z.number()), { kind: 'any' }],
  ['an open object', z.looseObject({ x: z.int() }), { kind: 'any' }],
])('a field that is %s', (_name, schema, shape) => {
  expect(shapeOfSchema(z.object({ field: schema }))).toEqual({ kind: 'object', fields: [{ name: 'field', value: shape }] })
})

test('an optional field says so', () => {
  const fields = [{ name: 'field', value: { kind: 'string' }, optional: true }]
  expect(shapeOfSchema(z.object({ field: z.string().optional() }))).toEqual({ kind: 'object', fields })
})

test('only objects of zod have a shape', () => {
  const foreign = { '~standard': { version: 1, vendor: 'other', validate: (value: unknown) => ({ value }) } }
  for (const schema of [undefined, z.string(), z.array(z.object({})), foreign]) expect(shapeOfSchema(schema)).toBeUndefined()
})

test('a schema that refers to itself ends', () => {
  interface Tree {
    readonly child?: Tree | undefined
  }
  const tree: z.ZodType<Tree> = z.object({ child: z.lazy(() => tree).optional() })
  expect(shapeOfSchema(tree)).toEqual({ kind: 'object', fields: [{ name: 'child', value: { kind: 'any' }, optional: true }] })
})

test('a selection keeps the order in which it was asked for, and is nothing where a field is unknown', () => {
  const shape = shapeOfSchema(z.object({ a: z.int(), b: z.string() }))
  expect(selectShape(shape, ['b', 'a'])).toMatchObject({ fields: [{ name: 'b' }, { name: 'a' }] })
  expect(selectShape(shape, ['c'])).toBeUndefined()
  expect(selectShape(undefined, ['a'])).toBeUndefined()
})
