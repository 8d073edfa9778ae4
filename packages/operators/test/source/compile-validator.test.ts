import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { INVALID, RecordValidator } from '../../src/source/compile-validator.js'
import { convertCell, convertJsonValue } from '../../src/source/convert-text.js'
import type { KnownField } from '../../src/source/known-fields.js'

const fieldSchemas = {
  string: z.string(),
  number: z.number(),
  int: z.int(),
  numberInt: z.number().int(),
  float: z.float64(),
  boolean: z.boolean(),
  date: z.date(),
  bigint: z.bigint(),
  nullableString: z.string().nullable(),
  optionalInt: z.int().optional(),
  nullishDate: z.date().nullish(),
  exact: z.exactOptional(z.string()),
  short: z.string().max(3),
  positive: z.number().positive(),
  int32: z.int32(),
  withDefault: z.string().default('none'),
  coerced: z.coerce.number(),
  upper: z.string().transform((text) => text.toUpperCase()),
  choice: z.enum(['a', 'b']),
}
type FieldName = keyof typeof fieldSchemas

const anyValue = fc.oneof(
  fc.string({ maxLength: 5 }),
  fc.constantFrom('a', 'b'),
  fc.integer(),
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53),
  fc.boolean(),
  fc.date(),
  fc.bigInt(),
  fc.constant(null),
  fc.constant(undefined),
  fc.constant({}),
  fc.constant([]),
)

test('a validator says and gives what the schema says and gives', () => {
  const names = fc.uniqueArray(fc.constantFrom(...(Object.keys(fieldSchemas) as FieldName[])), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(
      names.chain((chosen) =>
        fc.tuple(
          fc.constant(chosen),
          fc.dictionary(fc.constantFrom(...chosen, 'unknown', '__proto__'), anyValue, { noNullPrototype: true }),
          fc.boolean(),
        ),
      ),
      ([chosen, record, strict]) => {
        const shape = Object.fromEntries(chosen.map((name) => [name, fieldSchemas[name]]))
        const schema = strict ? z.strictObject(shape) : z.object(shape)
        const expected = schema.safeParse(record)
        const validator = new RecordValidator(schema)
        const checked = validator.check(record)
        if (expected.success) expect(checked).toStrictEqual(expected.data)
        else expect(checked).toBe(INVALID)
      },
    ),
    { numRuns: 2_000 },
  )
})

describe('which schemas are checked directly', () => {
  test.each([
    ['plain fields', z.object({ a: z.int(), b: z.string().nullable(), c: z.date().optional() }), true],
    ['a refined field', z.object({ a: z.int().min(1) }), false],
    ['a refined object', z.object({ a: z.int() }).refine(() => true), false],
    ['a coerced field', z.object({ a: z.coerce.number() }), false],
    ['a default', z.object({ a: z.string().default('x') }), false],
    ['a nested object', z.object({ a: z.object({ b: z.int() }) }), false],
    ['strict', z.strictObject({ a: z.int() }), false],
    ['loose', z.looseObject({ a: z.int() }), false],
    ['no object', z.array(z.int()), false],
  ])('%s', (_name, schema, isPlain) => {
    expect(new RecordValidator(schema).isPlain).toBe(isPlain)
  })

  test('the kind of a refined field is known all the same', () => {
    const { fields } = new RecordValidator(z.object({ a: z.int().min(1).nullable(), b: z.bigint().default(0n), c: z.coerce.number() }))
    expect(fields?.known.get('a')).toMatchObject({ kind: 'int', nullable: true, plain: false })
    expect(fields?.known.get('b')).toMatchObject({ kind: 'bigint', optional: true, plain: false })
    expect(fields?.known.get('c')).toBeUndefined()
  })
})

test('a record that fits is not copied; one in another order is', () => {
  const validator = new RecordValidator(z.object({ a: z.int(), b: z.string() }))
  const record = { a: 1, b: 'x' }
  expect(validator.check(record)).toBe(record)
  const checked = validator.check({ b: 'x', extra: 1, a: 1 }) as object
  expect(Object.keys(checked)).toEqual(['a', 'b'])
})

test('the reason names each field with its value', () => {
  const validator = new RecordValidator(z.object({ a: z.int(), b: z.object({ c: z.string() }) }))
  expect(validator.check({ a: 'x'.repeat(200), b: { c: 5n } })).toBe(INVALID)
  expect(validator.reason).toMatch(/^a \("x{59}\.\.\.\): .*expected.*; b\.c \(5n\): .*expected string/)
  const wide = new RecordValidator(z.object(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${index}`, z.string()]))))
  expect(wide.check({})).toBe(INVALID)
  expect(wide.reason).toContain('and 12 more')
  expect(validator.check(null)).toBe(INVALID)
})

describe('text into the kind of a field', () => {
  const field = (kind: KnownField['kind'], more: Partial<KnownField> = {}): KnownField => ({
    name: 'f',
    kind,
    nullable: false,
    optional: false,
    plain: true,
    ...more,
  })

  test.each<[KnownField['kind'], string, unknown]>([
    ['number', '1.5', 1.5],
    ['number', ' -2e3 ', -2000],
    ['number', '.5', 0.5],
    ['number', '0x10', '0x10'],
    ['number', 'Infinity', 'Infinity'],
    ['number', '12,5', '12,5'],
    ['number', '9007199254740993', '9007199254740993'],
    ['number', '1e300', 1e300],
    ['int', '7', 7],
    ['boolean', 'TRUE', true],
    ['boolean', '0', false],
    ['boolean', 'yes', 'yes'],
    ['date', '2024-02-29', new Date('2024-02-29T00:00:00Z')],
    ['date', '2024-02-29T12:00', new Date('2024-02-29T12:00:00Z')],
    ['date', '2024-02-29 12:00:01.5+02:00', new Date('2024-02-29T10:00:01.500Z')],
    ['date', '2024-13-01', '2024-13-01'],
    ['date', '12', '12'],
    ['bigint', '+12', 12n],
    ['bigint', '1.0', '1.0'],
    ['string', '12', '12'],
    ['string', '', ''],
    ['number', '', ''],
  ])('%s of "%s"', (kind, text, value) => {
    expect(convertCell(field(kind), text)).toEqual(value)
  })

  test('an empty cell is null where that is allowed, and missing where that is', () => {
    expect(convertCell(field('int', { nullable: true, optional: true }), '')).toBeNull()
    expect(convertCell(field('string', { optional: true }), '')).toBeUndefined()
  })

  test('JSON: dates and bigints alone are converted', () => {
    expect(convertJsonValue(field('date'), '2024-01-01')).toEqual(new Date('2024-01-01'))
    expect(convertJsonValue(field('bigint'), 5)).toBe(5n)
    expect(convertJsonValue(field('bigint'), 2 ** 53)).toBe(2 ** 53)
    expect(convertJsonValue(field('number'), '5')).toBe('5')
  })
})
