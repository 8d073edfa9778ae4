/**
 * Whether a failed job starts again, and when: pure, so that the runtime and the simulator decide alike. Time, history and randomness come in.
 */
import type { RestartStrategy } from '../graph/logical-graph.js'
import { describeError, SluiceError } from '../errors/sluice-error.js'

/** One failed attempt. */
export interface AttemptFailure {
  /** When the attempt began and when it failed, in ms of a monotonic clock. */
  readonly startedMs: number
  readonly failedMs: number
  readonly error: unknown
  /** The newest checkpoint that was complete by then, 0: none. */
  readonly checkpoint: number
}

export type RestartDecision =
  | { readonly restart: true; readonly delayMs: number }
  /** `because` is part of a sentence: "the error is not one that a restart helps against". */
  | { readonly restart: false; readonly because: string }

/** Failures at one place with no checkpoint in between, after which nothing else is expected of the next attempt. */
export const SAME_PLACE_FAILURES = 3
/** Restarts of several jobs that failed together are spread by this share of the delay, up and down. */
const JITTER = 0.1

/**
 * Decides on the last failure of `failures`, which holds all failures of this process, oldest first. `random`: evenly distributed in [0, 1).
 *
 * @example
 * decideRestart({ kind: 'fixed', attempts: 3, delayMs: 1_000 }, [{ startedMs: 0, failedMs: 5, error, checkpoint: 0 }], 0.5)
 * // { restart: true, delayMs: 1000 }
 */
export function decideRestart(strategy: RestartStrategy, failures: readonly AttemptFailure[], random: number): RestartDecision {
  const last = failures.at(-1)
  if (last === undefined || strategy.kind === 'none') return no('the restart strategy is none')
  if (!isRetriable(last.error)) return no('a restart does not help against it')
  if (failsAtOnePlace(failures)) return no(`it failed ${SAME_PLACE_FAILURES} times at the same place with no checkpoint in between`)
  switch (strategy.kind) {
    case 'fixed':
      if (failures.length > strategy.attempts) return no(`it was restarted ${times(strategy.attempts)} already`)
      return { restart: true, delayMs: strategy.delayMs }
    case 'failure-rate': {
      const within = failures.filter(({ failedMs }) => last.failedMs - failedMs < strategy.windowMs).length
      if (within > strategy.failures) return no(`it failed ${times(within)} within ${strategy.windowMs} ms`)
      return { restart: true, delayMs: strategy.delayMs }
    }
    case 'exponential': {
      const { initialDelayMs, maxDelayMs, resetAfterMs } = strategy
      const healthy = failures.findLastIndex(({ startedMs, failedMs }) => failedMs - startedMs >= resetAfterMs)
      const inARow = failures.length - Math.max(0, healthy)
      const delayMs = Math.min(maxDelayMs, initialDelayMs * 2 ** (inARow - 1))
      return { restart: true, delayMs: delayMs * (1 + JITTER * (2 * random - 1)) }
    }
  }
}

function no(because: string): RestartDecision {
  return { restart: false, because }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

/** What has no code is a defect, which happens again. */
function isRetriable(error: unknown): boolean {
  return error instanceof SluiceError && error.retriable
}

function failsAtOnePlace(failures: readonly AttemptFailure[]): boolean {
  const last = failures.slice(-SAME_PLACE_FAILURES)
  const [first] = last
  if (first === undefined || last.length < SAME_PLACE_FAILURES) return false
  const place = placeOf(first.error)
  return place !== undefined && last.every((one) => placeOf(one.error) === place && one.checkpoint === first.checkpoint)
}

/**
 * What a failure has in common with the one before it where the same record is to blame: what failed, where, and with what. Sources, sinks and resources fail
 * because of what lies outside, and calls time out: there waiting helps, and they have no place.
 */
function placeOf(error: unknown): string | undefined {
  if (!(error instanceof SluiceError) || outside.has(error.code)) return undefined
  const { operator, position } = error.coordinates
  // A record may come to another subtask in the next attempt.
  const message = error.message.replaceAll(/ \(subtask \d+\)/g, '')
  return JSON.stringify([error.code, operator, position, message, error.cause === undefined ? '' : describeError(error.cause)])
}

const outside: ReadonlySet<string> = new Set([
  'SLUICE_SOURCE_FAILED',
  'SLUICE_SINK_FAILED',
  'SLUICE_RESOURCE_FAILED',
  'SLUICE_CHECKPOINT_STORAGE',
  'SLUICE_TIMEOUT',
])
