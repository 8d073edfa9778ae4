/**
 * A set of different values as plain data: a few numbers in a list, more by open addressing in one typed array, which costs the collector
 * nothing; everything else in a Set of canonical keys. Values are compared as keys are. Runs per record.
 */
import { canonicalKey } from '@sluice/engine'

export interface ValueSet {
  /** As long as there are no more than `FEW_MAX`; empty afterwards. */
  few: number[]
  /** A power of two, at most 5/8 full; NaN is a free place. */
  numbers: Float64Array | undefined
  /** How many there are in `numbers`. */
  count: number
  /** Canonical keys; undefined: none yet. */
  others: Set<unknown> | undefined
}

/** A typed array costs more than its first places. */
const FEW_MAX = 8
const PLACES_MIN = 32

const double = new Float64Array(1)
const doubleWords = new Int32Array(double.buffer)

export const emptySet = (): ValueSet => ({ few: [], numbers: undefined, count: 0, others: undefined })

/** Fails with `SLUICE_KEY_INVALID` for what cannot be a key: undefined and NaN among others. */
export function insert(set: ValueSet, value: unknown): ValueSet {
  if (typeof value === 'number' && value === value) insertNumber(set, value)
  else {
    const key = canonicalKey(value)
    set.others ??= new Set()
    set.others.add(key)
  }
  return set
}

/** Adds `right` to `left`; `right` is only read. */
export function unite(left: ValueSet, right: ValueSet): ValueSet {
  for (let index = 0; index < right.few.length; index++) insertNumber(left, right.few[index] as number)
  const { numbers } = right
  if (numbers !== undefined) {
    for (let at = 0; at < numbers.length; at++) {
      const number = numbers[at] as number
      if (number === number) insertNumber(left, number)
    }
  }
  if (right.others !== undefined) {
    left.others ??= new Set()
    for (const key of right.others) left.others.add(key)
  }
  return left
}

export const sizeOf = ({ few, count, others }: ValueSet): number => few.length + count + (others === undefined ? 0 : others.size)

function insertNumber(set: ValueSet, value: number): void {
  const { numbers } = set
  if (numbers === undefined) {
    insertIntoFew(set, value)
    return
  }
  if (!place(numbers, value)) return
  set.count++
  if (8 * set.count > 5 * numbers.length) {
    const larger = freePlaces(2 * numbers.length)
    for (let at = 0; at < numbers.length; at++) {
      const number = numbers[at] as number
      if (number === number) place(larger, number)
    }
    set.numbers = larger
  }
}

function insertIntoFew(set: ValueSet, value: number): void {
  const { few } = set
  for (let index = 0; index < few.length; index++) if (few[index] === value) return
  // Adding 0 turns -0 into 0, which keeps a list of small integers one.
  few.push(value + 0)
  if (few.length <= FEW_MAX) return
  const numbers = freePlaces(PLACES_MIN)
  for (let index = 0; index < few.length; index++) place(numbers, few[index] as number)
  set.numbers = numbers
  set.count = few.length
  set.few = []
}

/** False where it is there already. */
function place(numbers: Float64Array, value: number): boolean {
  const mask = numbers.length - 1
  let at = hashNumber(value) & mask
  for (let held = numbers[at] as number; held === held; at = (at + 1) & mask, held = numbers[at] as number) if (held === value) return false
  numbers[at] = value
  return true
}

const freePlaces = (count: number): Float64Array => new Float64Array(count).fill(Number.NaN)

function hashNumber(key: number): number {
  let hash = key | 0
  if (hash !== key) {
    double[0] = key
    hash = (doubleWords[0] as number) ^ Math.imul(doubleWords[1] as number, 0x9e3779b1)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
