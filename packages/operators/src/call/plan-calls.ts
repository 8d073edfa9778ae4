/** From the options of calls to what the graph knows of them. Runs while a job is declared. */
import type { AsyncContext, AsyncSpec, ErrorPolicy } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkInteger, checkOptions } from '../options/check-options.js'
import type { CallOptions } from './call-options.js'
import { callSettings, functionsOf, isGuarded, shownSettings } from './call-settings.js'
import { guardCalls } from './guard-calls.js'

export interface CallPlan {
  /** Part of the spec. */
  readonly spec: Pick<AsyncSpec, 'concurrency' | 'timeoutMs' | 'guard'> & { readonly onError: ErrorPolicy | undefined }
  /** Part of what the plan shows and the fingerprint holds. */
  readonly options: Readonly<Record<string, unknown>>
  readonly functions: readonly AnyFunction[]
  readonly dependency: string | undefined
}

export interface CallPlanOptions extends CallOptions {
  readonly concurrency?: number | undefined
}

/** Options of every operator and sink that calls something. */
export const CALL_OPTIONS: readonly string[] = ['concurrency', 'timeout', 'retry', 'circuitBreaker', 'adaptive', 'dependency', 'onError']

/**
 * @param what the operator, as part of a message
 * @param others options that it has besides
 */
export function planCalls(
  what: string,
  fn: (record: never, context: AsyncContext) => unknown,
  options: CallPlanOptions,
  others: readonly string[] = [],
): CallPlan {
  checkOptions(what, options, [...others, ...CALL_OPTIONS])
  const { concurrency, onError } = options
  if (concurrency !== undefined) checkInteger(`concurrency of ${what}`, concurrency, 1)
  const settings = callSettings(what, options, concurrency)
  const { timeoutMs, dependency } = settings
  if (!isGuarded(options)) return { spec: { concurrency, timeoutMs, onError }, options: {}, functions: [], dependency: undefined }
  return {
    spec: { concurrency, timeoutMs, guard: guardCalls(settings, fn), onError },
    options: { calls: shownSettings(settings) },
    functions: functionsOf(settings),
    dependency,
  }
}
