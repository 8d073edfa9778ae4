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

/** How often a consumer looks at its windows, in ms. */
export const ADAPT_PERIOD_MS = 100
const SMOOTHING = 0.3
/** A period may raise the estimate at most by this factor: one burst does not open the window. */
const GROWTH_MAX = 2
/** A window is announced only when it moves by this share, and a rate that is off by more has changed when the next period says the same. */
const STEP_SHARE = 0.25
/** A producer that sleeps is woken for what flows in this time: to wake costs a part of a millisecond at worst. */
const WAKE_MS = 10
/** Work of the consumer that a measurement takes at least. */
const EVIDENCE_MS = 5

/**
 * The estimate behind one more measurement, `before` being the one in front of it. One that is off moves it by a part, because it may be a disturbance;
 * two in a row that are off to the same side by a quarter or more are a change: then the nearer of the two holds. An estimate of 0 means: not yet known.
 */
export function nextRate(estimate: number, before: number, measured: number): number {
  if (estimate === 0) return measured
  const bounded = Math.min(measured, estimate * GROWTH_MAX)
  const risen = Math.min(before, measured) >= estimate * (1 + STEP_SHARE)
  if (risen) return Math.min(before, bounded)
  const fallen = Math.max(before, measured) <= estimate * (1 - STEP_SHARE)
  if (fallen) return Math.max(before, measured)
  return estimate + SMOOTHING * (bounded - estimate)
}

/** Bytes per second of the consumer's work (busy and queued time), measured as soon as there is enough of it. */
export class ConsumptionRate {
  /** 0: not yet known. */
  bytesPerBusySecond = 0
  #before = 0
  #bytes = 0
  #busyMs = 0

  add(bytes: number, busyMs: number): void {
    this.#bytes += bytes
    this.#busyMs += Math.max(0, busyMs)
    // Work without a byte is the beginning of a record that takes long.
    if (this.#bytes <= 0 || this.#busyMs < EVIDENCE_MS) return
    const measured = (this.#bytes / this.#busyMs) * 1000
    this.bytesPerBusySecond = nextRate(this.bytesPerBusySecond, this.#before, measured)
    this.#before = measured
    this.#bytes = 0
    this.#busyMs = 0
  }

  /** Records wait, and others were read through a whole period. */
  choke(limits: WindowLimits): void {
    this.bytesPerBusySecond = chokedRate(this.bytesPerBusySecond, limits)
    this.#bytes = 0
    this.#busyMs = 0
  }
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

/**
 * How much credit must be free before a producer that sleeps is woken: half a window where records flow fast, because to wake costs more than to fill
 * a frame; less where half a window lasts for long, so that the producer goes at an even pace and not in leaps. No less than a frame. `periodBytes`: what
 * was consumed in the last period, whatever kept the consumer from taking more.
 */
export function wakeStep(windowBytes: number, periodBytes: number, frameBytes: number): number {
  const half = windowBytes >> 1
  if (periodBytes <= 0) return half
  return Math.min(half, Math.max(frameBytes, (periodBytes * WAKE_MS) / ADAPT_PERIOD_MS))
}
