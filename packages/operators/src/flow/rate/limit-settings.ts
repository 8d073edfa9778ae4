/** What a limit comes to once its options are checked, and what each subtask gets of it. Pure. */
import { type OperatorContext, shareOf, SluiceError } from '@sluice/engine'

/** Default burst, in ms of the rate. */
const BURST_MS = 100
/** How much earlier than evenly spaced a record may leave, at least: timers are that coarse, and the rate is reached all the same. */
const EVEN_MS = 5

export interface LimitSettings {
  readonly algorithm: 'token-bucket' | 'leaky-bucket'
  /** Per `perMs`; of a rate that a stream says: the first one. */
  readonly rate: number
  readonly perMs: number
  /** undefined: it follows from the rate. */
  readonly burst: number | undefined
  readonly drops: boolean
}

/** A share of the settings: of a subtask, or of one key. */
export interface LimitShare {
  readonly drops: boolean
  /** Tokens per ms of a rate as users give it. */
  readonly perMs: (rate: number) => number
  /** Tokens that may gather, at so many per ms. */
  readonly burst: (perMs: number) => number
}

/** Each subtask has its part of the rate and of the burst. */
export function shareOfSubtask(settings: LimitSettings, { subtask }: Pick<OperatorContext, 'subtask'>): LimitShare {
  const { burst } = settings
  const share = burst === undefined ? undefined : Math.max(1, shareOf(burst, subtask.parallelism, subtask.index))
  return limitShare(settings, share, subtask.parallelism)
}

/** Every key has the whole rate. */
export function shareOfKey(settings: LimitSettings): LimitShare {
  const { burst, rate, perMs } = settings
  return limitShare(settings, burst ?? burstAt(settings, rate / perMs), 1)
}

function limitShare(settings: LimitSettings, burst: number | undefined, parallelism: number): LimitShare {
  return {
    drops: settings.drops,
    perMs: (rate) => rate / settings.perMs / parallelism,
    burst: (perMs) => burst ?? burstAt(settings, perMs),
  }
}

/** The burst that a rate has where none is given. */
export function burstAt({ algorithm }: Pick<LimitSettings, 'algorithm'>, perMs: number): number {
  const even = 1 + perMs * EVEN_MS
  return algorithm === 'leaky-bucket' ? even : Math.max(even, perMs * BURST_MS)
}

/** A rate that comes in a stream. 0 pauses. */
export function checkSignal(rate: unknown, operator: string): number {
  if (typeof rate === 'number' && Number.isFinite(rate) && rate >= 0) return rate
  const shown =
    typeof rate === 'number' ? String(rate) : rate === null || rate === undefined ? String(rate) : `a value of type ${typeof rate}`
  throw new SluiceError('SLUICE_RATE_INVALID', `the stream that says the rate of ${operator} gave ${shown}`, { operator })
}
