/** A record with very many partners: its results are pulled, so that no more than a few leave without a look at the credit. */
import { expect, test } from 'vitest'
import { planIntervalJoin, planJoin, planTemporalJoin, planWindowJoin } from '../../src/join/plan-joins.js'
import { tumbling } from '../../src/window/assigners.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { type Arrival, drive, keyOf } from './drive.js'

/** Expansions wait until they are pulled, value by value. */
class CreditContext extends FakeOperatorContext {
  /** The most that left between two looks. */
  mostAtOnce = 0
  readonly #waiting: { readonly values: Iterator<unknown>; readonly timestamp: number }[] = []
  #sinceLook = 0

  override emit(value: unknown, timestamp: number, port = 0): void {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#sinceLook)
    super.emit(value, timestamp, port)
  }

  override expand(values: Iterable<unknown>, timestamp: number): void {
    this.#waiting.push({ values: values[Symbol.iterator](), timestamp })
  }

  /** Pulls all that waits; a record boundary. */
  pull(): void {
    this.#sinceLook = 0
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const step = first.values.next()
      if (step.done === true) this.#waiting.shift()
      else this.emit(step.value, first.timestamp)
      this.#sinceLook = 0
    }
  }
}

const MANY = 1_000
const input = { leftKeyOf: keyOf, rightKeyOf: keyOf, timed: true }
const idsOf = (left: Arrival | undefined, right: Arrival | undefined): string => `${left?.id}-${right?.id}`

test.each([
  ['inner join', planJoin('j', input, idsOf, {}), 64],
  // A pair and the row that it replaces.
  ['left join', planJoin('j', input, idsOf, { type: 'left' }), 128],
  ['interval join', planIntervalJoin('j', input, idsOf, { before: '1m', after: '1m' }), 64],
  ['window join', planWindowJoin('j', input, idsOf, { window: tumbling('1h') }), 64],
  ['temporal join', planTemporalJoin('j', input, idsOf, {}), 64],
] as const)('%s', (of, plan, bound) => {
  const context = new CreditContext()
  const { operator, push } = drive(plan, context)
  const versions = of === 'temporal join'
  push({ side: 'right', key: 1, time: 0, id: -1 })
  context.pull()
  for (let id = 0; id < MANY; id++) {
    push({ side: 'left', key: 1, time: id, id })
    context.pull()
  }
  if (!versions) push({ side: 'right', key: 1, time: MANY, id: -2 })
  context.pull()
  operator.onWatermark?.(Number.POSITIVE_INFINITY)
  while (operator.fire?.() === true) context.pull()
  context.pull()
  const results = new Set(context.take().map((value) => (typeof value === 'string' ? value : JSON.stringify(value))))
  expect(results.size).toBe(versions ? MANY : 2 * MANY)
  expect(context.mostAtOnce).toBeLessThanOrEqual(bound)
})
