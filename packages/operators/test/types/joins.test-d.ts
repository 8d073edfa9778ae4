/** What joins take and give, as types. */
import { expectTypeOf, test } from 'vitest'
import {
  compact,
  type DeadLetter,
  defineSink,
  discard,
  forEach,
  fromArray,
  type JoinedKey,
  type KeyedStream,
  print,
  type Stream,
  type TableRow,
  toCsv,
  toJsonLines,
  toParquet,
  tumbling,
  type Update,
} from '../../src/index.js'

interface Order {
  readonly id: number
  readonly customer: string
  readonly amount: number
}
interface Customer {
  readonly id: string
  readonly name: string
}

declare const orders: KeyedStream<string, Order, never>
declare const customers: KeyedStream<string, Customer, never>
declare const untimed: KeyedStream<string, Customer, 'no timestamps'>
declare const literal: KeyedStream<'ann' | 'bob', Customer, never>
declare const byNumber: KeyedStream<number, Order, never>
declare const plain: Stream<Order, never>

test('an inner join gives what its function returns, an outer join updates', () => {
  expectTypeOf(orders.join('j', customers, (order, customer) => ({ id: order.id, name: customer.name }))).toEqualTypeOf<
    Stream<{ id: number; name: string }, never>
  >()
  expectTypeOf(orders.join('j', untimed, (order) => order.id, { ttl: { left: '1h' } })).toEqualTypeOf<Stream<number, 'no timestamps'>>()
  const left = orders.join('j', customers, (order, customer) => [order.id, customer?.name] as const, { type: 'left' })
  expectTypeOf(left).toEqualTypeOf<Stream<Update<readonly [number, string | undefined], JoinedKey<string>>, never>>()
  orders.join('j', customers, (order, customer) => order?.id ?? customer.name, { type: 'right' })
  orders.join('j', customers, (order, customer) => order?.id ?? customer?.name, { type: 'full' })
  // @ts-expect-error -- there may be no customer
  orders.join('j', customers, (order, customer) => customer.name, { type: 'left' })
  // @ts-expect-error -- there may be no order
  orders.join('j', customers, (order) => order.id, { type: 'full' })
  // @ts-expect-error -- a function that is asynchronous
  orders.join('j', customers, async (order) => order.id)
})

test('keys of one type, of which one may be narrower', () => {
  expectTypeOf(orders.join('j', literal, (order) => order.id)).toEqualTypeOf<Stream<number, never>>()
  literal.join('j', orders, (customer) => customer.id)
  // @ts-expect-error -- numbers and texts never meet
  orders.join('j', byNumber, (order) => order.id)
  // @ts-expect-error -- numbers and texts never meet
  orders.windowJoin('j', byNumber, (order) => order.id, { window: tumbling('1h') })
  // @ts-expect-error -- numbers and texts never meet
  orders.intervalJoin('j', byNumber, (order) => order.id, { after: '1h' })
  // @ts-expect-error -- numbers and texts never meet
  orders.temporalJoin('j', byNumber, (order) => order.id)
})

test('joins by event time need timestamps on both sides', () => {
  const paid = orders.windowJoin('j', customers, (order, customer, window) => ({ order, customer, window }), { window: tumbling('1h') })
  expectTypeOf(paid.late).toEqualTypeOf<Stream<Order | Customer, never>>()
  expectTypeOf(orders.intervalJoin('j', customers, (order) => order.id, { before: '1h' }).late).toEqualTypeOf<
    Stream<Order | Customer, never>
  >()
  orders.windowJoin('j', untimed, (order) => order.id, { window: tumbling('1h', { time: 'processing' }) })
  // @ts-expect-error -- no timestamps
  orders.windowJoin('j', untimed, (order) => order.id, { window: tumbling('1h') })
  // @ts-expect-error -- no timestamps
  orders.intervalJoin('j', untimed, (order) => order.id, { after: '1h' })
  // @ts-expect-error -- no timestamps
  untimed.intervalJoin('j', orders, (customer) => customer.id, { after: '1h' })
  // @ts-expect-error -- no timestamps
  orders.temporalJoin('j', untimed, (order) => order.id)
  // @ts-expect-error -- an interval is asked for
  orders.intervalJoin('j', customers, (order) => order.id)
})

test('a temporal join has a version, unless it keeps all records', () => {
  const named = orders.temporalJoin('j', customers, (_order, customer) => customer.name)
  expectTypeOf(named.late).toEqualTypeOf<Stream<Order | Customer, never>>()
  orders.temporalJoin('j', customers, (_order, customer) => customer?.name, { type: 'left' })
  // @ts-expect-error -- there may be none
  orders.temporalJoin('j', customers, (_order, customer) => customer.name, { type: 'left' })
})

test('lookups: a row, or what a function finds', () => {
  const table = fromArray<Customer>([])
  const named = plain.lookupJoin('l', table, (order, row) => ({ id: order.id, name: row?.name }), {
    on: (order) => order.customer,
    key: (row) => row.id,
  })
  expectTypeOf(named).toEqualTypeOf<Stream<{ id: number; name: string | undefined }, never>>()
  const scored = plain.lookupJoin(
    'l',
    async (customer: string) => customer.length,
    (order, score) => ({ id: order.id, score }),
    {
      on: (order) => order.customer,
      cache: false,
    },
  )
  expectTypeOf(scored).toEqualTypeOf<Stream<{ id: number; score: number | undefined }, never>>()
  const keyed = orders.lookupJoin('l', table, (order, row) => ({ id: order.id, name: row?.name }), { key: (row) => row.id })
  expectTypeOf(keyed).toEqualTypeOf<Stream<{ id: number; name: string | undefined }, never>>()
  literal.lookupJoin('l', table, (customer) => customer, { key: (row) => row.id })
  // @ts-expect-error -- the key of a row is a text
  byNumber.lookupJoin('l', table, (order) => order, { key: (row) => row.id })
  const asked = orders.lookupJoin(
    'l',
    async (customer) => customer.length,
    (order, score) => ({ id: order.id, score }),
  )
  expectTypeOf(asked).toEqualTypeOf<Stream<{ id: number; score: number | undefined }, never>>()
  // @ts-expect-error -- the key of a row is a text
  plain.lookupJoin('l', table, (order) => order, { on: (order) => order.id, key: (row) => row.id })
})

test('lookups and splits have letters where they were asked for', () => {
  const table = fromArray<Customer>([])
  const named = plain.lookupJoin('l', table, (order, row) => ({ id: order.id, name: row?.name }), {
    on: (order) => order.customer,
    key: (row) => row.id,
    onError: 'deadLetter',
  })
  expectTypeOf(named.deadLetters).toEqualTypeOf<Stream<DeadLetter, 'no timestamps'>>()
  expectTypeOf(named.map(({ name }) => name)).toEqualTypeOf<Stream<string | undefined, never>>()
  const keyed = orders.lookupJoin('l', table, (order) => order, { key: (row) => row.id, onError: 'deadLetter' })
  expectTypeOf(keyed.deadLetters).toEqualTypeOf<Stream<DeadLetter, 'no timestamps'>>()
  const scored = plain.lookupJoin(
    'l',
    async (customer: string) => customer.length,
    (order, score) => ({ id: order.id, score }),
    {
      on: (order) => order.customer,
      retry: { attempts: 3 },
      onError: 'deadLetter',
    },
  )
  expectTypeOf(scored.deadLetters).toEqualTypeOf<Stream<DeadLetter, 'no timestamps'>>()
  expectTypeOf(scored.map(({ score }) => score)).toEqualTypeOf<Stream<number | undefined, never>>()
  const asked = orders.lookupJoin(
    'l',
    async (customer) => customer.length,
    (order) => order,
    { onError: 'deadLetter' },
  )
  expectTypeOf(asked.deadLetters).toEqualTypeOf<Stream<DeadLetter, 'no timestamps'>>()
  const dropped = orders.lookupJoin(
    'l',
    async (customer) => customer.length,
    (order) => order,
    { onError: 'drop' },
  )
  // @ts-expect-error -- what is dropped has no letter
  expectTypeOf(dropped.deadLetters).toBeUnknown()
  const parts = plain.split({ large: (order) => order.amount > 10 }, { name: 'size', onError: 'deadLetter' })
  expectTypeOf(parts.large).toEqualTypeOf<Stream<Order, never>>()
  expectTypeOf(parts.deadLetters).toEqualTypeOf<Stream<DeadLetter, 'no timestamps'>>()
  // @ts-expect-error -- nobody asked for letters
  expectTypeOf(plain.split({ large: (order) => order.amount > 10 }).deadLetters).toBeUnknown()
  // @ts-expect-error -- an operator that keeps what it has seen has no policy
  orders.reduce('r', (left) => left, { onError: 'drop' })
})

test('dedupe and topN', () => {
  expectTypeOf(orders.dedupe('d', { ttl: '1h', time: 'event' })).toEqualTypeOf<Stream<Order, never>>()
  const top = orders.topN('t', 3, (left, right) => right.amount - left.amount, { emit: '10s' })
  expectTypeOf(top).toEqualTypeOf<Stream<Update<readonly Order[], string>, never>>()
  // @ts-expect-error -- a comparison gives a number
  orders.topN('t', 3, (left, right) => right.amount > left.amount)
})

test('sinks of files take updates where they were told what to do with them', () => {
  const named = orders.join('j', customers, (order, customer) => ({ id: order.id, name: customer?.name ?? '?' }), { type: 'left' })
  const toNumbers = defineSink<number>({ open: () => ({ write: () => {} }) })
  // @ts-expect-error -- apply or log?
  named.sink('s', toJsonLines('x.jsonl'))
  // @ts-expect-error -- apply or log?
  named.sink('s', toCsv('x.csv'))
  // @ts-expect-error -- apply or log?
  named.sink('s', toParquet('x.parquet'))
  // @ts-expect-error -- a sink of numbers
  named.sink('s', toNumbers)
  named.sink('s', toJsonLines('x.jsonl', { updates: 'table' }))
  named.sink('s', toJsonLines('x.jsonl', { updates: 'log' }))
  named.sink('s', toCsv('x.csv', { updates: 'table', columns: ['name', 'id'] }))
  named.sink('s', toCsv('x.csv', { updates: 'log', columns: ['op', 'value'] }))
  named.sink('s', toParquet('x.parquet', { updates: 'table', columns: { name: 'string' } }))
  // @ts-expect-error -- the rows of the table have no such column
  named.sink('s', toCsv('x.csv', { updates: 'table', columns: ['op'] }))
  named.sink('s', print())
  named.sink('s', discard())
  named.sink(
    's',
    forEach((update, context) => expectTypeOf([update.op, context.recordId]).toEqualTypeOf<string[]>()),
  )
  // @ts-expect-error -- there are no updates to apply
  plain.sink('s', toJsonLines('x.jsonl', { updates: 'table' }))
  plain.sink('s', toJsonLines('x.jsonl', { updates: 'log' }))
  plain.sink('s', toCsv('x.csv', { columns: ['id'] }))
})

test('a stream of updates comes to a table', () => {
  const top = orders.topN('t', 3, (left, right) => right.amount - left.amount)
  expectTypeOf(top.through(compact('final'))).toEqualTypeOf<Stream<TableRow<string, readonly Order[]>, never>>()
  // @ts-expect-error -- orders are no updates
  plain.through(compact('final'))
})

test('helpers over any stream go on to work', () => {
  const save = (stream: Stream<unknown>): void => stream.sink('s', toJsonLines('x.jsonl'))
  const show = <T>(stream: Stream<T>): void => stream.sink('s', print())
  expectTypeOf(save(plain)).toBeVoid()
  expectTypeOf(show(plain)).toBeVoid()
})
