/**
 * How much a queue may hold. Its share is what one subtask has of the bounds of the operator. After a restore at another parallelism a queue may begin above its share,
 * while all of them together are within the bounds: it then may not grow, until it has come down to its share.
 */
import type { HeldRecord, HeldRecords } from './held-records.js'

/** What was held back is let in again when a full queue has come down to this share of its bounds: not for every single record. */
const RESUME_SHARE = 0.75

export class QueueRoom {
  readonly bytesShare: number
  readonly #recordsShare: number
  #recordsMax: number
  #bytesMax: number

  constructor(recordsShare: number, bytesShare: number) {
    this.bytesShare = bytesShare
    this.#recordsShare = recordsShare
    this.#recordsMax = recordsShare
    this.#bytesMax = bytesShare
  }

  /** Whether a record may come in, in the place of another one or in a new one. */
  fits(held: HeldRecords, record: HeldRecord, older: HeldRecord | undefined): boolean {
    const places = older === undefined ? 1 : 0
    return held.length + places <= this.#recordsMax && held.bytes + record.bytes - (older?.bytes ?? 0) <= this.#bytesMax
  }

  holds(held: HeldRecords): boolean {
    return held.length <= this.#recordsMax && held.bytes <= this.#bytesMax
  }

  /** Whether the producers have to wait; `waiting`: they do already. */
  isFull({ length, bytes }: HeldRecords, waiting: boolean): boolean {
    if (length >= this.#recordsMax || bytes >= this.#bytesMax) return true
    return waiting && (length > RESUME_SHARE * this.#recordsMax || bytes > RESUME_SHARE * this.#bytesMax)
  }

  /** What was restored stays. */
  widen({ length, bytes }: HeldRecords): void {
    this.#recordsMax = Math.max(this.#recordsShare, length)
    this.#bytesMax = Math.max(this.bytesShare, bytes)
  }

  /** Something has left. */
  narrow({ length, bytes }: HeldRecords): void {
    if (this.#recordsMax > this.#recordsShare) this.#recordsMax = Math.max(this.#recordsShare, length)
    if (this.#bytesMax > this.bytesShare) this.#bytesMax = Math.max(this.bytesShare, bytes)
  }
}
