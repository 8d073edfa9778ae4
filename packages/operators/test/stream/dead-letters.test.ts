/** Where dead letters go in the graph of a job: which operators have them, which are those of the job, and that no letter can go round. */
import { planJob, resolveSettings } from '@sluice/engine'
import { describe, expect, it } from 'vitest'
import { defineJob, discard, forEach, fromArray, type JobBuilder, sideOutput, type Stream } from '../../src/index.js'

/** Edges as `from.port -> to`. */
function edgesOf(declare: (job: JobBuilder) => void): readonly string[] {
  const graph = defineJob({ name: 'test' }, declare).declare({}, { collect: false })
  return graph.edges.map(
    ({ from, to }) => `${graph.nodes[from.node]?.name}.${graph.nodes[from.node]?.ports[from.port]} -> ${graph.nodes[to.node]?.name}`,
  )
}

describe('the dead letters of a job', () => {
  it('are those of every source and every operator that gives them, declared before or behind', () => {
    const edges = edgesOf((job) => {
      const numbers = job.source('numbers', fromArray([1]))
      job.deadLetters.sink('dead', discard())
      const twice = numbers.map((n) => n * 2, { name: 'twice', onError: 'deadLetter' })
      twice.filter((n) => n > 0, { name: 'positive', onError: 'drop' }).sink('out', discard())
      numbers
        .keyBy((n) => n)
        .process('each', (n) => [n], { onError: 'deadLetter' })
        .sink('each-out', discard())
      numbers.mapAsync('ask', async (n) => n, { onError: 'deadLetter' }).sink('asked', discard())
      numbers.sink(
        'notify',
        forEach(async () => {}, { onError: 'deadLetter' }),
      )
    })
    expect(edges.filter((edge) => edge.endsWith('-> dead'))).toEqual([
      'numbers.deadLetters -> dead',
      'twice.deadLetters -> dead',
      'each.deadLetters -> dead',
      'ask.deadLetters -> dead',
      'notify.deadLetters -> dead',
    ])
  })

  it('are not those of what stands behind them', () => {
    const edges = edgesOf((job) => {
      const numbers = job.source('numbers', fromArray([1])).map((n) => n * 2, { name: 'twice', onError: 'deadLetter' })
      const reasons = job.deadLetters.map(({ reason }) => reason, { name: 'reasons', onError: 'deadLetter' })
      numbers
        .map(String)
        .union(reasons)
        .map((text) => text.length, { name: 'lengths', onError: 'deadLetter' })
        .sink('out', discard())
      reasons.deadLetters.sink('of reasons', discard())
    })
    expect(edges.filter((edge) => edge.includes('deadLetters'))).toEqual([
      'numbers.deadLetters -> reasons',
      'twice.deadLetters -> reasons',
      'reasons.deadLetters -> of reasons',
    ])
  })

  it('are read from an operator or a sink alone too', () => {
    const edges = edgesOf((job) => {
      const numbers = job.source('numbers', fromArray([1]))
      const side = sideOutput<number>('side')
      const split = numbers.process('split', (n) => [n > 1 ? n : side(n)], { onError: 'deadLetter' })
      split.deadLetters.sink('of split', discard())
      split.sideOutput(side).sink('of side', discard())
      split.withTimestamps(() => 0, { onError: 'deadLetter', name: 'time' }).deadLetters.sink('of time', discard())
      const { deadLetters } = split.sink(
        'notify',
        forEach(async () => {}, { onError: 'deadLetter' }),
      )
      deadLetters.sink('of notify', discard())
    })
    expect(edges.slice(1)).toEqual([
      'split.deadLetters -> of split',
      'split.side -> of side',
      'split.out -> time',
      'time.deadLetters -> of time',
      'split.out -> notify',
      'notify.deadLetters -> of notify',
    ])
  })

  it('are warned of where nobody reads them', () => {
    const graph = defineJob({ name: 'test' }, (job) => {
      job
        .source('numbers', fromArray([1]))
        .map((n) => n, { name: 'same', onError: 'deadLetter' })
        .sink(
          'notify',
          forEach(async () => {}, { onError: 'deadLetter' }),
        )
    }).declare({}, { collect: false })
    const { notes } = planJob(graph, resolveSettings(graph.settings, { cores: 2 }))
    for (const operator of ['same', 'notify'])
      expect(notes).toContain(`nothing reads the dead letters of ${operator}: read job.deadLetters, or they are only counted`)
  })

  it('are given by every operator that calls a function for one record and keeps nothing of it', () => {
    const options = { onError: 'deadLetter' } as const
    const edges = edgesOf((job) => {
      const numbers = job.source('numbers', fromArray([1]))
      const { even, rest, deadLetters } = numbers.split({ even: (n) => n % 2 === 0 }, options)
      deadLetters.sink('of split', discard())
      even.sink('even', discard())
      rest
        .lookupJoin('table', fromArray([2]), (n) => n, { on: (n) => n, key: (n) => n, ...options })
        .keyBy((n) => n)
        .lookupJoin(
          'ask',
          async (n) => n,
          (n) => n,
          options,
        )
        .sink('out', discard())
      job.deadLetters.sink('dead', discard())
    })
    expect(edges).toEqual([
      'numbers.out -> split',
      'split.deadLetters -> of split',
      'split.even -> even',
      'split.rest -> table',
      'table.out -> ask',
      'ask.out -> out',
      'numbers.deadLetters -> dead',
      'split.deadLetters -> dead',
      'table.deadLetters -> dead',
      'ask.deadLetters -> dead',
    ])
  })

  it('are not asked for in vain: a policy that an operator does not have is refused', () => {
    const declare = (of: (numbers: Stream<number, 'no timestamps'>) => unknown) => () =>
      edgesOf((job) => void of(job.source('numbers', fromArray([1]))))
    const onError = { onError: 'drop' } as object
    const keyed = (numbers: Stream<number>) => numbers.keyBy((n) => n)
    const hint = 'Sort out what it would fail on in front of it, with a filter or a map that has onError.'
    for (const [what, wrong] of [
      ['reduce', (numbers: Stream<number>) => keyed(numbers).reduce('op', (left) => left, onError)],
      ['dedupe', (numbers: Stream<number>) => keyed(numbers).dedupe('op', { ttl: '1s', ...onError })],
      ['join', (numbers: Stream<number>) => keyed(numbers).join('op', keyed(numbers), (left) => left, onError)],
      ['shed', (numbers: Stream<number>) => numbers.shed('op', { policy: 'drop-oldest', records: 1 }, onError)],
    ] as const)
      expect(declare(wrong)).toThrow(
        expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: `${what} op has no option onError.`, hint }),
      )
    expect(declare((numbers) => numbers.keyBy((n) => n, onError))).toThrow('keyBy has no option onError.')
    expect(() => edgesOf((job) => job.source('numbers', fromArray([1]), onError).sink('out', discard()))).toThrow(
      'source numbers has no option onError.',
    )
    expect(declare((numbers) => numbers.sink('op', discard(), onError))).toThrow('sink op has no option onError.')
    expect(declare((numbers) => numbers.split({ deadLetters: () => true } as never))).toThrow("must not be named 'deadLetters'")
    for (const wrong of [
      (numbers: Stream<number>) => numbers.split({ even: () => true }, { onError: 'ignore' as never }),
      (numbers: Stream<number>) =>
        numbers.lookupJoin('op', fromArray([1]), (n) => n, { on: (n) => n, key: (n) => n, onError: 'ignore' as never }),
      (numbers: Stream<number>) =>
        numbers.lookupJoin(
          'op',
          async () => 1,
          (n) => n,
          { on: (n) => n, onError: 'ignore' as never },
        ),
    ])
      expect(declare(wrong)).toThrow(/onError.* is 'ignore', and takes 'fail' or 'drop' or 'deadLetter'/)
  })

  it.each(['deadLetters', 'late', 'out'])('are not mixed with a side output: none may be named %s', (name) => {
    expect(() => sideOutput(name)).toThrow(
      expect.objectContaining({
        code: 'SLUICE_OPTIONS_INVALID',
        message: `a side output must not be named '${name}': operators have an output of that name`,
        hint: `Give it another name, such as 'my-${name}'.`,
        coordinates: expect.objectContaining({ declaredAt: expect.stringContaining('dead-letters.test.ts') }),
      }),
    )
  })

  it('are refused of an operator that gives none, and wrong policies too', () => {
    const declare = (of: (job: JobBuilder) => unknown) => () => edgesOf((job) => void of(job))
    expect(
      declare(
        (job) => (job.source('numbers', fromArray([1])).map((n) => n, { name: 'same' }) as unknown as { deadLetters: unknown }).deadLetters,
      ),
    ).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', hint: "Give it onError: 'deadLetter'." }))
    expect(declare((job) => job.source('numbers', fromArray([1])).map((n) => n, { onError: 'ignore' as never }))).toThrow(
      "map: onError is 'ignore', and takes 'fail' or 'drop' or 'deadLetter'.",
    )
  })
})
