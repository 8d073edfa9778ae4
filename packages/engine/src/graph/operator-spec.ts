/**
 * What an operator is to the engine. *Elementwise* operators are descriptors that the driver generator inlines into one
 * function per chain; *general* ones are objects that see a record at a time and know only their context; sources and
 * sinks work in batches. Built-in operators and a user's own use the same descriptors.
 */
import type { AsyncContext, GuardContext, GuardedContext, OperatorContext, SinkContext, SourceContext } from './operator-context.js'

/**
 * What happens to a record on which an operator's code fails: the job fails, the record is dropped and counted, or it goes to the port
 * `deadLetters` of the operator as a `DeadLetter`.
 */
export type ErrorPolicy = 'fail' | 'drop' | 'deadLetter'

export type OperatorSpec =
  | { readonly kind: 'map'; readonly fn: (record: never) => unknown; readonly onError?: ErrorPolicy | undefined }
  | { readonly kind: 'filter'; readonly fn: (record: never) => unknown; readonly onError?: ErrorPolicy | undefined }
  | {
      readonly kind: 'flatMap'
      readonly fn: (record: never) => Iterable<unknown> | undefined | null | void
      readonly onError?: ErrorPolicy | undefined
    }
  | { readonly kind: 'select'; readonly fields: readonly string[] }
  | TimestampsSpec
  /** First predicate that holds decides the port; none: the port behind theirs (`rest`). */
  | {
      readonly kind: 'split'
      readonly predicates: readonly ((record: never) => unknown)[]
      readonly onError?: ErrorPolicy | undefined
    }
  | GeneralSpec
  | AsyncSpec
  | SourceSpec
  | SinkSpec

export type OperatorKind = OperatorSpec['kind']

export interface GeneralSpec {
  readonly kind: 'general'
  readonly create: (context: OperatorContext) => Operator
  /** It holds records back by itself (see `HoldingOperator`): a task of its own, which takes records also while its outputs have no credit. */
  readonly holds?: boolean | undefined
  /** What it holds at most, in bytes over all subtasks, whether it holds the stream back or not: part of the memory budget. */
  readonly holdsBytes?: number | undefined
  /** Ports that stop nothing where they have no credit. The operator looks at `context.hasCredit(port)` before it emits there. */
  readonly optionalPorts?: readonly number[] | undefined
  /** The name of an operator behind it that it looks at with `context.observe`. */
  readonly observes?: string | undefined
  /** Who gets what `Operator.snapshot` gave, at another parallelism: one subtask each (`split`, the default), or all of them all (`union`). */
  readonly redistribution?: 'split' | 'union' | undefined
  /** What happens to a record on which `process` throws. Default 'fail'. What it emitted, and what it wrote to state before, stays. */
  readonly onError?: ErrorPolicy | undefined
}

/** Assigns event time and makes the watermarks of what follows; the value flows on unchanged. */
export interface TimestampsSpec {
  readonly kind: 'timestamps'
  readonly fn: (record: never) => number | Date
  readonly watermarks: WatermarkSpec
  /** What happens to a record that has no valid timestamp. Default 'fail'. */
  readonly onError?: ErrorPolicy | undefined
}

export interface WatermarkSpec {
  /** Bounded out-of-orderness in ms (`largest timestamp - bound - 1`), or one's own generator, made per subtask and split. */
  readonly strategy: { readonly outOfOrdernessMs: number } | { readonly create: () => WatermarkGenerator }
  /** After how long without a record an input is idle; undefined: never. */
  readonly idleAfterMs: number | undefined
  /** Sources of one group stay within the drift of the slowest of them. */
  readonly alignment?: { readonly group: string; readonly maxDriftMs: number } | undefined
  /** A watermark after every record: results no longer depend on when watermarks are due. For tests; it costs. */
  readonly perRecord: boolean
}

/** A watermark strategy of a user's own. */
export interface WatermarkGenerator {
  /** Sees every record with its timestamp in ms since the epoch. */
  onRecord(record: unknown, timestamp: number): void
  /** Asked now and then: no record with a timestamp at or before this will come (or it is late); -Infinity: nothing is known. */
  watermark(): number
}

/**
 * An operator with asynchronous work (`mapAsync`, `forEach`). It heads its chain and owns a table of records in flight, except
 * where `fn` is known to be synchronous (`mayChain`); a promise that it returns nevertheless is awaited all the same.
 */
export interface AsyncSpec {
  readonly kind: 'async'
  readonly fn: (record: never, context: AsyncContext) => unknown
  /** Records in flight at once over all subtasks; undefined: one per subtask. */
  readonly concurrency?: number | undefined
  /** Whether results leave in the order of the inputs. */
  readonly ordered: boolean
  readonly timeoutMs: number
  /** A consumer (`forEach`): results are discarded and the node has no port but that of dead letters. */
  readonly discardsResults: boolean
  readonly mayChain: boolean
  /** What happens to a record whose promise rejects. Default 'fail'. */
  readonly onError?: ErrorPolicy | undefined
  /** Records are gathered, and `fn` gets them as an array: when so many are there, or the first has waited so long, and at the end. */
  readonly gathers?: { readonly recordsMax: number; readonly timeMs: number } | undefined
  /** Makes the function that is called in place of `fn`, once per subtask: what protects the calls keeps its state there. */
  readonly guard?: ((context: GuardContext) => (record: never, context: GuardedContext) => unknown) | undefined
}

/**
 * A general operator: one record at a time, outputs through its context. It never sees a thread, a ring or a clock.
 */
export interface Operator {
  /** Before the first record. May be asynchronous. */
  open?(): void | Promise<void>
  process(value: unknown, timestamp: number, input: number): void
  /** The watermark has advanced; `fire` is called next. At the end of the input it is Infinity. */
  onWatermark?(watermark: number): void
  /**
   * Does one more thing that is due (a timer, a window of one key) and emits its results; false: nothing is due. Called again and again
   * while there is credit, and no record comes in between: after `onWatermark`, after `onDeadline`, after `onEnd`. The watermark is passed
   * on when it has answered false.
   */
  fire?(): boolean
  /** The deadline asked for with `context.setDeadline` has passed; `fire` is called next. */
  onDeadline?(nowMs: number): void
  /** Every input has ended: last outputs, pulled as there is credit. */
  onEnd?(): Iterable<unknown> | void
  /** The job was stopped before its end: what would otherwise be lost without a checkpoint, such as a half-full batch. Nothing that waits for the end fires here. */
  onStop?(): Iterable<unknown> | void
  /**
   * State that is not in tables, as plain data; called at a record boundary, also between two calls of `fire`. Small: it is encoded at once.
   */
  snapshot?(): unknown
  /**
   * State that is too large to be encoded at once: called right behind `snapshot`, and asked for one part after the other while records flow again. What it gives is what there was at
   * the snapshot; `return` is called where no more is wanted. undefined: there is none.
   */
  snapshotParts?(): Iterator<unknown> | undefined
  /**
   * After a restore, before the first record and behind `open`: keyed state is in its tables; rebuild what is derived from it, ask for deadlines again.
   * Afterwards `fire` is called as behind a watermark.
   */
  restore?(restored: RestoredOperator): void
  /** Behind `restore`: each part of the state, in the order in which they were given. */
  restorePart?(part: unknown): void
  /** After the last record, also on failure. */
  close?(): void | Promise<void>
}

/**
 * An operator that holds records back: a queue in front of a slow consumer, a limit of a rate. It takes records and watermarks also while its outputs have no credit, and
 * gives them on by itself. `process` may emit only while `context.hasCredit()` holds, and otherwise keeps the record; it says `context.holdInput(true)` when
 * it can take no more. What it holds is bounded, and is its `snapshot`.
 */
export interface HoldingOperator extends Operator {
  /** Records held back. While there are any, watermarks come to `holdWatermark`, and the end of the input waits. */
  readonly holding: number
  /** Their bytes, where it counts them: what a report shows. */
  readonly holdingBytes?: number | undefined
  /** `release` would do something now: something may leave, or be given up. */
  readonly releasable: boolean
  /** Gives one thing on, or gives it up; false: there was nothing to do. Called in every step while it answers true, also without credit: it looks at `context.hasCredit()` itself. */
  release(): boolean
  /** A watermark behind the records that are held now: to be given on with `context.passWatermark` when they have left. The newest may take the place of those before it. */
  holdWatermark(watermark: number, idle: boolean): void
  /** Nothing more will come from an input, while others may go on. */
  onInputEnd?(input: number): void
}

export interface RestoredOperator {
  /** Where event time stood for this operator: the least of all subtasks whose keys it has now. `onWatermark` is not called for it. */
  readonly watermark: number
  /** What `snapshot` gave, of this subtask's share: each is given to one subtask, or to all of them where the spec says `union`. */
  readonly states: readonly unknown[]
  /** Whether `onEnd` was called already. */
  readonly ended: boolean
}

/** A source is either a function of an index, which the driver inlines, or readers of splits that give batches. */
export type SourceSpec = IndexedSourceSpec | SplitSourceSpec

export interface IndexedSourceSpec {
  readonly kind: 'source'
  readonly reads: 'index'
  readonly fn: (index: number) => unknown
  /** Indexes run from 0 to count - 1; undefined: without end. */
  readonly count: number | undefined
  /** Over all subtasks: index i is due i / rate seconds after the start. undefined: as fast as credit allows. */
  readonly ratePerSecond: number | undefined
}

export interface SplitSourceSpec {
  readonly kind: 'source'
  readonly reads: 'splits'
  /** The same list in every subtask; split i belongs to subtask i mod parallelism. */
  readonly splits: (context: SourceContext) => readonly unknown[] | Promise<readonly unknown[]>
  /** `position`: that of a batch to begin with, after a restore. Splits are plain data: those that are left are state. */
  readonly open: (split: unknown, context: SourceContext, position?: unknown) => SplitReader | Promise<SplitReader>
  /** Batches have positions, and the same records come again from there. */
  readonly replayable: boolean
  /** What was sent to it and waits to be read, at most, in bytes over all subtasks: part of the memory budget. */
  readonly holdsBytes?: number | undefined
  /** Splits are read in the order of event time: a later one holds nothing older. */
  readonly orderedSplits?: boolean | undefined
  /** Splits end by themselves: such a source is never idle. */
  readonly bounded?: boolean | undefined
}

export interface SplitReader {
  /** The next batch (a few hundred records), or undefined at the end. One call at a time; never called again before its promise settles. */
  next(): SourceBatch | undefined | Promise<SourceBatch | undefined>
  /** Whether the next batch is asked for while one is processed, where `next` gives promises. Default true. */
  readonly readsAhead?: boolean | undefined
  /**
   * So many records of this reader, and so many of its dead letters, are in the job's hands so far: its chain has processed them. Dead letters of a batch come in front
   * of its records. Told behind each step in which there were any, and once more before `close`. Records of a batch that was not taken whole when the job
   * stopped are not among them, nor those of a step that failed.
   */
  taken?(records: number, deadLetters: number): void
  /**
   * A checkpoint is complete that covers so many records and dead letters of this reader: they are never asked for again. Told in the thread of the reader, in order,
   * before `close`, also behind the end of the split: with checkpoints the reader stays open until all of its records are covered. Where it returns a promise, the next call
   * and `close` come behind it, and a rejection fails the job. Records of a checkpoint that was given up are covered by the next one that is complete.
   */
  covered?(records: number, deadLetters: number): void | Promise<void>
  close?(): void | Promise<void>
}

export interface SourceBatch {
  readonly records: readonly unknown[]
  /** Records that did not fit the schema and go to the node's `deadLetters` port. */
  readonly deadLetters?: readonly DeadLetter[] | undefined
  /** Records that did not fit the schema and were dropped by policy; counted. */
  readonly dropped?: number | undefined
  /** What `open` needs to start again at the first record of this batch: plain data. The batches from there may be cut otherwise. */
  readonly position?: unknown
}

/** A record that did not fit, or on which an operator failed, with the reason; what `job.deadLetters` carries. Every field is there, undefined where nothing is known. */
export interface DeadLetter {
  readonly operator: string
  /** Which subtask of it. */
  readonly subtask?: number | undefined
  /** The record, or the raw input of a source as text or plain data. A record that cannot be sent is shown as text. */
  readonly input: unknown
  /** The message of the error. */
  readonly reason: string
  /** The code of the error (`SLUICE_TIMEOUT`, `ECONNREFUSED`) or, where it has none, its name. */
  readonly code?: string | undefined
  /** Where it stood, for example `orders.csv line 12`. */
  readonly position: string | undefined
  /** Of an asynchronous operator: `context.recordId` of the call. */
  readonly recordId?: string | undefined
  /** How often it was tried. */
  readonly attempts?: number | undefined
  /** Event time of the record in ms since the epoch. */
  readonly timestamp?: number | undefined
  /** When it was given up, in ms since the epoch. */
  readonly failedAtMs?: number | undefined
}

export interface SinkSpec {
  readonly kind: 'sink'
  readonly create: (context: SinkContext) => SinkWriter
  /** What happens to records that its writer gives to `context.deadLetter`. Default 'fail'. */
  readonly onError?: ErrorPolicy | undefined
}

export interface SinkWriter {
  open?(): void | Promise<void>
  /** A batch of 1 to 256 records, at the latest at the end of the step that produced them. The array is reused: copy what is kept. A promise holds the subtask until it settles. */
  write(records: readonly unknown[]): void | Promise<void>
  /** Asked for by `context.setDeadline`. Not called behind `finish`. */
  onDeadline?(nowMs: number): void | Promise<void>
  /**
   * Two-phase commit, first phase, where checkpoints are on: ends the transaction that everything since the last call belongs to, and gives plain data from
   * which it can be committed, by another process too; undefined: there is nothing to commit. No write is under way when it is called, and none comes before
   * it has settled. Called behind `finish` too, for every checkpoint that follows.
   */
  prepare?(checkpoint: number): unknown
  /**
   * Settles when everything that `prepare` gave is durable; without `prepare`: everything that writes which have settled were given, but for `unwritten`.
   * Other calls may come meanwhile, also the next `prepare`; without it `prepare` itself settles only then.
   */
  durable?(): void | Promise<void>
  /** Second phase: makes it visible. Called again after a restore, by another subtask perhaps, so it is idempotent. In the order of `prepare`. */
  commit?(prepared: unknown): void | Promise<void>
  /** `commit` may be under way while `write`, `prepare`, `finish` are called. */
  readonly commitOverlapsWrites?: boolean
  /**
   * Without `prepare`: records that `write` was given and that the writer still holds, those of a write under way among them, in order. They are
   * state, and written again after a restore. Without it those of a write under way are.
   */
  unwritten?(): readonly unknown[]
  /** The job failed, or was stopped with records in flight: gives up everything since the last `prepare`. `close` follows. */
  abort?(): void | Promise<void>
  /**
   * End of input: everything written must be durable when this settles, and visible too, unless there is `prepare`: a last checkpoint follows
   * where checkpoints are on.
   */
  finish?(): void | Promise<void>
  /** Always last, also on failure or stop. */
  close?(): void | Promise<void>
}
