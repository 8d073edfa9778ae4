/**
 * Records that fail, in whole jobs under random interleavings and with crashes: each is a result, a dead letter or dropped, once, whatever was tried before, at another
 * parallelism too.
 */
import { defineJob, defineSink, discard, fromArray, generate, type Job, type LetteredSink, valueState } from '@sluice/operators'
import { describe, expect, it, test } from 'vitest'
import { rewriteGraph } from '../../src/job/rewrite-graph.js'
import { Simulation } from '../../src/job/simulation.js'
import { type Crash, simulate } from '../../src/index.js'
import { Scheduler } from '../../src/schedule/scheduler.js'

const TOTAL = 300
const numbers = Array.from({ length: TOTAL }, (_, number) => number)
const bySize = (left: number, right: number): number => left - right
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Fails now and then, and not the same records in every attempt. */
async function flaky(number: number): Promise<number> {
  await wait(Math.random() * 5)
  if (Math.random() < 0.2) throw new Error(`${number} did not work`)
  return number
}

/** By choice: a run that looks for the length of the job would be seen by functions of the test. */
const crashesOf = (seed: number): readonly Crash[] => [
  { of: 'worker', choice: 60 + 20 * seed },
  { of: 'process', choice: 150 + 30 * seed },
]

const modes = [true, false].flatMap((ordered) => (['aligned', 'unaligned'] as const).map((mode) => ({ ordered, mode })))

describe.each(modes)('calls that fail, ordered $ordered, $mode', ({ ordered, mode }) => {
  test('every record is a result or a letter, once', { timeout: 120_000 }, async () => {
    const job = defineJob({ name: 'calls' }, (builder) => {
      const asked = builder
        .source('numbers', fromArray<number>([]))
        .mapAsync('ask', flaky, { ordered, concurrency: 8, onError: 'deadLetter' })
      const letters = asked.deadLetters.map(({ input, recordId, attempts }) => ({ input: input as number, recordId, attempts }))
      return { asked, letters }
    })
    let lost = 0
    let crashed = 0
    for (let seed = 1; seed <= 5; seed++) {
      const crashes = seed % 2 === 0 ? 2 : 0
      const { outputs, crashes: injected } = await simulate(job, {
        seed,
        inputs: { numbers },
        crashes,
        checkpoint: { mode },
        parallelism: seed === 2 ? 3 : 1,
      })
      const letters = outputs.letters.map(({ input }) => input)
      expect([...outputs.asked, ...letters].toSorted(bySize)).toEqual(numbers)
      expect(outputs.letters.every(({ attempts, recordId }) => attempts === 1 && recordId?.startsWith('ask/') === true)).toBe(true)
      if (ordered && seed !== 2) {
        expect(outputs.asked).toEqual([...outputs.asked].toSorted(bySize))
        expect(letters).toEqual([...letters].toSorted(bySize))
      }
      lost += letters.length
      crashed += injected
    }
    expect(lost).toBeGreaterThan(20)
    expect(crashed).toBeGreaterThan(0)
  })
})

test('records on which handlers throw leave no mark but a letter, and those behind them find the state as it is', {
  timeout: 120_000,
}, async () => {
  const job = defineJob({ name: 'sums' }, (builder) => {
    const sums = builder
      .source('numbers', fromArray<number>([]))
      .flatMap(
        function* (number) {
          yield number
          if (number % 10 === 9) throw new Error('behind its only element')
        },
        { onError: 'drop' },
      )
      .keyBy((number) => number % 5)
      .process(
        'sum',
        {
          state: { sum: valueState<number>({ default: 0 }) },
          onRecord(number, context) {
            if (number % 7 === 0) throw new Error('a multiple of seven')
            const sum = context.state.sum.get() + number
            context.state.sum.set(sum)
            return [{ number, sum }]
          },
        },
        { onError: 'deadLetter' },
      )
    return { sums, letters: sums.deadLetters.map(({ input }) => input as number) }
  })
  const sums = new Map<number, number>()
  const expected = numbers.flatMap((number) => {
    if (number % 7 === 0) return []
    const sum = (sums.get(number % 5) ?? 0) + number
    sums.set(number % 5, sum)
    return [{ number, sum }]
  })
  for (let seed = 1; seed <= 6; seed++) {
    const { outputs } = await simulate(job, { seed, parallelism: 1, inputs: { numbers }, crashes: seed % 2 === 0 ? 2 : 0 })
    expect([...outputs.sums].toSorted((left, right) => left.number - right.number)).toEqual(expected)
    expect([...outputs.letters].toSorted(bySize)).toEqual(numbers.filter((number) => number % 7 === 0))
  }
})

test.each(['table', 'function', 'function with a cache'])(
  'splits and lookups of a %s that fail give letters, and what they found otherwise',
  async (kind) => {
    const wrong = (number: number): boolean => number % 7 === 0
    const asked: number[] = []
    const job = defineJob({ name: 'lookups' }, (builder) => {
      const { even, rest, deadLetters } = builder
        .source('numbers', fromArray<number>([]))
        .split({ even: (number) => (number % 11 === 0 ? BigInt(0.5) : 0n) === 0n && number % 2 === 0 }, { onError: 'deadLetter' })
      const on = (number: number): number => number % 50
      const table = fromArray(Array.from({ length: 50 }, (_, key) => ({ key, square: key * key })))
      const join = (number: number, row: { readonly square: number } | undefined): { number: number; square: number | undefined } => {
        if (wrong(number)) throw new RangeError('a multiple of seven')
        return { number, square: row?.square }
      }
      const options = { on, onError: 'deadLetter' } as const
      const found =
        kind === 'table'
          ? even.lookupJoin('look', table, join, { ...options, key: ({ key }) => key })
          : even.lookupJoin(
              'look',
              async (key: number) => {
                asked.push(key)
                await wait(Math.random() * 5)
                if (key === 4) throw new Error('nobody answers')
                return { square: key * key }
              },
              join,
              { ...options, concurrency: 4, cache: kind === 'function' ? false : {}, retry: { attempts: 2, delay: '1ms', budget: false } },
            )
      return { found, rest, odd: deadLetters, letters: found.deadLetters }
    })
    const fails = (number: number): boolean => wrong(number) || (kind !== 'table' && number % 50 === 4)
    const even = numbers.filter((number) => number % 2 === 0 && number % 11 !== 0)
    const byNumber = (left: { readonly number: number }, right: { readonly number: number }): number => left.number - right.number
    for (const seed of [1, 2]) {
      asked.length = 0
      const { outputs } = await simulate(job, { seed, parallelism: 1, inputs: { numbers }, crashes: seed === 2 ? 1 : 0 })
      expect(outputs.odd.map(({ input }) => input as number).toSorted(bySize)).toEqual(numbers.filter((number) => number % 11 === 0))
      expect(outputs.rest.toSorted(bySize)).toEqual(numbers.filter((number) => number % 2 === 1 && number % 11 !== 0))
      const expected = even.filter((number) => !fails(number)).map((number) => ({ number, square: (number % 50) ** 2 }))
      expect([...outputs.found].toSorted(byNumber)).toEqual(expected)
      const letters = outputs.letters.map(({ input, code }) => [input, code]).toSorted(([a], [b]) => (a as number) - (b as number))
      expect(letters).toEqual(even.filter(fails).map((number) => [number, kind !== 'table' && number % 50 === 4 ? 'Error' : 'RangeError']))
      if (seed === 1 && kind === 'function with a cache') {
        // What was found is asked for once; what fails is tried twice, and again for the next record.
        const [failing, others] = [asked.filter((key) => key === 4), asked.filter((key) => key !== 4)]
        expect(others.length).toBe(new Set(others).size)
        expect(failing.length).toBeGreaterThanOrEqual(2)
      }
      if (kind === 'function')
        expect(new Set(outputs.letters.filter(({ code }) => code === 'Error').map(({ attempts }) => attempts))).toEqual(new Set([2]))
    }
  },
)

/** Batches as the engine gathers them. */
function insert(of: (records: readonly number[], recordId: string) => Promise<void>, timeMs: number): LetteredSink<number> {
  return {
    spec: {
      kind: 'async',
      fn: (records: readonly number[], { recordId }: { readonly recordId: string }) => of(records, recordId),
      concurrency: 3,
      ordered: false,
      timeoutMs: 60_000,
      discardsResults: true,
      mayChain: false,
      onError: 'deadLetter',
      gathers: { recordsMax: 16, timeMs },
    },
    options: { type: 'insert' },
    onError: 'deadLetter',
    delivery: 'at-least-once',
  }
}

test('a batch that was in flight comes again as it was, under its id, and each record is written or a letter', {
  timeout: 120_000,
}, async () => {
  let crashed = 0
  let again = 0
  for (let seed = 1; seed <= 8; seed++) {
    const batches = new Map<string, string>()
    const written = new Set<number>()
    /** A wrong batch would only be a letter where it were said in the function. */
    const changed: string[] = []
    const job = defineJob({ name: 'batches' }, (builder) => {
      const { deadLetters } = builder.source('numbers', fromArray<number>([]), { parallelism: 1 }).sink(
        'insert',
        insert(async (records, recordId) => {
          const text = records.join()
          if (batches.has(recordId)) again++
          // Cut by their number alone, so batches that were not in the checkpoint are the same again too.
          if ((batches.get(recordId) ?? text) !== text) changed.push(`${recordId}: ${batches.get(recordId)} became ${text}`)
          batches.set(recordId, text)
          await wait(Math.random() * 20)
          if (Math.random() < 0.2) throw new Error('refused')
          for (const record of records) written.add(record)
        }, 1_000_000),
        { parallelism: 1 },
      )
      return { letters: deadLetters.map(({ input }) => input as number) }
    })
    const { outputs, crashes } = await simulate(job, { seed, parallelism: 1, inputs: { numbers }, crashes: crashesOf(seed) })
    expect(changed).toEqual([])
    expect(new Set(outputs.letters).size).toBe(outputs.letters.length)
    expect([...new Set([...written, ...outputs.letters])].toSorted(bySize)).toEqual(numbers)
    crashed += crashes
  }
  expect(crashed).toBeGreaterThan(4)
  expect(again).toBeGreaterThan(0)
})

test('records that a sink cannot write are letters once, with its commits', { timeout: 120_000 }, async () => {
  let crashed = 0
  for (let seed = 1; seed <= 8; seed++) {
    const visible = new Map<string, readonly number[]>()
    const picky = defineSink<number, 'deadLetter'>({
      transactional: true,
      onError: 'deadLetter',
      open: (context) => {
        let open: number[] = []
        const { run, subtask } = context
        return {
          async write(records) {
            const taken = [...records]
            await wait(Math.random() * 3)
            for (const record of taken) {
              if (record % 6 === 1) context.deadLetter(record, new Error('odd'))
              else open.push(record)
            }
          },
          prepare(checkpoint) {
            const records = open
            open = []
            return { id: `${run?.attempt}/${subtask.index}/${checkpoint}`, records }
          },
          commit(prepared) {
            const { id, records } = prepared as { readonly id: string; readonly records: readonly number[] }
            visible.set(id, records)
          },
          finish() {
            if (run === undefined) visible.set(String(subtask.index), open)
          },
        }
      },
    })
    const job = defineJob({ name: 'picky' }, (builder) => {
      const { deadLetters } = builder.source('numbers', fromArray<number>([])).sink('picky', picky)
      return { letters: deadLetters.map(({ input }) => input as number) }
    })
    const { outputs, crashes } = await simulate(job, {
      seed,
      inputs: { numbers },
      keepSinks: ['picky'],
      crashes: seed % 4 === 0 ? [] : crashesOf(seed),
    })
    expect([...visible.values()].flat().toSorted(bySize)).toEqual(numbers.filter((number) => number % 6 !== 1))
    expect([...outputs.letters].toSorted(bySize)).toEqual(numbers.filter((number) => number % 6 === 1))
    crashed += crashes
  }
  expect(crashed).toBeGreaterThan(4)
})

describe.each([
  [2, 3],
  [4, 1],
] as const)('from parallelism %i to %i', (before, after) => {
  it.each(['aligned', 'unaligned'] as const)('%s: what is in flight goes on, letters among it', { timeout: 120_000 }, async (mode) => {
    const job: Job<unknown, unknown> = defineJob({ name: 'calls' }, (builder) => {
      const source = builder.source(
        'numbers',
        generate((index) => index, { count: TOTAL }),
      )
      const asked = source.mapAsync('ask', flaky, { concurrency: 12, onError: 'deadLetter' })
      asked.sink('out', discard())
      asked.deadLetters.map(({ input }) => input as number).sink('dead', discard())
      const { deadLetters } = source.sink(
        'insert',
        insert(async () => {
          await wait(3)
          throw new Error('refused')
        }, 5),
      )
      deadLetters.map(({ input }) => input as number).sink('refused', discard())
    })
    let rescaled = 0
    for (let seed = 1; seed <= 6; seed++) {
      const simulation: Simulation = new Simulation({
        scheduler: new Scheduler({ seed, choicesMax: 400_000 }),
        declare: () =>
          rewriteGraph(job.declare({}, { collect: false }), {
            source: () => undefined,
            sink: ({ name }) => simulation.recorder.sink(name),
          }),
        settings: (process) => ({
          workers: 2,
          parallelism: process === 0 ? before : after,
          ringBytes: 4096,
          keyGroups: 16,
          checkpoint: { directory: 'simulated', intervalMs: 10, mode },
        }),
        crashes: [{ of: 'process', choice: 150 * seed }],
      })
      await simulation.run()
      const recorded = (sink: string): readonly number[] => simulation.recorder.recordsOf(sink) as readonly number[]
      expect([...recorded('out'), ...recorded('dead')].toSorted(bySize)).toEqual(numbers)
      expect([...recorded('refused')].toSorted(bySize)).toEqual(numbers)
      rescaled += simulation.attempts > 1 ? 1 : 0
    }
    expect(rescaled).toBeGreaterThan(3)
  })
})
