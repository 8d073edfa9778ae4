/** What a declaration gets: the beginnings of streams. */
import type { DeadLetter } from '@sluice/engine'
import type { DependencyOptions } from '../call/call-options.js'
import type { Dependency } from '../call/dependency.js'
import type { Resource } from '../operator/contexts.js'
import type { LossySource, Source } from '../source/source.js'
import type { SourceOptions } from '../stream/options.js'
import type { Stream } from '../stream/stream.js'

/** How a resource is opened and closed. */
export interface ResourceDefinition<R> {
  /** Once in each worker that hosts a user of it, before the first record. */
  readonly open: (context: { readonly worker: number }) => R | PromiseLike<R>
  /** Once per worker after the last record, also on failure. */
  readonly close?: ((resource: Awaited<R>) => unknown) | undefined
}

/** Declares a job: the argument of the function given to `defineJob`. */
export interface JobBuilder {
  /**
   * A stream of the records of a source. The name is the identity of its state, unique in the job.
   *
   * @example
   * job.source('ticks', generate((index) => ({ id: index }), { count: 1_000 })).sink('out', print())
   */
  source<T>(name: string, source: LossySource<T>, options?: SourceOptions): Stream<T, 'no timestamps' | 'lossy'>
  source<T>(name: string, source: Source<T>, options?: SourceOptions): Stream<T, 'no timestamps'>

  /**
   * Something that is opened once per worker and used by several operators: a pool of connections, a model. Opened before the first record,
   * closed after the last, also on failure. `context.use(resource)` gives what `open` gave.
   *
   * Fails with `SLUICE_RESOURCE_FAILED` where it cannot be opened.
   *
   * @example
   * const rates = job.resource('rates', {
   *   open: async () => new Map([['EUR', 1.1]]),
   *   close: (map) => map.clear(),
   * })
   * orders.mapAsync('convert', (order, context) => order.amount * (context.use(rates).get('EUR') ?? 1))
   */
  resource<R>(name: string, definition: ResourceDefinition<R>): Resource<Awaited<R>>

  /**
   * Something outside that several operators call: a service, a database. They share its limit of calls under way, its circuit breaker and its retry budget. Numbers are of
   * the whole job, and divided over the threads that call it; each thread has a breaker of its own.
   *
   * Fails with `SLUICE_OPTIONS_INVALID` for options that contradict each other.
   *
   * @example
   * const payments = job.dependency('payments', { concurrency: 16, circuitBreaker: { failures: 5, openFor: '10s' } })
   * orders.mapAsync('charge', async (order) => order, { dependency: payments, concurrency: 16, retry: {} })
   */
  dependency(name: string, options?: DependencyOptions): Dependency

  /**
   * The dead letters of the job: records that did not fit the schema of a source that says `onInvalid: 'deadLetter'`, and records on which an operator or a
   * sink that says `onError: 'deadLetter'` failed, whether it is declared before or behind this. Of operators that stand behind `job.deadLetters` themselves
   * it has none: those have their own `.deadLetters`.
   *
   * @example
   * job.deadLetters.sink('dead', toJsonLines('dead-letters.jsonl'))
   */
  readonly deadLetters: Stream<DeadLetter, 'no timestamps'>
}
