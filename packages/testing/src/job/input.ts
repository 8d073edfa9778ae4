/** Records that a simulation gives to a source in place of what it reads. */
import { type Duration, parseDuration } from '@sluice/operators'

/** A record with the time at which it arrives; made by `at`. */
export class Arrival<out T> {
  /** Since the start of the simulation. */
  readonly atMs: number
  readonly record: T

  constructor(atMs: number, record: T) {
    this.atMs = atMs
    this.record = record
  }
}

/**
 * A record that arrives at a time, counted from the start of the simulation; those behind it come no earlier.
 *
 * @throws SluiceError `SLUICE_DURATION_INVALID`
 * @example
 * simulate(job, { inputs: { orders: [{ id: 1 }, at('10m', { id: 2 })] } })
 */
export function at<T>(time: Duration, record: T): Arrival<T> {
  return new Arrival(parseDuration(time, 'the time of an input'), record)
}

/** Records in the order in which they come, each at once or at its time. */
export type Input<T = unknown> = readonly (T | Arrival<T>)[]
