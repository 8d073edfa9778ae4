/**
 * The policies of a subtask, asked in their order. Where records alone decide, nothing is kept here; a rate has a bucket of tokens, full at the start and empty behind
 * a restore, because some of what it held may have been used behind the checkpoint.
 */
import { hashKey, SluiceError } from '@sluice/engine'
import { mixBits } from '../flow/mix-bits.js'
import type { TraceInfo, TracePolicy, TraceRule } from './sample-types.js'
import { TraceIntervals } from './trace-intervals.js'

/** No policy keeps the trace. */
export const NONE = -1

const TWO_TO_32 = 2 ** 32

type Rule = TraceRule<unknown>
type AnyRule = Extract<Rule, { kind: 'keepIfAny' }>

interface Bucket {
  readonly perMs: number
  readonly size: number
  tokens: number
  atMs: number
}

export class PolicyChain {
  readonly #operator: string
  readonly #rules: readonly Rule[]
  readonly #names: readonly string[]
  readonly #counters: readonly string[]
  /** Index of each that decides as soon as a record comes. */
  readonly #atOnce: readonly number[]
  readonly #tests: readonly ((record: unknown) => unknown)[]
  /** By index. */
  readonly #buckets: readonly (Bucket | undefined)[]
  readonly #intervals: readonly (TraceIntervals | undefined)[]
  /** Those that there are. */
  readonly #lasting: readonly TraceIntervals[]

  /** @param parallelism over how many subtasks rates are divided */
  constructor(operator: string, policies: readonly TracePolicy<unknown>[], parallelism: number, nowMs: number) {
    this.#operator = operator
    this.#rules = policies.map(({ rule }) => rule)
    this.#names = policies.map(({ name }) => name)
    this.#counters = policies.map(({ name, rule }) => `${rule.kind === 'dropWhen' ? 'dropped' : 'kept'}.${name}`)
    const drops = this.#rules.findIndex(({ kind }) => kind === 'dropWhen')
    const first = drops < 0 ? this.#rules.length : drops
    this.#atOnce = this.#rules.flatMap(({ kind }, index) => (kind === 'keepIfAny' && index < first ? [index] : []))
    this.#tests = this.#atOnce.map((index) => (this.#rules[index] as AnyRule).test)
    this.#buckets = this.#rules.map((rule): Bucket | undefined => {
      if (rule.kind !== 'keepRate') return undefined
      const share = rule.traces / parallelism
      const size = Math.max(1, share)
      return { perMs: share / rule.perMs, size, tokens: size, atMs: nowMs }
    })
    this.#intervals = this.#rules.map((rule) => (rule.kind === 'keepIfLonger' ? new TraceIntervals(rule.intervalOf) : undefined))
    this.#lasting = this.#intervals.filter((intervals) => intervals !== undefined)
  }

  /** Behind a restore: what a rate may have let pass already is not given twice. */
  emptyBuckets(nowMs: number): void {
    for (const bucket of this.#buckets) {
      if (bucket === undefined) continue
      bucket.tokens = 0
      bucket.atMs = nowMs
    }
  }

  keeps(index: number): boolean {
    return index >= 0 && this.#rules[index]?.kind !== 'dropWhen'
  }

  nameOf(index: number): string | undefined {
    return this.#names[index]
  }

  /** The metric that counts its traces. */
  counterOf(index: number): string | undefined {
    return this.#counters[index]
  }

  /** The policy that keeps the trace of a record, whatever else comes of it; NONE: there is none. Runs per record. */
  atOnce(record: unknown): number {
    const tests = this.#tests
    for (let at = 0; at < tests.length; at++) {
      const answer = (tests[at] as (record: unknown) => unknown)(record)
      if (answer === true || (answer !== false && this.#holds(this.#atOnce[at] as number, answer))) return this.#atOnce[at] as number
    }
    return NONE
  }

  begin(slot: number): void {
    for (let at = 0; at < this.#lasting.length; at++) (this.#lasting[at] as TraceIntervals).begin(slot)
  }

  /** What policies need to know of each record of an open trace. Runs per record. */
  add(slot: number, record: unknown): void {
    for (let at = 0; at < this.#lasting.length; at++) (this.#lasting[at] as TraceIntervals).add(slot, record)
  }

  /** The policy that decides on a trace, to keep it or (`dropWhen`) to drop it. `asked`: none of its records has one that decides at once. */
  decide(slot: number, records: readonly unknown[], trace: TraceInfo, nowMs: number, asked: boolean): number {
    const rules = this.#rules
    for (let index = 0; index < rules.length; index++) {
      const rule = rules[index] as Rule
      if (asked && rule.kind === 'keepIfAny' && this.#atOnce.includes(index)) continue
      if (this.#decides(rule, index, slot, records, trace, nowMs)) return index
    }
    return NONE
  }

  #decides(rule: Rule, index: number, slot: number, records: readonly unknown[], trace: TraceInfo, nowMs: number): boolean {
    switch (rule.kind) {
      case 'keepIfAny':
        for (const record of records) if (this.#holds(index, rule.test(record))) return true
        return false
      case 'keepWhen':
      case 'dropWhen':
        return this.#holds(index, rule.test(records, trace))
      case 'keepIfLonger':
        return (this.#intervals[index] as TraceIntervals).lengthOf(slot) >= rule.durationMs
      case 'keepShare':
        // The hash itself also decides which subtask has a key.
        return mixBits(hashKey(trace.key)) >>> 0 < rule.share * TWO_TO_32
      case 'keepRate':
        return takeToken(this.#buckets[index] as Bucket, nowMs)
    }
  }

  #holds(index: number, answer: unknown): boolean {
    if (typeof (answer as { then?: unknown } | null | undefined)?.then !== 'function') return Boolean(answer)
    throw new SluiceError(
      'SLUICE_RECORD_PROMISE',
      `policy ${this.#names[index]} of ${this.#operator} returned a Promise, which would keep every trace`,
      {
        hint: 'Make it synchronous, or compute the answer with mapAsync(name, fn) before.',
      },
    )
  }
}

function takeToken(bucket: Bucket, nowMs: number): boolean {
  // A clock that is set back gives nothing until it is where it was.
  if (nowMs > bucket.atMs) {
    bucket.tokens = Math.min(bucket.size, bucket.tokens + (nowMs - bucket.atMs) * bucket.perMs)
    bucket.atMs = nowMs
  }
  if (bucket.tokens < 1) return false
  bucket.tokens--
  return true
}
