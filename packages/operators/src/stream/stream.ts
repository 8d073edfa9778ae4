/**
 * The face of the product: what can be done with a stream of records. Only types; declaring an operator adds a node to the job's
 * graph and runs nothing (see `declared-stream.ts`). The interfaces refer to each other, so they stand in one file.
 */
import type { Aggregators, ResultOf } from '../aggregate/aggregator.js'
import type { AsyncRecordContext, KeyedProcessContext, ProcessContext } from '../operator/contexts.js'
import type { ProcessHandlers } from '../operator/process-spec.js'
import type { Sink } from '../sink/sink.js'
import type {
  BatchOptions,
  MapAsyncOptions,
  NamedOperatorOptions,
  OperatorOptions,
  RunningAggregateOptions,
  SinkOptions,
  TimestampOptions,
} from './options.js'
import type { Caveat, Element, Emitted, Guarded, Key, NoPromise, NoReservedAggregates, NoRest, Rest, Sentence, Sync } from './rules.js'
import type { SideOutputTag } from './side-output.js'

declare const recordType: unique symbol
declare const caveatType: unique symbol
declare const keyType: unique symbol

/**
 * A stream of records of type `T`. `C` says what is not known of it: `'no timestamps'` until `withTimestamps`. Functions that
 * take any stream may write `Stream<Order>`.
 *
 * Records are plain data and immutable once they are emitted. Functions of `map`, `filter`, `keyBy` and the like run once per
 * record, must be synchronous, and see no context; use `process` or `mapAsync` for one.
 */
export interface Stream<out T, out C extends Caveat = Caveat> {
  /** Carry the types; never there at run time. */
  readonly [recordType]: T
  readonly [caveatType]: C

  /**
   * One record out for each record in: what `fn` returns. Keeps the timestamp.
   *
   * @example
   * orders.map((order) => ({ ...order, cents: Math.round(order.amount * 100) }))
   */
  map<U>(fn: (record: T) => Sync<U>, options?: OperatorOptions): Stream<U, C>

  /**
   * Keeps the named fields only. What nobody reads is not sent between workers, so put it early.
   *
   * @example
   * orders.select('id', 'amount')
   */
  select<F extends keyof T & string>(...fields: readonly F[]): Stream<Pick<T, F>, C>

  /**
   * Keeps the records for which `predicate` holds. A type guard narrows the type of the records.
   *
   * @example
   * orders.filter((order) => order.amount > 0, { name: 'paid' })
   */
  filter<S extends T>(predicate: (record: T) => record is S, options?: OperatorOptions): Stream<S, C>
  filter<R>(predicate: (record: T) => Sync<R>, options?: OperatorOptions): Stream<T, C>

  /**
   * Any number of records out for each record in: the elements of the array or iterable that `fn` returns, or yields as a generator;
   * nothing where it returns nothing. An iterable is pulled only as fast as records are taken. Keeps the timestamp.
   *
   * @example
   * job.source('lines', fromArray(['to be', 'or not to be'])).flatMap((line) => line.split(' '))
   */
  flatMap<R>(fn: (record: T) => Emitted<R>, options?: OperatorOptions): Stream<Element<R>, C>

  /**
   * One record out for each record in, by a function that may be asynchronous. At most `concurrency` records are in work at
   * once over all subtasks; results leave in the order of the records unless `ordered: false`. Keeps the timestamp.
   *
   * Fails with `SLUICE_TIMEOUT` where a record takes longer than `timeout` (default 60 s).
   *
   * @example
   * orders.mapAsync('enrich', async (order, context) => {
   *   const response = await fetch(`https://example.org/customers/${order.customer}`, { signal: context.signal })
   *   return { ...order, found: response.ok }
   * }, { concurrency: 32, ordered: false, timeout: '5s' })
   */
  mapAsync<U>(
    name: string,
    fn: (record: T, context: AsyncRecordContext) => U | Promise<U> | PromiseLike<U>,
    options?: MapAsyncOptions,
  ): Stream<U, C>

  /**
   * The records of this stream and of all others, in no particular order between them. Caveats add up.
   *
   * @example
   * const small = orders.filter((order) => order.amount < 10)
   * const large = orders.filter((order) => order.amount > 1_000)
   * small.union(large).sink('unusual', print())
   */
  union<const S extends readonly Stream<unknown>[]>(...streams: S): Stream<T | RecordOf<S[number]>, C | CaveatOf<S[number]>>

  /**
   * Deals records out to named outputs: the first whose guard holds takes the record, `rest` takes what no guard took. Type guards
   * narrow their output, and what they take is missing from the type of `rest`.
   *
   * @example
   * const { large, rest } = orders.split({ large: (order) => order.amount > 1_000 })
   * large.sink('large', print())
   * rest.sink('others', discard())
   */
  split<G extends Readonly<Record<string, (record: T) => boolean | Sentence<NoPromise>>>>(
    outputs: G & NoRest,
    options?: OperatorOptions,
  ): SplitStreams<T, C, G>

  /**
   * Groups records by a key: all records of a key meet in one subtask. A key is a string, number, bigint, boolean, null or Date,
   * or a plain object or tuple of these; undefined is refused by type, NaN when it appears (`SLUICE_KEY_INVALID`).
   *
   * @example
   * orders.keyBy((order) => order.customer)
   * @example
   * orders.keyBy((order) => [order.customer, order.amount > 100])
   */
  keyBy<const K>(fn: (record: T) => K & Key<K>): KeyedStream<K, T, C>

  /** Deals records out evenly to the subtasks of the next operator, whatever came from where. */
  rebalance(): Stream<T, C>

  /** Gives every subtask of the next operator every record. */
  broadcast(): Stream<T, C>

  /**
   * Assigns event time: what `fn` returns, in ms since the epoch or as a Date. `outOfOrderness` says how much later than its
   * successors a record may arrive (default 0), `monotonous: true` that timestamps never decrease.
   *
   * Fails with `SLUICE_OPERATOR_FAILED` where a timestamp is NaN or an invalid Date.
   *
   * @example
   * orders.withTimestamps((order) => order.at, { outOfOrderness: '10s' })
   */
  withTimestamps(fn: (record: T) => number | Date, options?: TimestampOptions): Stream<T, Exclude<C, 'no timestamps'>>

  /**
   * Collects records into arrays: at most `records` of them, waiting at most `time` for the last. Batches are made per subtask; what is
   * left at the end of the input is a smaller batch. A batch has the latest timestamp of its records.
   *
   * @example
   * orders.batch('batches', { records: 100, time: '1s' })
   */
  batch(name: string, options: BatchOptions): Stream<readonly T[], C>

  /**
   * Any number of records out for each record in, with a context: log, metrics, resources, timestamp, and side outputs. As a
   * function of the record, or as handlers `{ onStart, onRecord, onEnd }`. What handlers return or yield flows on, with the
   * timestamp of the record.
   *
   * @example
   * const rejected = sideOutput<{ id: number; why: string }>('rejected')
   * const checked = orders.process('check', function* (order, context) {
   *   if (order.amount < 0) {
   *     context.metrics.count('negative')
   *     yield rejected({ id: order.id, why: 'negative amount' })
   *   } else yield order
   * })
   * checked.sideOutput(rejected).sink('rejects', print())
   * checked.sink('checked', discard())
   */
  process<R>(
    name: string,
    fn: (record: T, context: ProcessContext) => Emitted<R>,
    options?: NamedOperatorOptions,
  ): ProcessedStream<Element<R>, C>
  process<R1, R2 = void>(
    name: string,
    handlers: ProcessHandlers<T, ProcessContext, R1, R2>,
    options?: NamedOperatorOptions,
  ): ProcessedStream<Element<R1> | Element<R2>, C>

  /**
   * Writes every record to a sink.
   *
   * @example
   * orders.sink('out', toJsonLines('orders.jsonl'))
   */
  sink(name: string, sink: Sink<T>, options?: SinkOptions): void

  /**
   * Hands this stream to a function and gives back what it returns: operators of one's own, without breaking the chain.
   *
   * @example
   * const cheap = (stream: Stream<{ amount: number }>) => stream.filter((order) => order.amount < 10)
   * orders.through(cheap).sink('cheap', print())
   */
  through<R>(fn: (stream: Stream<T, C>) => R): R
}

/**
 * A stream whose records are grouped by a key: what `keyBy` gives. All records of a key are handled by one subtask, in
 * the order in which they reach it; state is kept per key.
 */
export interface KeyedStream<out K, out T, out C extends Caveat = Caveat> {
  /** Carry the types; never there at run time. */
  readonly [keyType]: K
  readonly [recordType]: T
  readonly [caveatType]: C

  /**
   * Running reduction per key: emits, for each record, `fn(what was emitted last for its key, record)`; the first record of a key is
   * emitted as it is. `fn` returns a new record and changes neither of the two.
   *
   * @example
   * orders
   *   .keyBy((order) => order.customer)
   *   .reduce('total', (left, right) => ({ ...right, amount: left.amount + right.amount }))
   */
  reduce(name: string, fn: (left: T, right: T) => T, options?: NamedOperatorOptions): Stream<T, C>

  /**
   * Running aggregates per key: `{ key, ...aggregates }` for every record, or at the end of the input (`emit: 'end'`), or
   * at most this long after a change (`emit: '10s'`).
   *
   * @example
   * orders
   *   .keyBy((order) => order.customer)
   *   .aggregate('per-customer', { orders: count(), meanAmount: mean((order) => order.amount) }, { emit: 'end' })
   *   .sink('out', print())
   */
  aggregate<A extends Aggregators<T>>(
    name: string,
    aggregators: A & NoReservedAggregates,
    options?: RunningAggregateOptions,
  ): Stream<{ readonly [P in 'key' | keyof A]: P extends keyof A ? ResultOf<A[P]> : K }, C>

  /**
   * As `process` of a stream, with the key in the context; all records of a key are handled by one subtask.
   *
   * @example
   * orders
   *   .keyBy((order) => order.customer)
   *   .process('tag', (order, context) => [{ customer: context.key, amount: order.amount }])
   */
  process<R>(
    name: string,
    fn: (record: T, context: KeyedProcessContext<K>) => Emitted<R>,
    options?: NamedOperatorOptions,
  ): ProcessedStream<Element<R>, C>
  process<R1, R2 = void>(
    name: string,
    handlers: KeyedProcessHandlers<K, T, R1, R2>,
    options?: NamedOperatorOptions,
  ): ProcessedStream<Element<R1> | Element<R2>, C>
}

/** What `process` gives: its main output, and its side outputs by tag. */
export interface ProcessedStream<out T, out C extends Caveat = Caveat> extends Stream<T, C> {
  /** The records that were yielded with `tag(...)`. */
  sideOutput<U>(tag: SideOutputTag<U>): Stream<U, C>
}

/** Handlers of `process` on a keyed stream. `onStart` and `onEnd` run once per subtask, so there is no key for them. */
export interface KeyedProcessHandlers<K, T, R1, R2> {
  /** Once per subtask, before its first record. */
  onStart?(context: ProcessContext): void
  /** For every record. */
  onRecord(record: T, context: KeyedProcessContext<K>): Emitted<R1>
  /** Once per subtask, after its last record at the end of the input; not when the job is stopped or fails. */
  onEnd?(context: ProcessContext): Emitted<R2>
}

/** What `split` gives: a stream per output, and `rest`. */
export type SplitStreams<T, C extends Caveat, G> = { readonly [P in keyof G]: Stream<Guarded<T, G[P]>, C> } & {
  /** The records that no guard took. */
  readonly rest: Stream<Rest<T, G>, C>
}

/** The type of a stream's records. */
export type RecordOf<S> = S extends { readonly [recordType]: infer T } ? T : never

/** The caveats of a stream. */
export type CaveatOf<S> = S extends { readonly [caveatType]: infer C extends Caveat } ? C : never
