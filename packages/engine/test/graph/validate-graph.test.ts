import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.js'
import { validateGraph } from '../../src/graph/validate-graph.js'
import { async, GraphBuilder, map, sink, source } from '../support/graph-builder.js'

const WATERMARKS = { strategy: { outOfOrdernessMs: 0 }, idleAfterMs: undefined, perRecord: false }

function errorOf(builder: GraphBuilder, keyGroups?: number): SluiceError {
  try {
    validateGraph(builder.build(), keyGroups)
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  throw new Error('the graph was accepted')
}

const linear = (): GraphBuilder =>
  new GraphBuilder().node('in', source).node('mid', map).node('out', sink).edge('in', 'mid').edge('mid', 'out')

describe('validateGraph', () => {
  it('accepts linear, branching and joining graphs', () => {
    expect(() => validateGraph(linear().build())).not.toThrow()
    expect(() => validateGraph(linear().node('other', sink).edge('mid', 'other').edge('in', 'out').build())).not.toThrow()
  })

  it('refuses two operators of one name and says where both are', () => {
    const error = errorOf(linear().node('mid', map, { declaredAt: 'job.ts:9:3' }).edge('in', 'mid'))
    expect(error).toMatchObject({ code: 'SLUICE_DUPLICATE_NAME', coordinates: { job: 'test', operator: 'mid', declaredAt: 'job.ts:9:3' } })
    expect(error.message).toBe('two operators of job test are named "mid"')
    const first = new GraphBuilder().node('in', source, { declaredAt: 'job.ts:1:1' }).node('in', source).node('out', sink).edge('in', 'out')
    expect(errorOf(first).message).toBe('two operators of job test are named "in"; the other one is declared at job.ts:1:1')
  })

  it('draws a cycle as a path', () => {
    const builder = linear().node('back', map, { declaredAt: 'job.ts:4:2' }).edge('mid', 'back').edge('back', 'mid')
    expect(errorOf(builder)).toMatchObject({ code: 'SLUICE_GRAPH_CYCLE', message: 'job test has a cycle: mid -> back -> mid' })
    expect(errorOf(linear().edge('mid', 'mid')).message).toBe('job test has a cycle: mid -> mid')
  })

  it('draws only the cycle, not what it feeds', () => {
    const builder = linear()
      .node('a', map)
      .node('b', map)
      .node('c', map)
      .node('after', sink)
      .edge('mid', 'c')
      .edge('c', 'a')
      .edge('a', 'b')
      .edge('b', 'c')
      .edge('b', 'after')
    expect(errorOf(builder).message).toBe('job test has a cycle: a -> b -> c -> a')
  })

  it('refuses a job without source or sink', () => {
    expect(errorOf(new GraphBuilder())).toMatchObject({ code: 'SLUICE_GRAPH_EMPTY', message: 'job test has no source' })
    const endless = new GraphBuilder().node('in', source).node('mid', map, { declaredAt: 'job.ts:3:1' }).edge('in', 'mid')
    expect(errorOf(endless)).toMatchObject({
      code: 'SLUICE_GRAPH_EMPTY',
      message: 'job test has no sink: nothing reads what mid gives',
      coordinates: { operator: 'mid', declaredAt: 'job.ts:3:1' },
    })
  })

  it.each([0, -1, 1.5, Number.NaN, 1025])('refuses parallelism %d', (parallelism) => {
    const error = errorOf(linear().node('x', map, { parallelism }).edge('in', 'x'))
    expect(error).toMatchObject({
      code: 'SLUICE_OPTIONS_INVALID',
      message: `parallelism of x is ${parallelism}`,
      coordinates: { operator: 'x' },
    })
  })

  it('holds keyed operators to the number of key groups, and only those', () => {
    const keyed = linear().node('sum', map, { parallelism: 8 }).edge('in', 'sum', { partitioning: 'hash' })
    expect(errorOf(keyed, 7)).toMatchObject({
      code: 'SLUICE_OPTIONS_INVALID',
      message: 'parallelism of sum is 8, and the job has 7 key groups',
    })
    validateGraph(keyed.build(), 8)
    validateGraph(linear().node('wide', map, { parallelism: 8 }).edge('in', 'wide').build(), 7)
  })

  it('refuses async functions where records are handled synchronously', () => {
    const at = { declaredAt: 'job.ts:7:5' }
    const cases = [
      linear()
        .node('x', { kind: 'map', fn: async (record: unknown) => record }, at)
        .edge('in', 'x'),
      linear()
        .node('x', { kind: 'filter', fn: async () => true }, at)
        .edge('in', 'x'),
      linear()
        .node('x', { kind: 'timestamps', watermarks: WATERMARKS, fn: (async () => 0) as never }, at)
        .edge('in', 'x'),
      linear()
        .node('x', { kind: 'general', create: () => ({ process: () => undefined }) }, { ...at, functions: [async () => undefined] })
        .edge('in', 'x'),
    ]
    for (const builder of cases) {
      expect(errorOf(builder)).toMatchObject({
        code: 'SLUICE_ASYNC_FUNCTION',
        message: 'the function of x is an async function, and its records are handled synchronously',
        coordinates: { operator: 'x', declaredAt: 'job.ts:7:5' },
      })
    }
    const expand = async function* (): AsyncGenerator<number> {
      yield 1
    }
    expect(
      errorOf(
        linear()
          .node('x', { kind: 'flatMap', fn: expand as never })
          .edge('in', 'x'),
      ).code,
    ).toBe('SLUICE_ASYNC_FUNCTION')
    const split = linear()
      .node('x', { kind: 'split', predicates: [() => true, async () => true] })
      .edge('in', 'x')
    expect(errorOf(split).message).toMatch(/^predicate 2 of x /)
    const keyed = linear()
      .node('x', map)
      .edge('in', 'x', { partitioning: 'hash', keyOf: async () => 1 })
    expect(errorOf(keyed).message).toMatch(/^the key function of x /)
  })

  it('lets async operators and sinks be async', () => {
    const builder = linear()
      .node('slow', async({ discardsResults: true }), { functions: [async () => undefined] })
      .edge('mid', 'slow')
    expect(() => validateGraph(builder.build())).not.toThrow()
  })

  it('asserts what only a defect of the declaring API brings about', () => {
    const graph = linear().build()
    const [edge] = graph.edges
    if (edge === undefined) throw new Error('no edge')
    const broken = [
      { ...graph, edges: [{ ...edge, to: { node: 9, input: 0 } }] },
      { ...graph, edges: [{ ...edge, from: { node: 9, port: 0 } }] },
      { ...graph, edges: [{ ...edge, from: { node: 0, port: 1 } }] },
      { ...graph, edges: [{ ...edge, to: { node: 0, input: 0 } }] },
      { ...graph, edges: [{ ...edge, partitioning: 'hash' as const }] },
      { ...graph, edges: [edge] },
    ]
    for (const one of broken) expect(() => validateGraph(one)).toThrow(expect.objectContaining({ code: 'SLUICE_ASSERTION' }))
  })

  it('copes with a chain of ten thousand operators', () => {
    const nodes = Array.from({ length: 10_000 }, (_, id) => {
      const spec = id === 0 ? source : id === 9_999 ? sink : map
      return { id, name: `n${id}`, spec, ports: id === 9_999 ? [] : ['out'] }
    })
    const edges = Array.from({ length: 9_999 }, (_, id) => {
      return { id, from: { node: id, port: 0 }, to: { node: id + 1, input: 0 }, partitioning: undefined, timed: false }
    })
    expect(() => validateGraph({ job: 'long', nodes, edges, resources: [], settings: {} })).not.toThrow()
  })
})
