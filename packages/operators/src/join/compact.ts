/** The final table of a stream of updates. */
import { last } from '../aggregate/collecting.js'
import type { Caveat, Key } from '../stream/rules.js'
import type { KeyedStream, Stream } from '../stream/stream.js'
import type { Update } from './join-types.js'

/** A row of a table. */
export interface TableRow<out K, out V> {
  readonly key: K
  readonly value: V
}

/**
 * Applies updates, as `topN` and outer joins give them, to the table that they describe, and gives its rows when the input has ended. Of each
 * key one update is kept. Give it to `through`.
 *
 * @param name that of the operator, which keeps state
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .topN('largest', 3, (left, right) => right.amount - left.amount)
 *   .through(compact('final'))
 *   .map(({ key, value }) => ({ customer: key, amounts: value.map((order) => order.amount) }))
 *   .sink('out', toJsonLines('largest.jsonl'))
 */
export function compact(name: string): <K, V, C extends Caveat>(updates: Stream<Update<V, K>, C>) => Stream<TableRow<K, V>, C> {
  return <K, V, C extends Caveat>(updates: Stream<Update<V, K>, C>): Stream<TableRow<K, V>, C> => {
    // What a key may be was checked where the updates were made.
    const keyed: KeyedStream<K, Update<V, K>, C> = updates.keyBy((update) => update.key as K & Key<K>)
    return keyed
      .aggregate(name, { update: last<Update<V, K>>() }, { emit: 'end' })
      .filter(({ update }) => update.op === 'upsert')
      .map(({ key, update }): TableRow<K, V> => ({ key, value: update.value }))
  }
}
