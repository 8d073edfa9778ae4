/** Numbers for people: three significant digits at most, a unit a reader knows, always the same width class. Pure. */

const SCALE = ['', 'k', 'M', 'G', 'T'] as const

/** `1234567` -> `1.23 M`; below 1,000 a plain number. */
export function formatCount(value: number): string {
  return withPrefix(value, 1000).trimEnd()
}

/** `1.2 M rec/s`. */
export function formatRecordRate(recordsPerSecond: number): string {
  return joinUnit(withPrefix(recordsPerSecond, 1000), 'rec/s', ' ')
}

/** `34 MB/s`, in powers of ten as network and disk rates are. */
export function formatByteRate(bytesPerSecond: number): string {
  return joinUnit(withPrefix(bytesPerSecond, 1000), 'B/s', '')
}

/** `256 KiB`, in powers of two as memory sizes are. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`
  const text = withPrefix(bytes, 1024)
  const at = text.lastIndexOf(' ')
  return `${text.slice(0, at)} ${text.slice(at + 1).toUpperCase()}iB`
}

/** `850 us`, `12 ms`, `1.24 s`, `2 min 5 s`, `1 h 12 min`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '-'
  if (ms <= 0) return '0 ms'
  if (ms < 1) return `${digits(ms * 1000)} us`
  if (ms < 999.5) return `${digits(ms)} ms`
  if (ms < 59_995) return `${digits(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A share of 0..1 as whole per cent. */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** `1 record`, `2 records`, `1,234,567 records`. */
export function formatAmount(count: number, noun: string): string {
  return `${formatWhole(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `1,234,567`. Not by `Intl`, whose first use costs 50 ms at the start of a job. */
export function formatWhole(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

function withPrefix(value: number, base: number): string {
  if (!Number.isFinite(value)) return '-'
  let scaled = value
  let index = 0
  // 999.5 would be printed as 1000 with the smaller prefix.
  while (Math.abs(scaled) >= base - 0.5 && index < SCALE.length - 1) {
    scaled /= base
    index++
  }
  return index === 0 ? digits(scaled) : `${digits(scaled)} ${SCALE[index]}`
}

function joinUnit(scaled: string, unit: string, between: string): string {
  return scaled.includes(' ') ? `${scaled}${between}${unit}` : `${scaled} ${unit}`
}

/** At most three significant digits, without an exponent and without trailing zeros behind the point. */
function digits(value: number): string {
  const size = Math.abs(value)
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value))
  return String(Number(value.toFixed(size >= 10 ? 1 : 2)))
}
