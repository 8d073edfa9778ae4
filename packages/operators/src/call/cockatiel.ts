/**
 * What is taken from cockatiel: exponential backoff with full jitter, and the breaker of failures in a row. Loaded when a guard is made, and file by file: all of it
 * costs a thread six times as much. What else it has stands in the way of what is needed here; see docs/decisions/0016.
 */
import { createRequire } from 'node:module'
import type { ConsecutiveBreaker, ExponentialBackoff, fullJitterGenerator, IBackoffFactory, IBreaker } from 'cockatiel'

type Backoffs = { readonly ExponentialBackoff: typeof ExponentialBackoff }
type Generators = { readonly fullJitterGenerator: typeof fullJitterGenerator }
type Breakers = { readonly ConsecutiveBreaker: typeof ConsecutiveBreaker }

const load = createRequire(import.meta.url)

/** Waits drawn evenly from 0 to a bound that doubles, beginning with `delayMs`. Reads `Math.random`. */
export function fullJitter(delayMs: number, delayMsMax: number): IBackoffFactory<unknown> {
  const { ExponentialBackoff: Backoff } = load('cockatiel/dist/backoff/ExponentialBackoff.js') as Backoffs
  const { fullJitterGenerator: generator } = load('cockatiel/dist/backoff/ExponentialBackoffGenerators.js') as Generators
  return new Backoff({ generator, initialDelay: delayMs, maxDelay: delayMsMax })
}

export function failuresInARow(failures: number): IBreaker {
  const { ConsecutiveBreaker: Breaker } = load('cockatiel/dist/breaker/ConsecutiveBreaker.js') as Breakers
  return new Breaker(failures)
}
