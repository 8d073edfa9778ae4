/** Records per second and CPU time per record out of what meters read. */
import type { Measurement } from './figure.js'
import type { Reading } from './meter.js'

/** Adds up the rates of all meters; CPU time is that of the process, so it is taken once per reading and averaged. */
export function rateOf(readings: readonly Reading[]): Measurement {
  let perMs = 0
  let cpuPerMs = 0
  for (const { records, ms, cpuMs } of readings) {
    perMs += records / ms
    cpuPerMs += cpuMs / ms / readings.length
  }
  return { value: perMs / 1e3, cpuNsPerRecord: (cpuPerMs / perMs) * 1e6 }
}

/** The same as time per record. */
export function timeOf(readings: readonly Reading[]): Measurement {
  const { value, cpuNsPerRecord } = rateOf(readings)
  return { value: 1e3 / value, cpuNsPerRecord }
}
