/** Every operator is declared where the user wrote it, however many functions of the package lie between. */
import { expect, test } from 'vitest'
import { count, discard, fromArray, tumbling, valueState } from '../../src/index.js'
import { declare, nodeOf } from '../support/graphs.js'

interface Order {
  readonly customer: string
  readonly at: number
}

const none: readonly Order[] = []

test('the line of an operator is that of its declaration', () => {
  const graph = declare((job) => {
    const orders = job.source('orders', fromArray(none)).withTimestamps((order) => order.at)
    const keyed = orders.keyBy((order) => order.customer)
    keyed.window(tumbling('1h')).aggregate('window', { orders: count() }).sink('a', discard())
    keyed.join('join', keyed, (left, right) => [left, right]).sink('b', discard())
    keyed.process('process', { state: { last: valueState<number>() }, onRecord: (_order) => [] }).sink('c', discard())
    orders.lookupJoin('lookup', fromArray(none), (order) => order, { on: (order) => order.at, key: (row) => row.at }).sink('d', discard())
    keyed.dedupe('dedupe').sink('e', discard())
  })
  const names = ['orders', 'timestamps', 'window', 'join', 'process', 'lookup', 'dedupe', 'a']
  const lines = names.map((name) => {
    const [, file, line] = /^(.*):(\d+):\d+$/.exec(nodeOf(graph, name).declaredAt ?? '') ?? []
    expect(file).toMatch(/call-site\.test\.ts$/)
    return Number(line)
  })
  const first = lines[0] as number
  expect(lines.map((line) => line - first)).toEqual([0, 0, 2, 3, 4, 5, 6, 2])
})
