/**
 * The interface for sinks of one's own; the built-in ones are made with it. Each subtask opens its own writer, writes batches to
 * it, and closes it, whatever happened.
 */
import { type DeliveryGuarantee, type HostBindings, type SinkContext, SluiceError } from '@sluice/engine'
import type { Context } from '../operator/contexts.js'
import { checkInteger } from '../source/check-options.js'
import type { Sink } from './sink.js'

/** What a sink knows of the world. */
export interface SinkWriteContext extends Context {
  /** Aborted when the job stops or fails. */
  readonly signal: AbortSignal
  /** Whether existing output may be replaced (`--overwrite`). */
  readonly overwrite: boolean
  /** Asks for `onDeadline` at a point of processing time; a new one replaces it, undefined cancels. */
  setDeadline(timeMs: number | undefined): void
  /** Standard output and collected streams; there for sinks that are `pinned`. */
  readonly host: HostBindings | undefined
}

/** Writes the records of one subtask. */
export interface RecordWriter<in T> {
  /**
   * Writes a batch of 1 to 256 records. Return a promise where the subtask must wait for it; no other call comes before it has
   * settled. The array is reused afterwards: copy what is kept.
   */
  write(records: readonly T[]): void | Promise<void>
  /** The time asked for with `context.setDeadline` has come. */
  onDeadline?(nowMs: number): void | Promise<void>
  /** End of input: when it settles, everything written is durable and visible. */
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
  /** What a restart makes of the output. Default 'at-least-once'. */
  readonly delivery?: DeliveryGuarantee | undefined
  /** JSON-able values that identify the sink; they are part of the job's fingerprint and shown with the plan. */
  readonly options?: Readonly<Record<string, unknown>> | undefined
}

/**
 * A sink of one's own.
 *
 * @throws SLUICE_OPTIONS_INVALID where the definition has no `open` or a wrong `parallelismMax`.
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
 */
export function defineSink<T>(definition: SinkDefinition<T>): Sink<T> {
  const { open, parallelismMax, pinned = false, delivery = 'at-least-once', options = {} } = definition
  if (typeof open !== 'function') throw new SluiceError('SLUICE_OPTIONS_INVALID', 'defineSink needs open(context).')
  if (parallelismMax !== undefined) checkInteger('parallelismMax.value', parallelismMax.value, 1)
  return {
    spec: {
      kind: 'sink',
      create: (context: SinkContext) => new OpenedWriter(open as SinkDefinition<unknown>['open'], context as SinkWriteContext),
    },
    options,
    parallelismMax,
    pinnedToHost: pinned,
    delivery,
  }
}

class OpenedWriter {
  readonly #open: SinkDefinition<unknown>['open']
  readonly #context: SinkWriteContext
  #writer: RecordWriter<unknown> | undefined

  constructor(open: SinkDefinition<unknown>['open'], context: SinkWriteContext) {
    this.#open = open
    this.#context = context
  }

  async open(): Promise<void> {
    this.#writer = await this.#open(this.#context)
  }

  write(records: readonly unknown[]): void | Promise<void> {
    const writer = this.#writer
    if (writer === undefined) throw new SluiceError('SLUICE_ASSERTION', 'a sink is written to before it is open')
    return writer.write(records)
  }

  onDeadline(nowMs: number): void | Promise<void> {
    return this.#writer?.onDeadline?.(nowMs)
  }

  finish(): void | Promise<void> {
    return this.#writer?.finish?.()
  }

  /** A writer that failed to open has nothing to close. */
  close(): void | Promise<void> {
    return this.#writer?.close?.()
  }
}
