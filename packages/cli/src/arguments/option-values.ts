/** Values of options, read strictly: what does not fit is wrong usage and says what fits. Pure. */
import { InvalidArgumentError } from 'commander'

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
