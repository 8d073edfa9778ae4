/**
 * Count, sum, mean, min and max over columns: eight bytes per number and row, nothing for the collector to trace. The functions are shared
 * by all operators and stay small, so that each is inlined where it is called. Runs per record.
 */
import type { ColumnarForm } from './aggregator.js'
import type { Comparable } from './comparable.js'

export const countColumns: ColumnarForm = {
  columns: ['number'],
  reset: (slot: number, counts: Float64Array) => {
    counts[slot] = 0
  },
  add: (slot: number, _value: unknown, counts: Float64Array) => {
    counts[slot] = (counts[slot] as number) + 1
  },
  merge: (into: number, from: number, counts: Float64Array, source: Float64Array) => {
    counts[into] = (counts[into] as number) + (source[from] as number)
  },
  result: (slot: number, counts: Float64Array) => counts[slot],
}

/** Beside the sum lies what rounding took from it, found exactly and without a branch (Knuth's TwoSum). */
export const sumColumns: ColumnarForm = {
  columns: ['number', 'number'],
  reset: (slot: number, sums: Float64Array, lost: Float64Array) => {
    sums[slot] = 0
    lost[slot] = 0
  },
  add: addTerm,
  merge: mergeTerms,
  result: total,
}

export const meanColumns: ColumnarForm = {
  columns: ['number', 'number', 'number'],
  reset: (slot: number, sums: Float64Array, lost: Float64Array, counts: Float64Array) => {
    sums[slot] = 0
    lost[slot] = 0
    counts[slot] = 0
  },
  add: (slot: number, term: number, sums: Float64Array, lost: Float64Array, counts: Float64Array) => {
    addTerm(slot, term, sums, lost)
    counts[slot] = (counts[slot] as number) + 1
  },
  merge: (
    into: number,
    from: number,
    sums: Float64Array,
    lost: Float64Array,
    counts: Float64Array,
    sourceSums: Float64Array,
    sourceLost: Float64Array,
    sourceCounts: Float64Array,
  ) => {
    mergeTerms(into, from, sums, lost, sourceSums, sourceLost)
    counts[into] = (counts[into] as number) + (sourceCounts[from] as number)
  },
  result: (slot: number, sums: Float64Array, lost: Float64Array, counts: Float64Array) =>
    total(slot, sums, lost) / (counts[slot] as number),
}

function addTerm(slot: number, term: number, sums: Float64Array, lost: Float64Array): void {
  const sum = sums[slot] as number
  const next = sum + term
  const added = next - sum
  lost[slot] = (lost[slot] as number) + (sum - (next - added) + (term - added))
  sums[slot] = next
}

function mergeTerms(
  into: number,
  from: number,
  sums: Float64Array,
  lost: Float64Array,
  sourceSums: Float64Array,
  sourceLost: Float64Array,
): void {
  const lostThere = sourceLost[from] as number
  addTerm(into, sourceSums[from] as number, sums, lost)
  lost[into] = (lost[into] as number) + lostThere
}

/** Beyond the range of numbers what was lost is NaN, and the plain sum is the answer. */
function total(slot: number, sums: Float64Array, lost: Float64Array): number {
  const sum = sums[slot] as number
  return sum - sum === 0 ? sum + (lost[slot] as number) : sum
}

/**
 * The extreme lies among the numbers as long as all values are numbers, and is the farthest infinity where there is none. A value of
 * another type moves it to `others`, which is as long as the last row that has one and takes no memory where there is none.
 */
export const minColumns: ColumnarForm = {
  columns: ['number', 'value'],
  reset: (slot: number, numbers: Float64Array, others: (Comparable | undefined)[]) => {
    numbers[slot] = Number.POSITIVE_INFINITY
    if (slot < others.length) others[slot] = undefined
  },
  add: (slot: number, value: Comparable, numbers: Float64Array, others: (Comparable | undefined)[]) => {
    if (typeof value === 'number' && (slot >= others.length || others[slot] === undefined)) {
      if (value < (numbers[slot] as number) || value !== value) numbers[slot] = value
    } else keepOther(slot, value, numbers, others, Number.POSITIVE_INFINITY)
  },
  merge: (
    into: number,
    from: number,
    numbers: Float64Array,
    others: (Comparable | undefined)[],
    sourceNumbers: Float64Array,
    sourceOthers: readonly (Comparable | undefined)[],
  ) => {
    const value = extremeOf(from, sourceNumbers, sourceOthers)
    if (value !== Number.POSITIVE_INFINITY) minColumns.add(into, value as never, numbers as never, others as never)
  },
  result: extremeOf,
}

export const maxColumns: ColumnarForm = {
  columns: ['number', 'value'],
  reset: (slot: number, numbers: Float64Array, others: (Comparable | undefined)[]) => {
    numbers[slot] = Number.NEGATIVE_INFINITY
    if (slot < others.length) others[slot] = undefined
  },
  add: (slot: number, value: Comparable, numbers: Float64Array, others: (Comparable | undefined)[]) => {
    if (typeof value === 'number' && (slot >= others.length || others[slot] === undefined)) {
      if (value > (numbers[slot] as number) || value !== value) numbers[slot] = value
    } else keepOther(slot, value, numbers, others, Number.NEGATIVE_INFINITY)
  },
  merge: (
    into: number,
    from: number,
    numbers: Float64Array,
    others: (Comparable | undefined)[],
    sourceNumbers: Float64Array,
    sourceOthers: readonly (Comparable | undefined)[],
  ) => {
    const value = extremeOf(from, sourceNumbers, sourceOthers)
    if (value !== Number.NEGATIVE_INFINITY) maxColumns.add(into, value as never, numbers as never, others as never)
  },
  result: extremeOf,
}

function extremeOf(slot: number, numbers: Float64Array, others: readonly (Comparable | undefined)[]): Comparable {
  const other = slot < others.length ? others[slot] : undefined
  return other === undefined ? (numbers[slot] as number) : other
}

/** @param none what lies among the numbers where there was none: positive infinity for the smallest value */
function keepOther(slot: number, value: Comparable, numbers: Float64Array, others: (Comparable | undefined)[], none: number): void {
  while (others.length <= slot) others.push(undefined)
  const number = numbers[slot] as number
  const held = others[slot] ?? (number === none ? undefined : number)
  const better = held === undefined || value !== value || (none > 0 ? value < held : value > held)
  others[slot] = better ? value : held
}
