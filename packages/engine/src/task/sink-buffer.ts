/**
 * The end of a chain: gathers the records of a step and gives them to the sink's writer in batches. While a write is under way the
 * gate of the chain is closed.
 */
import type { Gate } from '../channel/gate.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { SinkWriter } from '../graph/operator-spec.js'
import { isPromise } from './element-checks.js'

const BATCH_RECORDS = 256

export class SinkBuffer {
  readonly writer: SinkWriter
  /** A write, or another asynchronous step of the writer, is under way. */
  pending = false
  written = 0
  readonly #gate: Gate
  readonly #settled: (error: unknown) => void
  #records: unknown[] = []
  #spare: unknown[] = []

  /** `settled` is called when a pending write is done, with its error or undefined. */
  constructor(writer: SinkWriter, gate: Gate, settled: (error: unknown) => void) {
    this.writer = writer
    this.#gate = gate
    this.#settled = settled
  }

  accept(record: unknown): void {
    if (record !== undefined && record !== null && record.constructor !== Object) refusePromise(record)
    if (this.#records.push(record) === BATCH_RECORDS) this.flush()
  }

  /** Writes what has gathered, unless a write is under way. */
  flush(): void {
    while (!this.pending && this.#records.length > 0) {
      let records = this.#records
      // More than a batch has gathered where one call emitted on while a write was under way.
      if (records.length > BATCH_RECORDS) records = records.splice(0, BATCH_RECORDS)
      else {
        this.#records = this.#spare
        this.#spare = records
      }
      this.written += records.length
      this.hold(this.writer.write(records), () => {
        records.length = 0
      })
    }
  }

  get empty(): boolean {
    return this.#records.length === 0 && !this.pending
  }

  /** Keeps the gate closed until `result` settles. */
  hold(result: void | Promise<void>, done?: () => void): void {
    if (!isPromise(result)) {
      done?.()
      return
    }
    this.pending = true
    this.#gate.closed++
    const settle = (error: unknown): void => {
      this.pending = false
      this.#gate.closed--
      done?.()
      this.#settled(error)
    }
    result.then(
      () => settle(undefined),
      (error: unknown) => settle(error ?? new Error('rejected without a reason')),
    )
  }
}

function refusePromise(record: unknown): void {
  if (isPromise(record)) throw new SluiceError('SLUICE_RECORD_PROMISE', 'A Promise reached a sink.')
}
