/**
 * The face of the product: what can be done with a stream of records. Only types; declaring an operator adds a node to the job's
 * graph and runs nothing (see `declared-stream.ts`). The interfaces refer to each other, so they stand in one file.
 */
import type { DeadLetter, ErrorPolicy } from '@sluice/engine'
import type { Aggregators, ResultOf } from '../aggregate/aggregator.js'
import type { AsyncRecordContext, KeyedProcessContext, ProcessContext } from '../operator/contexts.js'
import type { ProcessHandlers } from '../operator/process-spec.js'
import type {
  BroadcastHandlers,
  BroadcastStates,
  CaveatFrom,
  CoProcessHandlers,
  KeyedBroadcastHandlers,
  StatefulHandlers,
} from '../operator/keyed-contexts.js'
import type {
  AsyncLookupOptions,
  DedupeOptions,
  IntervalJoinOptions,
  JoinedKey,
  JoinOptions,
  KeyedAsyncLookupOptions,
  KeyedLookupOptions,
  LookupOptions,
  OuterJoin,
  OuterJoinOptions,
  TemporalJoinOptions,
  TopNOptions,
  Update,
  WindowJoinOptions,
} from '../join/join-types.js'
import type { AdaptiveLimit, DropLimited, HoldLimited, StaticLimit } from '../flow/rate/rate-options.js'
import type { ShedPolicy, Spill } from '../flow/shed/shed-types.js'
import type { DecideEarly, DropNewestTrace } from '../sample/sample-types.js'
import type { LetteredSink, SinkFor } from '../sink/sink.js'
import type { Source } from '../source/source.js'
import type { States } from '../state/state-types.js'
import type { TimeWindow, WindowAssigner, WindowContext, WindowFits, WindowOptions } from '../window/window-types.js'
import type {
  BatchOptions,
  KeyByOptions,
  FunctionOptions,
  MapAsyncOptions,
  NamedOperatorOptions,
  ProcessOptions,
  RunningAggregateOptions,
  RunningReduceOptions,
  SinkOptions,
  TimestampOptions,
} from './options.js'
import type {
  Caveat,
  Element,
  Emitted,
  Guarded,
  Key,
  NoPromise,
  NoReservedAggregates,
  NoReservedOutputs,
  Rest,
  SameKey,
  Sentence,
  Sync,
  Timed,
} from './rules.js'
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
  map<U, const O extends FunctionOptions = FunctionOptions>(fn: (record: T) => Sync<U>, options?: O): WithLetters<O, Stream<U, C>>

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
  filter<S extends T, const O extends FunctionOptions = FunctionOptions>(
    predicate: (record: T) => record is S,
    options?: O,
  ): WithLetters<O, Stream<S, C>>
  filter<R, const O extends FunctionOptions = FunctionOptions>(predicate: (record: T) => Sync<R>, options?: O): WithLetters<O, Stream<T, C>>

  /**
   * Any number of records out for each record in: the elements of the array or iterable that `fn` returns, or yields as a generator;
   * nothing where it returns nothing. An iterable is pulled only as fast as records are taken. Keeps the timestamp.
   *
   * @example
   * job.source('lines', fromArray(['to be', 'or not to be'])).flatMap((line) => line.split(' '))
   */
  flatMap<R, const O extends FunctionOptions = FunctionOptions>(
    fn: (record: T) => Emitted<R>,
    options?: O,
  ): WithLetters<O, Stream<Element<R>, C>>

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
  mapAsync<U, const O extends MapAsyncOptions = MapAsyncOptions>(
    name: string,
    fn: (record: T, context: AsyncRecordContext) => U | Promise<U> | PromiseLike<U>,
    options?: O,
  ): WithLetters<O, Stream<U, C>>

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
  split<
    G extends Readonly<Record<string, (record: T) => boolean | Sentence<NoPromise>>>,
    const O extends FunctionOptions = FunctionOptions,
  >(outputs: G & NoReservedOutputs, options?: O): WithLetters<O, SplitStreams<T, C, G>>

  /**
   * Groups records by a key: all records of a key meet in one subtask. A key is a string, number, bigint, boolean, null or Date,
   * or a plain object or tuple of these; undefined is refused by type, NaN when it appears (`SLUICE_KEY_INVALID`).
   *
   * @example
   * orders.keyBy((order) => order.customer)
   * @example
   * orders.keyBy((order) => [order.customer, order.amount > 100])
   * @example
   * // The reduced orders lie where their customer belongs: nothing is sent between workers a second time.
   * orders
   *   .keyBy((order) => order.customer)
   *   .reduce('largest', (left, right) => (right.amount > left.amount ? right : left))
   *   .keyBy((order) => order.customer, { partitioned: true })
   *   .aggregate('changes', { changes: count() }, { emit: 'end' })
   */
  keyBy<const K>(fn: (record: T) => K & Key<K>, options?: KeyByOptions): KeyedStream<K, T, C>

  /**
   * Deals records out evenly to the subtasks of the next operator, whatever came from where: where some splits of a source hold more than
   * others, or a source has one subtask.
   *
   * @example
   * orders.rebalance().map((order) => ({ ...order, cents: Math.round(order.amount * 100) }))
   */
  rebalance(): Stream<T, C>

  /**
   * Gives every subtask of the next operator every record. To look into one stream while another is handled, take `connectBroadcast`.
   *
   * @example
   * orders.broadcast().process('in-each', (order, context) => [{ subtask: context.subtask.index, id: order.id }])
   */
  broadcast(): Stream<T, C>

  /**
   * Assigns event time: what `fn` returns, in ms since the epoch or as a Date. `outOfOrderness` says how much later than its
   * successors a record may arrive (default 0), `monotonous: true` that timestamps never decrease, `watermark` gives a strategy of
   * one's own. Put it near the source: there watermarks are kept per split, elsewhere per subtask.
   *
   * Fails with `SLUICE_TIMESTAMP_INVALID` where a timestamp is NaN, not a number, or beyond what a Date can hold.
   *
   * @example
   * orders.withTimestamps((order) => order.at, { outOfOrderness: '10s' })
   */
  withTimestamps<const O extends TimestampOptions<T> = TimestampOptions<T>>(
    fn: (record: T) => number | Date,
    options?: O,
  ): WithLetters<O, Stream<T, Exclude<C, 'no timestamps'>>>

  /**
   * Puts all records into windows, whatever their key: handled by one subtask. Results have the key `null`.
   *
   * Fails with `SLUICE_TIMESTAMPS_MISSING` where windows are of event time and records have no timestamps.
   *
   * @example
   * orders
   *   .withTimestamps((order) => order.at)
   *   .windowAll(tumbling('1h'))
   *   .aggregate('per-hour', { orders: count() })
   */
  windowAll<D extends Caveat>(assigner: WindowAssigner<D> & WindowFits<C, D>, options?: WindowOptions): WindowedStream<null, T, C>

  /**
   * Enriches each record with the row of a bounded side table that has its key; `undefined` where there is none. Every subtask reads
   * the whole table before its first record and keeps it; of several rows of one key the last counts.
   *
   * @example
   * const names = fromArray([{ customer: 'ann', name: 'Ann' }])
   * orders.lookupJoin('names', names, (order, row) => ({ ...order, name: row?.name ?? '?' }), {
   *   on: (order) => order.customer,
   *   key: (row) => row.customer,
   * })
   */
  lookupJoin<U, K, R, P extends ErrorPolicy = 'fail'>(
    name: string,
    table: Source<U>,
    fn: (record: T, row: U | undefined) => Sync<R>,
    options: LookupOptions<T, U, K> & OnError<P>,
  ): WithLetters<{ readonly onError: P }, Stream<R, C>>
  /**
   * Enriches each record with what an asynchronous function finds for its key; answers are cached, also that there is none, and errors are
   * not. Records that ask for one key at the same time share a call.
   *
   * Fails with `SLUICE_TIMEOUT` where an answer takes longer than `timeout` (default 60 s).
   *
   * @example
   * orders.lookupJoin('scores', async (customer: string) => customer.length, (order, score) => ({ ...order, score }), {
   *   on: (order) => order.customer,
   *   cache: { entries: 1_000, ttl: '1m' },
   *   concurrency: 8,
   * })
   */
  lookupJoin<U, K, R, P extends ErrorPolicy = 'fail'>(
    name: string,
    lookup: (key: K, context: AsyncRecordContext) => U | undefined | PromiseLike<U | undefined>,
    fn: (record: T, found: U | undefined) => Sync<R>,
    options: AsyncLookupOptions<T, K> & OnError<P>,
  ): WithLetters<{ readonly onError: P }, Stream<R, C>>

  /**
   * Handles each record with what every subtask knows of another stream: rules, a configuration, a small table of dimensions. Broadcast
   * state is written by `onBroadcast` alone, the same in every subtask.
   *
   * Fails with `SLUICE_STATE_READONLY` where it is written elsewhere, and with `SLUICE_STATE_VALUE` for what is no plain data.
   *
   * @example
   * const limits = job.source('limits', fromArray([{ customer: 'ann', limit: 100 }]))
   * orders.connectBroadcast('check', limits, {
   *   broadcast: { limits: mapState<string, number>() },
   *   onBroadcast(rule, context) {
   *     context.broadcast.limits.set(rule.customer, rule.limit)
   *   },
   *   onRecord(order, context) {
   *     return order.amount > (context.broadcast.limits.get(order.customer) ?? Infinity) ? [order] : []
   *   },
   * })
   */
  connectBroadcast<U, D extends Caveat, B extends BroadcastStates, R1, R2 = void, const O extends ProcessOptions = ProcessOptions>(
    name: string,
    other: Stream<U, D>,
    handlers: BroadcastHandlers<T, U, B, R1, R2>,
    options?: O,
  ): WithLetters<O, ProcessedStream<Element<R1> | Element<R2>, C | CaveatFrom<R2, D>>>

  /**
   * Collects records into arrays: at most `records` of them, waiting at most `time` for the last. Batches are made per subtask; what is
   * left at the end of the input is a smaller batch. A batch has the latest timestamp of its records.
   *
   * @example
   * orders.batch('batches', { records: 100, time: '1s' })
   */
  batch(name: string, options: BatchOptions): Stream<readonly T[], C>

  /**
   * Lets so many records pass in a time: `rate` per `per` (default one second), over all subtasks. A token bucket lets `burst` records pass at once
   * after a pause (default: what 100 ms of the rate give); with `algorithm: 'leaky-bucket'` they leave evenly spaced. Records beyond the limit wait and hold
   * the stream back; with `onLimit: 'drop'` they are dropped, counted as `limited`, and readable as `.dropped`.
   *
   * With a `key` every key has the whole rate for itself: records of a limited key wait in a bounded queue while others pass. `rate` may be a stream
   * of numbers: its latest record counts, from `initial` on; 0 pauses. With `algorithm: 'aimd'` or `'gradient'` the rate adapts to what is measured of the operator
   * named by `observe`, which stands behind: its latency, the time in the queue in front of it, its errors.
   *
   * Fails with `SLUICE_OPTIONS_INVALID` for a rate that is not above 0 and other wrong options, with `SLUICE_RATE_INVALID` where a stream gives a number
   * that is negative or NaN, with `SLUICE_KEY_INVALID` for a key that is undefined, and with `SLUICE_OPERATOR_UNKNOWN` where `observe` names no operator behind it.
   *
   * @example
   * orders.rateLimit('polite', { rate: 100 }).sink('hook', toWebhook('https://example.org/orders'))
   * @example
   * orders.rateLimit('per-customer', { rate: 10, per: '1m', burst: 5, key: (order) => order.customer, queue: { records: 500 } })
   * @example
   * const limited = orders.rateLimit('cap', { rate: 1_000, onLimit: 'drop' })
   * limited.dropped.sink('dropped', toJsonLines('dropped.jsonl'))
   * limited.sink('out', print())
   * @example
   * orders
   *   .rateLimit('careful', { algorithm: 'aimd', observe: 'score', min: 10, max: 1_000, target: { latency: '50ms', errorRate: 0.01 } })
   *   .mapAsync('score', async (order) => ({ ...order, score: 1 }), { concurrency: 32 })
   *   .sink('out', print())
   */
  rateLimit<K>(name: string, options: (StaticLimit<T, K, Stream<number>> | AdaptiveLimit) & DropLimited): LimitedStream<T, C | 'lossy'>
  rateLimit<K>(name: string, options: (StaticLimit<T, K, Stream<number>> | AdaptiveLimit) & HoldLimited): Stream<T, C>

  /**
   * A bounded queue in front of a slow consumer. While the consumer takes what comes, records pass straight through. When it does not, they wait in the queue. A full queue
   * holds the producers back until one of the triggers in `when` holds; then the policy says which records go. Without `when` a full queue is enough.
   *
   * The policies: `'drop-newest'`, `'drop-oldest'`, `'sample'` (a share of the records, or of the keys), `'priority'` (the lowest goes first), `'latest'` (one record
   * per key). Records leave in the order of their arrival. Every loss is counted with its reason; the records are in `dropped`. `'spill'` loses nothing: what does not
   * fit the queue goes to disk, and the producers wait where the disk may take no more.
   *
   * Fails with `SLUICE_LOSSY_STREAM` in front of a sink that writes every record exactly once, unless the policy says `lossy: true`; with
   * `SLUICE_RECORD_TOO_LARGE` where a record is larger than the whole queue; with `SLUICE_OPTIONS_INVALID` where `priority` gives no number and
   * `SLUICE_KEY_INVALID` where `key` or `by` gives no key; with `SLUICE_SPILL_FAILED` where a directory cannot be written or the disk is full.
   *
   * @example
   * const recent = orders.shed('recent', { policy: 'drop-oldest', records: 1_000, time: '5s' })
   * recent.sink('out', print())
   * @example
   * // One order per customer waits: the latest. Nothing is lost before the consumer has been too slow for two seconds.
   * orders.shed('latest', { policy: 'latest', key: (order) => order.customer, when: { fullFor: '2s' } })
   * @example
   * // A tenth of the customers, each with all of their orders.
   * orders.shed('some', { policy: 'sample', keep: 0.1, by: (order) => order.customer })
   * @example
   * // Peaks go to disk, up to 1 GB of them.
   * orders.shed('peaks', { policy: 'spill', directory: 'spilled', diskBytes: '1gb' }).sink('out', print())
   */
  shed(name: string, policy: Spill, options?: NamedOperatorOptions): Stream<T, C>
  shed<K>(name: string, policy: ShedPolicy<T, K>, options?: NamedOperatorOptions): ShedStream<T, C | 'lossy'>

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
  process<R, const O extends ProcessOptions = ProcessOptions>(
    name: string,
    fn: (record: T, context: ProcessContext) => Emitted<R>,
    options?: O,
  ): WithLetters<O, ProcessedStream<Element<R>, C>>
  process<R1, R2 = void, const O extends ProcessOptions = ProcessOptions>(
    name: string,
    handlers: ProcessHandlers<T, ProcessContext, R1, R2>,
    options?: O,
  ): WithLetters<O, ProcessedStream<Element<R1> | Element<R2>, C>>

  /**
   * Writes every record to a sink. Streams of updates (`topN`, outer joins) are refused by sinks of files that were not told what to do
   * with them: `{ updates: 'table' }` or `{ updates: 'log' }`.
   *
   * @example
   * orders.sink('out', toJsonLines('orders.jsonl'))
   */
  sink(name: string, sink: SinkFor<T> & LetteredSink<T>, options?: SinkOptions): Lettered
  sink(name: string, sink: SinkFor<T>, options?: SinkOptions): void

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
   * emitted as it is. `fn` returns a new record and changes neither of the two. With `emit` the last result of each key goes out at the
   * end of the input alone (`'end'`), or at most this long after a change (`'10s'`).
   *
   * @example
   * orders
   *   .keyBy((order) => order.customer)
   *   .reduce('total', (left, right) => ({ ...right, amount: left.amount + right.amount }))
   */
  reduce(name: string, fn: (left: T, right: T) => T, options?: RunningReduceOptions): Stream<T, C>

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
  process<R, const O extends ProcessOptions = ProcessOptions>(
    name: string,
    fn: (record: T, context: KeyedProcessContext<K>) => Emitted<R>,
    options?: O,
  ): WithLetters<O, ProcessedStream<Element<R>, C>>
  /**
   * With state and timers: `state` says what is kept per key, `onTimer` runs when a timer that a handler set has come. A key whose states
   * are all empty and that waits for no timer takes no memory.
   *
   * A timer of event time fires when the watermark has come to its time, one of processing time by the clock; one that is set behind its time
   * fires at once, after the handler under way. What `onTimer` gives has the time of the timer. At the end of the input everything fires,
   * event time first; when a job is stopped nothing does.
   *
   * Fails with `SLUICE_STATE_NO_KEY` where state or timers are used outside of a handler of a key, `SLUICE_STATE_VALUE` for values that are no
   * plain data, `SLUICE_TIMER_INVALID` for times that are none, `SLUICE_TIMESTAMPS_MISSING` for timers of event time without timestamps.
   *
   * @example
   * orders
   *   .keyBy((order) => order.customer)
   *   .process('first-order', {
   *     state: { seen: valueState<boolean>() },
   *     onRecord(order, context) {
   *       if (context.state.seen.get() === true) return []
   *       context.state.seen.set(true)
   *       return [order]
   *     },
   *   })
   * @example
   * orders
   *   .withTimestamps((order) => order.at, { outOfOrderness: '10s' })
   *   .keyBy((order) => order.customer)
   *   .process('silent-for-a-day', {
   *     state: { last: valueState<number>({ default: -Infinity }) },
   *     onRecord(order, { state, timers }) {
   *       const last = state.last.get()
   *       if (order.at <= last) return
   *       // A record may be later than a timer for which the watermark has not come yet: that one is still to fire.
   *       if (order.at < last + 86_400_000) timers.eventTime.cancel(last + 86_400_000)
   *       timers.eventTime.set(order.at + 86_400_000)
   *       state.last.set(order.at)
   *     },
   *     onTimer(timer, { key, state }) {
   *       if (state.last.get() < timer.time) state.last.clear()
   *       return [{ customer: key, silentSince: timer.time - 86_400_000 }]
   *     },
   *   })
   */
  process<S extends States, R1, R2 = void, R3 = void, Known extends Caveat = C, const O extends ProcessOptions = ProcessOptions>(
    name: string,
    handlers: StatefulHandlers<K, T, S, R1, R2, R3, Known>,
    options?: O,
  ): WithLetters<O, ProcessedStream<Element<R1> | Element<R2> | Element<R3>, C>>
  // Behind the one with state: the first that fits decides what `context` is.
  process<R1, R2 = void, const O extends ProcessOptions = ProcessOptions>(
    name: string,
    handlers: KeyedProcessHandlers<K, T, R1, R2>,
    options?: O,
  ): WithLetters<O, ProcessedStream<Element<R1> | Element<R2>, C>>

  /**
   * Puts the records of each key into windows.
   *
   * Fails with `SLUICE_TIMESTAMPS_MISSING` where windows are of event time and records have no timestamps.
   *
   * @example
   * orders
   *   .withTimestamps((order) => order.at, { outOfOrderness: '10s' })
   *   .keyBy((order) => order.customer)
   *   .window(tumbling('1h'))
   *   .aggregate('per-hour', { orders: count(), amount: sum((order) => order.amount) })
   */
  window<D extends Caveat>(assigner: WindowAssigner<D> & WindowFits<C, D>, options?: WindowOptions): WindowedStream<K, T, C>

  /**
   * Handles two streams of the same key with shared state and timers.
   *
   * Fails with `SLUICE_STATE_NO_KEY`, `SLUICE_STATE_VALUE`, `SLUICE_TIMER_INVALID` and `SLUICE_TIMESTAMPS_MISSING` as `process` with state does.
   *
   * @example
   * const payments = job.source('payments', fromArray([{ customer: 'ann', paid: 5 }])).keyBy((payment) => payment.customer)
   * orders
   *   .keyBy((order) => order.customer)
   *   .coProcess('balance', payments, {
   *     state: { balance: valueState<number>({ default: 0 }) },
   *     onLeft(order, context) {
   *       context.state.balance.set(context.state.balance.get() - order.amount)
   *     },
   *     onRight(payment, context) {
   *       context.state.balance.set(context.state.balance.get() + payment.paid)
   *       return [{ customer: context.key, balance: context.state.balance.get() }]
   *     },
   *   })
   */
  coProcess<L, U, D extends Caveat, S extends States, R1, R2, R3 = void, R4 = void, const O extends ProcessOptions = ProcessOptions>(
    name: string,
    other: KeyedStream<L, U, D> & SameKey<K, L>,
    handlers: CoProcessHandlers<K | L, T, U, S, R1, R2, R3, R4, C | D>,
    options?: O,
  ): WithLetters<O, ProcessedStream<Element<R1> | Element<R2> | Element<R3> | Element<R4>, C | D>>

  /**
   * As `connectBroadcast` of a stream, with state and timers per key.
   *
   * Fails with `SLUICE_STATE_READONLY` where broadcast state is written outside of `onBroadcast`, and otherwise as `process` with state does.
   *
   * @example
   * const limits = job.source('limits', fromArray([{ limit: 100 }]))
   * orders
   *   .keyBy((order) => order.customer)
   *   .connectBroadcast('over-limit', limits, {
   *     state: { total: valueState<number>({ default: 0 }) },
   *     broadcast: { limits: mapState<string, number>() },
   *     onBroadcast(rule, context) {
   *       context.broadcast.limits.set('all', rule.limit)
   *     },
   *     onRecord(order, context) {
   *       const total = context.state.total.get() + order.amount
   *       context.state.total.set(total)
   *       return total > (context.broadcast.limits.get('all') ?? Infinity) ? [{ customer: context.key, total }] : []
   *     },
   *   })
   */
  connectBroadcast<
    U,
    D extends Caveat,
    S extends States,
    B extends BroadcastStates,
    R1,
    R2 = void,
    R3 = void,
    Known extends Caveat = C,
    const O extends ProcessOptions = ProcessOptions,
  >(
    name: string,
    other: Stream<U, D>,
    handlers: KeyedBroadcastHandlers<K, T, U, S, B, R1, R2, R3, Known>,
    options?: O,
  ): WithLetters<O, ProcessedStream<Element<R1> | Element<R2> | Element<R3>, C | CaveatFrom<R2, D>>>

  /**
   * Joins records of the same key that lie in the same window, tumbling, sliding or a session: `fn` of every pair, when the window has
   * ended, with the time `window.end - 1`. A record that comes within `allowedLateness` is joined at once in windows that have fired, so
   * that every pair is given once.
   *
   * Fails with `SLUICE_TIMESTAMPS_MISSING` where windows are of event time and one side has no timestamps.
   *
   * @example
   * const payments = job
   *   .source('payments', fromArray([{ customer: 'ann', at: 0 }]))
   *   .withTimestamps((payment) => payment.at)
   *   .keyBy((payment) => payment.customer)
   * orders
   *   .withTimestamps((order) => order.at)
   *   .keyBy((order) => order.customer)
   *   .windowJoin('paid', payments, (order, payment) => ({ order, payment }), { window: tumbling('1h') })
   */
  windowJoin<L, U, D extends Caveat, R>(
    name: string,
    other: KeyedStream<L, U, D> & SameKey<K, L>,
    fn: (left: T, right: U, window: TimeWindow) => Sync<R>,
    options: WindowJoinOptions<C | NoInfer<D>>,
  ): WindowResult<R, T | U, C | D>

  /**
   * Joins each record with those of the other stream of the same key that lie at most `before` earlier and `after` later in event time,
   * both included. A pair is given when its second record comes, and has the time of the later one. State is given up as the watermark
   * passes; a record at or behind the watermark is late, because of its partners some may be gone.
   *
   * Fails with `SLUICE_TIMESTAMPS_MISSING` where one side has no timestamps.
   *
   * @example
   * const payments = job
   *   .source('payments', fromArray([{ customer: 'ann', at: 0 }]))
   *   .withTimestamps((payment) => payment.at)
   *   .keyBy((payment) => payment.customer)
   * orders
   *   .withTimestamps((order) => order.at)
   *   .keyBy((order) => order.customer)
   *   .intervalJoin('paid', payments, (order, payment) => ({ order, payment }), { after: '1h' })
   */
  intervalJoin<L, U, D extends Caveat, R>(
    name: string,
    other: KeyedStream<L, U, D> &
      SameKey<K, L> &
      Timed<C | D, 'An interval join needs timestamps: assign them with withTimestamps on both sides'>,
    fn: (left: T, right: U) => Sync<R>,
    options: IntervalJoinOptions,
  ): WindowResult<R, T | U, C | D>

  /**
   * Joins every record with every record of the other stream of the same key: a pair is given when its second record comes, and has the
   * time of the later one. What is kept is bounded by `ttl` alone; what has expired is not joined any more.
   *
   * @example
   * const customers = job.source('customers', fromArray([{ id: 'ann', name: 'Ann' }])).keyBy((customer) => customer.id)
   * orders
   *   .keyBy((order) => order.customer)
   *   .join('named', customers, (order, customer) => ({ ...order, name: customer.name }), { ttl: '1d' })
   */
  join<L, U, D extends Caveat, R>(
    name: string,
    other: KeyedStream<L, U, D> & SameKey<K, L>,
    fn: (left: T, right: U) => Sync<R>,
    options?: JoinOptions,
  ): Stream<R, C | D>
  /**
   * An outer join gives updates of a table: a record without a partner has a row of its own, which is deleted when its first partner comes.
   * The key of a row is the join's key and a number for either record, 0 where there is none; numbers grow per key and side. What expires
   * changes nothing: who has met stays joined, and who met nobody keeps its row. `fn` may be called more than once for a record.
   *
   * @example
   * const customers = job.source('customers', fromArray([{ id: 'ann', name: 'Ann' }])).keyBy((customer) => customer.id)
   * orders
   *   .keyBy((order) => order.customer)
   *   .join('named', customers, (order, customer) => ({ ...order, name: customer?.name ?? '?' }), { type: 'left', ttl: '1d' })
   *   .sink('out', toJsonLines('named.jsonl', { updates: 'table' }))
   */
  join<L, U, D extends Caveat, R, J extends OuterJoin>(
    name: string,
    other: KeyedStream<L, U, D> & SameKey<K, L>,
    fn: (left: T | (J extends 'left' ? never : undefined), right: U | (J extends 'right' ? never : undefined)) => Sync<R>,
    options: OuterJoinOptions<J>,
  ): Stream<Update<R, JoinedKey<K | L>>, C | D>

  /**
   * Joins each record with the version of the other stream that was valid at its time: the latest of its key that is not younger, and of
   * several of one time the one that came last. A record waits until the watermark has passed it; of old versions one is kept. A version
   * that comes behind the watermark counts for the records to come, unless there is a newer one: then it is late.
   *
   * Fails with `SLUICE_TIMESTAMPS_MISSING` where one side has no timestamps.
   *
   * @example
   * const rates = job
   *   .source('rates', fromArray([{ currency: 'EUR', rate: 1.1, at: 0 }]))
   *   .withTimestamps((rate) => rate.at)
   *   .keyBy((rate) => rate.currency)
   * orders
   *   .withTimestamps((order) => order.at)
   *   .keyBy(() => 'EUR')
   *   .temporalJoin('in-dollars', rates, (order, rate) => order.amount * rate.rate)
   */
  temporalJoin<L, U, D extends Caveat, R, J extends 'inner' | 'left' = 'inner'>(
    name: string,
    versions: KeyedStream<L, U, D> &
      SameKey<K, L> &
      Timed<C | D, 'A temporal join needs timestamps: assign them with withTimestamps on both sides'>,
    fn: (record: T, version: U | (J extends 'left' ? undefined : never)) => Sync<R>,
    options?: TemporalJoinOptions<J>,
  ): WindowResult<R, T | U, C | D>

  /**
   * As `lookupJoin` of a stream: the row of a bounded side table that has the key of the record; `undefined` where there is none. Every
   * subtask reads the whole table.
   *
   * @example
   * const names = fromArray([{ customer: 'ann', name: 'Ann' }])
   * orders
   *   .keyBy((order) => order.customer)
   *   .lookupJoin('names', names, (order, row) => ({ ...order, name: row?.name ?? '?' }), { key: (row) => row.customer })
   */
  lookupJoin<L, U, R, P extends ErrorPolicy = 'fail'>(
    name: string,
    table: Source<U>,
    fn: (record: T, row: U | undefined) => Sync<R>,
    options: KeyedLookupOptions<U, L> & SameKey<K, L> & OnError<P>,
  ): WithLetters<{ readonly onError: P }, Stream<R, C>>
  /**
   * As `lookupJoin` of a stream: what an asynchronous function finds for the key. All records of a key ask in one subtask, so that an answer
   * is kept once.
   *
   * @example
   * orders
   *   .keyBy((order) => order.customer)
   *   .lookupJoin('scores', async (customer) => customer.length, (order, score) => ({ ...order, score }), { concurrency: 8 })
   */
  lookupJoin<U, R, P extends ErrorPolicy = 'fail'>(
    name: string,
    lookup: (key: K, context: AsyncRecordContext) => U | undefined | PromiseLike<U | undefined>,
    fn: (record: T, found: U | undefined) => Sync<R>,
    options?: KeyedAsyncLookupOptions & OnError<P>,
  ): WithLetters<{ readonly onError: P }, Stream<R, C>>

  /**
   * The first record of every key; others are dropped, and counted as `duplicate`. `ttl` says how long a key is remembered, from the
   * record that was let through.
   *
   * @example
   * orders.keyBy((order) => order.id).dedupe('once', { ttl: '1d' })
   */
  dedupe(name: string, options?: DedupeOptions): Stream<T, C>

  /**
   * The first `n` records of every key by `compare`, as updates of a list per key: each is an `upsert` of the whole list, given where the
   * list has changed. Of equal records the earlier stays in front. A key that is forgotten by `ttl` begins anew, without an update.
   *
   * @example
   * orders.keyBy((order) => order.customer).topN('largest', 3, (left, right) => right.amount - left.amount)
   */
  topN(name: string, n: number, compare: (left: T, right: T) => number, options?: TopNOptions): Stream<Update<readonly T[], K>, C>

  /**
   * Keeps or drops all records of a key together, after having seen them: tail-based sampling of traces. The records of a key are collected for `decideAfter` from the
   * first on, by the clock; then the policies are asked in order, and the first that keeps or drops decides. A trace that none keeps is dropped, counted as
   * `sampled`, and readable as `.dropped`. What is kept leaves whole, the records of a trace together. Later records follow the decision, as long as it is
   * remembered.
   *
   * The memory is bounded by `traces`, `records` and `bytes`. Where a bound is reached, the trace that has waited longest is decided early with what is there
   * (`whenFull: 'decideEarly'`), or the one that came last is dropped (`'dropNewest'`); both are counted. Records leave behind the watermark, so the result has no
   * timestamps.
   *
   * Fails with `SLUICE_OPTIONS_INVALID` for wrong options, with `SLUICE_RECORD_PROMISE` where a policy returns a promise, and with `SLUICE_LOSSY_STREAM` where
   * `'dropNewest'` stands in front of a sink that writes every record exactly once, unless `lossy: true` says that it is meant.
   *
   * @example
   * const sampled = orders.keyBy((order) => order.customer).tailSample('interesting', {
   *   decideAfter: '10s',
   *   policies: [
   *     keepIfAny('large', (order) => order.amount > 1_000),
   *     keepWhen('many', (records) => records.length > 20),
   *     keepShare('some', 0.01),
   *   ],
   * })
   * sampled.sink('out', toJsonLines('interesting.jsonl'))
   * @example
   * // At most 1,000 traces of up to 500 records; ten of the others in a second.
   * orders.keyBy((order) => order.customer).tailSample('few', {
   *   decideAfter: '1m',
   *   policies: [dropWhen('free', (records) => records.every((order) => order.amount === 0)), keepRate('ten', 10)],
   *   traces: 1_000,
   *   recordsPerTrace: 500,
   *   remember: { traces: 10_000, for: '5m' },
   * })
   */
  tailSample(name: string, options: DecideEarly<T>): TailSampledStream<T, C | 'no timestamps'>
  tailSample(name: string, options: DropNewestTrace<T>): TailSampledStream<T, C | 'no timestamps' | 'lossy'>
}

/** A stream whose records are put into windows, per key. What fires is `{ key, window, ... }` with the timestamp `window.end - 1`. */
export interface WindowedStream<out K, out T, out C extends Caveat = Caveat> {
  /** Carry the types; never there at run time. */
  readonly [keyType]: K
  readonly [recordType]: T
  readonly [caveatType]: C

  /**
   * Aggregates per key and window: `{ key, window: { start, end }, ...aggregates }`. Kept incrementally: records are not stored.
   *
   * @example
   * orders
   *   .withTimestamps((order) => order.at)
   *   .keyBy((order) => order.customer)
   *   .window(sliding('1h', '5m'))
   *   .aggregate('recent', { orders: count() })
   */
  aggregate<A extends Aggregators<T>>(
    name: string,
    aggregators: A & NoReservedAggregates,
    options?: NamedOperatorOptions,
  ): WindowResult<
    { readonly [P in 'key' | 'window' | keyof A]: P extends keyof A ? ResultOf<A[P]> : P extends 'key' ? K : TimeWindow },
    T,
    C
  >

  /**
   * Reduces the records of a window to one of their kind, pair by pair as they come.
   *
   * @example
   * orders
   *   .withTimestamps((order) => order.at)
   *   .keyBy((order) => order.customer)
   *   .window(tumbling('1h'))
   *   .reduce('largest', (left, right) => (right.amount > left.amount ? right : left))
   */
  reduce(name: string, fn: (left: T, right: T) => T, options?: NamedOperatorOptions): WindowResult<T, T, C>

  /**
   * All records of a window at once, in the order of their arrival. They are kept until the window is given up.
   *
   * @example
   * orders
   *   .withTimestamps((order) => order.at)
   *   .keyBy((order) => order.customer)
   *   .window(session('30m'))
   *   .process('visits', (records, context) => [{ customer: context.key, from: context.window.start, orders: records.length }])
   */
  process<R>(
    name: string,
    fn: (records: readonly T[], context: WindowContext<K>) => Emitted<R>,
    options?: NamedOperatorOptions,
  ): WindowResult<Element<R>, T, C>
}

/** Results of windows or of joins by time, with the records that came too late for them. */
export interface WindowResult<out R, out T, out C extends Caveat = Caveat> extends ProcessedStream<R, C> {
  /**
   * Records for which every window was gone, or which were behind the watermark. They are counted, whether this is read or not.
   *
   * @example
   * const hourly = orders
   *   .withTimestamps((order) => order.at, { outOfOrderness: '10s' })
   *   .keyBy((order) => order.customer)
   *   .window(tumbling('1h'))
   *   .aggregate('hourly', { orders: count() })
   * hourly.sink('out', print())
   * hourly.late.sink('late', toJsonLines('late.jsonl'))
   */
  readonly late: Stream<T, C>
}

/** What `rateLimit` gives with `onLimit: 'drop'`: the records within the limit, and the others. */
export interface LimitedStream<out T, out C extends Caveat = Caveat> extends Stream<T, C> {
  /**
   * The records beyond the limit. They never hold the stream back: where their reader has no credit they are counted as `unread` and lost.
   *
   * @example
   * const limited = orders.rateLimit('cap', { rate: 1_000, onLimit: 'drop' })
   * limited.dropped.sink('dropped', toJsonLines('dropped.jsonl'))
   */
  readonly dropped: Stream<T, C>
}

/** What `tailSample` keeps, and what it dropped. */
export interface TailSampledStream<out T, out C extends Caveat = Caveat> extends Stream<T, C> {
  /**
   * The records of the traces that were dropped, and late ones that followed. It never holds the stream back: a record that its consumer has no room for is only counted,
   * with the reason and `unread`.
   *
   * @example
   * const sampled = orders.keyBy((order) => order.customer).tailSample('some', { decideAfter: '10s', policies: [keepShare('some', 0.1)] })
   * sampled.sink('out', print())
   * sampled.dropped.sink('dropped', toJsonLines('dropped.jsonl'))
   */
  readonly dropped: Stream<T, C>
}

/** A stream behind `shed`, with what it dropped. */
export interface ShedStream<out T, out C extends Caveat = Caveat> extends Stream<T, C> {
  /**
   * The records that were dropped, as they were and with their timestamps, like `late` and `rest`: they may be written down and sent through the same
   * operators later. It never holds the stream back: a record that its consumer has no room for is only counted, with the reason and `unread`.
   *
   * @example
   * const recent = orders.shed('recent', { policy: 'drop-oldest', records: 1_000 })
   * recent.sink('out', print())
   * recent.dropped.sink('dropped', toJsonLines('dropped.jsonl'))
   */
  readonly dropped: Stream<T, C>
}

/** What an operator or a sink has besides whose options say `onError: 'deadLetter'`. */
export interface Lettered {
  /**
   * A letter for each record on which its function failed, with the record and the reason. They are part of `job.deadLetters` too, unless the operator
   * itself stands behind that.
   *
   * @example
   * const parsed = orders.map((order) => ({ amount: BigInt(order.amount) }), { name: 'parse', onError: 'deadLetter' })
   * parsed.sink('out', discard())
   * parsed.deadLetters.sink('dead', toJsonLines('dead-orders.jsonl'))
   */
  readonly deadLetters: Stream<DeadLetter, 'no timestamps'>
}

/** `S`, with dead letters where the options ask for them. */
export type WithLetters<O, S> = O extends { readonly onError: 'deadLetter' } ? S & Lettered : S

/** A policy alone, where the other options of an operator are generic themselves. */
interface OnError<P extends ErrorPolicy> {
  readonly onError?: P | undefined
}

/** What `process` gives: its main output, and its side outputs by tag. */
export interface ProcessedStream<out T, out C extends Caveat = Caveat> extends Stream<T, C> {
  /**
   * The records that were yielded with `tag(...)`.
   *
   * @example
   * const small = sideOutput<{ id: number }>('small')
   * const sized = orders.process('size', (order) => (order.amount < 10 ? [small({ id: order.id })] : [order]))
   * sized.sideOutput(small).sink('small', print())
   */
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
