/**
 * DDSketch (Masson, Rim, Lee 2019, arXiv:1908.10693): counts of values in bins whose bounds grow by a constant factor, so that every
 * value is known to a relative error. A sketch is plain data, and what it holds depends on the values alone, not on their order. Up to
 * `EXACT_MAX` values are kept as they are.
 */

/** Values that are kept as they are; from then on they are bins. */
export const EXACT_MAX = 32
/** Magnitudes are told apart down to the largest of their sign divided by this: the bound of a sketch's memory. */
const MAGNITUDE_RANGE = 1e30
/** Bins that a sketch makes room for beyond those it needs. */
const SPARE_BINS = 32

export type QuantileSketch = number[] | BinnedValues

/** One per sign: `counts[i]` is of bin `first + i`, and none is above `last`. */
interface Bins {
  first: number
  /** -Infinity: there is none. */
  last: number
  counts: Float64Array
}

interface BinnedValues {
  count: number
  notNumbers: number
  lowest: number
  highest: number
  negativeInfinities: number
  zeros: number
  positiveInfinities: number
  negative: Bins
  positive: Bins
}

export class QuantileBins {
  /** Bins per factor e. */
  readonly #density: number
  /** The bound of a bin times this is off by the error at most from all values in it. */
  readonly #middle: number
  readonly #binsMax: number

  constructor(error: number) {
    const growth = (1 + error) / (1 - error)
    this.#density = 1 / Math.log(growth)
    this.#middle = 2 / (growth + 1)
    this.#binsMax = Math.ceil(Math.log(MAGNITUDE_RANGE) * this.#density)
  }

  add(sketch: QuantileSketch, value: number): QuantileSketch {
    if (Array.isArray(sketch)) {
      if (sketch.length < EXACT_MAX) {
        sketch.push(value)
        return sketch
      }
      return this.#count(this.#binned(sketch), value)
    }
    return this.#count(sketch, value)
  }

  /** Adds `right` to `left`, which is changed and given back or replaced; `right` is only read. */
  merge(left: QuantileSketch, right: QuantileSketch): QuantileSketch {
    let merged = left
    if (Array.isArray(right)) {
      for (let index = 0; index < right.length; index++) merged = this.add(merged, right[index] as number)
      return merged
    }
    const sum = Array.isArray(left) ? this.#binned(left) : left
    sum.count += right.count
    sum.notNumbers += right.notNumbers
    sum.lowest = Math.min(sum.lowest, right.lowest)
    sum.highest = Math.max(sum.highest, right.highest)
    sum.negativeInfinities += right.negativeInfinities
    sum.zeros += right.zeros
    sum.positiveInfinities += right.positiveInfinities
    this.#addBins(sum.negative, right.negative)
    this.#addBins(sum.positive, right.positive)
    return sum
  }

  /** For each of the shares the value at position `floor(share * (count - 1))` of all values in order; NaN where one of them is NaN or there is none. */
  quantiles(sketch: QuantileSketch, shares: readonly number[]): number[] {
    if (Array.isArray(sketch)) {
      if (sketch.length === 0 || sketch.some(Number.isNaN)) return shares.map(() => Number.NaN)
      const sorted = Float64Array.from(sketch).sort()
      return shares.map((share) => sorted[Math.floor(share * (sorted.length - 1))] as number)
    }
    if (sketch.notNumbers > 0) return shares.map(() => Number.NaN)
    return shares.map((share) => {
      const position = Math.floor(share * (sketch.count - 1))
      if (position === 0) return sketch.lowest
      if (position === sketch.count - 1) return sketch.highest
      const value = this.#valueAt(sketch, position)
      return Math.min(Math.max(value, sketch.lowest), sketch.highest)
    })
  }

  #binned(values: readonly number[]): BinnedValues {
    const sketch: BinnedValues = {
      count: 0,
      notNumbers: 0,
      lowest: Number.POSITIVE_INFINITY,
      highest: Number.NEGATIVE_INFINITY,
      negativeInfinities: 0,
      zeros: 0,
      positiveInfinities: 0,
      negative: noBins(),
      positive: noBins(),
    }
    for (let index = 0; index < values.length; index++) this.#count(sketch, values[index] as number)
    return sketch
  }

  #count(sketch: BinnedValues, value: number): BinnedValues {
    sketch.count++
    if (value < sketch.lowest) sketch.lowest = value
    if (value > sketch.highest) sketch.highest = value
    if (value > 0) {
      if (value === Number.POSITIVE_INFINITY) sketch.positiveInfinities++
      else this.#addTo(sketch.positive, Math.ceil(Math.log(value) * this.#density), 1)
    } else if (value < 0) {
      if (value === Number.NEGATIVE_INFINITY) sketch.negativeInfinities++
      else this.#addTo(sketch.negative, Math.ceil(Math.log(-value) * this.#density), 1)
    } else if (value === 0) sketch.zeros++
    else sketch.notNumbers++
    return sketch
  }

  #addTo(bins: Bins, bin: number, count: number): void {
    if (bin > bins.last || bin < bins.first) bin = this.#makeRoom(bins, bin)
    const { counts } = bins
    const at = bin - bins.first
    counts[at] = (counts[at] as number) + count
  }

  #addBins(bins: Bins, added: Bins): void {
    if (added.last === Number.NEGATIVE_INFINITY) return
    // From above, so that room is made twice at most.
    for (let at = added.last - added.first; at >= 0; at--) {
      const count = added.counts[at] as number
      if (count > 0) this.#addTo(bins, added.first + at, count)
    }
  }

  /** Makes room for a bin and answers the one to count in: the lowest that is told apart where it is too small. */
  #makeRoom(bins: Bins, bin: number): number {
    const last = Math.max(bins.last, bin)
    const lowest = last - this.#binsMax + 1
    const wanted = Math.max(bin, lowest)
    if (wanted >= bins.first && last - bins.first < bins.counts.length && bins.first >= lowest) {
      bins.last = last
      return wanted
    }
    const empty = bins.last === Number.NEGATIVE_INFINITY
    const first = Math.max(lowest, wanted < bins.first || empty ? wanted - SPARE_BINS : bins.first)
    const counts = new Float64Array(last - first + 1 + SPARE_BINS)
    if (!empty) {
      for (let at = 0; at <= bins.last - bins.first; at++) {
        const to = Math.max(bins.first + at - first, 0)
        counts[to] = (counts[to] as number) + (bins.counts[at] as number)
      }
    }
    bins.first = first
    bins.last = last
    bins.counts = counts
    return wanted
  }

  #valueAt(sketch: BinnedValues, position: number): number {
    let left = position - sketch.negativeInfinities
    if (left < 0) return Number.NEGATIVE_INFINITY
    const { negative, positive } = sketch
    for (let at = negative.last - negative.first; at >= 0; at--) {
      left -= negative.counts[at] as number
      if (left < 0) return -this.#valueOf(negative.first + at)
    }
    left -= sketch.zeros
    if (left < 0) return 0
    const end = positive.last - positive.first
    for (let at = 0; at <= end; at++) {
      left -= positive.counts[at] as number
      if (left < 0) return this.#valueOf(positive.first + at)
    }
    return Number.POSITIVE_INFINITY
  }

  #valueOf(bin: number): number {
    return Math.exp(bin / this.#density) * this.#middle
  }
}

/** `first` is above every bin, so that the first one makes room. */
const noBins = (): Bins => ({ first: 0, last: Number.NEGATIVE_INFINITY, counts: new Float64Array(0) })
