/** From what a user wrote of an unbounded join to its operator. Runs while a job is declared. */
import type { Operator, OperatorContext } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import { checkChoice, checkFunction, checkOptions } from '../options/check-options.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import { InnerJoin } from './inner-join.js'
import { type JoinFn, type JoinInput, type KeyOf, parseSpan } from './join-input.js'
import type { JoinOptions, JoinTtl, OuterJoin, OuterJoinOptions } from './join-types.js'
import { OuterJoinOperator } from './outer-join.js'

export function planJoin(
  name: string,
  { leftKeyOf, rightKeyOf, timed }: JoinInput,
  fn: AnyFunction,
  options: JoinOptions | OuterJoinOptions<OuterJoin>,
): OperatorPlan {
  checkFunction(`join ${name}`, fn)
  const type = options.type ?? 'inner'
  checkChoice(`type of join ${name}`, type, ['inner', 'left', 'right', 'full'])
  const { left, right } = parseTtl(name, options.ttl)
  const kept = { timed, numbered: type !== 'inner', leftTtlMs: left, rightTtlMs: right }
  const functions = [leftKeyOf as KeyOf, rightKeyOf as KeyOf, fn as JoinFn] as const
  const create = (context: OperatorContext): Operator =>
    type === 'inner' ? new InnerJoin(context, ...functions, kept) : new OuterJoinOperator(context, ...functions, { ...kept, type })
  return {
    spec: { kind: 'general', redistribution: 'union', create },
    options: { type: 'join', join: type, ttlMs: left === undefined && right === undefined ? null : [left ?? null, right ?? null] },
    functions: [fn],
    warning: warningOf(name, left, right),
  }
}

function warningOf(name: string, left: number | undefined, right: number | undefined): string | undefined {
  if (left === undefined && right === undefined) return `join ${name} keeps every record for ever: set ttl or use intervalJoin`
  if (left !== undefined && right !== undefined) return undefined
  const side = left === undefined ? 'left' : 'right'
  return `join ${name} keeps every record of its ${side} side for ever: set ttl.${side}`
}

interface Ttls {
  readonly left: number | undefined
  readonly right: number | undefined
}

function parseTtl(name: string, ttl: JoinTtl | undefined): Ttls {
  const parse = (side: Exclude<JoinTtl, object> | undefined, what: string): number | undefined =>
    side === undefined ? undefined : parseSpan(side, what)
  if (typeof ttl === 'object' && ttl !== null) {
    checkOptions(`ttl of join ${name}`, ttl, ['left', 'right'])
    return { left: parse(ttl.left, `ttl.left of join ${name}`), right: parse(ttl.right, `ttl.right of join ${name}`) }
  }
  const both = parse(ttl, `ttl of join ${name}`)
  return { left: both, right: both }
}
