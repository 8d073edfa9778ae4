/** Values of options, read strictly: what does not fit is wrong usage and says what fits. Pure. */
import { InvalidArgumentError } from 'commander'

export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text) || Number(text) < min) throw new InvalidArgumentError(`It takes a whole number from ${min}.`)
    return Number(text)
  }
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** `268435456`, `256mb`, `256 MiB`, `1g`: bytes, units in powers of two. */
export function byteSize(text: string): number {
  const match = /^(?<value>\d+(?:\.\d+)?)\s*(?<unit>[kmg]?)(?:i?b)?$/i.exec(text.trim())
  const bytes = Math.round(Number(match?.groups?.['value']) * (SIZE_UNITS[match?.groups?.['unit']?.toLowerCase() ?? ''] ?? 1))
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new InvalidArgumentError('It takes a size such as 256mb, 1gb or a number of bytes.')
  return bytes
}

/** Repeated flags become a list. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
