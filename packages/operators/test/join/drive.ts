/** Runs planned joins over a fake context, and makes arrivals for property tests. */
import type { Operator } from '@sluice/engine'
import fc from 'fast-check'
import type { OperatorPlan } from '../../src/stream/operator-plan.js'
import type { Update } from '../../src/index.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'

/** A record of either side. */
export interface Arrival {
  readonly side: 'left' | 'right'
  readonly key: unknown
  readonly time: number
  readonly id: number
}

export interface Driven {
  readonly context: FakeOperatorContext
  readonly operator: Operator
  /** Hands over a record. */
  readonly push: (arrival: Arrival) => void
}

export function drive(plan: OperatorPlan, context: FakeOperatorContext = new FakeOperatorContext()): Driven {
  if (plan.spec.kind !== 'general') throw new Error(`a ${plan.spec.kind}`)
  const operator = context.drive(plan.spec.create(context))
  return { context, operator, push: (arrival) => operator.process(arrival, arrival.time, arrival.side === 'left' ? 0 : 1) }
}

const keys = [1, 2, -0, 'one', 'two', '\0k', null, true]

/** Few keys of every kind, times close to each other: many records meet. */
export const arrivals = (options: { readonly maxLength?: number; readonly times?: number } = {}): fc.Arbitrary<readonly Arrival[]> =>
  fc
    .array(
      fc.record({
        side: fc.constantFrom('left' as const, 'right' as const),
        key: fc.oneof(fc.constantFrom(...keys), fc.tuple(fc.constantFrom('a', 'b'), fc.nat(1))),
        time: fc.nat(options.times ?? 100),
      }),
      { maxLength: options.maxLength ?? 60, size: 'max' },
    )
    .map((list) => list.map((arrival, id) => ({ ...arrival, id })))

export const keyOf = (record: never): unknown => (record as Arrival).key
export const sameKey = (left: Arrival, right: Arrival): boolean => JSON.stringify(left.key) === JSON.stringify(right.key)

export interface Pair {
  readonly left: Arrival | undefined
  readonly right: Arrival | undefined
}
export const pairOf = (left: Arrival | undefined, right: Arrival | undefined): Pair => ({ left, right })

/** Pairs as text, in order. */
export const shown = (pairs: Iterable<Pair>): readonly string[] =>
  [...pairs].map(({ left, right }) => `${left?.id}-${right?.id}`).toSorted()

/** The table that updates come to; fails where one does not fit what is there. */
export function tableOf<V>(updates: Iterable<Update<V>>): ReadonlyMap<string, V> {
  const table = new Map<string, V>()
  for (const { op, key, value } of updates) {
    const text = JSON.stringify(key)
    if (op === 'upsert') {
      table.set(text, value)
      continue
    }
    if (JSON.stringify(table.get(text)) !== JSON.stringify(value)) throw new Error(`${text} is deleted and was not there`)
    table.delete(text)
  }
  return table
}
