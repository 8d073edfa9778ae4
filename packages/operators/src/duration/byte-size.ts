/** Sizes as the API takes them: a number of bytes, or text with a unit. Pure. */
import { SluiceError } from '@sluice/engine'

/** A size: a number of bytes, or text such as `'64kb'`, `'256mb'`, `'2gb'` (1 kb = 1,024 bytes). */
export type ByteSize = number | `${number}b` | `${number}kb` | `${number}mb` | `${number}gb`

const TEXT = /^(\d+(?:\.\d+)?)(b|kb|mb|gb)$/
const UNITS_BYTES: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

/**
 * A size in bytes, a whole number.
 *
 * @param what what the size is for, as part of the message: `memory`
 * @throws SluiceError `SLUICE_OPTIONS_INVALID` for text that is no size and for numbers that are not above 0
 * @example
 * parseByteSize('256mb', 'memory') // 268_435_456
 */
export function parseByteSize(value: number | string, what: string): number {
  const parts = typeof value === 'string' ? TEXT.exec(value.trim().toLowerCase()) : null
  const bytes = Math.floor(typeof value === 'number' ? value : Number(parts?.[1]) * (UNITS_BYTES[parts?.[2] ?? ''] ?? Number.NaN))
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  throw new SluiceError(
    'SLUICE_OPTIONS_INVALID',
    `${what} is ${typeof value === 'string' ? JSON.stringify(value) : String(value)}, which is not a size`,
    {
      hint: "Write a number of bytes or text such as '64kb', '256mb', '2gb'.",
    },
  )
}
