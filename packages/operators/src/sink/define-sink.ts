/**
 * The interface for sinks of one's own; the built-in ones are made with it. Each subtask opens its own writer, writes batches to
 * it, and closes it, whatever happened.
 */
import {
  type DeliveryGuarantee,
  type ErrorPolicy,
  type HostBindings,
  type RunIdentity,
  type SinkContext,
  type SinkWriter,
  SluiceError,
} from '@sluice/engine'
import type { Context } from '../operator/contexts.js'
import { checkErrorPolicy, checkInteger } from '../options/check-options.js'
import type { Sink, SinkWithLetters } from './sink.js'

/** What a sink knows of the world. */
export interface SinkWriteContext extends Context {
  /** Aborted when the job stops or fails. */
  readonly signal: AbortSignal
  /** Whether existing output may be replaced (`--overwrite`). */
  readonly overwrite: boolean
  /** Fails the job at once, for what goes wrong while no call of the writer is under way: a connection that is lost, a stream that closes. */
  fail(error: unknown): void
  /**
   * A record that cannot be written, while the others can: with `onError: 'drop'` of the sink it is dropped and counted, with `'deadLetter'` its dead letter leaves with `error` as the
   * reason. Do not write it then. Throws `error` with `'fail'`, the default.
   */
  deadLetter(record: unknown, error: unknown): void
  /** Asks for `onDeadline` at a point of processing time; a new one replaces it, undefined cancels. */
  setDeadline(timeMs: number | undefined): void
  /** Standard output and collected streams; there for sinks that are `pinned`. */
  readonly host: HostBindings | undefined
  /**
   * The run and attempt whose checkpoints `prepare` and `commit` follow; undefined where none are taken: `prepare` and `commit` are never called then, and
   * `finish` makes everything visible. Names that are made from it (`run.id`, `run.attempt`) tell one's own unfinished output from that of others.
   */
  readonly run: RunIdentity | undefined
  /**
   * After a restore: what `prepare` gave, of this subtask's share, oldest first; `commit` of each is called behind `open`. undefined: a fresh start.
   * What this run prepared in checkpoints behind `run.restoredCheckpoint` will never be committed: this is the place to give it up.
   */
  readonly restored: readonly unknown[] | undefined
  /** Number of the record that `write` is given first; counts on over restores, from 0. */
  readonly firstRecord: number
}

/** Writes the records of one subtask. */
export interface RecordWriter<in T> {
  /**
   * Writes a batch of 1 to 256 records. Return a promise where the subtask must wait for it; no other call comes before it has
   * settled, but `durable` and, where it may overlap, `commit`. The array is reused afterwards: copy what is kept.
   */
  write(records: readonly T[]): void | Promise<void>
  /** The time asked for with `context.setDeadline` has come. */
  onDeadline?(nowMs: number): void | Promise<void>
  /**
   * First phase of a commit, for every checkpoint: ends the transaction that everything written since the last call belongs to, so that only
   * `commit` is left to do, and gives plain data from which any process can do that; undefined: nothing was written. No write is under way when it
   * is called and none comes before it has settled. It is called behind `finish` too.
   */
  prepare?(checkpoint: number): unknown
  /**
   * Settles when everything that `prepare` gave is durable: then the checkpoint may be complete. Writes go on meanwhile. Without it
   * the promise of `prepare` settles only then. Without `prepare`: everything written so far has reached the other side, but for `unwritten`.
   */
  durable?(): void | Promise<void>
  /**
   * Second phase, once the checkpoint is complete everywhere: makes visible what `prepare` gave. It is called again after a restore, in another subtask or
   * process perhaps, so it does nothing where that was done before. Transactions of one subtask are committed in their order.
   */
  commit?(prepared: unknown): void | Promise<void>
  /** `commit` may be under way while the next records are written and prepared. Otherwise writing waits for it. */
  readonly commitOverlapsWrites?: boolean
  /**
   * For a writer without `prepare` that collects records: those that were given to `write` and have not reached the other side, in order. Checkpoints
   * keep them, and they are written again after a restore. Without it a checkpoint keeps those of a write under way.
   */
  unwritten?(): readonly unknown[]
  /** The job failed, or was stopped with records in flight: gives up what was written since the last `prepare`. A call may be under way. `close` follows. Not called where the process died. */
  abort?(): void | Promise<void>
  /**
   * End of input: when it settles, everything written is durable and visible; with checkpoints and `prepare`, a last checkpoint makes it so. It is not called
   * where a job with checkpoints is stopped before its end: what is restored from there goes on. After a restore it may be called again.
   */
  finish?(): void | Promise<void>
  /** Always last, also after a failure or a stop, when `finish` was not called. */
  close?(): void | Promise<void>
}

export interface SinkDefinition<T> {
  /** Opens the writer of one subtask. */
  readonly open: (context: SinkWriteContext) => RecordWriter<T> | Promise<RecordWriter<T>>
  /** The largest parallelism that makes sense, with the reason as part of a sentence. Default: unbounded. */
  readonly parallelismMax?: { readonly value: number; readonly because: string } | undefined
  /** Bound to the thread that started the job, for what cannot be opened elsewhere. Default false. */
  readonly pinned?: boolean | undefined
  /** The writers have `prepare` and `commit`: what checkpoints cover is written exactly once. Default false. */
  readonly transactional?: boolean | undefined
  /** What a restart makes of the output. Default 'exactly-once' where the sink is transactional, otherwise 'at-least-once'. */
  readonly delivery?: DeliveryGuarantee | undefined
  /** What becomes of records that a writer gives to `context.deadLetter`. Default 'fail'. */
  readonly onError?: ErrorPolicy | undefined
  /** JSON-able values that identify the sink; they are part of the job's fingerprint and shown with the plan. */
  readonly options?: Readonly<Record<string, unknown>> | undefined
}

/**
 * A sink of one's own.
 *
 * Without more it writes at least once: after a restore, records that were written behind the checkpoint are written again. With
 * `transactional: true` its writers commit in two phases, and every record counts once: `write` ... `prepare` (the transaction ends), `durable`
 * (it survives a crash), then, when the checkpoint is complete everywhere, `commit`.
 *
 * @throws SLUICE_OPTIONS_INVALID where the definition has no `open` or a wrong `parallelismMax`, or where a writer of a transactional sink has no
 * `prepare` or no `commit`.
 * @example
 * const clients = job.resource('clients', { open: () => database })
 * const toTable = (table: string) =>
 *   defineSink<{ id: number }>({
 *     open: (context) => {
 *       const client = context.use(clients)
 *       return { write: (records) => client.insert(table, [...records]) }
 *     },
 *     options: { table },
 *   })
 * stream.sink('orders', toTable('orders'))
 * @example
 * // Files that appear whole, one per checkpoint and subtask: written under a name that nobody reads, renamed by `commit`.
 * const toFiles = (folder: string) =>
 *   defineSink<{ id: number }>({
 *     transactional: true,
 *     open: async ({ subtask, run }) => {
 *       const { existsSync, promises } = await import('node:fs')
 *       const { rename, writeFile } = promises
 *       const nameOf = (checkpoint: number) => `${folder}/${run?.id}-${subtask.index}-${checkpoint}.json`
 *       let rows: { id: number }[] = []
 *       return {
 *         write: (records) => void rows.push(...records),
 *         async prepare(checkpoint) {
 *           if (rows.length === 0) return undefined
 *           const name = nameOf(checkpoint)
 *           await writeFile(`${name}.hidden`, JSON.stringify(rows), { flush: true })
 *           rows = []
 *           return name
 *         },
 *         async commit(prepared) {
 *           const name = prepared as string
 *           // After a restore nobody knows whether it was done: then it was, where there is nothing to rename.
 *           if (existsSync(`${name}.hidden`)) await rename(`${name}.hidden`, name)
 *         },
 *         async finish() {
 *           // Without checkpoints there is no commit: everything becomes visible here.
 *           if (run === undefined) await writeFile(nameOf(0), JSON.stringify(rows))
 *         },
 *       }
 *     },
 *     options: { folder },
 *   })
 * stream.sink('orders', toFiles('orders'))
 */
export function defineSink<T, const P extends ErrorPolicy | undefined = ErrorPolicy | undefined>(
  definition: SinkDefinition<T> & { readonly onError?: P },
): SinkWithLetters<{ readonly onError: P }, Sink<T>>
export function defineSink<T>(definition: SinkDefinition<T>): Sink<T> {
  const { open, parallelismMax, pinned = false, transactional = false, options = {}, onError } = definition
  checkErrorPolicy('defineSink', onError)
  const { delivery = transactional ? 'exactly-once' : 'at-least-once' } = definition
  if (typeof open !== 'function') throw new SluiceError('SLUICE_OPTIONS_INVALID', 'defineSink needs open(context).')
  if (parallelismMax !== undefined) checkInteger('parallelismMax.value', parallelismMax.value, 1)
  return {
    spec: {
      kind: 'sink',
      onError,
      create: (context: SinkContext) =>
        new OpenedWriter(open as SinkDefinition<unknown>['open'], context as SinkWriteContext, transactional) as SinkWriter,
    },
    options,
    onError,
    parallelismMax,
    pinnedToHost: pinned,
    delivery,
  }
}

/** Asks the writer, which is there from `open` on; what it does not have is not there. */
class OpenedWriter {
  readonly #open: SinkDefinition<unknown>['open']
  readonly #context: SinkWriteContext
  readonly #transactional: boolean
  #writer: RecordWriter<unknown> | undefined
  prepare: SinkWriter['prepare'] | undefined
  durable: SinkWriter['durable'] | undefined
  unwritten: SinkWriter['unwritten'] | undefined
  commitOverlapsWrites = false

  constructor(open: SinkDefinition<unknown>['open'], context: SinkWriteContext, transactional: boolean) {
    this.#open = open
    this.#context = context
    this.#transactional = transactional
  }

  async open(): Promise<void> {
    const writer = await this.#open(this.#context)
    this.#writer = writer
    const { operator } = this.#context
    if ((this.#transactional || writer.prepare !== undefined) && (writer.prepare === undefined || writer.commit === undefined)) {
      const lacks = writer.prepare === undefined ? 'prepare' : 'commit'
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `${operator} is transactional, but its writer has no ${lacks}.`, { operator })
    }
    if (writer.prepare !== undefined) this.prepare = (checkpoint) => writer.prepare?.(checkpoint)
    if (writer.durable !== undefined) this.durable = () => writer.durable?.()
    if (writer.unwritten !== undefined) this.unwritten = () => writer.unwritten?.() ?? []
    this.commitOverlapsWrites = writer.commitOverlapsWrites === true
  }

  write(records: readonly unknown[]): void | Promise<void> {
    const writer = this.#writer
    if (writer === undefined) throw new SluiceError('SLUICE_ASSERTION', 'a sink is written to before it is open')
    return writer.write(records)
  }

  onDeadline(nowMs: number): void | Promise<void> {
    return this.#writer?.onDeadline?.(nowMs)
  }

  commit(prepared: unknown): void | Promise<void> {
    return this.#writer?.commit?.(prepared)
  }

  abort(): void | Promise<void> {
    return this.#writer?.abort?.()
  }

  finish(): void | Promise<void> {
    return this.#writer?.finish?.()
  }

  /** A writer that failed to open has nothing to close. */
  close(): void | Promise<void> {
    return this.#writer?.close?.()
  }
}
