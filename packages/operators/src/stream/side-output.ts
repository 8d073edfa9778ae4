/** Side outputs of `process`: a tag makes values for another port than the main one. */
import { SideOutputValue, SluiceError } from '@sluice/engine'
import { callSite } from '../job/call-site.js'

declare const carried: unique symbol

/** A value on its way to a side output; yield or return it from `process`. */
export interface SideOutput<out T> {
  readonly [carried]: T
}

/** Names a side output: a function that wraps values for it, and what `stream.sideOutput(tag)` takes. */
export interface SideOutputTag<in out T> {
  (value: T): SideOutput<T>
  readonly tag: string
}

/** Ports that operators have by themselves. */
const RESERVED: ReadonlySet<string> = new Set(['out', 'late', 'deadLetters'])

/**
 * A side output of `process`: records of another type that leave an operator beside its main output.
 *
 * @param tag its name, shown as a port of the operator; unique in the operator, and none of those that it may have anyway: `out`, `late`, `deadLetters`
 * @throws SLUICE_OPTIONS_INVALID
 * @example
 * const rejected = sideOutput<{ why: string }>('rejected')
 * const parsed = job
 *   .source('lines', fromArray(['1', 'x']))
 *   .process('parse', function* (line) {
 *     const value = Number(line)
 *     if (Number.isNaN(value)) yield rejected({ why: `not a number: ${line}` })
 *     else yield { value }
 *   })
 * parsed.sink('values', discard())
 * parsed.sideOutput(rejected).sink('rejects', print())
 */
export function sideOutput<T>(tag: string): SideOutputTag<T> {
  if (RESERVED.has(tag)) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `a side output must not be named '${tag}': operators have an output of that name`, {
      declaredAt: callSite(),
      hint: `Give it another name, such as 'my-${tag}'.`,
    })
  }
  const wrap = (value: T): SideOutput<T> => new SideOutputValue(tag, value) as unknown as SideOutput<T>
  return Object.assign(wrap, { tag })
}
