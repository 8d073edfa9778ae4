/** Records of many sizes and shapes, and positions of a ring near which arithmetic could go wrong. */
import fc from 'fast-check'

/** Mostly small records, some of about a frame, few that leave in fragments. */
export const recordSize: fc.Arbitrary<number> = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 60 }), weight: 12 },
  { arbitrary: fc.integer({ min: 300, max: 600 }), weight: 3 },
  { arbitrary: fc.integer({ min: 600, max: 9000 }), weight: 1 },
)
export const positions: fc.Arbitrary<number> = fc.constantFrom(
  0,
  4096 * 7 + 16 * 5,
  2 ** 31 - 4096,
  2 ** 31 - 48,
  2 ** 32 - 4096 - 16,
  2 ** 32 - 16,
)

/** Records of several shapes; one of them has so many fields that its definition is larger than a frame. */
export function recordOf(id: number, text: number, shape: number): unknown {
  const record: Record<string, unknown> = { id, text: String.fromCharCode(97 + (id % 26)).repeat(text) }
  if (shape === 12) for (let field = 0; field < 120; field++) record[`field number ${field}`] = field
  else if (shape > 4) record[`extra${shape}`] = [id, null]
  return record
}
