import { describe, expect, it } from 'vitest'
import { diffGraphs, fingerprintGraph } from '../../src/graph/fingerprint-graph.js'
import type { LogicalGraph } from '../../src/graph/logical-graph.js'
import { canonicalJson, summariseGraph } from '../../src/graph/summarise-graph.js'
import { GraphBuilder, map, sink, source } from '../support/graph-builder.js'

type Change = (builder: GraphBuilder) => GraphBuilder

const base = (): GraphBuilder => new GraphBuilder().node('in', source).node('out', sink).edge('in', 'out')

function declare(change: Change = (builder) => builder, last: GraphBuilder = base()): LogicalGraph {
  return change(last).build()
}

const diff = (a: LogicalGraph, b: LogicalGraph): readonly string[] => {
  const differences = diffGraphs(JSON.parse(JSON.stringify(summariseGraph(a))), summariseGraph(b))
  expect(fingerprintGraph(a) === fingerprintGraph(b)).toBe(differences.length === 0)
  return differences
}

const mapped =
  (fn: (record: never) => unknown, name = 'm'): Change =>
  (builder) =>
    builder.node(name, { kind: 'map', fn }).edge('in', name)

describe('fingerprintGraph', () => {
  it('is the same for the same declaration', () => {
    expect(fingerprintGraph(declare())).toMatch(/^[0-9a-f]{32}$/)
    expect(diff(declare(), declare())).toEqual([])
  })

  it('does not depend on where an operator was declared', () => {
    const at =
      (declaredAt: string): Change =>
      (builder) =>
        builder.node('m', map, { declaredAt }).edge('in', 'm')
    expect(diff(declare(at('a.ts:1:1')), declare(at('/bundle/a.mjs:7:2')))).toEqual([])
  })

  it('does not depend on the order of option keys', () => {
    const options =
      (value: Record<string, unknown>): Change =>
      (builder) =>
        builder.node('m', map, { options: value }).edge('in', 'm')
    expect(diff(declare(options({ a: 1, b: [2] })), declare(options({ b: [2], a: 1 })))).toEqual([])
    expect(diff(declare(options({ a: 1 })), declare(options({ a: 2 })))).toEqual([
      'the options of operator "m" are {"options":{"a":1},"spec":{"kind":"map"}} in one and {"options":{"a":2},"spec":{"kind":"map"}} in the other',
    ])
  })

  it('names operators that differ', () => {
    expect(diff(declare(mapped((x) => x, 'a')), declare(mapped((x) => x, 'b')))).toEqual([
      'operator 3 is "a" in one and "b" in the other',
      'edge 2 is "in.out -> a[0]" in one and "in.out -> b[0]" in the other',
    ])
    expect(diff(declare(), declare(mapped((x) => x)))).toEqual([
      'one has 2 operators and the other 3',
      'operator 3 is missing in one and "m" in the other',
      'edge 2 is missing in one and "in.out -> m[0]" in the other',
    ])
  })

  it('sees the text of functions', () => {
    expect(diff(declare(mapped((x: number) => x + 1)), declare(mapped((x: number) => x + 2)))).toEqual([
      'a function of operator "m" is `(x) => x + 1` in one and `(x) => x + 2` in the other',
    ])
    const closed =
      (fn: () => unknown): Change =>
      (builder) =>
        builder.node('m', { kind: 'general', create: () => ({ process: () => undefined }) }, { functions: [fn] }).edge('in', 'm')
    expect(diff(declare(closed(() => 1)), declare(closed(() => 2)))).toHaveLength(1)
    const keyed =
      (keyOf: (record: { a: number; b: number }) => unknown): Change =>
      (builder) =>
        builder.node('m', map).edge('in', 'm', { partitioning: 'hash', keyOf })
    expect(diff(declare(keyed((r) => r.a)), declare(keyed((r) => r.b)))).toHaveLength(1)
  })

  it('sees partitioning, ports, kinds, settings and resources', () => {
    const broadcast =
      (partitioning: 'broadcast' | 'rebalance'): Change =>
      (builder) =>
        builder.node('m', map).edge('in', 'm', { partitioning })
    expect(diff(declare(broadcast('broadcast')), declare(broadcast('rebalance')))).toHaveLength(1)
    const ports =
      (names: string[]): Change =>
      (builder) =>
        builder.node('m', map, { ports: names }).edge('in', 'm')
    expect(diff(declare(ports(['a'])), declare(ports(['a', 'b'])))).toEqual(['operator "m" has the ports a in one and a, b in the other'])
    const kind =
      (spec: 'map' | 'filter'): Change =>
      (builder) =>
        builder.node('m', { kind: spec, fn: (x) => x }).edge('in', 'm')
    expect(diff(declare(kind('map')), declare(kind('filter')))[0]).toBe('operator "m" is a map in one and a filter in the other')
    expect(diff({ ...declare(), settings: { parallelism: 1 } }, { ...declare(), settings: { parallelism: 2 } })).toEqual([
      'the settings are {"parallelism":1} in one and {"parallelism":2} in the other',
    ])
    const pool = (size: number): LogicalGraph => ({
      ...declare(),
      resources: [{ name: 'pool', open: size === 1 ? () => 1 : () => 2, close: undefined }],
    })
    expect(diff(pool(1), pool(2))).toHaveLength(1)
  })

  it('shows at most ten differences', () => {
    const many = (by: number): LogicalGraph => {
      let builder = base()
      for (let i = 0; i < 20; i++) builder = builder.node(`m${i}`, map, { options: { by } }).edge('in', `m${i}`)
      return builder.build()
    }
    expect(diff(many(1), many(2))).toHaveLength(10)
  })
})

describe('canonicalJson', () => {
  it('keeps apart what JSON throws together', () => {
    const values = [
      0,
      -0,
      '0',
      0n,
      Number.NaN,
      null,
      Number.POSITIVE_INFINITY,
      [null],
      [],
      new Date(0),
      new Date(1),
      /a/u,
      new Map([[1, 2]]),
      true,
    ]
    expect(new Set(values.map((value) => canonicalJson({ value }))).size).toBe(values.length)
  })

  it('ends on a cycle and repeats what is only shared', () => {
    const shared = { a: 1 }
    const cyclic: Record<string, unknown> = { x: shared, y: shared }
    cyclic.self = cyclic
    expect(canonicalJson(cyclic)).toBe('{"self":"(circular)","x":{"a":1},"y":{"a":1}}')
  })
})
