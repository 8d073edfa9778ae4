/**
 * What stands between whatever listens and the subtask of its source. Clients' deliveries lie here, within the bounds of a room, until the job takes their records; a delivery is settled
 * when the job has them all, or when a checkpoint covers them. What the job has not taken when it stops is refused, and how much of it was taken is told.
 * Runs in the thread of the source; knows no sockets and no clock.
 */
import type { DeadLetter, SourceBatch } from '@sluice/engine'
import type { SourceReader, TypedBatch } from '../source/define-source.js'
import { IngressRoom, type RoomBounds } from './ingress-room.js'

/** When a delivery is acknowledged: the job has taken its records, or a checkpoint covers them. */
export type Acknowledgement = 'accepted' | 'checkpoint'

/** Records that belong together: a request, a part of a stream. */
export interface Delivery {
  readonly records: readonly unknown[]
  /** What was taken of the room for it; given back when the job has its records. */
  readonly bytes: number
  readonly deadLetters?: readonly DeadLetter[] | undefined
  /** Records that were dropped by policy. */
  readonly dropped?: number | undefined
  /** Called once. */
  settle(outcome: DeliveryOutcome): void
}

export interface DeliveryOutcome {
  readonly accepted: boolean
  /** Its first so many records are acknowledged: all, where it is accepted. */
  readonly records: number
}

export interface IngressQueueOptions extends RoomBounds {
  readonly acknowledge: Acknowledgement
  /** Aborted when the job stops or fails: nothing is given any more, and what waits is refused. */
  readonly signal: AbortSignal
}

/** Records of a batch, of which the last delivery may bring more. */
const BATCH_RECORDS = 256

interface Placed {
  readonly delivery: Delivery
  /** Number of the record behind its last one, over all that were given. */
  readonly end: number
  /** How often a checkpoint had been told when the job had taken it. */
  checkpoints: number
}

export class IngressQueue implements SourceReader<unknown> {
  /** What is not asked for waits here, and counts. */
  readonly readsAhead = false
  /** Room is taken here before `push`: records, bytes, and one delivery. All of it is given back by the queue. */
  readonly room: IngressRoom
  readonly #acknowledge: Acknowledgement
  readonly #signal: AbortSignal
  readonly #queued: Fifo<Delivery> = new Fifo()
  /** Given to the job, which has not taken them whole. */
  readonly #given: Fifo<Placed> = new Fifo()
  /** Taken, and not covered by a checkpoint. */
  readonly #uncovered: Fifo<Placed> = new Fifo()
  #givenRecords = 0
  #takenRecords = 0
  #coveredRecords = 0
  #checkpoints = 0
  #reader: (() => void) | undefined
  #wakeScheduled = false
  #failure: { readonly error: unknown } | undefined
  #stopped = false
  #closed = false

  constructor({ acknowledge, signal, ...bounds }: IngressQueueOptions) {
    this.room = new IngressRoom(bounds)
    this.#acknowledge = acknowledge
    this.#signal = signal
    signal.addEventListener('abort', this.#stop, { once: true })
    if (signal.aborted) this.#stop()
  }

  /** Takes a delivery for which there is room; refused at once where the job has stopped. */
  push(delivery: Delivery): void {
    if (this.#stopped) {
      this.#refuse(delivery, 0)
      return
    }
    this.#queued.push(delivery)
    this.#wakeSoon()
  }

  /** Fails the source, and by that the job. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    // It is called when the batch before was taken to its end, dead letters included.
    this.#take(this.#givenRecords)
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#stopped) return undefined
    if (this.#queued.length > 0) return this.#give()
    return new Promise<void>((resolve) => {
      this.#reader = resolve
    }).then(() => this.next())
  }

  taken(records: number): void {
    // Of a delivery without records it says nothing.
    if (records > this.#takenRecords) this.#take(records, false)
  }

  covered(records: number): void {
    this.#checkpoints++
    if (records > this.#coveredRecords) this.#coveredRecords = records
    for (let placed = this.#uncovered.first; placed !== undefined; placed = this.#uncovered.first) {
      if (!this.#isCovered(placed)) return
      this.#uncovered.shift()
      this.#accept(placed.delivery)
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#signal.removeEventListener('abort', this.#stop)
    this.#stop()
    for (let placed = this.#uncovered.shift(); placed !== undefined; placed = this.#uncovered.shift())
      this.#settle(placed.delivery, false, recordsWithin(placed, this.#coveredRecords))
    const acknowledged = this.#acknowledge === 'accepted' ? this.#takenRecords : this.#coveredRecords
    for (let placed = this.#given.shift(); placed !== undefined; placed = this.#given.shift())
      this.#refuse(placed.delivery, recordsWithin(placed, acknowledged))
  }

  readonly #stop = (): void => {
    if (this.#stopped) return
    this.#stopped = true
    this.room.close()
    for (let delivery = this.#queued.shift(); delivery !== undefined; delivery = this.#queued.shift()) this.#refuse(delivery, 0)
    this.#wake()
  }

  #give(): SourceBatch {
    const deliveries: Delivery[] = []
    let records = 0
    while (records < BATCH_RECORDS) {
      const delivery = this.#queued.shift()
      if (delivery === undefined) break
      deliveries.push(delivery)
      records += delivery.records.length
      this.#givenRecords += delivery.records.length
      this.#given.push({ delivery, end: this.#givenRecords, checkpoints: 0 })
    }
    const [first] = deliveries
    if (first !== undefined && deliveries.length === 1)
      return { records: first.records, deadLetters: first.deadLetters, dropped: first.dropped }
    const deadLetters = deliveries.flatMap((delivery) => delivery.deadLetters ?? [])
    const dropped = deliveries.reduce((sum, delivery) => sum + (delivery.dropped ?? 0), 0)
    return { records: deliveries.flatMap((delivery) => delivery.records as unknown[]), deadLetters, dropped }
  }

  #take(records: number, wholeBatch = true): void {
    this.#takenRecords = records
    const taken: Placed[] = []
    let bytes = 0
    let count = 0
    for (let placed = this.#given.first; placed !== undefined && placed.end <= records; placed = this.#given.first) {
      const { delivery } = placed
      // Its dead letters leave in front of records that come later: until those are taken, or all of the batch is, nobody knows of them.
      if (delivery.records.length === 0 && !wholeBatch && placed.end === records) break
      this.#given.shift()
      taken.push(placed)
      bytes += delivery.bytes
      count += delivery.records.length
    }
    if (taken.length === 0) return
    const accepts = this.#acknowledge === 'accepted'
    this.room.give({ records: count, bytes, deliveries: accepts ? taken.length : 0 })
    for (const placed of taken) {
      if (accepts) {
        placed.delivery.settle({ accepted: true, records: placed.delivery.records.length })
        continue
      }
      placed.checkpoints = this.#checkpoints
      this.#uncovered.push(placed)
    }
  }

  /**
   * Where a delivery has no records, no count tells whether a checkpoint began behind its dead letters. The first one that is told may have begun in front of them;
   * the one after it has not, because there is one at a time.
   */
  #isCovered({ delivery, end, checkpoints }: Placed): boolean {
    if (this.#coveredRecords !== end || delivery.records.length > 0) return this.#coveredRecords >= end
    return this.#checkpoints >= checkpoints + 2
  }

  #accept(delivery: Delivery): void {
    this.#settle(delivery, true, delivery.records.length)
  }

  /** One whose room was not given back. */
  #refuse(delivery: Delivery, records: number): void {
    this.room.give({ records: delivery.records.length, bytes: delivery.bytes, deliveries: 0 })
    this.#settle(delivery, false, records)
  }

  #settle(delivery: Delivery, accepted: boolean, records: number): void {
    this.room.give({ records: 0, bytes: 0, deliveries: 1 })
    delivery.settle({ accepted, records })
  }

  /** Deliveries that come within one turn of the event loop travel together. */
  #wakeSoon(): void {
    if (this.#wakeScheduled || this.#reader === undefined) return
    this.#wakeScheduled = true
    setImmediate(() => {
      this.#wakeScheduled = false
      this.#wake()
    })
  }

  #wake(): void {
    const reader = this.#reader
    this.#reader = undefined
    reader?.()
  }
}

/** How many records of a delivery are among the first so many. */
function recordsWithin({ delivery, end }: Placed, records: number): number {
  return Math.max(0, Math.min(delivery.records.length, records - (end - delivery.records.length)))
}

/** First in, first out, without moving what waits. */
class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head >= 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
