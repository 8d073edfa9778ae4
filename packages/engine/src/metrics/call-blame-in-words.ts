/** Why an operator whose calls are awaited is slow, as a part of the sentence about a bottleneck. Pure. */
import type { CallBlame } from './blame-calls.js'

/** "the circuit breaker of payments has been open for 12 s (connect ECONNREFUSED)". */
export function callBlameInWords(blame: CallBlame): string {
  switch (blame.kind) {
    case 'breaker':
      return breakerInWords(blame)
    case 'retry':
      return blame.record === undefined ? `${waiting(blame)} for another attempt${errorOf(blame)}` : stallInWords(blame, blame.record)
    case 'budget':
      return `its retry budget is used up, ${waiting(blame)} for it${errorOf(blame)}`
    case 'retryAfter':
      return `${blame.dependency ?? 'what it calls'} asked for a pause, ${waiting(blame)} for its end${errorOf(blame)}`
    case 'bulkhead':
      return bulkheadInWords(blame)
    case 'calls':
      return callsInWords(blame)
  }
}

function breakerInWords({ dependency, breaker, waiting: held, error }: CallBlame): string {
  const its = dependency === undefined ? 'its circuit breaker' : `the circuit breaker of ${dependency}`
  const why = error === undefined ? '' : ` (${error})`
  if (breaker === undefined) return `${its} holds ${records(held)}${why}`
  const forMs = briefDuration(breaker.forMs)
  if (breaker.state === 'open') return `${its} has been open for ${forMs}${why}`
  if (breaker.state === 'half-open') return `${its} has been half-open for ${forMs}${why}`
  return `${its} closed ${forMs} ago and lets ${records(held)} through bit by bit${why}`
}

function stallInWords({ error }: CallBlame, { id, attempt, behind, forMs }: NonNullable<CallBlame['record']>): string {
  const why = error === undefined ? '' : ` (${error})`
  if (forMs === undefined) return `results waited behind retries, last behind record ${id} in its ${ordinal(attempt)} attempt${why}`
  const results = behind === 1 ? '1 finished result waits' : `${behind} finished results wait`
  return `record ${id} is in its ${ordinal(attempt)} attempt${why}, and ${results} behind it since ${briefDuration(forMs)}`
}

function bulkheadInWords({ dependency, underWay, others = [], waiting: queued }: CallBlame): string {
  const place = dependency === undefined ? 'a place among its calls' : `a place among the calls of ${dependency}`
  const own = `${count(underWay)} of its own ${count(underWay) === '1' ? 'is' : 'are'} under way`
  const theirs = others.map(({ operator, underWay: calls }) => `${count(calls)} of ${operator}`)
  return `${records(queued)} ${count(queued) === '1' ? 'waits' : 'wait'} for ${place}: ${[own, ...theirs].join(', ')}`
}

function callsInWords({ dependency, underWay, limit, meanMs, error }: CallBlame): string {
  const of = dependency === undefined ? '' : ` of ${dependency}`
  const each = meanMs === undefined ? 'none has ended' : `${briefDuration(meanMs)} each`
  const why = error === undefined ? '' : `, some fail (${error})`
  return `${count(Math.min(underWay, limit))} of ${count(limit)} calls${of} under way, ${each}${why}`
}

function waiting({ waiting: amount }: CallBlame): string {
  return `${records(amount)} ${count(amount) === '1' ? 'waits' : 'wait'}`
}

function errorOf({ error }: CallBlame): string {
  return error === undefined ? '' : ` (${error})`
}

function records(amount: number): string {
  return count(amount) === '1' ? '1 record' : `${count(amount)} records`
}

/** A mean: whole from 1 on. */
function count(amount: number): string {
  return amount >= 0.95 || amount === 0 ? String(Math.round(amount)) : amount.toFixed(1)
}

function ordinal(value: number): string {
  const teen = value % 100 >= 11 && value % 100 <= 13
  return `${value}${teen ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th')}`
}

/** Two digits: "0.4 ms", "35 ms", "2.1 s", "12 s", "3 min". */
function briefDuration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  return ms < 119_500 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
