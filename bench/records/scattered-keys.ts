/** Records of a given number of integer keys, in an order without pattern: the first so many records have a key each. */

export interface KeyedNumber {
  readonly key: number
  readonly value: number
}

/** Coprime to every power of ten. */
const STEP = 7_368_787

export const makeScattered =
  (keys: number) =>
  (index: number): KeyedNumber => ({ key: (index * STEP) % keys, value: index & 1023 })
