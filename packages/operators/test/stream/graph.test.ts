import { planJob, resolveSettings, validateGraph } from '@sluice/engine'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { count, discard, fromArray, generate, sideOutput, toJsonLines, tumbling } from '../../src/index.js'
import type { Source } from '../../src/index.js'
import { declare, edgeInto, edgesOf, nodeOf } from '../support/graphs.js'

const numbers = (): Source<{ id: number; kind: string }> => generate((index) => ({ id: index, kind: 'a' }), { count: 10 })

test('a chain is a line of nodes, elementwise ones as plain descriptors', () => {
  const double = (record: { id: number }) => record.id * 2
  const graph = declare((job) => {
    job
      .source('numbers', numbers())
      .select('id')
      .filter((record) => record.id > 1)
      .map(double, { name: 'double', parallelism: 3 })
      .flatMap((value) => [value])
      .sink('out', discard(), { parallelism: 2 })
  })
  validateGraph(graph)
  expect(graph.nodes.map(({ name, spec }) => [name, spec.kind])).toEqual([
    ['numbers', 'source'],
    ['select', 'select'],
    ['filter', 'filter'],
    ['double', 'map'],
    ['flatMap', 'flatMap'],
    ['out', 'sink'],
  ])
  expect(edgesOf(graph)).toEqual([
    'numbers.out -> select',
    'select.out -> filter',
    'filter.out -> double',
    'double.out -> flatMap',
    'flatMap.out -> out',
  ])
  expect(nodeOf(graph, 'select').spec).toEqual({ kind: 'select', fields: ['id'] })
  expect(nodeOf(graph, 'double')).toMatchObject({ spec: { fn: double }, parallelism: 3, ports: ['out'] })
  expect(nodeOf(graph, 'out')).toMatchObject({ ports: [], parallelism: 2 })
  expect(nodeOf(graph, 'numbers').ports).toEqual(['out', 'deadLetters'])
})

test('names that are made are readable, numbered, and avoid those that are given, in any order', () => {
  const graph = declare((job) => {
    const source = job.source('map', numbers())
    source
      .map((record) => record)
      .map((record) => record, { name: 'map-3' })
      .map((record) => record)
      .filter(() => true)
  })
  expect(graph.nodes.map(({ name }) => name)).toEqual(['map', 'map-2', 'map-3', 'map-4', 'filter'])
})

test('a union adds no node: its reader has an edge from each of its streams', () => {
  const graph = declare((job) => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => job.source(name, numbers()))
    a?.union(b!, c!.rebalance()).map((record) => record.id)
  })
  expect(edgesOf(graph)).toEqual(['a.out -> map', 'b.out -> map', 'c.out -> map rebalance'])
})

test('keyBy, rebalance and broadcast are attributes of the next edge', () => {
  const key = (record: { kind: string }) => record.kind
  const graph = declare((job) => {
    const source = job.source('numbers', numbers())
    source.keyBy(key).aggregate('counts', { count: count() })
    source.rebalance().map((record) => record)
    source.broadcast().filter(() => true)
    source
      .broadcast()
      .keyBy(key)
      .reduce('last', (_left, right) => right)
  })
  expect(edgesOf(graph)).toEqual([
    'numbers.out -> counts hash',
    'numbers.out -> map rebalance',
    'numbers.out -> filter broadcast',
    'numbers.out -> last hash',
  ])
  expect(edgeInto(graph, 'counts').keyOf).toBe(key)
  expect(edgeInto(graph, 'map').keyOf).toBeUndefined()
  expect(nodeOf(graph, 'counts').options).toEqual({ type: 'aggregate', emit: 'update', aggregators: { count: 'count' } })
})

test('split has a port per output in order, then rest', () => {
  const graph = declare((job) => {
    const { even, rest } = job.source('numbers', numbers()).split({
      even: (record) => record.id % 2 === 0,
      large: (record) => record.id > 5,
    })
    even.map((record) => record.id)
    rest.map((record) => record.id)
  })
  expect(nodeOf(graph, 'split')).toMatchObject({ ports: ['even', 'large', 'rest'], spec: { kind: 'split' } })
  expect(edgesOf(graph).slice(1)).toEqual(['split.even -> map', 'split.rest -> map-2'])
})

test('edges are timed from withTimestamps on, also through general operators', () => {
  const graph = declare((job) => {
    const plain = job.source('plain', numbers())
    const timed = job
      .source('numbers', numbers())
      .withTimestamps((record) => record.id, { outOfOrderness: '10s', name: 'times' })
      .batch('batches', { records: 2 })
      .flatMap((batch) => batch)
    timed.union(plain).map((record) => record.id)
  })
  const timed = graph.edges.map(({ from, timed: isTimed }) => [graph.nodes[from.node]?.name, isTimed])
  expect(timed).toEqual([
    ['numbers', false],
    ['times', true],
    ['batches', true],
    ['flatMap', true],
    ['plain', false],
  ])
  expect(nodeOf(graph, 'times').options).toEqual({ outOfOrdernessMs: 10_000 })
})

test("a source's schema gives the shape of the edges on which its records flow unchanged", () => {
  const schema = z.object({ id: z.int(), name: z.string(), note: z.string().optional() })
  const graph = declare((job) => {
    const source: Source<z.infer<typeof schema>> = { ...fromArray<z.infer<typeof schema>>([]), schema }
    job
      .source('records', source)
      .filter((record) => record.id > 0)
      .select('name', 'id')
      .withTimestamps((record) => record.id)
      .map((record) => record)
      .filter(() => true, { name: 'last' })
  })
  const fields = (name: string): unknown =>
    (edgeInto(graph, name).shape as { fields: { name: string }[] } | undefined)?.fields.map((f) => f.name)
  expect(fields('filter')).toEqual(['id', 'name', 'note'])
  expect(fields('select')).toEqual(['id', 'name', 'note'])
  expect(fields('timestamps')).toEqual(['name', 'id'])
  expect(fields('map')).toEqual(['name', 'id'])
  expect(fields('last')).toBeUndefined()
})

test('mapAsync keeps its options; its timeout is 60 s and its order that of the records', () => {
  const fn = async (record: { id: number }) => record.id
  const graph = declare((job) => {
    const source = job.source('numbers', numbers())
    source.mapAsync('plain', fn)
    source.mapAsync('tuned', fn, { concurrency: 8, ordered: false, timeout: '5s', parallelism: 2 })
  })
  const common = { kind: 'async', fn, discardsResults: false, mayChain: false }
  expect(nodeOf(graph, 'plain').spec).toEqual({ ...common, concurrency: undefined, ordered: true, timeoutMs: 60_000 })
  expect(nodeOf(graph, 'tuned').spec).toEqual({ ...common, concurrency: 8, ordered: false, timeoutMs: 5_000 })
})

test('functions that an operator closes over are listed, for the fingerprint', () => {
  const add = (left: { id: number; kind: string }) => left
  const tag = sideOutput<number>('tag')
  const graph = declare((job) => {
    const keyed = job.source('numbers', numbers()).keyBy((record) => record.id)
    keyed.reduce('sum', add)
    keyed.process('handlers', { onRecord: () => [tag(1)], onEnd: () => [2] })
  })
  expect(nodeOf(graph, 'sum').functions).toEqual([add])
  expect(nodeOf(graph, 'handlers').functions?.map(({ name }) => name)).toEqual(['onRecord', 'onEnd'])
})

test('through gives back what its function returns', () => {
  const graph = declare((job) => {
    const kept = job.source('numbers', numbers()).through((stream) => stream.filter((record) => record.id > 1))
    kept.map((record) => record.id)
  })
  expect(edgesOf(graph)).toEqual(['numbers.out -> filter', 'filter.out -> map'])
})

test('every operator knows the line on which it was declared', () => {
  const graph = declare((job) => {
    const source = job.source('numbers', numbers())
    const mapped = source.map((record) => record.id)
    mapped.keyBy((id) => id).aggregate('counts', { count: count() })
    mapped.process('all', () => []).sink('out', discard())
  })
  const places = graph.nodes.map(({ declaredAt }) => /graph\.test\.ts:(\d+):\d+$/.exec(declaredAt ?? '')?.[1])
  const first = Number(places[0])
  expect(first).toBeGreaterThan(1)
  expect(places.map((line) => Number(line) - first)).toEqual([0, 1, 2, 3, 3])
})

test.each<[string, (source: ReturnType<typeof plain>) => void, RegExp]>([
  ['a missing function', (source) => source.map(undefined as never), /map takes a function/],
  ['a batch without bounds', (source) => source.batch('b', {} as never), /batch b needs a bound/],
  [
    'an option that mapAsync has not',
    (source) => source.mapAsync('m', (value) => value, { retries: 3 } as never),
    /m has no option retries/,
  ],
  [
    'an order that is no yes or no',
    (source) => source.mapAsync('m', (value) => value, { ordered: 'no' } as never),
    /ordered of m is 'no', and takes true or false/,
  ],
  ['an option that map has not', (source) => source.map((value) => value, { onEror: 'drop' } as never), /map has no option onEror/],
  ['a concurrency of 0', (source) => source.mapAsync('m', (value) => value, { concurrency: 0 }), /concurrency of m is 0/],
  ['an empty name', (source) => source.map((value) => value, { name: ' ' }), /" " is not a name/],
  ['a name with a line break', (source) => source.sink('a\nb', discard()), /"a\\nb" is not a name/],
  ['no sink', (source) => source.sink('out', undefined as never), /sink out needs a sink/],
  ['an output named rest', (source) => source.split({ rest: () => true } as never), /must not be named 'rest'/],
  ['an aggregate named key', (source) => source.keyBy((v) => v).aggregate('a', { key: count() } as never), /must not be named 'key'/],
  ['no stream for union', (source) => source.union(1 as never), /union takes streams/],
  ['a handler that is none', (source) => source.process('p', { onRecord: 1 } as never), /process p: onRecord takes a function/],
])('%s is refused while the job is declared, with the line', (_name, wrong, message) => {
  const attempt = () => declare((job) => wrong(plain(job)))
  expect(attempt).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringMatching(message) as string }))
  expect(attempt).toThrow(
    expect.objectContaining({
      coordinates: expect.objectContaining({ declaredAt: expect.stringContaining('graph.test.ts') as string }) as object,
    }),
  )
})

function plain(job: Parameters<Parameters<typeof declare>[0]>[0]) {
  return job.source('numbers', fromArray([1]))
}

test('a wrong duration names the option', () => {
  expect(() => declare((job) => void plain(job).mapAsync('m', (value) => value, { timeout: 'soon' as never }))).toThrow(
    expect.objectContaining({ code: 'SLUICE_DURATION_INVALID', message: expect.stringContaining('timeout of m') as string }),
  )
})

test('an async function given to a general operator is found when the graph is validated', () => {
  const graph = declare((job) => {
    plain(job)
      .process('later', (async () => []) as never)
      .sink('out', discard())
  })
  expect(() => validateGraph(graph)).toThrow(expect.objectContaining({ code: 'SLUICE_ASYNC_FUNCTION' }))
})

test('a projection stands in front of the exchange that was asked for', () => {
  const graph = declare((job) => {
    const source = job.source('numbers', numbers(), { parallelism: 3 })
    source.rebalance().select('id').sink('dealt', discard())
    source.broadcast().select('kind').sink('copied', discard())
  })
  expect(edgesOf(graph)).toEqual([
    'numbers.out -> select',
    'select.out -> dealt rebalance',
    'numbers.out -> select-2',
    'select-2.out -> copied broadcast',
  ])
  const { tasks } = planJob(graph, resolveSettings({}, { cores: 2 }))
  expect(tasks.map(({ nodes, parallelism }) => [nodes.map((id) => graph.nodes[id]?.name), parallelism])).toEqual([
    [['numbers', 'select', 'select-2'], 3],
    [['dealt'], 2],
    [['copied'], 2],
  ])
})

test('two sinks of a job do not write to one path', () => {
  expect(() =>
    declare((job) => {
      const source = job.source('numbers', numbers())
      source.sink('first', toJsonLines('out/x.jsonl'))
      source.sink('second', toJsonLines('./out/x.jsonl'))
    }),
  ).toThrow(/sinks first and second write to the same path/)
})

test('a union of which one stream has no timestamps has none, whatever lies between it and the window', () => {
  expect(() =>
    declare((job) => {
      const timed = job.source('timed', fromArray([{ at: 1 }])).withTimestamps((record) => record.at)
      const untimed = job.source('untimed', fromArray([{ at: 1 }]))
      const both = timed.union(untimed).map((record) => record) as unknown as typeof timed
      both.windowAll(tumbling('1s')).aggregate('w', { n: count() }).sink('out', discard())
    }),
  ).toThrow(
    expect.objectContaining({ code: 'SLUICE_TIMESTAMPS_MISSING', coordinates: expect.objectContaining({ operator: 'w' }) as object }),
  )
})
