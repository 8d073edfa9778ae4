/** What is in flight in an asynchronous operator as state: nothing is lost, nothing leaves twice, watermarks stay where they were. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Gate } from '../../src/channel/gate.js'
import { type AsyncState, AsyncTable } from '../../src/task/async-table.js'
import type { AsyncCallContext } from '../../src/task/operator-contexts.js'

type Out = { readonly record: number } | { readonly watermark: number }

interface Options {
  readonly ordered: boolean
  readonly discardsResults?: boolean
  readonly limit?: number
}

/** A table with a function whose calls are settled by hand. */
class TableHarness {
  readonly out: Out[] = []
  /** By record: how often it was called. */
  readonly called: { readonly record: number; readonly id: number }[] = []
  readonly gate: Gate = new Gate()
  readonly table: AsyncTable
  mostCalls = 0
  readonly #open: { readonly record: number; readonly settle: (value: unknown) => void }[] = []

  constructor({ ordered, discardsResults = false, limit = 4 }: Options) {
    this.table = new AsyncTable({
      operator: 'ask',
      sharesContext: false,
      limit,
      ordered,
      timeoutMs: 1000,
      discardsResults,
      gate: this.gate,
      monotonicMs: () => 1,
      contextOf: (sequence) => ({ sequence }) as unknown as AsyncCallContext,
      wake: () => {},
      fail: (error) => {
        throw error
      },
    })
    this.table.connect((record) => this.out.push({ record: record as number }))
    this.table.connectTime((watermark) => this.out.push({ watermark }))
  }

  /** What a driver does with a record; every third one is answered at once. */
  readonly call = (record: unknown, timestamp: number): void => {
    const number = record as number
    const context = this.table.nextContext() as unknown as { sequence: number }
    this.called.push({ record: number, id: context.sequence })
    if (number % 3 === 0) {
      this.table.take(number, timestamp, number)
      return
    }
    // Settled in the same turn, by hand.
    // oxlint-disable-next-line unicorn/no-thenable
    const promise = { then: (settle: (value: unknown) => void) => this.#open.push({ record: number, settle }) }
    this.table.take(promise, timestamp, number)
    this.mostCalls = Math.max(this.mostCalls, this.#open.length)
  }

  mark(watermark: number): void {
    if (this.table.inFlight > 0) this.table.mark(watermark, false)
    else this.out.push({ watermark })
  }

  settle(which: number): void {
    const [open] = this.#open.splice(which % Math.max(1, this.#open.length), 1)
    open?.settle(open.record)
  }

  drain(): void {
    while (this.table.ready) this.table.drain()
  }

  finish(): void {
    for (let round = 0; round < 1000; round++) {
      this.table.reissue(this.call)
      this.settle(round * 7)
      this.drain()
    }
    expect(this.table.awaitingReissue).toBe(false)
    expect(this.table.inFlight).toBe(0)
    expect(this.gate.closed).toBe(0)
  }
}

/** Records between watermarks, those of a segment in order where their order does not count. */
function segmentsOf(out: readonly Out[], ordered: boolean): unknown[] {
  const segments: unknown[] = []
  let records: number[] = []
  for (const item of out) {
    if ('record' in item) records.push(item.record)
    else {
      segments.push(ordered ? records : records.toSorted((left, right) => left - right), item.watermark)
      records = []
    }
  }
  segments.push(ordered ? records : records.toSorted((left, right) => left - right))
  return segments
}

const step = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('record' as const) }), weight: 6 },
  { arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(10) }), weight: 4 },
  { arbitrary: fc.record({ do: fc.constantFrom('mark' as const, 'drain' as const, 'restore' as const) }), weight: 4 },
)

describe('records in flight as state', () => {
  it.each([true, false])('leave once, on their side of every watermark, wherever a snapshot is restored; ordered %s', (ordered) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let harness = new TableHarness({ ordered })
        const got: Out[] = []
        const sent: Out[] = []
        let records = 0
        let watermark = 0
        for (const action of steps) {
          if (action.do === 'record') {
            if (harness.gate.closed > 0) continue
            sent.push({ record: records })
            harness.call(records++, Number.NaN)
          } else if (action.do === 'settle') harness.settle(action.which)
          else if (action.do === 'drain') harness.drain()
          else if (action.do === 'mark') {
            // Of several with nothing between them the newest counts.
            sent.push({ watermark: ++watermark })
            harness.mark(watermark)
          } else {
            const state = structuredClone(harness.table.snapshot())
            got.push(...harness.out)
            harness = new TableHarness({ ordered })
            harness.table.restore([state])
            expect(harness.table.inFlight).toBe(state.segments.reduce((sum, { entries }) => sum + entries.length, 0))
            if (harness.table.awaitingReissue) expect(harness.gate.closed).toBe(1)
            harness.table.reissue(harness.call)
          }
        }
        harness.finish()
        got.push(...harness.out)
        expect(harness.mostCalls).toBeLessThanOrEqual(4)
        // Watermarks with nothing between them may be one.
        const without = (out: readonly Out[]): Out[] => out.filter((item, at) => 'record' in item || !('watermark' in (out[at + 1] ?? {})))
        expect(segmentsOf(without(got), ordered)).toEqual(segmentsOf(without(sent), ordered))
      }),
      { numRuns: 500 },
    )
  })

  it('keep their ids when they are called again, and later ones get new ones', () => {
    const before = new TableHarness({ ordered: false })
    for (const record of [0, 1, 2, 4]) before.call(record, Number.NaN)
    before.settle(0)
    const after = new TableHarness({ ordered: false })
    after.table.restore([before.table.snapshot()])
    after.table.reissue(after.call)
    after.finish()
    after.call(5, Number.NaN)
    expect(before.called.map(({ id }) => id)).toEqual([0, 1, 2, 3])
    expect(after.called).toEqual([
      { record: 2, id: 2 },
      { record: 4, id: 3 },
      { record: 5, id: 4 },
    ])
    expect(after.out.map((item) => ('record' in item ? item.record : Number.NaN)).toSorted((left, right) => left - right)).toEqual([
      1, 2, 4,
    ])
  })

  it('of a consumer are called again only where they were not done', () => {
    const before = new TableHarness({ ordered: false, discardsResults: true })
    for (const record of [1, 2, 4]) before.call(record, Number.NaN)
    before.settle(1)
    const state = before.table.snapshot()
    expect(state.segments.flatMap(({ entries }) => entries.map(({ input }) => input))).toEqual([1, 4])
    const after = new TableHarness({ ordered: false, discardsResults: true })
    after.table.restore([state])
    // A driver tells the table nothing of a consumer that returned nothing.
    const called: unknown[] = []
    after.table.reissue((record) => {
      after.table.nextContext()
      called.push(record)
    })
    after.drain()
    expect(called).toEqual([1, 4])
    expect(after.table.inFlight).toBe(0)
    expect(after.gate.closed).toBe(0)
  })

  it('come together from several tables, with the least of their last watermarks behind them', () => {
    const states = [1, 2].map((half): AsyncState => {
      const harness = new TableHarness({ ordered: true })
      for (let record = 0; record < 3; record++) {
        harness.call(half * 300 + 1 + record * 3, Number.NaN)
        harness.mark(half * 10 + record)
      }
      return harness.table.snapshot()
    })
    const after = new TableHarness({ ordered: true, limit: 2 })
    after.table.restore(states)
    after.finish()
    expect(after.out).toEqual([...[301, 304, 307, 601, 604, 607].map((record) => ({ record })), { watermark: 12 }])
    expect(new Set(after.called.map(({ id }) => id)).size).toBe(6)
    expect(after.mostCalls).toBe(2)
  })
})
