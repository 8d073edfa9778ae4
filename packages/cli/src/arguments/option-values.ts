/** Values of options, read strictly: what does not fit is wrong usage and says what fits. Pure. */
import { InvalidArgumentError } from 'commander'
import type { Duration, RestartOptions } from '@sluice/operators'

export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text) || Number(text) < min) throw new InvalidArgumentError(`It takes a whole number from ${min}.`)
    return Number(text)
  }
}

/** Durations and sizes: digits alone are a number (ms, bytes); the rest is read where such texts are read for the API too. */
export function numberOrText(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text
}

/** Repeated flags become a list. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

/** `none`, `exponential[:initial[:max]]`, `fixed:attempts[:delay]`, `failure-rate:failures:window[:delay]`; durations are checked where the job is run. */
export function restartStrategy(text: string): RestartOptions {
  const [strategy = '', ...rest] = text.split(':')
  const [first, second, third] = rest.map((part) => numberOrText(part))
  const options: Readonly<Record<string, { readonly most: number; readonly make: () => RestartOptions }>> = {
    none: { most: 0, make: () => ({ strategy: 'none' }) },
    exponential: { most: 2, make: () => ({ strategy: 'exponential', ...given({ initialDelay: first, maxDelay: second }) }) },
    fixed: { most: 2, make: () => ({ strategy: 'fixed', attempts: Number(first), ...given({ delay: second }) }) },
    'failure-rate': {
      most: 3,
      make: () => ({ strategy: 'failure-rate', failures: Number(first), window: (second ?? '') as Duration, ...given({ delay: third }) }),
    },
  }
  const chosen = Object.hasOwn(options, strategy) ? options[strategy] : undefined
  const least = strategy === 'fixed' ? 1 : strategy === 'failure-rate' ? 2 : 0
  if (chosen === undefined || rest.length > chosen.most || rest.length < least || (least > 0 && !Number.isSafeInteger(Number(first))))
    throw new InvalidArgumentError(
      'It takes none, exponential[:initial[:max]], fixed:<attempts>[:delay] or failure-rate:<failures>:<window>[:delay].',
    )
  return chosen.make()
}

function given(values: Readonly<Record<string, number | string | undefined>>): Readonly<Record<string, Duration>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Readonly<Record<string, Duration>>
}
