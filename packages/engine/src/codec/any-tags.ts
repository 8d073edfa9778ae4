/** Tag bytes of the self-describing encoding; `any-writer.ts` and `any-reader.ts` are its two sides. */
export const Tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  int32: 4,
  float64: 5,
  string: 6,
  bigint64: 7,
  /** Sign byte, length in bytes, magnitude little endian. */
  bigint: 8,
  date: 9,
  regexp: 10,
  /** Count, values. */
  array: 11,
  /** Length, count, then pairs of key and value: holes, and properties beside the elements. */
  sparseArray: 12,
  /** Count, then pairs of key and value. */
  object: 13,
  map: 14,
  set: 15,
  arrayBuffer: 16,
  /** Kind of view, length in bytes, bytes. */
  view: 17,
  /** Which class, flags, then message, stack, cause as flagged. */
  error: 18,
  boxed: 19,
  /** Count, then float64 each: an array of numbers only. */
  numberArray: 20,
} as const

/** Views by their number in the encoding; only ever append. */
export const viewNames = [
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const

/** Error classes that structured clone keeps; all others become `Error`. */
export const errorClasses: readonly ErrorConstructor[] = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]

export const ErrorFlag = { message: 1, stack: 2, cause: 4 } as const

/** Values within each other in one record; deeper ones are refused, which also ends every cycle. */
export const DEPTH_MAX = 512
