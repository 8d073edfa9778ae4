/** Where dead letters go in the graph of a job: which operators have them, which are those of the job, and that no letter can go round. */
import { planJob, resolveSettings } from '@sluice/engine'
import { describe, expect, it } from 'vitest'
import { defineJob, discard, forEach, fromArray, type JobBuilder, sideOutput } from '../../src/index.js'

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
