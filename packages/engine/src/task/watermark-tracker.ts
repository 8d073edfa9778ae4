/**
 * Makes the watermarks of one `timestamps` operator in one subtask: of the split being read where it stands behind a source, of all
 * records elsewhere. Drivers write `latest` and `records`, once per record.
 */
import { SluiceError } from '../errors/sluice-error.js'
import type { WatermarkGenerator, WatermarkSpec } from '../graph/operator-spec.js'

/** A watermark is due after so many records, or so much time. */
const DUE_RECORDS = 10_000
const DUE_MS = 200

export class WatermarkTracker {
  /** Largest timestamp of the split. */
  latest: number = Number.NEGATIVE_INFINITY
  /** Records so far. */
  records = 0
  /** A user's own strategy. */
  generator: WatermarkGenerator | undefined
  /** Splits that have not been opened may hold anything. */
  held = false
  readonly spec: WatermarkSpec
  readonly #boundMs: number
  readonly #fail: (error: unknown) => never
  #sent: number = Number.NEGATIVE_INFINITY
  #sentRecords = 0
  #sentMs: number

  /** @param fail throws, located at the operator: a strategy is the user's code. */
  constructor(spec: WatermarkSpec, nowMs: number, fail: (error: unknown) => never) {
    this.spec = spec
    this.#fail = fail
    this.#sentMs = nowMs
    this.#boundMs = 'outOfOrdernessMs' in spec.strategy ? spec.strategy.outOfOrdernessMs : 0
    this.#makeGenerator()
  }

  /** Another split begins; `unopened`: more are to come of which nothing is known. */
  beginSplit(unopened: boolean): void {
    this.latest = Number.NEGATIVE_INFINITY
    this.held = unopened
    this.#makeGenerator()
  }

  /** After a restore: where it stood. A user's own strategy begins anew, and what was sent stays sent. */
  restore(sent: number, latest: number): void {
    this.#sent = sent
    this.latest = latest
  }

  /** The largest watermark that was sent. */
  get sent(): number {
    return this.#sent
  }

  /** The watermark that may be sent now; NaN where none is due or it has not advanced. */
  due(nowMs: number): number {
    const fresh = this.records - this.#sentRecords
    if (fresh === 0 && this.generator === undefined) return Number.NaN
    if (fresh < DUE_RECORDS && !this.spec.perRecord && nowMs < this.#sentMs + DUE_MS) return Number.NaN
    const before = this.#sent
    return this.take(nowMs) > before ? this.#sent : Number.NaN
  }

  /** What may be sent now, due or not; it never regresses. */
  take(nowMs: number): number {
    this.#sentRecords = this.records
    this.#sentMs = nowMs
    const watermark = this.current()
    if (watermark > this.#sent) this.#sent = watermark
    return this.#sent
  }

  /** When `due` may have something although no record came (monotonic ms); Infinity: never. */
  get dueAtMs(): number {
    if (this.held || (this.records === this.#sentRecords && this.generator === undefined)) return Number.POSITIVE_INFINITY
    return this.#sentMs + DUE_MS
  }

  /** The watermark as it stands. */
  current(): number {
    if (this.held) return Number.NEGATIVE_INFINITY
    return this.generator === undefined ? this.latest - this.#boundMs - 1 : this.#ask(this.generator)
  }

  #makeGenerator(): void {
    const { strategy } = this.spec
    if (!('create' in strategy)) return
    try {
      this.generator = strategy.create()
    } catch (error) {
      this.#fail(error)
    }
  }

  #ask(generator: WatermarkGenerator): number {
    let watermark: unknown
    try {
      watermark = generator.watermark()
    } catch (error) {
      return this.#fail(error)
    }
    // Infinity would be the end of the input, which only the input can tell.
    if (typeof watermark === 'number' && watermark < Number.POSITIVE_INFINITY) return watermark
    return this.#fail(
      new SluiceError('SLUICE_TIMESTAMP_INVALID', `A watermark strategy returned ${String(watermark)}.`, {
        hint: 'Return ms since the epoch as a number, -Infinity while nothing is known.',
      }),
    )
  }
}
