/**
 * The adaptive window as pure functions: what is in flight on an edge shall be worth a fixed time of the consumer's work,
 * whatever the size of a record and the speed of the consumer.
 */
export interface WindowLimits {
  readonly minBytes: number
  readonly maxBytes: number
  /** Worth of the window in ms of the consumer's work. */
  readonly targetMs: number
}

const SMOOTHING = 0.3
/** A period may raise the estimate at most by this factor: one burst does not open the window. */
const GROWTH_MAX = 2
/** A window is announced only when it moves by this share. */
const STEP_SHARE = 0.25

/**
 * Moving average of bytes per second of the consumer's work (busy and queued time). Returns `estimate` where the period says
 * nothing (no bytes, no time). An estimate of 0 means: not yet known.
 */
export function nextRate(estimate: number, bytes: number, busyMs: number): number {
  if (bytes <= 0 || busyMs <= 0) return estimate
  const measured = (bytes / busyMs) * 1000
  if (estimate === 0) return measured
  return estimate + SMOOTHING * (Math.min(measured, estimate * GROWTH_MAX) - estimate)
}

/** The estimate of a channel whose records waited through a whole period while others were read: it falls, down to what the smallest window is worth. */
export function chokedRate(estimate: number, { minBytes, targetMs }: WindowLimits): number {
  const lowest = (minBytes / targetMs) * 1000
  return estimate <= lowest ? estimate : Math.max(lowest, estimate * (1 - SMOOTHING))
}

/** The window to announce: `current` where the wanted one differs by less than a quarter or the rate is not known. */
export function nextWindow(current: number, bytesPerBusySecond: number, limits: WindowLimits): number {
  if (bytesPerBusySecond === 0) return current
  const wanted = Math.round((bytesPerBusySecond * limits.targetMs) / 1000)
  const bounded = Math.max(limits.minBytes, Math.min(limits.maxBytes, wanted))
  if (bounded === current) return current
  if (Math.abs(bounded - current) < current * STEP_SHARE && bounded !== limits.minBytes && bounded !== limits.maxBytes) return current
  return bounded
}
