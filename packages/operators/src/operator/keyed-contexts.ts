/** Contexts and handlers of operators with keyed state, as types. */
import type { HandlesOf, MapState, ReadonlyMapState, StateDeclaration, States, Timer, Timers } from '../state/state-types.js'
import type { Caveat, Element, Emitted, Sentence } from '../stream/rules.js'
import type { KeyedProcessContext, ProcessContext } from './contexts.js'

/** Timers of event time: there where records have timestamps. */
export type EventTimers<C extends Caveat> = 'no timestamps' extends C
  ? Sentence<'Timers of event time need timestamps: assign them with withTimestamps before keyBy, or use timers.processingTime'>
  : Timers

/** The context of handlers with keyed state. One object per subtask: read it while the handler runs, do not keep it. */
export interface StatefulContext<out K, out S extends States, C extends Caveat = never> extends KeyedProcessContext<K> {
  /** The state of the key at hand. */
  readonly state: HandlesOf<S>
  /** The timers of the key at hand. */
  readonly timers: { readonly eventTime: EventTimers<C>; readonly processingTime: Timers }
  /** Event time up to which everything has come, in ms since the epoch; -Infinity before the first watermark, Infinity at the end of the input. */
  readonly watermark: number
}

/** Handlers of `process` with state. */
export interface StatefulHandlers<K, T, S extends States, R1, R2, R3, C extends Caveat = never> {
  /** What is kept per key. */
  readonly state: S
  /** Once per subtask, before its first record; whenever the job starts, so after a restore too. */
  onStart?(context: ProcessContext): void
  /** For every record. */
  onRecord(record: T, context: StatefulContext<K, S, C>): Emitted<R1>
  /**
   * For every timer whose time has come, in the order of time; between timers of one time the key decides, then which was set first. What it
   * gives has the time of the timer. At the end of the input all timers fire, those of event time first; then `watermark` is Infinity, which
   * a timer of event time that always sets the next one has to ask for (`SLUICE_TIMERS_ENDLESS`). Timers of processing time set none of
   * their kind any more.
   */
  onTimer?(timer: Timer, context: StatefulContext<K, S, C>): Emitted<R2>
  /**
   * Once per subtask, at the end of the input, behind the last timer. What it gives is as late as the latest record or timer of event time
   * of the subtask, and ahead of the watermark.
   */
  onEnd?(context: ProcessContext): Emitted<R3>
}

/** Handlers of `coProcess`: two streams of one key with the same state. */
export interface CoProcessHandlers<K, T, U, S extends States, R1, R2, R3, R4, C extends Caveat = never> {
  readonly state: S
  onStart?(context: ProcessContext): void
  /** For every record of the stream itself. */
  onLeft(record: T, context: StatefulContext<K, S, C>): Emitted<R1>
  /** For every record of the other stream. */
  onRight(record: U, context: StatefulContext<K, S, C>): Emitted<R2>
  onTimer?(timer: Timer, context: StatefulContext<K, S, C>): Emitted<R3>
  onEnd?(context: ProcessContext): Emitted<R4>
}

/** Broadcast state by name; declared with `mapState`. */
export type BroadcastStates = Readonly<Record<string, StateDeclaration<unknown> & { readonly kind: 'map' }>>

/** The handles of broadcast state: writable only where the broadcast stream is handled, so that it is the same everywhere. */
export type WritableBroadcast<B> = { readonly [P in keyof B]: B[P] extends StateDeclaration<infer H> ? H : never }
export type ReadableBroadcast<B> = {
  readonly [P in keyof B]: B[P] extends StateDeclaration<MapState<infer MK, infer MV>> ? ReadonlyMapState<MK, MV> : never
}

/** What a broadcast stream's caveats mean for the result: nothing, where its handler gives nothing. */
export type CaveatFrom<R, D extends Caveat> = [Element<R>] extends [never] ? never : D

/** Handlers of `connectBroadcast` on a stream without a key. */
export interface BroadcastHandlers<T, U, B, R1, R2> {
  /** What every subtask keeps of the broadcast stream. */
  readonly broadcast: B
  onRecord(record: T, context: ProcessContext & { readonly broadcast: ReadableBroadcast<B> }): Emitted<R1>
  /** For every record of the broadcast stream, in every subtask: do the same everywhere. */
  onBroadcast(record: U, context: ProcessContext & { readonly broadcast: WritableBroadcast<B> }): Emitted<R2>
}

/** Handlers of `connectBroadcast` on a keyed stream. */
export interface KeyedBroadcastHandlers<K, T, U, S extends States, B, R1, R2, R3, C extends Caveat = never> {
  readonly state: S
  readonly broadcast: B
  onRecord(record: T, context: StatefulContext<K, S, C> & { readonly broadcast: ReadableBroadcast<B> }): Emitted<R1>
  onBroadcast(record: U, context: ProcessContext & { readonly broadcast: WritableBroadcast<B> }): Emitted<R2>
  onTimer?(timer: Timer, context: StatefulContext<K, S, C> & { readonly broadcast: ReadableBroadcast<B> }): Emitted<R3>
}
