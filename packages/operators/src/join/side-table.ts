/**
 * The lookup join with a bounded side table. Each subtask reads all of the table before its first record and keeps it by key; of several rows
 * of one key the last that was read counts. The table is no state: it is read again wherever the operator is opened.
 */
import {
  canonicalKey,
  type IndexedSourceSpec,
  type Operator,
  type OperatorContext,
  type SourceBatch,
  type SourceContext,
  SluiceError,
  type SplitSourceSpec,
} from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkErrorPolicy, checkFunction, checkOptions } from '../options/check-options.js'
import type { Source } from '../source/source.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import type { JoinFn, KeyOf } from './join-input.js'
import type { LookupOptions } from './join-types.js'

export function planSideTable(
  name: string,
  source: Source<unknown>,
  fn: AnyFunction,
  options: LookupOptions<never, never, unknown>,
): OperatorPlan {
  checkOptions(`lookupJoin ${name}`, options, ['on', 'key', 'parallelism', 'onError'])
  const { on, key, onError } = options
  checkErrorPolicy(`lookupJoin ${name}`, onError)
  checkFunction(`lookupJoin ${name}`, fn)
  checkFunction(`on of lookupJoin ${name}`, on)
  checkFunction(`key of lookupJoin ${name}`, key)
  const { spec, pinnedToHost = false, options: table } = source
  const unfit =
    spec.reads === 'index' && spec.count === undefined
      ? 'never ends'
      : pinnedToHost
        ? 'can be read in the thread of the coordinator alone, while each subtask reads its own copy'
        : undefined
  if (unfit !== undefined) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `the side table of lookupJoin ${name} ${unfit}`, {
      hint: 'Take a bounded source such as fromCsv(path) or fromArray(rows), or look rows up with an async function.',
    })
  }
  return {
    spec: {
      kind: 'general',
      create: (context) => new SideTableJoin(context, spec, on as KeyOf, key as KeyOf, fn as JoinFn),
      onError,
    },
    options: { type: 'lookupJoin', table },
    functions: [on, key, fn, ...(spec.reads === 'index' ? [spec.fn] : [])],
  }
}

class SideTableJoin implements Operator {
  readonly #context: OperatorContext
  readonly #source: IndexedSourceSpec | SplitSourceSpec
  readonly #on: KeyOf
  readonly #keyOf: KeyOf
  readonly #fn: JoinFn
  readonly #rows = new Map<unknown, unknown>()
  readonly #abort = new AbortController()

  constructor(context: OperatorContext, source: IndexedSourceSpec | SplitSourceSpec, on: KeyOf, keyOf: KeyOf, fn: JoinFn) {
    this.#context = context
    this.#source = source
    this.#on = on
    this.#keyOf = keyOf
    this.#fn = fn
  }

  open(): void | Promise<void> {
    const source = this.#source
    if (source.reads === 'splits') return this.#readSplits(source)
    for (let index = 0; index < (source.count as number); index++) this.#take(source.fn(index))
  }

  process(value: unknown, timestamp: number): void {
    const key = this.#on(value)
    this.#context.emit(this.#fn(value, this.#rows.get(canonicalKey(key))), timestamp)
  }

  close(): void {
    this.#abort.abort()
    this.#rows.clear()
  }

  async #readSplits({ splits, open }: SplitSourceSpec): Promise<void> {
    const context = contextOf(this.#context, this.#abort.signal)
    let refused = 0
    for (const split of await splits(context)) {
      const reader = await open(split, context)
      try {
        for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) refused += this.#takeBatch(batch)
      } finally {
        await reader.close?.()
      }
    }
    if (refused === 0) return
    this.#context.countDropped(refused, 'invalid')
    this.#context.log.warn('Rows of the side table that do not fit their schema are left out.', { rows: refused })
  }

  /** Gives back how many rows did not fit. */
  #takeBatch({ records, deadLetters = [], dropped = 0 }: SourceBatch): number {
    for (const record of records) this.#take(record)
    return deadLetters.length + dropped
  }

  #take(row: unknown): void {
    this.#rows.set(canonicalKey(this.#keyOf(row)), row)
  }
}

/** What a source knows of the world, from what an operator knows. */
function contextOf(context: OperatorContext, signal: AbortSignal): SourceContext {
  const { job, operator, subtask, log, metrics } = context
  return {
    job,
    operator,
    subtask,
    log,
    metrics,
    signal,
    now: () => context.now(),
    use: (name) => context.use(name),
    announce: ({ url }) => log.info(`${operator} listens on ${url}`),
    countDropped: (count, reason) => context.countDropped(count, reason),
    sizeOf: (value) => context.sizeOf(value),
  }
}
