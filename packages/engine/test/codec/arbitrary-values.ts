/** Random values of every kind that a record may hold, and random streams whose shape drifts. */
import fc from 'fast-check'

const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('a', 'é', 'я', '\ud800', '\udc00', '\0', '"', '\\'), maxLength: 120 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 300 }),
)

const name: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('a', 'b', 'id', 'price', '10', '2', '__proto__', 'constructor', 'length', 'toString', '\u2028', '"', '', 'é'),
  fc.string({ unit: 'binary', maxLength: 6 }),
)

const scalar: fc.Arbitrary<unknown> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom<unknown>(-0, 0, 2 ** 31, -(2 ** 31) - 1, Number.NaN, null, undefined, true, false, 0n, 2n ** 63n, -(2n ** 63n) - 1n),
  fc.bigInt(),
  text,
  fc.date({ noInvalidDate: false }),
)

const bytes = fc.uint8Array({ maxLength: 20 })

/** Objects made by definition, so that `__proto__` is an own key. */
function object(entries: readonly (readonly [string, unknown])[]): object {
  const made = {}
  for (const [key, value] of entries) Object.defineProperty(made, key, { value, writable: true, enumerable: true, configurable: true })
  return made
}

function sparse(entries: readonly (readonly [number, unknown])[], length: number): unknown[] {
  const made: unknown[] = []
  made.length = length
  for (const [index, value] of entries) made[index] = value
  return made
}

export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    tie('object'),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.integer(), { maxLength: 5 }),
    fc.array(text, { maxLength: 4 }),
    fc.tuple(fc.array(fc.tuple(fc.nat(8), tie('value')), { maxLength: 4 }), fc.nat(12)).map(([entries, length]) => sparse(entries, length)),
    fc
      .tuple(fc.array(fc.integer(), { maxLength: 3 }), name, tie('value'))
      .map(([items, key, value]) => Object.assign(items, { [`x${key}`]: value })),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => new Set(items)),
    fc.constantFrom<unknown>(/a+/gi, /[\u2028/]/u, Object(1), Object('boxed'), Object(false)),
    bytes,
    bytes.map((array) => array.slice().buffer),
    bytes.map((array) => new Float32Array(array)),
    bytes.map((array) => new BigUint64Array([...array].map(BigInt))),
    bytes.map((array) => new DataView(array.slice().buffer)),
  ),
  object: fc.array(fc.tuple(name, tie('value')), { maxLength: 6 }).map(object),
})).value

const fieldValue: fc.Arbitrary<fc.Arbitrary<unknown>> = fc.constantFrom<fc.Arbitrary<unknown>>(
  fc.integer(),
  fc.double(),
  text,
  fc.boolean(),
  fc.date({ noInvalidDate: false }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.array(fc.integer(), { maxLength: 4 }),
  fc.array(text, { maxLength: 3 }),
  fc.record({ x: fc.integer(), y: text }),
  fc.array(fc.record({ sku: text, count: fc.nat() }), { maxLength: 3 }),
  fc.option(fc.integer()),
  fc.option(text, { nil: undefined }),
  fc.option(fc.record({ lat: fc.double(), city: text })),
  anyValue,
)

/** Records of a few shapes, in random order, whose fields now and then hold something else. */
export const driftingStream: fc.Arbitrary<unknown[]> = fc
  .array(fc.uniqueArray(fc.tuple(name, fieldValue), { maxLength: 6, selector: ([key]) => key }), { minLength: 1, maxLength: 4 })
  .chain((shapes) => {
    const records = shapes.map((fields) =>
      fc
        .tuple(...fields.map(([, value]) => fc.oneof({ weight: 8, arbitrary: value }, { weight: 1, arbitrary: scalar })))
        .map((values) => object(fields.map(([key], index) => [key, values[index]]))),
    )
    return fc.array(fc.oneof({ weight: 12, arbitrary: fc.oneof(...records) }, { weight: 1, arbitrary: anyValue }), { maxLength: 60 })
  })
