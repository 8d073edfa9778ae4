/** Records on which an operator's code fails: dropped and counted, or dead letters, while everything else goes on as if they had not been there. */
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.js'
import type { AsyncContext } from '../../src/graph/operator-context.js'
import type { DeadLetter, ErrorPolicy, OperatorSpec } from '../../src/graph/operator-spec.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { asyncMap, collectInto, general, indexSource, map, range } from '../support/specs.js'

const COUNT = 300
const fails = (record: number): boolean => record % 7 === 3
const check = (record: number): number => {
  if (fails(record)) throw Object.assign(new Error(`${record} is wrong`), { code: 'WRONG' })
  return record
}

interface Run {
  readonly got: number[]
  readonly letters: DeadLetter[]
  readonly simulation: Simulation
}

/** numbers -> op -> out, with the letters of `op` beside it. */
async function run(
  spec: OperatorSpec,
  options: SimulationOptions & { readonly reads?: boolean; readonly behind?: OperatorSpec } = {},
): Promise<Run> {
  const { reads = true, behind, ...settings } = options
  const got: number[] = []
  const letters: DeadLetter[] = []
  const consumes = spec.kind === 'async' && spec.discardsResults
  const gives = 'onError' in spec && spec.onError === 'deadLetter'
  const ports = [...(consumes ? [] : ['out']), ...(spec.kind === 'split' ? ['rest'] : []), ...(gives ? ['deadLetters'] : [])]
  const graph = graphOf(
    [
      { name: 'numbers', spec: indexSource(COUNT, (index) => index) },
      { name: 'op', spec, ports },
      ...(behind === undefined ? [] : [{ name: 'behind', spec: behind }]),
      ...(consumes ? [] : [{ name: 'out', spec: collectInto(got), parallelism: 1 }]),
      ...(gives && reads ? [{ name: 'dead', spec: collectInto(letters), parallelism: 1 }] : []),
    ],
    [
      { from: 'numbers', to: 'op' },
      ...(consumes
        ? []
        : behind === undefined
          ? [{ from: 'op', to: 'out' }]
          : [
              { from: 'op', to: 'behind' },
              { from: 'behind', to: 'out' },
            ]),
      ...(gives && reads ? [{ from: 'op', to: 'dead', port: ports.indexOf('deadLetters') }] : []),
    ],
  )
  const simulation = new Simulation(graph, { workers: 2, parallelism: 1, ringBytes: 4096, ...settings })
  await simulation.run()
  return { got, letters, simulation }
}

const counted = ({ simulation }: Run, which: 'dropped' | 'deadLetters'): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const operators of simulation.snapshot().operators)
    for (const { [which]: reasons } of operators) for (const { reason, count } of reasons) counts[reason] = (counts[reason] ?? 0) + count
  return counts
}
const letterCount = ({ simulation }: Run): number => simulation.snapshot().subtasks.reduce((sum, { deadLetters }) => sum + deadLetters, 0)

it('show as text what cannot be sent: a record of the same chain need not be plain data', async () => {
  const letters: DeadLetter[] = []
  const around: Record<string, unknown> = { id: 3 }
  around['self'] = around
  const odd: readonly unknown[] = [{ id: 0 }, { id: 1, run: () => 1 }, 'x'.repeat(70_000), around]
  const graph = graphOf(
    [
      { name: 'numbers', spec: indexSource(odd.length, (index) => index) },
      { name: 'make', spec: map((index: number) => odd[index]) },
      {
        name: 'op',
        spec: {
          ...map(() => {
            throw new Error('no')
          }),
          onError: 'deadLetter',
        } as OperatorSpec,
        ports: ['out', 'deadLetters'],
      },
      { name: 'out', spec: collectInto([]) },
      { name: 'dead', spec: collectInto(letters), parallelism: 1 },
    ],
    [
      { from: 'numbers', to: 'make' },
      { from: 'make', to: 'op' },
      { from: 'op', to: 'out' },
      { from: 'op', to: 'dead', port: 1 },
    ],
  )
  await new Simulation(graph, { parallelism: 1, workers: 1, maxRecordBytes: 65_536 }).run()
  expect(letters.map(({ input }) => input)).toEqual([{ id: 0 }, '{"id":1,"run":"[function]"}', `"${'x'.repeat(1_998)}…`, '[object Object]'])
})

/** Each gives the records on which it does not fail. */
const operators: Readonly<Record<string, (onError: ErrorPolicy) => OperatorSpec>> = {
  map: (onError) => ({ kind: 'map', fn: check, onError }),
  filter: (onError) => ({ kind: 'filter', fn: (record: number) => check(record) >= 0, onError }),
  flatMap: (onError) => ({ kind: 'flatMap', fn: (record: number) => [check(record)], onError }),
  split: (onError) => ({ kind: 'split', predicates: [(record: number) => check(record) >= 0], onError }),
  'generator that is pulled': (onError) => ({
    kind: 'flatMap',
    fn: function* (record: number) {
      yield check(record)
    },
    onError,
  }),
  'general operator': (onError) => ({
    kind: 'general',
    create: (context) => ({ process: (record, timestamp) => context.emit(check(record as number), timestamp) }),
    onError,
  }),
  'general operator that expands': (onError) => ({
    kind: 'general',
    create: (context) => ({
      process: (record, timestamp) =>
        context.expand(
          (function* () {
            yield check(record as number)
          })(),
          timestamp,
        ),
    }),
    onError,
  }),
  'synchronous asynchronous operator': (onError) => asyncMap(check, { onError }),
  'asynchronous operator': (onError) => asyncMap(async (record: number) => check(record), { onError }),
}

const settingsOf: readonly (readonly [string, SimulationOptions])[] = [
  ['chained, generated', {}],
  ['chained, interpreted', { codeGeneration: false }],
  ['over small rings, generated', { chaining: false }],
  ['over small rings, interpreted', { chaining: false, codeGeneration: false }],
]

describe.each(settingsOf)('records that fail, %s', (_name, settings) => {
  describe.each(Object.keys(operators))('in a %s', (name) => {
    const specOf = operators[name] as (onError: ErrorPolicy) => OperatorSpec

    it('become letters in order, and the others go on', async () => {
      for (let seed = 1; seed <= 5; seed++) {
        const ran = await run(specOf('deadLetter'), { ...settings, seed })
        expect(ran.got).toEqual(range(COUNT).filter((record) => !fails(record)))
        expect(ran.letters.map(({ input }) => input)).toEqual(range(COUNT).filter(fails))
        expect(ran.letters[0]).toMatchObject({ operator: 'op', subtask: 0, input: 3, reason: '3 is wrong', code: 'WRONG' })
        expect(counted(ran, 'deadLetters')).toEqual({ WRONG: ran.letters.length })
        expect(letterCount(ran)).toBe(ran.letters.length)
      }
    })

    it('are dropped and counted', async () => {
      const ran = await run(specOf('drop'), settings)
      expect(ran.got).toEqual(range(COUNT).filter((record) => !fails(record)))
      expect(counted(ran, 'dropped')).toEqual({ failed: range(COUNT).filter(fails).length })
    })

    it('are counted where nobody reads letters', async () => {
      const ran = await run(specOf('deadLetter'), { ...settings, reads: false })
      expect(ran.got).toEqual(range(COUNT).filter((record) => !fails(record)))
      expect(letterCount(ran)).toBe(range(COUNT).filter(fails).length)
      expect(ran.simulation.plan.notes).toContain('nothing reads the dead letters of op: read job.deadLetters, or they are only counted')
    })

    it('do not take errors of others for their own', async () => {
      const behind = map((record: number) => {
        if (record === 20) throw new Error('of another')
        return record
      })
      await expect(run(specOf('drop'), { ...settings, behind })).rejects.toMatchObject({
        code: 'SLUICE_OPERATOR_FAILED',
        coordinates: { operator: 'behind' },
      })
    })
  })

  it('fail the job where the error is its own', async () => {
    const spec: OperatorSpec = {
      kind: 'map',
      fn: () => {
        throw new SluiceError('SLUICE_RESOURCE_FAILED', 'not declared')
      },
      onError: 'drop',
    }
    await expect(run(spec, settings)).rejects.toMatchObject({ code: 'SLUICE_RESOURCE_FAILED' })
  })

  it('are on no output of a split, whichever predicate failed', async () => {
    const outputs: Record<string, number[]> = { even: [], large: [], rest: [] }
    const letters: DeadLetter[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(COUNT, (index) => index) },
        {
          name: 'op',
          spec: {
            kind: 'split',
            predicates: [(record: number) => record % 2 === 0, (record: number) => check(record) > 100],
            onError: 'deadLetter',
          },
          ports: ['even', 'large', 'rest', 'deadLetters'],
        },
        ...Object.entries(outputs).map(([name, got]) => ({ name, spec: collectInto(got), parallelism: 1 })),
        { name: 'dead', spec: collectInto(letters), parallelism: 1 },
      ],
      ['even', 'large', 'rest', 'dead'].map((to, port) => ({ from: 'op', to, port })).concat({ from: 'numbers', to: 'op', port: 0 }),
    )
    await new Simulation(graph, { workers: 2, parallelism: 1, ringBytes: 4096, ...settings }).run()
    const odd = range(COUNT).filter((record) => record % 2 === 1)
    expect(outputs).toEqual({
      even: range(COUNT).filter((record) => record % 2 === 0),
      large: odd.filter((record) => !fails(record) && record > 100),
      rest: odd.filter((record) => !fails(record) && record <= 100),
    })
    expect(letters.map(({ input }) => input)).toEqual(odd.filter(fails))
  })

  it('keep what was given before them of one iterable', async () => {
    const spec: OperatorSpec = {
      kind: 'flatMap',
      fn: function* (record: number) {
        yield record
        yield check(record)
      },
      onError: 'deadLetter',
    }
    const { got, letters } = await run(spec, settings)
    expect(got).toEqual(range(COUNT).flatMap((record) => (fails(record) ? [record] : [record, record])))
    expect(letters.map(({ input }) => input)).toEqual(range(COUNT).filter(fails))
  })

  it('need an iterable where one is expected', async () => {
    const fn = (record: number): Iterable<unknown> => (fails(record) ? (5 as unknown as Iterable<unknown>) : [record])
    const { letters } = await run({ kind: 'flatMap', fn, onError: 'deadLetter' }, settings)
    expect(letters[0]).toMatchObject({ input: 3, code: 'SLUICE_OPERATOR_FAILED' })
    expect(letters).toHaveLength(range(COUNT).filter(fails).length)
  })

  it('have no valid timestamp', async () => {
    const spec: OperatorSpec = {
      kind: 'timestamps',
      fn: (record: number) => (fails(record) ? Number.NaN : record * 1000),
      watermarks: { strategy: { outOfOrdernessMs: 0 }, idleAfterMs: undefined, perRecord: false },
      onError: 'deadLetter',
    }
    const { got, letters } = await run(spec, settings)
    expect(got).toEqual(range(COUNT).filter((record) => !fails(record)))
    expect(letters.map(({ code, input }) => [code, input])).toEqual(
      range(COUNT)
        .filter(fails)
        .map((record) => ['SLUICE_TIMESTAMP_INVALID', record]),
    )
  })

  it('of a consumer are letters too, and of a batch all of its records', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const seen: number[] = []
      const batches: number[][] = []
      const consume = asyncMap(
        async (record: number) => {
          seen.push(check(record))
        },
        { discardsResults: true, ordered: false, onError: 'deadLetter' },
      )
      const one = await run(consume, { ...settings, seed })
      expect(seen).toEqual(range(COUNT).filter((record) => !fails(record)))
      expect(one.letters.map(({ input }) => input).toSorted((a, b) => (a as number) - (b as number))).toEqual(range(COUNT).filter(fails))
      const insert = asyncMap(
        async (records: readonly number[]) => {
          batches.push([...records])
          await Promise.resolve()
          check(records[0] ?? 0)
        },
        { discardsResults: true, ordered: false, concurrency: 2, onError: 'deadLetter', gathers: { recordsMax: 16, timeMs: 50 } },
      )
      const many = await run(insert, { ...settings, seed })
      expect(batches.flat()).toEqual(range(COUNT))
      expect(batches.every(({ length }) => length <= 16)).toBe(true)
      const lost = batches.filter(([first = 0]) => fails(first)).flat()
      expect(lost.length).toBeGreaterThan(0)
      expect(many.letters.map(({ input }) => input)).toEqual(lost)
      expect(new Set(many.letters.map(({ recordId }) => recordId)).size).toBe(batches.filter(([first = 0]) => fails(first)).length)
      expect(many.simulation.snapshot().subtasks.reduce((sum, { recordsOut }) => sum + recordsOut, 0)).toBeGreaterThanOrEqual(COUNT)
    }
  })
})

/** Reads its records, and gives up those that fail. */
const insertEach = (written: number[], onError: ErrorPolicy, fn: (records: readonly number[]) => Promise<void> | void = () => {}) =>
  asyncMap(
    (records: readonly number[], context: AsyncContext) => {
      for (const record of records) {
        try {
          check(record)
        } catch (error) {
          context.deadLetter(record, error)
          continue
        }
        written.push(record)
      }
      return fn(records)
    },
    { discardsResults: true, ordered: false, concurrency: 2, onError, gathers: { recordsMax: 16, timeMs: 50 } },
  )

describe('a batch', () => {
  it.each([
    ['at once', () => {}],
    ['with a promise', async () => {}],
  ])('gives records up one by one %s, and the others go on', async (_name, fn) => {
    const written: number[] = []
    const ran = await run(insertEach(written, 'deadLetter', fn))
    expect(written).toEqual(range(COUNT).filter((record) => !fails(record)))
    expect(ran.letters.map(({ input, reason, attempts }) => [input, reason, attempts])).toEqual(
      range(COUNT)
        .filter(fails)
        .map((record) => [record, `${record} is wrong`, 1]),
    )
    expect(ran.letters[0]?.recordId).toMatch(/^op\/0\/\d+$/)
    expect(counted(ran, 'deadLetters')).toEqual({ WRONG: ran.letters.length })
    expect(counted(await run(insertEach([], 'drop', fn)), 'dropped')).toEqual({ failed: ran.letters.length })
  })

  it('gives a record up once, however often it is said, with the first error', async () => {
    const twice = asyncMap(
      (records: readonly number[], context: AsyncContext) => {
        for (const record of [...records].reverse()) {
          if (!fails(record)) continue
          for (const nth of ['first', 'second']) context.deadLetter(record, new Error(nth))
        }
      },
      { discardsResults: true, ordered: false, onError: 'deadLetter', gathers: { recordsMax: 16, timeMs: 50 } },
    )
    const ran = await run(twice)
    expect(ran.letters.map(({ input, reason }) => [input, reason])).toEqual(
      range(COUNT)
        .filter(fails)
        .map((record) => [record, 'first']),
    )
    expect(counted(ran, 'deadLetters')).toEqual({ Error: ran.letters.length })
  })

  it('gives up as many of equal records as are said', async () => {
    const dropped: number[] = []
    const halves = asyncMap(
      (records: readonly unknown[], context: AsyncContext) => {
        const some = records.slice(0, 3)
        dropped.push(some.length)
        for (const record of some) context.deadLetter(record, new Error('refused'))
      },
      { discardsResults: true, ordered: false, onError: 'deadLetter', gathers: { recordsMax: 16, timeMs: 50 } },
    )
    const letters: DeadLetter[] = []
    const graph = graphOf(
      [
        { name: 'same', spec: indexSource(COUNT, () => 'same') },
        { name: 'op', spec: halves, ports: ['deadLetters'] },
        { name: 'dead', spec: collectInto(letters), parallelism: 1 },
      ],
      [
        { from: 'same', to: 'op' },
        { from: 'op', to: 'dead' },
      ],
    )
    await new Simulation(graph, { workers: 1, parallelism: 1 }).run()
    expect(letters.length).toBe(dropped.reduce((sum, count) => sum + count, 0))
  })

  it('fails the job where it gives up what is not in it: its own record would be taken for delivered', async () => {
    const other = asyncMap(
      (records: readonly number[], context: AsyncContext) => context.deadLetter({ row: records[0] }, new Error('refused')),
      { discardsResults: true, ordered: false, onError: 'deadLetter', gathers: { recordsMax: 16, timeMs: 50 } },
    )
    await expect(run(other)).rejects.toMatchObject({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining('not in the batch') })
  })

  it('that fails is letters of all its records, those that were given up with their own error', async () => {
    const { letters } = await run(
      insertEach([], 'deadLetter', async ([first]) => {
        if (first === 0) throw new Error('refused')
      }),
    )
    const lost = range(COUNT).filter((record) => record < 16 || fails(record))
    expect(letters.map(({ input, reason }) => [input, reason])).toEqual(
      lost.map((record) => [record, fails(record) ? `${record} is wrong` : 'refused']),
    )
  })

  it('fails the job where its policy is to fail', async () => {
    await expect(run(insertEach([], 'fail'))).rejects.toMatchObject({ code: 'SLUICE_OPERATOR_FAILED', cause: { message: '3 is wrong' } })
  })

  it('is called when its time has come, also where nothing follows', async () => {
    const calls: { readonly at: number; readonly records: readonly number[] }[] = []
    const simulations: Simulation[] = []
    const graph = graphOf(
      [
        // Two records, and then nothing for long.
        { name: 'numbers', spec: indexSource(3, (index) => index, 0.5) },
        {
          name: 'insert',
          ports: [],
          spec: asyncMap(
            (records: readonly number[]) => {
              calls.push({ at: Math.round((simulations[0]?.nowMs ?? 0) - 1000), records })
            },
            { discardsResults: true, ordered: false, gathers: { recordsMax: 100, timeMs: 500 } },
          ),
        },
      ],
      [{ from: 'numbers', to: 'insert' }],
    )
    const simulation = new Simulation(graph, { workers: 1, parallelism: 1, tickMsMax: 0.001 })
    simulations.push(simulation)
    await simulation.run()
    expect(calls.map(({ records }) => records)).toEqual([[0], [1], [2]])
    expect(calls.map(({ at }) => Math.round(at / 100) / 10)).toEqual([0.5, 2.5, 4])
  })

  it('counts as little in the budget of memory as its records need', () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(3, (index) => index) },
        {
          name: 'insert',
          ports: [],
          spec: asyncMap(() => undefined, { discardsResults: true, gathers: { recordsMax: 5000, timeMs: 1000 } }),
        },
      ],
      [{ from: 'numbers', to: 'insert' }],
    )
    expect(planJob(graph, resolveSettings(graph.settings, { cores: 8 })).memory.asyncBytes).toBeLessThan(64 * 1024 * 1024)
  })

  it('of an operator that gives results is a defect', async () => {
    const spec = asyncMap((records) => records, { gathers: { recordsMax: 4, timeMs: 10 } })
    await expect(run(spec)).rejects.toMatchObject({ code: 'SLUICE_ASSERTION' })
  })
})

it('a general operator that fails without a record fails the job, whatever its policy', async () => {
  const spec = general((context) => ({
    process: (record, timestamp) => context.emit(record, timestamp),
    onEnd: function* () {
      yield check(3)
    },
  }))
  await expect(run({ ...spec, onError: 'drop' } as OperatorSpec)).rejects.toMatchObject({ code: 'SLUICE_OPERATOR_FAILED' })
})
