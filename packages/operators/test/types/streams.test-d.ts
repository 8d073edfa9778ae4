/** Types infer from end to end without annotations. */
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import {
  aggregator,
  type Caveat,
  count,
  type DeadLetter,
  defineJob,
  discard,
  distinct,
  type Duration,
  first,
  forEach,
  fromArray,
  generate,
  type Job,
  type KeyedStream,
  last,
  max,
  mean,
  type ProcessedStream,
  sideOutput,
  type Stream,
  sum,
  values,
} from '../../src/index.js'

interface Order {
  readonly id: number
  readonly name: string
  readonly kind: 'placed' | 'paid'
  readonly note: string | undefined
}
type Shape = { kind: 'circle'; r: number } | { kind: 'square'; a: number } | { kind: 'line' }

declare const orders: Stream<Order, 'no timestamps'>
declare const shapes: Stream<Shape, never>

test('map, filter, flatMap and select', () => {
  expectTypeOf(orders.map((order) => ({ n: order.id }))).toEqualTypeOf<Stream<{ n: number }, 'no timestamps'>>()
  expectTypeOf(orders.map(() => 1)).toEqualTypeOf<Stream<number, 'no timestamps'>>()
  expectTypeOf(shapes.filter((shape) => shape.kind === 'circle')).toEqualTypeOf<Stream<{ kind: 'circle'; r: number }, never>>()
  expectTypeOf(orders.filter((order) => order.id)).toEqualTypeOf<Stream<Order, 'no timestamps'>>()
  expectTypeOf(orders.flatMap((order) => (order.id > 1 ? [order.id] : []))).toEqualTypeOf<Stream<number, 'no timestamps'>>()
  expectTypeOf(orders.flatMap((order) => (order.id > 1 ? [order.id] : undefined))).toEqualTypeOf<Stream<number, 'no timestamps'>>()
  const generated = orders.flatMap(function* (order) {
    yield order.id
    yield order.name
  })
  expectTypeOf(generated).toEqualTypeOf<Stream<number | string, 'no timestamps'>>()
  expectTypeOf(orders.flatMap((order) => new Map([[order.id, order.name]]))).toEqualTypeOf<Stream<[number, string], 'no timestamps'>>()
  expectTypeOf(orders.select('id', 'kind')).toEqualTypeOf<Stream<Pick<Order, 'id' | 'kind'>, 'no timestamps'>>()
  // @ts-expect-error -- a field that the records do not have
  orders.select('nope')
})

test('functions of the standard library may be handed over as they are', () => {
  const texts = orders.map((order) => order.name)
  expectTypeOf(texts.map(JSON.parse)).toExtend<Stream<unknown, 'no timestamps'>>()
  expectTypeOf(texts.map(Number)).toEqualTypeOf<Stream<number, 'no timestamps'>>()
  expectTypeOf(texts.filter(Boolean)).toEqualTypeOf<Stream<string, 'no timestamps'>>()
})

test('mapAsync takes functions that wait and those that do not', () => {
  const waited = orders.mapAsync('a', async (order, context) => ({
    id: order.id,
    aborted: context.signal.aborted,
    record: context.recordId,
  }))
  expectTypeOf(waited).toEqualTypeOf<Stream<{ id: number; aborted: boolean; record: string }, 'no timestamps'>>()
  expectTypeOf(orders.mapAsync('a', (order) => order.id)).toEqualTypeOf<Stream<number, 'no timestamps'>>()
})

test('union adds up records and caveats', () => {
  expectTypeOf(shapes.union(orders)).toEqualTypeOf<Stream<Shape | Order, 'no timestamps'>>()
  expectTypeOf(shapes.union()).toEqualTypeOf<Stream<Shape, never>>()
  expectTypeOf(shapes.union(shapes, shapes)).toEqualTypeOf<Stream<Shape, never>>()
  const processed = orders.process('p', (order) => [order.id])
  expectTypeOf(shapes.union(processed)).toEqualTypeOf<Stream<Shape | number, 'no timestamps'>>()
})

test('split narrows its outputs, and rest is what they leave over', () => {
  const { circle, big, odd, rest } = shapes.split({
    circle: (shape) => shape.kind === 'circle',
    big: (shape): shape is { kind: 'square'; a: number } => shape.kind === 'square' && shape.a > 2,
    odd: () => Math.sqrt(2) > 1,
  })
  expectTypeOf(circle).toEqualTypeOf<Stream<{ kind: 'circle'; r: number }, never>>()
  expectTypeOf(big).toEqualTypeOf<Stream<{ kind: 'square'; a: number }, never>>()
  expectTypeOf(odd).toEqualTypeOf<Stream<Shape, never>>()
  expectTypeOf(rest).toEqualTypeOf<Stream<{ kind: 'line' }, never>>()
})

test('keys: primitives, tuples, objects, interfaces', () => {
  expectTypeOf(orders.keyBy((order) => order.name)).toEqualTypeOf<KeyedStream<string, Order, 'no timestamps'>>()
  expectTypeOf(orders.keyBy((order) => order.kind)).toEqualTypeOf<KeyedStream<'placed' | 'paid', Order, 'no timestamps'>>()
  expectTypeOf(orders.keyBy((order) => [order.name, order.id])).toEqualTypeOf<
    KeyedStream<readonly [string, number], Order, 'no timestamps'>
  >()
  expectTypeOf(orders.keyBy((order) => ({ name: order.name }))).toEqualTypeOf<
    KeyedStream<{ readonly name: string }, Order, 'no timestamps'>
  >()
  interface Key {
    readonly name: string
    readonly at: Date
  }
  expectTypeOf(orders.keyBy((order): Key => ({ name: order.name, at: new Date(order.id) }))).toEqualTypeOf<
    KeyedStream<Key, Order, 'no timestamps'>
  >()
  expectTypeOf(orders.keyBy((order) => order.note ?? null)).toEqualTypeOf<KeyedStream<string | null, Order, 'no timestamps'>>()
})

test('reduce and running aggregates', () => {
  const keyed = orders.keyBy((order) => order.name)
  expectTypeOf(keyed.reduce('r', (left, right) => (left.id > right.id ? left : right))).toEqualTypeOf<Stream<Order, 'no timestamps'>>()
  // @ts-expect-error -- a reduction gives back a record
  keyed.reduce('r', (left) => left.id)
  const stats = keyed.aggregate(
    'a',
    {
      orders: count(),
      sum: sum((order) => order.id),
      mean: mean((order) => order.id),
      kind: max((order) => order.kind),
      first: first(),
      last: last((order) => order.name),
      names: values((order) => order.name),
      different: distinct((order) => order.name),
      longest: aggregator({
        create: () => '',
        add: (longest, order: Order) => (order.name.length > longest.length ? order.name : longest),
        merge: (left, right) => (left.length > right.length ? left : right),
        result: (longest) => longest.length,
      }),
    },
    { emit: '10s' },
  )
  expectTypeOf(stats).branded.toEqualTypeOf<
    Stream<
      {
        readonly key: string
        readonly orders: number
        readonly sum: number
        readonly mean: number
        readonly kind: 'placed' | 'paid'
        readonly first: Order
        readonly last: string
        readonly names: readonly string[]
        readonly different: number
        readonly longest: number
      },
      'no timestamps'
    >
  >()
  // @ts-expect-error -- a mean is that of numbers
  keyed.aggregate('a', { mean: mean((order) => order.name) })
  // @ts-expect-error -- when to emit
  keyed.aggregate('a', { n: count() }, { emit: 'sometimes' })
})

test('process: what handlers return or yield flows on, side outputs by their tag', () => {
  const rejected = sideOutput<{ why: string }>('rejected')
  const checked = orders.process('p', function* (order, context) {
    if (context.timestamp === undefined) yield rejected({ why: 'no time' })
    else yield order.id
  })
  expectTypeOf(checked).toEqualTypeOf<ProcessedStream<number, 'no timestamps'>>()
  expectTypeOf(checked.sideOutput(rejected)).toEqualTypeOf<Stream<{ why: string }, 'no timestamps'>>()
  // @ts-expect-error -- a tag carries one type
  rejected({ what: 'no time' })
  const handled = orders.process('p', {
    onRecord(order, context) {
      context.log.info(order.name)
    },
    *onEnd(context) {
      yield context.job
    },
  })
  expectTypeOf(handled).toEqualTypeOf<ProcessedStream<string, 'no timestamps'>>()
  const keyed = orders.keyBy((order) => order.id).process('p', (order, context) => [{ key: context.key, name: order.name }])
  expectTypeOf(keyed).toEqualTypeOf<ProcessedStream<{ key: number; name: string }, 'no timestamps'>>()
  // @ts-expect-error -- there is no key without keyBy
  orders.process('p', (_order, context) => [context.key])
})

test('timestamps take the caveat away', () => {
  expectTypeOf(orders.withTimestamps((order) => order.id, { outOfOrderness: '1h' })).toEqualTypeOf<Stream<Order, never>>()
  expectTypeOf(orders.withTimestamps((order) => new Date(order.id), { monotonous: true })).toEqualTypeOf<Stream<Order, never>>()
  // @ts-expect-error -- either of the two
  orders.withTimestamps((order) => order.id, { outOfOrderness: '1h', monotonous: true })
})

test('batches need a bound', () => {
  expectTypeOf(orders.batch('b', { records: 10 })).toEqualTypeOf<Stream<readonly Order[], 'no timestamps'>>()
  expectTypeOf(orders.batch('b', { time: '1s' })).toEqualTypeOf<Stream<readonly Order[], 'no timestamps'>>()
  // @ts-expect-error -- no bound
  orders.batch('b', {})
})

test('durations are checked as they are typed', () => {
  expectTypeOf<'250ms' | '10s' | '1.5s' | '1h30m' | '1d' | '2d12h' | '1h2m3s'>().toExtend<Duration>()
  expectTypeOf<10>().toExtend<Duration>()
  expectTypeOf<'10 parsecs'>().not.toExtend<Duration>()
  expectTypeOf<'10'>().not.toExtend<Duration>()
  expectTypeOf<string>().not.toExtend<Duration>()
})

test('streams are covariant: helpers may ask for less', () => {
  const helper = (stream: Stream<{ readonly id: number }>): Stream<number> => stream.map((record) => record.id)
  expectTypeOf(orders.through(helper)).toEqualTypeOf<Stream<number, Caveat>>()
  expectTypeOf(orders).toExtend<Stream<{ readonly id: number }>>()
  expectTypeOf(shapes).not.toExtend<Stream<Order>>()
  expectTypeOf<Stream<number, never>>().toExtend<Stream<number, 'lossy'>>()
  expectTypeOf<Stream<number, 'lossy'>>().not.toExtend<Stream<number, never>>()
})

test('sinks take what they can write', () => {
  orders.sink('out', discard())
  orders.sink(
    'out',
    forEach((order, context) => expectTypeOf([order.id, context.recordId]).toEqualTypeOf<(string | number)[]>()),
  )
  const numbersOnly = forEach((value: number) => value)
  // @ts-expect-error -- a sink of numbers
  orders.sink('out', numbersOnly)
})

test('a job is typed by its parameters and by what it returns', () => {
  const job = defineJob({ name: 'j', params: z.object({ records: z.number().default(10) }) }, (builder, params) => {
    expectTypeOf(params).toEqualTypeOf<{ records: number }>()
    const numbers = builder.source(
      's',
      generate((index) => ({ index }), { count: params.records }),
    )
    expectTypeOf(numbers).toEqualTypeOf<Stream<{ index: number }, 'no timestamps'>>()
    expectTypeOf(builder.deadLetters).toEqualTypeOf<Stream<DeadLetter, 'no timestamps'>>()
    return { numbers }
  })
  expectTypeOf(job).toEqualTypeOf<Job<{ records: number }, { numbers: Stream<{ index: number }, 'no timestamps'> }>>()
  const silent = defineJob({ name: 'j' }, (builder) => builder.source('s', fromArray([1])).sink('out', discard()))
  expectTypeOf(silent).toEqualTypeOf<Job<Readonly<Record<never, never>>, Readonly<Record<never, never>>>>()
})

test('literals are kept where they are asked for', () => {
  defineJob({ name: 'j' }, (job) => {
    const typed = job.source<Order>(
      's',
      generate((id) => ({ id, name: 'x', kind: 'paid', note: undefined })),
    )
    expectTypeOf(typed).toEqualTypeOf<Stream<Order, 'no timestamps'>>()
    const counts = job.source('words', fromArray(['a'])).map((word) => ({ word, n: 1 }))
    expectTypeOf(
      counts.keyBy((record) => record.word).reduce('n', (left, right) => ({ word: left.word, n: left.n + right.n })),
    ).toEqualTypeOf<Stream<{ word: string; n: number }, 'no timestamps'>>()
  })
})

test('a resource is what its open gives, once it is there', () => {
  defineJob({ name: 'j' }, (job) => {
    const pool = job.resource('pool', {
      open: async () => ({ query: (text: string) => text.length }),
      close: (opened) => expectTypeOf(opened.query('')).toEqualTypeOf<number>(),
    })
    const rows = orders.mapAsync('q', (order, context) => context.use(pool).query(order.name))
    expectTypeOf(rows).toEqualTypeOf<Stream<number, 'no timestamps'>>()
    // @ts-expect-error -- a name alone has no type
    orders.mapAsync('q', (_order, context) => context.use('pool'))
  })
})
