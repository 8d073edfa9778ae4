/**
 * Times of the wire are nanoseconds since the epoch in 64 bits; records have milliseconds and the nanoseconds beyond them. Every step below stays under
 * 2^53, so both ways are exact for all 2^64 values.
 */
const TWO_32 = 0x1_0000_0000
/** 2^32 ns are 4294 ms and 967,296 ns. */
const MS_OF_HIGH = 4294
const NANOS_OF_HIGH = 967_296

/** The milliseconds of a time given as two words. */
export function msOfWords(high: number, low: number): number {
  return high * MS_OF_HIGH + wholeMs(high * NANOS_OF_HIGH + low)
}

/** The nanoseconds beyond them. */
export function nanosOfWords(high: number, low: number): number {
  const nanos = high * NANOS_OF_HIGH + low
  return nanos - wholeMs(nanos) * 1e6
}

/** The quotient is rounded: it may be too large by one where the dividend is just below a multiple. */
function wholeMs(nanos: number): number {
  const quotient = Math.floor(nanos / 1e6)
  return quotient * 1e6 > nanos ? quotient - 1 : quotient
}

/** The upper word of a time. */
export function highOf(ms: number, nanos: number): number {
  const upper = Math.floor(ms / 0x1_0000)
  const lower = ms - upper * 0x1_0000
  const middle = upper * 1e6
  const carried = Math.floor(middle / 0x1_0000)
  return carried + Math.floor(((middle - carried * 0x1_0000) * 0x1_0000 + lower * 1e6 + nanos) / TWO_32)
}

/** The lower word of a time. */
export function lowOf(ms: number, nanos: number): number {
  const upper = Math.floor(ms / 0x1_0000)
  const lower = ms - upper * 0x1_0000
  const middle = upper * 1e6
  const rest = (middle - Math.floor(middle / 0x1_0000) * 0x1_0000) * 0x1_0000 + lower * 1e6 + nanos
  return rest - Math.floor(rest / TWO_32) * TWO_32
}

/** As decimal digits, for JSON. */
export function digitsOf(ms: number, nanos: number): string {
  return ms === 0 ? String(nanos) : `${ms}${String(nanos).padStart(6, '0')}`
}
