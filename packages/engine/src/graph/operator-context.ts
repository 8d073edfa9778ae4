/**
 * What operators know of the world. Implemented by the worker's task, later by the simulator and by other hosts;
 * kept small and stable.
 */

import type { ColumnKind, ColumnName } from '../state/column.js'
import type { KeyTable } from '../state/key-table.js'
import type { StatePart } from '../state/state-registry.js'
import type { WindowTables } from '../state/window-tables.js'

/** Structured log of a job's own code; lines carry operator and subtask. */
export interface OperatorLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** The user's own metrics, shown as `user.<name>`; at most 64 names per operator. */
export interface OperatorMetrics {
  /** Adds to a counter. */
  count(name: string, by?: number): void
  /** Sets a gauge. */
  gauge(name: string, value: number): void
}

/** What all contexts share. */
export interface BaseContext {
  readonly job: string
  readonly operator: string
  readonly subtask: { readonly index: number; readonly parallelism: number }
  readonly log: OperatorLog
  readonly metrics: OperatorMetrics
  /** Processing time in ms since the epoch, from the injected clock. */
  now(): number
  /** The open resource of this worker. `name` is the name given to `job.resource`. */
  use(name: string): unknown
}

/** What another operator did, over all its subtasks, since the job started. Each reading is up to date; numbers only grow, but `queued` and `inFlight`. */
export interface ObservedOperator {
  /** Records done whose time was taken: all of asynchronous operators and sinks, samples of others. */
  readonly completed: number
  /** The time they took, in ms. */
  readonly latencyMs: number
  /** What its code counted with `countError`. */
  readonly errors: number
  /** Records it has taken from the edges in front of it. */
  readonly taken: number
  /** Records that wait there now. */
  readonly queued: number
  /** Of an asynchronous operator: records in work when it was looked at last. */
  readonly inFlight: number
}

export interface OperatorContext extends BaseContext {
  /** Number of key groups of the job. */
  readonly keyGroups: number
  /**
   * Keyed state: rows by key with these columns. `name` is its identity within the operator. Ask for it while the operator is made.
   *
   * @param names of the columns in checkpoints: where they have names, columns can be added and removed between two runs; without them they have to stay as they are
   */
  keyTable(name: string, columns: readonly ColumnKind[], names?: readonly ColumnName[]): KeyTable
  /** Keyed state by namespace (a window): tables of the same columns, given up one by one. */
  windowTables(name: string, columns: readonly ColumnKind[], names?: readonly ColumnName[]): WindowTables
  /** Keyed state of another form, which tells its size. */
  registerState<P extends StatePart>(name: string, part: P): P
  /** Counts an error of the record at hand that the operator answers by itself: what adapts to errors sees it. */
  countError(): void
  /** Counts a record that came too late: every window it belongs to is gone. */
  countLate(count: number): void
  /** Sends one value to an output port (default 0) with a timestamp (NaN where there is none). */
  emit(value: unknown, timestamp: number, port?: number): void
  /**
   * Sends every value of an iterable, pulling it only while there is credit; it may go on after `process` returned, before
   * the next record. Values wrapped in `SideOutputValue` go to the port of their tag.
   */
  expand(values: Iterable<unknown>, timestamp: number): void
  /** Current event-time watermark of the subtask, in ms since the epoch; -Infinity before the first. */
  readonly watermark: number
  /** One deadline per operator in processing time; a new one replaces it, undefined cancels. */
  setDeadline(timeMs: number | undefined): void
  /** Counts a record that the operator dropped, with a reason. */
  countDropped(count: number, reason: string): void
  /** Whether every channel behind an output port (default 0) takes records now. */
  hasCredit(port?: number): boolean
  /**
   * For operators that hold records back: true, and no further record comes until false. `input`: of this input alone, the others are read on, without
   * waiting for its barriers: some of their records may come again behind a restore, and are counted in the snapshot already.
   */
  holdInput(held: boolean, input?: number): void
  /** For operators that hold records back: gives a watermark on that came to `holdWatermark`. */
  passWatermark(watermark: number, idle: boolean): void
  /** Resident memory of the process in bytes, at most 100 ms old; NaN where it cannot be told. */
  residentBytes(): number
  /** Looks at an operator behind this one, which its spec says it `observes`. */
  observe(operator: string): ObservedOperator
  /** Encoded size of a value in bytes. It is encoded for that: not for every record. */
  sizeOf(value: unknown): number
}

export interface AsyncContext extends BaseContext {
  /** Aborted when the job fails or is given up; a stop lets calls in flight finish. */
  readonly signal: AbortSignal
  /** Counts an error of the record at hand that the operator answers by itself: what adapts to errors sees it. */
  countError(): void
  /** Stable over re-runs of the same record as far as the source is replayable: `operator/subtask/sequence`. */
  readonly recordId: string
  /** Which attempt at the record this call is, from 1. More than 1 only where calls are retried. */
  readonly attempt?: number
  /** The run whose checkpoints are taken; undefined where none are. */
  readonly run?: RunIdentity | undefined
  /**
   * Of a batch: gives up one of its records, while the others go on; the policy for errors says what becomes of it. Counts with the attempt that says so. Throws the error where
   * that policy is 'fail', where it is no error of the record, and where there is no batch.
   */
  deadLetter(record: unknown, error: unknown): void
}

/** What the engine gives a guard of calls with a record. */
export interface GuardedContext extends AsyncContext {
  /** Set by the guard: from when the record waits for another attempt it is the number of that one. */
  attempt: number
}

/**
 * What a guard of calls says of them, in shared words: why an operator is slow can be told from these at any time. Written on the thread of
 * the subtask.
 */
export interface CallMetrics {
  /** An attempt begins; `attempt` counts from 1. */
  begin(attempt: number): void
  /** An attempt has ended. `error`: what it failed with; the last one is told where it explains why an operator is slow. */
  end(failed: boolean, error?: unknown): void
  /** A record begins (1) or ceases (-1) to wait for its next attempt; for its delay where no reason is given. */
  backoff(change: 1 | -1, because?: BackoffReason): void
  /** A record begins (1) or ceases (-1) to wait until the circuit breaker lets calls through. */
  held(change: 1 | -1): void
  /** A record begins (1) or ceases (-1) to wait for a place among the calls under way: of its dependency, or of an adaptive limit. */
  queued(change: 1 | -1): void
  /** An attempt was refused by an open circuit breaker. */
  refused(): void
  breaker(state: BreakerState): void
  /** How many calls may be under way at once now. */
  limit(calls: number): void
}

/** What a record in backoff waits for: the delay between attempts, the retry budget, or the time that what is called asked for. */
export type BackoffReason = 'delay' | 'budget' | 'retryAfter'

/** What a guard of calls knows: that of one subtask, and what it shares with others of its thread. */
export interface GuardContext extends BaseContext {
  /** Aborted when the job fails or is given up; a stop lets calls in flight finish. */
  readonly signal: AbortSignal
  readonly calls: CallMetrics
  /** One value per key, thread and attempt of the job, made when it is asked for first: what operators that call the same thing have in common. */
  share<T>(key: string, make: () => T): T
  /** The threads that host operators with the same `LogicalNode.dependency` (without one: this operator), and which of them this is. */
  readonly threads: { readonly index: number; readonly count: number }
  /** A clock in ms that never jumps; its zero means nothing. */
  monotonicMs(): number
  /** Says that a circuit breaker has changed: a line `breaker.changed` of the job log. */
  sayBreaker(change: BreakerChange): void
}

/** What a circuit breaker has done. */
export interface BreakerChange {
  /** What it protects: a dependency, or where there is none the operator. */
  readonly dependency: string
  readonly from: BreakerState
  readonly to: BreakerState
  /** Why, as a sentence. */
  readonly because: string
  /** How long it was in the state that it left, in ms. */
  readonly afterMs: number
  /** Changes since the last line that were not said: lines are limited. */
  readonly unsaid: number
}

export type BreakerState = 'closed' | 'open' | 'half-open'

export interface SourceContext extends BaseContext {
  /** Aborted when the job stops or fails. */
  readonly signal: AbortSignal
  /** Says that the source can be reached at an address: a line `source.listening` of the job log, and an event of the run. */
  announce(listening: Listening): void
  /** Counts records that the source lost, with a reason. */
  countDropped(count: number, reason: string): void
  /** Encoded size of a value in bytes. It is encoded for that: not for every record. */
  sizeOf(value: unknown): number
}

/** Where a source listens. */
export interface Listening {
  /** What a client connects to: `http://127.0.0.1:8080/orders`. */
  readonly url: string
  readonly host: string
  /** As bound: where 0 was asked for, the one the system chose. */
  readonly port: number
}

export interface SinkContext extends BaseContext {
  /** Fails the subtask at its next step, which comes at once: for what goes wrong outside of a call. */
  fail(error: unknown): void
  /**
   * A record that cannot be written: by `SinkSpec.onError` it is dropped and counted, or its dead letter leaves on the port of the sink. Throws the error where the policy is
   * 'fail', and where it is one of the job itself.
   */
  deadLetter(record: unknown, error: unknown): void
  setDeadline(timeMs: number | undefined): void
  /** Whether existing output may be replaced (`--overwrite`). */
  readonly overwrite: boolean
  /** The run whose checkpoints `prepare` and `commit` follow; undefined where none are taken, and `finish` makes everything visible. */
  readonly run: RunIdentity | undefined
  /** After a restore: what `prepare` gave, of this subtask's share, oldest first; commit of each is called behind `open`. undefined: a fresh start. */
  readonly restored: readonly unknown[] | undefined
  /** Number of the record that `write` is given first: counts on over restores. */
  readonly firstRecord: number
  readonly signal: AbortSignal
  /** Host-bound outputs (pinned sinks only): collected streams and the process's standard output. */
  readonly host: HostBindings | undefined
}

/** What tells the unfinished output of one run and attempt from that of others. */
export interface RunIdentity {
  /** Stays the same over restores: text that may be part of a file's name. */
  readonly id: string
  /** Counts from 1, over all processes of the run. */
  readonly attempt: number
  /** The checkpoint that was restored, 0: none. */
  readonly restoredCheckpoint: number
}

export interface HostBindings {
  /** Receives the records of a stream that `declare` returned. `checkpoint`: that they were committed with; the same ones come again after a restore, and count once. */
  collect(stream: string, records: readonly unknown[], checkpoint?: number): void
  /** Writes data to standard output; a promise when the pipe is full. */
  writeOut(text: string): void | Promise<void>
}

/** A value for another port than the main one: what a `sideOutput` tag makes. */
export class SideOutputValue {
  constructor(
    readonly tag: string,
    readonly value: unknown,
  ) {}
}
