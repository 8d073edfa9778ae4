import { describe, expect, test } from 'vitest'
import {
  type CompareOptions,
  type CheckpointComparison,
  compareWithCheckpoint,
} from '../../src/checkpoint/compare/compare-with-checkpoint.js'
import { describeEdges, describeOperators } from '../../src/checkpoint/manifest/describe-job.js'
import type { CheckpointManifest } from '../../src/checkpoint/manifest/manifest.js'
import type { JobSettings, LogicalGraph } from '../../src/graph/logical-graph.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import type { PhysicalPlan } from '../../src/plan/physical-plan.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { GraphBuilder, map, sink, source } from '../support/graph-builder.js'

const general: OperatorSpec = { kind: 'general', create: () => ({ process: () => undefined }) }

function job(
  changes: { readonly count?: string; readonly options?: object; readonly map?: string; readonly spec?: OperatorSpec } = {},
): LogicalGraph {
  const { count = 'count', options = { type: 'window', window: { size: 10 } }, map: name = 'double', spec = general } = changes
  return new GraphBuilder()
    .node('numbers', source)
    .node(name, map)
    .node(count, spec, { options: { ...options } })
    .node('out', sink)
    .edge('numbers', name)
    .edge(name, count, { partitioning: 'hash' })
    .edge(count, 'out')
    .build()
}

function planOf(graph: LogicalGraph, settings: JobSettings = {}): PhysicalPlan {
  return planJob(graph, resolveSettings({}, { cores: 2, parallelism: 2, ...settings }))
}

function manifestOf(graph: LogicalGraph, changes: Partial<CheckpointManifest> = {}, channelBytes = 0): CheckpointManifest {
  const plan = planOf(graph)
  const figures = { startDelayMs: 0, alignmentMs: 0, syncMs: 0, asyncMs: 0, stateBytes: 0, channelBytes }
  return {
    formatVersion: 1,
    sluice: '0.0.0',
    job: graph.job,
    run: 'run',
    attempt: 1,
    id: 4,
    kind: 'checkpoint',
    mode: 'aligned',
    startedMs: 0,
    completedMs: 1,
    keyGroups: plan.keyGroups,
    workers: 2,
    params: { limit: 3, since: 'June' },
    operators: describeOperators(graph, plan),
    edges: describeEdges(graph, plan),
    tasks: [{ name: 'all', operators: [], subtasks: [{ id: 0, index: 0, files: [], figures }] }],
    ...changes,
  }
}

function compare(
  now: LogicalGraph,
  options: CompareOptions & { readonly before?: CheckpointManifest; readonly settings?: JobSettings } = {},
): CheckpointComparison {
  const { before = manifestOf(job()), settings, ...rest } = options
  return compareWithCheckpoint(before, now, planOf(now, settings), rest)
}

function verdicts({ operators }: CheckpointComparison): Record<string, string> {
  return Object.fromEntries(operators.map(({ name, verdict }) => [name, verdict]))
}

function codes({ errors }: CheckpointComparison): string[] {
  return errors.map(({ code }) => code)
}

function sentenceOf({ operators }: CheckpointComparison, name: string): string | undefined {
  return operators.find((operator) => operator.name === name)?.sentence
}

test('the same job keeps everything, at any parallelism', () => {
  expect(compare(job())).toMatchObject({ errors: [], ignored: [], params: [] })
  const rescaled = compare(job(), { settings: { parallelism: 3 } })
  expect(new Set(Object.values(verdicts(rescaled)))).toEqual(new Set(['kept']))
  expect(rescaled.errors).toEqual([])
  expect(sentenceOf(rescaled, 'count')).toContain('parallelism 2 becomes 3')
})

describe('an operator that was renamed', () => {
  test('is dropped and new, and both say so', () => {
    const comparison = compare(job({ count: 'tally' }))
    expect(verdicts(comparison)).toEqual({ numbers: 'kept', double: 'kept', tally: 'new', out: 'kept', count: 'dropped' })
    expect(sentenceOf(comparison, 'tally')).toContain('was it "count"?')
    expect(sentenceOf(comparison, 'count')).toContain('is it "tally" now?')
    expect(codes(comparison)).toEqual(['SLUICE_CHECKPOINT_INCOMPATIBLE'])
    expect(comparison.errors[0]?.hint).toContain('--drop-state count')
  })

  test('may lose its state where the user says so', () => {
    expect(compare(job({ count: 'tally' }), { drop: ['count'] }).errors).toEqual([])
  })

  test('without state is no matter', () => {
    const comparison = compare(job({ map: 'twice' }))
    expect(verdicts(comparison)).toMatchObject({ twice: 'new', double: 'dropped' })
    expect(comparison.errors).toEqual([])
    expect(compare(job({ count: 'tally' }), { stateful: new Set(['numbers']) }).errors).toEqual([])
  })
})

describe('an operator that means something else now', () => {
  test.each([
    ['another kind', { spec: map }],
    ['another type', { options: { type: 'process' } }],
    ['another use of a window', { options: { type: 'window', of: 'reduce', window: { size: 10 } } }],
    ['another window', { options: { type: 'window', window: { size: 20 } } }],
  ] as const)('%s: incompatible, unless its state is dropped', (_what, changes) => {
    const comparison = compare(job(changes))
    expect(verdicts(comparison)).toMatchObject({ count: 'incompatible' })
    expect(codes(comparison)).toEqual(['SLUICE_CHECKPOINT_INCOMPATIBLE'])
    const dropped = compare(job(changes), { drop: ['count'] })
    expect(dropped.errors).toEqual([])
    expect(dropped.ignored).toEqual(['count'])
    expect(verdicts(dropped)).toMatchObject({ count: 'dropped' })
  })

  test('a sink with another path: what it has prepared lies at the old one', () => {
    const to = (path: string): LogicalGraph =>
      new GraphBuilder().node('numbers', source).node('out', sink, { options: { path } }).edge('numbers', 'out').build()
    const comparison = compareWithCheckpoint(manifestOf(to('a/')), to('b/'), planOf(to('b/')))
    expect(codes(comparison)).toEqual(['SLUICE_CHECKPOINT_INCOMPATIBLE'])
    expect(sentenceOf(comparison, 'out')).toBe('was sink "a/" and is sink "b/"')
  })

  describe('aggregates', () => {
    const aggregating = (aggregators: Readonly<Record<string, string>>): LogicalGraph =>
      job({ options: { type: 'aggregate', aggregators } })
    const before = manifestOf(aggregating({ orders: 'count', amount: 'sum' }))

    test('come and go, and both are told', () => {
      const comparison = compare(aggregating({ largest: 'max', orders: 'count' }), { before })
      expect(comparison.errors).toEqual([])
      expect(comparison.operators.find(({ name }) => name === 'count')).toEqual({
        name: 'count',
        verdict: 'kept',
        partly: true,
        sentence:
          'its state is kept; aggregate amount (sum) is gone, and its state is dropped; aggregate largest (max) is new, and begins empty',
      })
    })

    test('in another order are the same', () => {
      const comparison = compare(aggregating({ amount: 'sum', orders: 'count' }), { before })
      expect(comparison.operators.find(({ name }) => name === 'count')).toEqual({
        name: 'count',
        verdict: 'kept',
        sentence: 'its state is kept',
      })
    })

    test('of another kind under the same name do not fit', () => {
      const comparison = compare(aggregating({ orders: 'max', amount: 'sum' }), { before })
      expect(codes(comparison)).toEqual(['SLUICE_STATE_INCOMPATIBLE'])
      expect(comparison.errors[0]?.hint).toContain('--drop-state count')
      expect(sentenceOf(comparison, 'count')).toBe('does not fit its state: aggregate orders was count and is max')
      expect(compare(aggregating({ orders: 'max' }), { before, drop: ['count'] }).errors).toEqual([])
      expect(compare(aggregating({ orders: 'max' }), { before, stateful: new Set() }).errors).toEqual([])
    })

    test('whose fields were stored without names stay as they are', () => {
      const positional = new Set(['count'])
      expect(compare(aggregating({ orders: 'count', amount: 'sum' }), { before, positional }).errors).toEqual([])
      expect(codes(compare(aggregating({ orders: 'count', total: 'sum' }), { before, positional }))).toEqual(['SLUICE_STATE_INCOMPATIBLE'])
    })
  })

  test('other options are only told', () => {
    const comparison = compare(job({ options: { type: 'window', window: { size: 10 }, trigger: 'count' } }))
    expect(comparison.errors).toEqual([])
    expect(sentenceOf(comparison, 'count')).toContain('options')
  })
})

test('a name that is not there cannot be dropped', () => {
  const comparison = compare(job(), { drop: ['cuont'] })
  expect(codes(comparison)).toEqual(['SLUICE_OPTIONS_INVALID'])
  expect(comparison.errors[0]?.hint).toContain('"count"')
})

test('other key groups and another job are refused', () => {
  expect(codes(compare(job(), { settings: { keyGroups: 64 } }))).toEqual(['SLUICE_KEY_GROUPS_CHANGED'])
  expect(codes(compare(job(), { before: manifestOf(job(), { job: 'other' }) }))).toEqual(['SLUICE_CHECKPOINT_OF_OTHER_JOB'])
})

describe('an unaligned checkpoint', () => {
  const unaligned = manifestOf(job(), { mode: 'unaligned' }, 100)

  test('goes into the same graph at another parallelism', () => {
    expect(compare(job(), { before: unaligned, settings: { parallelism: 3 } }).errors).toEqual([])
  })

  test('does not go into a changed graph, not even without the state of what changed', () => {
    const comparison = compare(job({ map: 'twice' }), { before: unaligned })
    expect(codes(comparison)).toEqual(['SLUICE_CHECKPOINT_GRAPH_CHANGED'])
    expect(comparison.errors[0]?.message).toContain('"twice"')
  })

  test('that holds no records is like an aligned one', () => {
    expect(compare(job({ map: 'twice' }), { before: manifestOf(job(), { mode: 'unaligned' }) }).errors).toEqual([])
  })
})

test('other params are told one by one', () => {
  expect(compare(job(), { params: { limit: 4, since: 'June', to: 1 } }).params).toEqual([
    'param limit was 3 and is 4',
    'param to was not there and is 1',
  ])
})
