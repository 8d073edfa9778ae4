/**
 * The lookup join with a function that may be asynchronous. Answers are kept per subtask, those that there is none too; records that ask for
 * one key at the same time share a call. Errors are not kept. What is kept is a cache and no state. What protects calls stands behind the cache:
 * a kept answer needs no place and counts as no call.
 */
import { type AsyncContext, canonicalKey } from '@sluice/engine'
import { LRUCache } from 'lru-cache'
import { planCalls } from '../call/plan-calls.js'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkFunction, checkInteger, checkOptions } from '../options/check-options.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { type JoinFn, type KeyOf, parseSpan } from './join-input.js'
import type { AsyncLookupOptions } from './join-types.js'

const ENTRIES_DEFAULT = 10_000
const TTL_MS_DEFAULT = 60_000

type Lookup = (key: unknown, context: AsyncContext) => unknown

export function planAsyncLookup(
  name: string,
  lookup: AnyFunction,
  fn: AnyFunction,
  options: AsyncLookupOptions<never, unknown>,
): OperatorPlan {
  const what = `lookupJoin ${name}`
  const ask = lookup as unknown as Lookup
  const { spec: calls, ...details } = planCalls(what, ask, options, ['on', 'cache', 'ordered', 'parallelism'])
  const { on, cache = {}, ordered = true } = options
  checkFunction(what, fn)
  checkFunction(`on of ${what}`, on)
  const kept = cache === false ? undefined : cacheOf(name, cache)
  const answering = (call: Lookup) => answersOf(call, kept, on as KeyOf, fn as JoinFn)
  const { guard } = calls
  return {
    spec: {
      kind: 'async',
      ...calls,
      fn: answering(ask),
      guard: guard && ((context) => answering(guard(context) as Lookup)),
      ordered,
      discardsResults: false,
      mayChain: false,
    },
    options: { type: 'lookupJoin', cache: kept ?? false, ...details.options },
    functions: [lookup, on, fn, ...details.functions],
    dependency: details.dependency,
  }
}

/** What is called for a record: it joins the record with the answer to its key. */
function answersOf(
  call: Lookup,
  kept: CacheSize | undefined,
  keyOf: KeyOf,
  join: JoinFn,
): (record: never, context: AsyncContext) => unknown {
  // One description serves all subtasks of a thread; each has a cache of its own.
  const answers: (Answers | undefined)[] = []
  return (record, context) => {
    const key = keyOf(record)
    const found =
      kept === undefined ? call(key, context) : (answers[context.subtask.index] ??= new Answers(kept, context)).find(key, call, context)
    return isPromise(found) ? found.then((value) => join(record, value)) : join(record, found)
  }
}

interface CacheSize {
  readonly entries: number
  readonly ttlMs: number
}

function cacheOf(name: string, cache: Exclude<AsyncLookupOptions<never, unknown>['cache'], false | undefined>): CacheSize {
  checkOptions(`cache of lookupJoin ${name}`, cache, ['entries', 'ttl'])
  const { entries = ENTRIES_DEFAULT, ttl = TTL_MS_DEFAULT } = cache
  checkInteger(`cache.entries of lookupJoin ${name}`, entries, 1)
  return { entries, ttlMs: parseSpan(ttl, `cache.ttl of lookupJoin ${name}`) }
}

/** Wrapped, so that nothing found is an answer too. */
interface Answer {
  readonly found: unknown
}

/** The answers of one subtask. */
class Answers {
  readonly #kept: LRUCache<NonNullable<unknown>, Answer>
  readonly #calls = new Map<unknown, Promise<unknown>>()

  constructor({ entries, ttlMs }: CacheSize, clock: Pick<AsyncContext, 'now'>) {
    // Without a resolution it asks the clock every time, and needs no timers.
    this.#kept = new LRUCache({ max: entries, ttl: ttlMs, ttlResolution: 0, perf: { now: () => clock.now() } })
  }

  find(key: unknown, lookup: Lookup, context: AsyncContext): unknown {
    const id = canonicalKey(key) ?? NULL
    const known = this.#kept.get(id)
    if (known !== undefined) return known.found
    const underWay = this.#calls.get(id)
    if (underWay !== undefined) return underWay
    const found = lookup(key, context)
    if (!isPromise(found)) {
      this.#kept.set(id, { found })
      return found
    }
    const call = this.#settle(id, found)
    this.#calls.set(id, call)
    return call
  }

  async #settle(id: NonNullable<unknown>, call: PromiseLike<unknown>): Promise<unknown> {
    try {
      const found = await call
      this.#kept.set(id, { found })
      return found
    } finally {
      this.#calls.delete(id)
    }
  }
}

/** No other key is a symbol. */
const NULL = Symbol('null')

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
