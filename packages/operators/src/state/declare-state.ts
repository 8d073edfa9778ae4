/** Declares keyed state: what `process` is given under `state`. Runs while a job is declared. */
import type { Aggregator } from '../aggregate/aggregator.js'
import type {
  AggregatingState,
  ListState,
  LooseStateDeclaration,
  MapDeclaration,
  MapState,
  ReducingState,
  StateDeclaration,
  StateOptions,
  ValueState,
  ValueStateOptions,
} from './state-types.js'

/**
 * One value per key: plain data, replaced by setting another. Numbers cost 8 bytes per key. With a `default`, `get()` is never undefined.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .process('running-total', {
 *     state: { total: valueState<number>({ default: 0 }) },
 *     onRecord(order, context) {
 *       context.state.total.set(context.state.total.get() + order.amount)
 *       return [{ customer: context.key, total: context.state.total.get() }]
 *     },
 *   })
 */
export function valueState<T>(options: ValueStateOptions<T> & { readonly default: T }): StateDeclaration<ValueState<T, never>>
export function valueState<T>(options?: ValueStateOptions<T>): StateDeclaration<ValueState<T>>
export function valueState(options: object = {}): StateDeclaration<never> {
  return declared({ kind: 'value', options })
}

/**
 * A list per key, in the order in which values were added. With a `ttl` every element expires by itself.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .process('in-threes', {
 *     state: { waiting: listState<number>() },
 *     onRecord(order, context) {
 *       const { waiting } = context.state
 *       waiting.add(order.id)
 *       if (waiting.size < 3) return []
 *       const ids = waiting.values()
 *       waiting.clear()
 *       return [{ customer: context.key, ids }]
 *     },
 *   })
 */
export function listState<T>(options: StateOptions = {}): StateDeclaration<ListState<T>> {
  return declared({ kind: 'list', options })
}

/**
 * A map per key: keys are compared by content, as keys of streams are. With a `ttl` every entry expires by itself.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .process('repeated-amounts', {
 *     state: { seen: mapState<number, number>({ ttl: '1d' }) },
 *     onRecord(order, context) {
 *       const earlier = context.state.seen.get(order.amount)
 *       context.state.seen.set(order.amount, order.id)
 *       return earlier === undefined ? [] : [{ earlier, later: order.id }]
 *     },
 *   })
 */
export function mapState<K, V>(options: StateOptions = {}): MapDeclaration<K, V> {
  return declared<MapState<K, V>>({ kind: 'map', options }) as MapDeclaration<K, V>
}

/**
 * A value per key into which others are reduced by `fn`, which gives a new value and changes neither of the two.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .process('records', {
 *     state: { largest: reducingState<number>((left, right) => Math.max(left, right)) },
 *     onRecord(order, context) {
 *       const before = context.state.largest.get()
 *       context.state.largest.add(order.amount)
 *       return before !== undefined && order.amount > before ? [order] : []
 *     },
 *   })
 */
export function reducingState<T>(fn: (left: T, right: T) => T, options: StateOptions = {}): StateDeclaration<ReducingState<T>> {
  return declared({ kind: 'reducing', options, reduce: fn })
}

/**
 * An aggregate per key, kept by one of the aggregators.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .process('above-mean', {
 *     state: { mean: aggregatingState(mean((amount: number) => amount), { ttl: { after: '30d', refresh: 'readAndWrite' } }) },
 *     onRecord(order, context) {
 *       const usual = context.state.mean.get()
 *       context.state.mean.add(order.amount)
 *       return usual !== undefined && order.amount > 2 * usual ? [order] : []
 *     },
 *   })
 */
export function aggregatingState<T, R>(aggregator: Aggregator<T, R>, options: StateOptions = {}): StateDeclaration<AggregatingState<T, R>> {
  return declared({ kind: 'aggregating', options, aggregator })
}

/** The handle is a type alone. */
function declared<H>(declaration: LooseStateDeclaration): StateDeclaration<H> {
  return declaration as unknown as StateDeclaration<H>
}
