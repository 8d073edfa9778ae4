/**
 * The encoding of keys. It decides where state lives and is frozen by test vectors: never change it, only add kinds.
 *
 * A key is a sequence of 32-bit words, little endian. Each value begins with a head word: its kind in the low byte, a count in the upper three.
 *
 * | kind | count | then |
 * | --- | --- | --- |
 * | 0 null, 1 false, 2 true | 0 | |
 * | 3 number | 0 | float64 in two words; -0 is 0, NaN is refused |
 * | 4 bigint >= 0, 5 bigint < 0 | bytes of the magnitude | the magnitude little endian, without leading zeros, filled up with zeros to a whole word |
 * | 6 string | UTF-16 code units | the code units, filled up with a zero to a whole word; lone surrogates as they are |
 * | 7 Date | 0 | the time value as float64 in two words; an invalid Date is refused |
 * | 8 array | elements | each element |
 * | 9 object | own enumerable string keys | by ascending code units of the key: the key as a string value, then its value |
 *
 * A number and a bigint of the same value are different keys, as are `1` and `'1'`. A count is below 2^24.
 */
export const KeyKind = {
  null: 0,
  false: 1,
  true: 2,
  number: 3,
  bigint: 4,
  negativeBigint: 5,
  string: 6,
  date: 7,
  array: 8,
  object: 9,
} as const

export const COUNT_MAX = 0xffffff
/** Arrays and objects within each other in a key. */
export const KEY_DEPTH_MAX = 32

/** Plain objects of other realms too: their prototype has no prototype and is the one that has `isPrototypeOf`. */
export function isPlain(key: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(key)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}
