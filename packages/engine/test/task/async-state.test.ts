/** What is in flight in an asynchronous operator as state: nothing is lost, nothing leaves twice, watermarks stay where they were. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Gate } from '../../src/channel/gate.js'
import { SluiceError } from '../../src/errors/sluice-error.js'
import type { DeadLetter } from '../../src/graph/operator-spec.js'
import { type AsyncState, AsyncTable } from '../../src/task/async-table.js'
import type { AsyncCallContext } from '../../src/task/operator-contexts.js'
import { RecordFailures } from '../../src/task/record-failures.js'

type Out = { readonly record: number } | { readonly letter: number } | { readonly watermark: number }

interface Options {
  readonly ordered: boolean
  readonly discardsResults?: boolean
  readonly limit?: number
  /** Records with 1 left over by 4 fail then. */
  readonly onError?: 'drop' | 'deadLetter' | undefined
  readonly gathers?: { readonly recordsMax: number; readonly timeMs: number }
}

const fails = (record: number): boolean => record % 4 === 1

/** A table with a function whose calls are settled by hand. */
class TableHarness {
  readonly out: Out[] = []
  readonly letters: DeadLetter[] = []
  /** By call. */
  readonly called: { readonly record: number; readonly id: number }[] = []
  readonly batches: { readonly records: readonly number[]; readonly id: number }[] = []
  /** Records whose calls are settled, by outcome. */
  readonly settled: number[] = []
  dropped = 0
  readonly gate: Gate = new Gate()
  readonly table: AsyncTable
  nowMs = 1
  failure: unknown
  mostCalls = 0
  readonly #onError: Options['onError']
  readonly #open: { readonly records: readonly number[]; readonly settle: (error: unknown) => void }[] = []

  constructor({ ordered, discardsResults = false, limit = 4, onError, gathers }: Options) {
    this.#onError = onError
    this.table = new AsyncTable({
      operator: 'ask',
      sharesContext: false,
      limit,
      ordered,
      timeoutMs: 1_000_000,
      discardsResults,
      gate: this.gate,
      monotonicMs: () => this.nowMs,
      call: (input, context) => this.#answer(input as number | number[], context),
      contextOf: (sequence) => ({ sequence, attempt: 1, recordId: `ask/0/${sequence}` }) as unknown as AsyncCallContext,
      wake: () => {},
      fail: (error) => {
        this.failure = error
      },
      failures:
        onError === undefined
          ? undefined
          : new RecordFailures({
              policy: onError,
              operator: 'ask',
              subtask: 0,
              signal: new AbortController().signal,
              nowMs: () => 7,
              isLocated: () => false,
              countDropped: () => this.dropped++,
              countLetter: () => {},
              sizeOf: () => 0,
              push: () => {},
            }),
      lettersPort: onError === 'deadLetter' ? 1 : undefined,
      gathers,
    })
    this.table.connect((record, _timestamp, port) => {
      if (port !== 1) {
        this.out.push({ record: record as number })
        return
      }
      const letter = record as DeadLetter
      this.letters.push(letter)
      this.out.push({ letter: letter.input as number })
    })
    this.table.connectTime((watermark) => this.out.push({ watermark }))
  }

  /** What a driver does with a record. */
  record(record: number, gathers = false): void {
    if (gathers) {
      this.table.gather(record, record)
      return
    }
    let result: unknown
    try {
      result = this.#answer(record, this.table.nextContext())
    } catch (error) {
      this.table.failed(error, record, record)
      return
    }
    this.table.take(result, record, record)
  }

  /** Every third is answered at once. A batch fails with its first record. */
  #answer(input: number | number[], context: AsyncCallContext): unknown {
    const records = Array.isArray(input) ? [...input] : [input]
    const [number = 0] = records
    if (Array.isArray(input)) this.batches.push({ records, id: context.sequence })
    else this.called.push({ record: number, id: context.sequence })
    const failing = this.#onError !== undefined && fails(number)
    if (number % 3 === 0) {
      this.settled.push(...records)
      if (failing) throw new Error(`${number} is wrong`)
      return number
    }
    // Settled in the same turn, by hand.
    const promise = {
      // oxlint-disable-next-line unicorn/no-thenable
      then: (settle: (value: unknown) => void, reject: (error: unknown) => void) =>
        this.#open.push({
          records,
          settle: (error) => {
            this.settled.push(...records)
            if (error !== undefined) reject(error)
            else if (failing) reject(new Error(`${number} is wrong`))
            else settle(number)
          },
        }),
    }
    this.mostCalls = Math.max(this.mostCalls, this.#open.length + 1)
    return promise
  }

  mark(watermark: number): void {
    if (this.table.holdsTime) this.table.mark(watermark, false)
    else this.out.push({ watermark })
  }

  settle(which: number, error?: unknown): void {
    const [open] = this.#open.splice(which % Math.max(1, this.#open.length), 1)
    open?.settle(error)
  }

  drain(): void {
    while (this.table.ready) this.table.drain()
    this.table.callBatch()
  }

  finish(): void {
    this.table.end()
    for (let round = 0; round < 1000; round++) {
      this.table.reissue()
      this.settle(round * 7)
      this.drain()
    }
    expect(this.failure).toBeUndefined()
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
    // Apart from results.
    else if ('letter' in item) records.push(-1 - item.letter)
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

const modes = [true, false].flatMap((ordered) =>
  [undefined, 'drop' as const, 'deadLetter' as const].map((onError) => ({ ordered, onError })),
)

/** Watermarks with nothing between them may be one. */
function withoutRepeats(out: readonly Out[]): Out[] {
  return out.filter((item, at) => !('watermark' in item) || !('watermark' in (out[at + 1] ?? {})))
}

describe('records in flight as state', () => {
  it.each(modes)('leave once, on their side of every watermark, wherever a snapshot is restored: $ordered, $onError', (mode) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let harness = new TableHarness(mode)
        const got: Out[] = []
        const sent: Out[] = []
        let records = 0
        let watermark = 0
        for (const action of steps) {
          if (action.do === 'record') {
            if (harness.gate.closed > 0) continue
            if (mode.onError === undefined || !fails(records)) sent.push({ record: records })
            else if (mode.onError === 'deadLetter') sent.push({ letter: records })
            harness.record(records++)
          } else if (action.do === 'settle') harness.settle(action.which)
          else if (action.do === 'drain') harness.drain()
          else if (action.do === 'mark') {
            // Of several with nothing between them the newest counts.
            sent.push({ watermark: ++watermark })
            harness.mark(watermark)
          } else {
            const state = structuredClone(harness.table.snapshot())
            got.push(...harness.out)
            harness = new TableHarness(mode)
            harness.table.restore([state])
            expect(harness.table.inFlight).toBe(state.segments.reduce((sum, { entries }) => sum + entries.length, 0))
            if (harness.table.awaitingReissue) expect(harness.gate.closed).toBe(1)
            harness.table.reissue()
          }
        }
        harness.finish()
        got.push(...harness.out)
        expect(harness.mostCalls).toBeLessThanOrEqual(4)
        expect(segmentsOf(withoutRepeats(got), mode.ordered)).toEqual(segmentsOf(withoutRepeats(sent), mode.ordered))
      }),
      { numRuns: 300 },
    )
  })

  it('keep their ids when they are called again, and later ones get new ones', () => {
    const before = new TableHarness({ ordered: false })
    for (const record of [0, 1, 2, 4]) before.record(record)
    before.settle(0)
    const after = new TableHarness({ ordered: false })
    after.table.restore([before.table.snapshot()])
    after.table.reissue()
    after.finish()
    after.record(5)
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
    for (const record of [1, 2, 4]) before.record(record)
    before.settle(1)
    const state = before.table.snapshot()
    expect(state.segments.flatMap(({ entries }) => entries.map(({ input }) => input))).toEqual([1, 4])
    const after = new TableHarness({ ordered: false, discardsResults: true })
    after.table.restore([state])
    expect(after.table.reissue()).toBe(true)
    expect(after.called.map(({ record }) => record)).toEqual([1, 4])
    after.finish()
    expect(after.table.consumed).toBe(0)
  })

  it('come together from several tables, with the least of their last watermarks behind them', () => {
    const states = [1, 2].map((half): AsyncState => {
      const harness = new TableHarness({ ordered: true })
      for (let record = 0; record < 3; record++) {
        harness.record(half * 300 + 1 + record * 3)
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

  it('tell in a letter which call failed, of which record, and how', () => {
    const harness = new TableHarness({ ordered: true, onError: 'deadLetter' })
    harness.record(5)
    harness.settle(0)
    harness.drain()
    expect(harness.letters).toEqual([
      {
        operator: 'ask',
        subtask: 0,
        input: 5,
        reason: '5 is wrong',
        code: 'Error',
        position: undefined,
        recordId: 'ask/0/0',
        attempts: 1,
        timestamp: 5,
        failedAtMs: 7,
      },
    ])
  })

  it('fail the job by errors of the job, whatever the policy', () => {
    const harness = new TableHarness({ ordered: true, onError: 'drop' })
    harness.record(5)
    const error = new SluiceError('SLUICE_RESOURCE_FAILED', 'not declared')
    harness.settle(0, error)
    expect(harness.failure).toBe(error)
    expect(harness.dropped).toBe(0)
  })
})

const gathering = { ordered: false, discardsResults: true, limit: 2, gathers: { recordsMax: 3, timeMs: 100 } }
const gatheringModes = [undefined, 'drop' as const, 'deadLetter' as const]
const gatherStep = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('record' as const) }), weight: 8 },
  { arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(10) }), weight: 4 },
  { arbitrary: fc.record({ do: fc.constantFrom('mark' as const, 'drain' as const, 'restore' as const, 'wait' as const) }), weight: 4 },
)

describe('batches in flight and the one being gathered as state', () => {
  it.each(gatheringModes)('settle every record once, under one id, wherever a snapshot is restored: onError %s', (onError) => {
    fc.assert(
      fc.property(fc.array(gatherStep, { maxLength: 100 }), (steps) => {
        const options = { ...gathering, onError }
        let harness = new TableHarness(options)
        const settled: number[] = []
        const batches: { readonly records: readonly number[]; readonly id: number }[] = []
        const out: Out[] = []
        const sent: Out[] = []
        const goOn = (): void => {
          settled.push(...harness.settled)
          batches.push(...harness.batches)
          out.push(...harness.out)
        }
        let records = 0
        let watermark = 0
        for (const action of steps) {
          if (action.do === 'record') {
            if (harness.gate.closed > 0) continue
            sent.push({ record: records })
            harness.record(records++, true)
          } else if (action.do === 'settle') harness.settle(action.which)
          else if (action.do === 'drain') harness.drain()
          else if (action.do === 'mark') {
            sent.push({ watermark: ++watermark })
            harness.mark(watermark)
          } else if (action.do === 'wait') {
            harness.nowMs += 100
            harness.table.checkTimes(harness.nowMs)
            harness.drain()
          } else {
            const state = structuredClone(harness.table.snapshot())
            goOn()
            harness = new TableHarness(options)
            harness.table.restore([state])
            harness.table.reissue()
          }
        }
        harness.finish()
        goOn()
        expect(settled.toSorted((left, right) => left - right)).toEqual(Array.from({ length: records }, (_, record) => record))
        const byId = new Map<number, readonly number[]>()
        for (const { id, records: batch } of batches) {
          expect(batch.length).toBeLessThanOrEqual(3)
          expect(byId.get(id) ?? batch).toEqual(batch)
          byId.set(id, batch)
        }
        expect(harness.mostCalls).toBeLessThanOrEqual(2)
        // No letter behind a watermark that came behind its record.
        const marks = new Map<number, number>()
        let at = 0
        for (const item of sent) {
          if ('watermark' in item) at = item.watermark
          else if ('record' in item) marks.set(item.record, at)
        }
        let passed = 0
        const letters: number[] = []
        for (const item of out) {
          if ('watermark' in item) passed = item.watermark
          if (!('letter' in item)) continue
          letters.push(item.letter)
          expect(marks.get(item.letter)).toBeGreaterThanOrEqual(passed)
        }
        const lost = [...byId.values()].filter(([first = 0]) => fails(first)).flat()
        expect(letters.toSorted((left, right) => left - right)).toEqual(
          onError === 'deadLetter' ? lost.toSorted((left, right) => left - right) : [],
        )
      }),
      { numRuns: 300 },
    )
  })

  it('are called when they are full, when their first record has waited, and at the end', () => {
    const harness = new TableHarness(gathering)
    const batches = (): unknown => harness.batches.map(({ records }) => records)
    for (const record of [1, 2, 4, 5]) harness.record(record, true)
    expect(batches()).toEqual([[1, 2, 4]])
    expect(harness.table.deadlineMs).toBe(101)
    harness.nowMs = 101
    harness.table.checkTimes(101)
    harness.drain()
    expect(batches()).toEqual([[1, 2, 4], [5]])
    // All in flight: one more is gathered, and then nothing is taken.
    for (const record of [7, 8]) harness.record(record, true)
    expect(harness.gate.closed).toBe(0)
    harness.record(10, true)
    expect(harness.gate.closed).toBe(1)
    expect(harness.table.consumed).toBe(7)
    harness.settle(0)
    harness.drain()
    expect(harness.gate.closed).toBe(0)
    expect(batches()).toEqual([[1, 2, 4], [5], [7, 8, 10]])
    harness.record(11, true)
    expect(harness.table.unfinished).toBe(2)
    harness.table.end()
    expect(harness.table.unfinished).toBe(3)
    harness.finish()
    expect(batches()).toEqual([[1, 2, 4], [5], [7, 8, 10], [11]])
  })

  it('go on being gathered behind a restore, under the same id', () => {
    const before = new TableHarness(gathering)
    for (const record of [1, 2, 4, 5, 7]) before.record(record, true)
    const after = new TableHarness(gathering)
    after.table.restore([structuredClone(before.table.snapshot())])
    after.table.reissue()
    expect(after.batches).toEqual([{ records: [1, 2, 4], id: 0 }])
    after.record(8, true)
    expect(after.batches).toEqual([
      { records: [1, 2, 4], id: 0 },
      { records: [5, 7, 8], id: 1 },
    ])
  })

  it('are called as far as they were gathered at another parallelism, under new ids', () => {
    const states = [0, 1].map((half): AsyncState => {
      const harness = new TableHarness(gathering)
      for (const record of [1, 2, 4, 5]) harness.record(half * 100 + record, true)
      return harness.table.snapshot()
    })
    const after = new TableHarness(gathering)
    after.table.restore(states)
    after.finish()
    expect(after.batches.map(({ records }) => records)).toEqual([[1, 2, 4], [5], [101, 102, 104], [105]])
    expect(new Set(after.batches.map(({ id }) => id)).size).toBe(4)
    expect(after.mostCalls).toBe(2)
  })
})
