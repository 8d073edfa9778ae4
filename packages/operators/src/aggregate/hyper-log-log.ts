/**
 * HyperLogLog over 64-bit hashes (Flajolet et al. 2007), read with Ertl's estimator (arXiv:1702.01284), which needs no tables and no
 * switch between ranges. A sketch is plain data in one of two forms, and which of them depends on the values alone, not on their order:
 * few values are a hash set of 25 bits of index and 6 of rank (`[used, ...entries]`, 0 is a free place), many are one byte per register.
 */
import { hashKey64 } from '@sluice/engine'

export type DistinctSketch = number[] | Uint8Array

export const PRECISION_MIN = 4
export const PRECISION_MAX = 18

/** Bits of the index of an entry: those of the largest precision and then some, so that few values are counted almost exactly. */
const INDEX_BITS = 25
const RANK_BITS = 6
const CAPACITY_MIN = 8

const hash = new Int32Array(2)

/** @param precision the sketch has 2^precision registers; the standard error is 1.04 / sqrt(2^precision) */
export function addDistinct(sketch: DistinctSketch, value: unknown, precision: number): DistinctSketch {
  hashKey64(value, hash)
  const high = hash[0] as number
  // What follows the index are the low 7 bits of the high word and then the low word.
  const rest = high & 0x7f
  const rank = rest === 0 ? Math.clz32(hash[1] as number) + 8 : Math.clz32(rest) - 24
  return addEntry(sketch, ((high >>> 7) << RANK_BITS) | rank, precision)
}

export const emptyDistinct = (): DistinctSketch => freeEntries(CAPACITY_MIN)

/** Adds `right` to `left`, which is changed and given back or replaced; `right` is only read. */
export function mergeDistinct(left: DistinctSketch, right: DistinctSketch, precision: number): DistinctSketch {
  if (right instanceof Uint8Array) {
    const registers = left instanceof Uint8Array ? left : registersOf(left, precision)
    for (let index = 0; index < registers.length; index++) {
      const rank = right[index] as number
      if (rank > (registers[index] as number)) registers[index] = rank
    }
    return registers
  }
  let merged = left
  for (let at = 1; at < right.length; at++) {
    const entry = right[at] as number
    if (entry !== 0) merged = addEntry(merged, entry, precision)
  }
  return merged
}

/** The estimate, a whole number. */
export function estimateDistinct(sketch: DistinctSketch): number {
  if (sketch instanceof Uint8Array) return Math.round(estimateRegisters(sketch))
  // Linear counting over the 2^25 registers that the entries are of.
  const registers = 2 ** INDEX_BITS
  return Math.round(-registers * Math.log1p(-(sketch[0] as number) / registers))
}

function freeEntries(capacity: number): number[] {
  const entries = [0]
  for (let at = 0; at < capacity; at++) entries.push(0)
  return entries
}

function addEntry(sketch: DistinctSketch, entry: number, precision: number): DistinctSketch {
  if (sketch instanceof Uint8Array) {
    raise(sketch, entry, precision)
    return sketch
  }
  const mask = sketch.length - 2
  const index = entry >>> RANK_BITS
  let at = index & mask
  for (let held = sketch[at + 1] as number; held !== 0; at = (at + 1) & mask, held = sketch[at + 1] as number) {
    if (held >>> RANK_BITS !== index) continue
    if (entry > held) sketch[at + 1] = entry
    return sketch
  }
  sketch[at + 1] = entry
  const used = (sketch[0] as number) + 1
  sketch[0] = used
  const capacity = mask + 1
  if (4 * used <= 3 * capacity) return sketch
  // The larger set would take more memory than the registers: eight bytes an entry.
  if (16 * capacity > 2 ** precision) return registersOf(sketch, precision)
  let larger: DistinctSketch = freeEntries(2 * capacity)
  for (let from = 1; from < sketch.length; from++) {
    const held = sketch[from] as number
    if (held !== 0) larger = addEntry(larger, held, precision)
  }
  return larger
}

function registersOf(entries: readonly number[], precision: number): Uint8Array {
  const registers = new Uint8Array(2 ** precision)
  for (let at = 1; at < entries.length; at++) {
    const entry = entries[at] as number
    if (entry !== 0) raise(registers, entry, precision)
  }
  return registers
}

/** Bits of the entry's index beyond those of the register belong to the rank. */
function raise(registers: Uint8Array, entry: number, precision: number): void {
  const index = entry >>> RANK_BITS
  const width = INDEX_BITS - precision
  const register = index >>> width
  const between = index & ((1 << width) - 1)
  const rank = between === 0 ? width + (entry & 0x3f) : Math.clz32(between) - 31 + width
  if (rank > (registers[register] as number)) registers[register] = rank
}

/** Algorithm 6 of Ertl's paper. */
function estimateRegisters(registers: Uint8Array): number {
  const count = registers.length
  const rankMax = 65 - Math.log2(count)
  const histogram = new Array<number>(rankMax + 1).fill(0)
  for (let index = 0; index < count; index++) {
    const rank = registers[index] as number
    histogram[rank] = (histogram[rank] as number) + 1
  }
  let sum = count * tau(1 - (histogram[rankMax] as number) / count)
  for (let rank = rankMax - 1; rank >= 1; rank--) sum = 0.5 * (sum + (histogram[rank] as number))
  sum += count * sigma((histogram[0] as number) / count)
  return ((count / sum) * count) / (2 * Math.LN2)
}

function sigma(empty: number): number {
  if (empty === 1) return Number.POSITIVE_INFINITY
  let power = empty
  let weight = 1
  let sum = empty
  for (let before = Number.NaN; before !== sum; ) {
    power *= power
    before = sum
    sum += power * weight
    weight += weight
  }
  return sum
}

function tau(full: number): number {
  if (full === 0 || full === 1) return 0
  let root = full
  let weight = 1
  let sum = 1 - full
  for (let before = Number.NaN; before !== sum; ) {
    root = Math.sqrt(root)
    before = sum
    weight *= 0.5
    sum -= (1 - root) ** 2 * weight
  }
  return sum / 3
}
