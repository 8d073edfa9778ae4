import { SluiceError } from '@sluice/engine'
import { expect, test } from 'vitest'
import { Simulation } from '../../../../engine/test/support/simulation.js'
import { discard, forEach, fromArray, generate, type ShedPolicy, toJsonLines } from '../../../src/index.js'
import { declare, nodeOf } from '../../support/graphs.js'
import { type ItemPolicy, ShedBench } from './shed-bench.js'

function refusal(action: () => unknown): SluiceError {
  try {
    action()
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  throw new Error('it was not refused')
}

const key = (): string => 'a'

test.each<[string, unknown, string]>([
  ['no policy', undefined, 'needs a policy'],
  ['an unknown policy', { policy: 'drop-all' }, "policy of shed shed is 'drop-all'"],
  ['no records', { policy: 'drop-newest', records: 0 }, 'records of shed shed is 0'],
  ['negative records', { policy: 'drop-newest', records: -1 }, 'records of shed shed is -1'],
  ['NaN records', { policy: 'drop-newest', records: Number.NaN }, 'records of shed shed is NaN'],
  ['no bytes', { policy: 'drop-newest', bytes: 0 }, 'bytes of shed shed is 0'],
  ['no time', { policy: 'drop-newest', time: 0 }, 'time of shed shed is 0'],
  ['an empty when', { policy: 'drop-newest', when: {} }, 'when of shed shed is empty'],
  ['a when of undefined', { policy: 'drop-newest', when: { age: undefined } }, 'when of shed shed is empty'],
  ['an unknown trigger', { policy: 'drop-newest', when: { load: 1 } }, 'when of shed shed has no trigger load'],
  ['no age', { policy: 'drop-newest', when: { age: 0 } }, 'age of shed shed is 0'],
  ['a keep of 0', { policy: 'sample', keep: 0 }, 'keep of shed shed is 0'],
  ['a keep of 1', { policy: 'sample', keep: 1 }, 'keep of shed shed is 1'],
  ['no keep', { policy: 'sample' }, 'keep of shed shed is undefined'],
  ['a NaN keep', { policy: 'sample', keep: Number.NaN }, 'keep of shed shed is NaN'],
  ['a key that is no function', { policy: 'latest', key: 'id' }, 'key of shed shed takes a function'],
  ['no key', { policy: 'latest' }, 'key of shed shed takes a function'],
  ['no priority', { policy: 'priority' }, 'priority of shed shed takes a function'],
  ['an option of another policy', { policy: 'drop-newest', key }, "with policy 'drop-newest' has no option key"],
  ['a misspelt option', { policy: 'drop-newest', recods: 5 }, "with policy 'drop-newest' has no option recods"],
  ['no directory', { policy: 'spill' }, 'directory of shed shed'],
  ['a spill that may lose', { policy: 'spill', directory: 'x', time: '1s' }, "with policy 'spill' has no option time"],
  ['a spill with too short a queue', { policy: 'spill', directory: 'x', records: 3 }, 'records of shed shed is 3'],
])('refused: %s', (_what, policy, message) => {
  const error = refusal(() => new ShedBench(policy as ItemPolicy))
  expect(error.code).toBe('SLUICE_OPTIONS_INVALID')
  expect(error.message).toContain(message)
})

test('two operators do not share a directory', () => {
  const error = refusal(() =>
    declare((job) => {
      const items = job.source('items', fromArray([1]))
      items.shed('one', { policy: 'spill', directory: 'spilled' }).sink('a', discard())
      items.shed('two', { policy: 'spill', directory: './spilled/' }).sink('b', discard())
    }),
  )
  expect(error.code).toBe('SLUICE_OPTIONS_INVALID')
  expect(error.message).toContain('one and two write to the same path')
})

test('a priority that is no number, and a key that is undefined, are coded errors', () => {
  for (const weight of [Number.NaN, undefined]) {
    const bench = new ShedBench({ policy: 'priority', priority: () => weight as number })
    bench.block()
    const error = refusal(() => bench.push({ id: 1 }))
    expect(error.code).toBe('SLUICE_OPTIONS_INVALID')
    expect(error.message).toContain('priority of shed operator gave')
  }
  for (const policy of [
    { policy: 'latest', key: () => undefined },
    { policy: 'sample', keep: 0.5, records: 1, by: () => undefined },
  ]) {
    const bench = new ShedBench(policy as unknown as ItemPolicy)
    bench.block()
    const error = refusal(() => {
      bench.push({ id: 1 })
      bench.push({ id: 2 })
    })
    expect(error.code).toBe('SLUICE_KEY_INVALID')
  }
})

test('a record that is larger than the whole queue is a coded error', () => {
  const bench = new ShedBench({ policy: 'drop-oldest', bytes: 20 })
  bench.block()
  const error = refusal(() => bench.push({ id: 1, pad: 'x'.repeat(30) }))
  expect(error.code).toBe('SLUICE_RECORD_TOO_LARGE')
  expect(error.hint).toContain('Raise bytes of operator')
})

test('a function that throws fails the job with the operator and the line', async () => {
  const graph = declare((job) => {
    job
      .source(
        'numbers',
        generate((index) => index, { count: 5_000 }),
      )
      .shed('shed', {
        policy: 'priority',
        priority: (record) => {
          if (record === 3_000) throw new Error('no idea')
          return record
        },
      })
      .sink(
        'out',
        forEach((): Promise<void> => simulation.delay(1), { concurrency: 1 }),
      )
  })
  const simulation: Simulation = new Simulation(graph, { workers: 0, parallelism: 1, windowTargetMs: 0.01 })
  const error: unknown = await simulation.run().catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'SLUICE_OPERATOR_FAILED', coordinates: { operator: 'shed', subtask: 0 } })
  expect((error as SluiceError).coordinates.declaredAt).toContain('bad-policies.test.ts')
})

test('an async function is refused when the job is planned', () => {
  const graph = declare((job) => {
    job
      .source('numbers', fromArray([1]))
      .shed('shed', { policy: 'priority', priority: (async () => 1) as unknown as () => number })
      .sink('out', discard())
  })
  expect(refusal(() => new Simulation(graph)).code).toBe('SLUICE_ASYNC_FUNCTION')
})

function lossyJob(policy: ShedPolicy<number>) {
  return declare((job) => {
    const shed = job.source('numbers', fromArray([1])).shed('shed', policy)
    shed.map((number) => number + 1, { name: 'more' }).sink('out', toJsonLines('out.jsonl'))
  })
}

test('in front of a sink that is exactly-once the loss has to be meant', () => {
  const checkpoint = { directory: 'checkpoints' }
  const error = refusal(() => new Simulation(lossyJob({ policy: 'drop-oldest' }), { checkpoint }))
  expect(error.code).toBe('SLUICE_LOSSY_STREAM')
  expect(error.message).toContain('shed drops the oldest records, and out writes each record exactly once: shed -> more -> out')
  expect(error.coordinates.operator).toBe('shed')
  expect(() => new Simulation(lossyJob({ policy: 'drop-oldest', lossy: true }), { checkpoint })).not.toThrow()
  // Without checkpoints, or with such as repeat records, nothing is exactly-once.
  expect(() => new Simulation(lossyJob({ policy: 'drop-oldest' }))).not.toThrow()
  expect(() => new Simulation(lossyJob({ policy: 'drop-oldest' }), { checkpoint: { ...checkpoint, mode: 'at-least-once' } })).not.toThrow()
})

test('a spill loses nothing', () => {
  const graph = declare((job) => {
    job
      .source('numbers', fromArray([1]))
      .shed('shed', { policy: 'spill', directory: 'spilled' })
      .sink('out', toJsonLines('out.jsonl'))
  })
  expect(() => new Simulation(graph, { checkpoint: { directory: 'checkpoints' } })).not.toThrow()
})

test('what it may hold is part of the memory plan', () => {
  const graph = declare((job) => {
    job
      .source('numbers', fromArray([1]))
      .shed('shed', { policy: 'drop-oldest', bytes: '8mb' })
      .sink('out', discard())
  })
  expect(new Simulation(graph).plan.memory.heldBytes).toBe(8 * 1024 * 1024)
  const error = refusal(() => new Simulation(graph, { memoryBytes: 4 * 1024 * 1024 }))
  expect(error.code).toBe('SLUICE_MEMORY_BUDGET')
  expect(error.message).toContain('8 MiB in queues of operators and sources')
})

test('its subtasks have a share of the bounds, and there are no more of them than records', () => {
  const graph = declare((job) => {
    job
      .source('numbers', fromArray([1]))
      .shed('shed', { policy: 'drop-oldest', records: 2 })
      .sink('out', discard())
  })
  expect(nodeOf(graph, 'shed').parallelismMax?.value).toBe(2)
})
