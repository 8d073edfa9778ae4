/** Batches of `forEachBatch` in whole jobs: what is called with what, under which id, before and after crashes. */
import { defineJob, forEachBatch, type ForEachBatchOptions, fromArray, type Job } from '@sluice/operators'
import { describe, expect, it } from 'vitest'
import { at, simulate } from '../../../src/index.js'
import { SeededRandom } from '../../../src/schedule/seeded-random.js'

interface Call {
  readonly id: string
  readonly attempt: number
  readonly records: readonly number[]
  failed: boolean
}

type Fails = (call: Call, before: number) => boolean

function writing(options: ForEachBatchOptions, fails?: Fails) {
  const { write, calls, most } = batches(options, fails)
  const job: Job<unknown, object> = defineJob({ name: 'writing' }, (builder) => {
    builder.source('numbers', fromArray<number>([])).sink('write', write)
  })
  return { job, calls, most }
}

/** With the attempt of the job in which each record came in front of the sink. */
function gathering(options: ForEachBatchOptions, fails?: Fails) {
  const { write, calls } = batches(options, fails)
  const attemptOf = new Map<number, number>()
  let attempts = 0
  const job: Job<unknown, object> = defineJob({ name: 'gathering' }, (builder) => {
    const attempt = ++attempts
    const pass = (id: number): number => {
      attemptOf.set(id, attempt)
      return id
    }
    builder.source('numbers', fromArray<number>([])).map(pass).sink('write', write)
  })
  return { job, calls, attemptOf }
}

function batches(options: ForEachBatchOptions, fails: Fails = () => false) {
  const calls: Call[] = []
  let underWay = 0
  const most = { underWay: 0 }
  const write = forEachBatch<number>(async (records, { recordId: id, attempt }) => {
    const call = { id, attempt, records: [...records], failed: false }
    const before = calls.length
    calls.push(call)
    most.underWay = Math.max(most.underWay, ++underWay)
    await new Promise((resolve) => setTimeout(resolve, 20))
    underWay--
    call.failed = fails(call, before)
    if (call.failed) throw new Error('down')
  }, options)
  return { write, calls, most }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, id) => id)
const simulated = { keepSinks: ['write'], parallelism: 1 } as const

describe('forEachBatch', { timeout: 120_000 }, () => {
  it('is called with full batches, with what has waited for its time, and with the rest', async () => {
    const { job, calls } = writing({ records: 4, time: '1s' })
    await simulate(job, { ...simulated, inputs: { numbers: [0, 1, 2, 3, 4, at('5s', 5), 6] } })
    expect(calls.map(({ id, records }) => [id, records])).toEqual([
      ['write/0/0', [0, 1, 2, 3]],
      ['write/0/1', [4]],
      ['write/0/2', [5, 6]],
    ])
  })

  it('has as many batches under way as it may', async () => {
    for (const concurrency of [1, 3]) {
      const { job, calls, most } = writing({ records: 5, concurrency })
      await simulate(job, { ...simulated, inputs: { numbers: numbers(100) } })
      expect(calls.flatMap(({ records }) => records)).toEqual(numbers(100))
      expect(most.underWay).toBe(concurrency)
    }
  })

  it('gives up the records that its last attempt gave up, with crashes in between too', async () => {
    const job = defineJob({ name: 'batches' }, (builder) => {
      const write = forEachBatch(
        async (records: readonly number[], context) => {
          const { attempt } = context
          const giveUp = (those: (record: number) => boolean): void =>
            records.filter(those).forEach((record) => context.deadLetter(record, new Error(`${record} is odd`)))
          giveUp((record) => record % 10 === (attempt === 1 ? 5 : 3))
          await new Promise((resolve) => setTimeout(resolve, attempt === 1 ? 60 : 20))
          // The first attempt has timed out by now, and says nothing any more.
          if (attempt === 1) giveUp((record) => record % 10 === 7)
        },
        { records: 8, timeout: 50, retry: { delay: 1, budget: false }, onError: 'deadLetter' },
      )
      const { deadLetters } = builder.source('numbers', fromArray<number>([])).sink('write', write)
      return { letters: deadLetters.map(({ input, attempts, reason }) => ({ input: input as number, attempts, reason })) }
    })
    for (const crashes of [0, 1]) {
      const { outputs } = await simulate(job, { ...simulated, seed: 3 + crashes, inputs: { numbers: numbers(60) }, crashes })
      expect(outputs.letters.toSorted((left, right) => left.input - right.input)).toEqual(
        numbers(60)
          .filter((record) => record % 10 === 3)
          .map((record) => ({ input: record, attempts: 2, reason: `${record} is odd` })),
      )
    }
  })

  it('tries a whole batch again, under the same id', async () => {
    const { job, calls } = writing({ records: 5, retry: { delay: 1, budget: false } }, ({ attempt }) => attempt < 3)
    await simulate(job, { ...simulated, inputs: { numbers: numbers(20) } })
    expect(calls.filter(({ failed }) => !failed).flatMap(({ records }) => records)).toEqual(numbers(20))
    expect(calls).toHaveLength(12)
    for (const { id, records } of calls) expect(records[0]).toBe(Number(id.split('/').at(-1)) * 5)
  })

  it('is called with the same batches under the same ids after a crash', async () => {
    let crashes = 0
    for (let seed = 1; seed <= 8; seed++) {
      for (const mode of ['aligned', 'unaligned'] as const) {
        const options = { records: 5, time: '1h', concurrency: 2, retry: { delay: '20ms', budget: false } } as const
        const { job, calls } = writing(options, ({ attempt, id }) => id.endsWith('3') && attempt === 1)
        const result = await simulate(job, {
          ...simulated,
          seed,
          inputs: { numbers: numbers(100) },
          crashes: 2,
          checkpoint: { interval: 30, mode },
        })
        crashes += result.crashes
        const written = calls.filter(({ failed }) => !failed).flatMap(({ records }) => records)
        expect([...new Set(written)].sort((left, right) => left - right)).toEqual(numbers(100))
        const batches = new Map<string, readonly number[]>()
        for (const { id, records } of calls) {
          expect(records).toEqual(batches.get(id) ?? records)
          batches.set(id, records)
        }
      }
    }
    expect(crashes).toBeGreaterThan(8)
  })

  it('goes on with the batch that it was gathering, wherever it is stopped or crashes', async () => {
    const spanning = { stop: 0, crash: 0 }
    const faults = { stop: 0, crash: 0 }
    for (let seed = 1; seed <= 12; seed++) {
      const random = new SeededRandom(seed)
      const kind = seed % 2 === 0 ? 'stop' : 'crash'
      const recordsMax = 3 + random.below(6)
      // Records come slowly, so that a batch is gathered nearly all the time; some are cut by their time and some are full.
      const gapMs = 5 + random.below(40)
      const { job, calls, attemptOf } = gathering(
        { records: recordsMax, time: 50 + random.below(300), concurrency: 1 + random.below(3), retry: { delay: '10ms', budget: false } },
        ({ id, attempt }) => id.endsWith('2') && attempt === 1,
      )
      const { crashes } = await simulate(job, {
        ...simulated,
        seed,
        inputs: { numbers: numbers(60).map((id) => at(id * gapMs, id)) },
        crashes: Array.from({ length: 3 }, () => ({
          of: kind === 'stop' ? 'stop' : random.pick(['process', 'worker'] as const),
          choice: 30 + random.below(300),
        })),
        checkpoint: { interval: 40, mode: random.pick(['aligned', 'unaligned'] as const) },
      })
      faults[kind] += crashes
      const written = calls.filter(({ failed }) => !failed).flatMap(({ records }) => records)
      expect([...new Set(written)].toSorted((left, right) => left - right)).toEqual(numbers(60))
      // A stop lets what is under way end, and what is gathered goes with the checkpoint: nothing is written twice.
      if (kind === 'stop') expect(written).toHaveLength(60)
      for (const { records } of calls) {
        expect(records.length).toBeLessThanOrEqual(recordsMax)
        // In their order, and none is left out.
        expect(records).toEqual(records.map((_, index) => (records[0] as number) + index))
        if (new Set(records.map((id) => attemptOf.get(id))).size > 1) spanning[kind]++
      }
    }
    // Batches that were begun in one attempt and called in another.
    expect(faults.stop).toBeGreaterThan(8)
    expect(faults.crash).toBeGreaterThan(8)
    expect(spanning.stop).toBeGreaterThan(5)
    expect(spanning.crash).toBeGreaterThan(5)
  })
})
