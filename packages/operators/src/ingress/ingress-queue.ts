/**
 * What stands between whatever listens and the subtask of its source. Clients' deliveries lie here, within the bounds of a room, until the job takes their records; a delivery is settled
 * when the job has them all, or when a checkpoint covers them. What the job has not taken when it stops is refused, and how much of it was taken is told.
 * Runs in the thread of the source; knows no sockets and no clock.
 */
import type { DeadLetter, SourceBatch } from '@sluice/engine'
import type { SourceReader, TypedBatch } from '../source/define-source.js'
import { Fifo } from '../source/fifo.js'
import { WaitingRead } from '../source/waiting-read.js'
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
  /** It takes no room as a delivery: it is part of one that has that room itself. */
  readonly isPart?: boolean | undefined
  /** Called once. */
  readonly settle: (outcome: DeliveryOutcome) => void
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

/** What is kept of a delivery that was given to the job: not its records. */
interface Placed {
  readonly records: number
  readonly bytes: number
  readonly isPart: boolean
  readonly settle: (outcome: DeliveryOutcome) => void
  /** Over all that were given, up to and with its last one. */
  readonly endRecords: number
  readonly endLetters: number
}

/** Records, and dead letters, over all that were given. */
interface Counts {
  readonly records: number
  readonly deadLetters: number
}

const NOTHING: Counts = { records: 0, deadLetters: 0 }

export class IngressQueue implements SourceReader<unknown> {
  /** What is not asked for waits here, and counts. */
  readonly readsAhead = false
  /** Room is taken here before `push`: records, bytes, and one delivery, unless it is a part. All of it is given back by the queue. */
  readonly room: IngressRoom
  readonly #acknowledge: Acknowledgement
  readonly #signal: AbortSignal
  readonly #queued: Fifo<Delivery> = new Fifo()
  /** Given to the job, which has not taken them whole. */
  readonly #given: Fifo<Placed> = new Fifo()
  /** Taken, and not covered by a checkpoint. */
  readonly #uncovered: Fifo<Placed> = new Fifo()
  #counted: Counts = NOTHING
  #taken: Counts = NOTHING
  #covered: Counts = NOTHING
  readonly #read = new WaitingRead()
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
      this.#refuse(placedAt(delivery, NOTHING), 0)
      return
    }
    this.#queued.push(delivery)
    this.#read.wakeSoon()
  }

  /** Fails the source, and by that the job. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#read.wake()
  }

  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    // The batch before was taken to its end: also where it had nothing to count.
    this.#take(this.#counted)
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#stopped) return undefined
    if (this.#queued.length > 0) return this.#give()
    return this.#read.wait().then(() => this.next())
  }

  taken(records: number, deadLetters: number): void {
    this.#take({ records, deadLetters })
  }

  covered(records: number, deadLetters: number): void {
    this.#covered = { records, deadLetters }
    this.#acceptCovered()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#signal.removeEventListener('abort', this.#stop)
    this.#stop()
    for (let placed = this.#uncovered.shift(); placed !== undefined; placed = this.#uncovered.shift())
      this.#settle(placed, false, recordsWithin(placed, this.#covered.records))
    const { records: acknowledged } = this.#acknowledge === 'accepted' ? this.#taken : this.#covered
    for (let placed = this.#given.shift(); placed !== undefined; placed = this.#given.shift())
      this.#refuse(placed, recordsWithin(placed, acknowledged))
  }

  readonly #stop = (): void => {
    if (this.#stopped) return
    this.#stopped = true
    this.room.close()
    for (let delivery = this.#queued.shift(); delivery !== undefined; delivery = this.#queued.shift())
      this.#refuse(placedAt(delivery, NOTHING), 0)
    this.#read.wake()
  }

  #give(): SourceBatch {
    const deliveries: Delivery[] = []
    let records = 0
    while (records < BATCH_RECORDS) {
      const delivery = this.#queued.shift()
      if (delivery === undefined) break
      deliveries.push(delivery)
      records += delivery.records.length
      this.#counted = {
        records: this.#counted.records + delivery.records.length,
        deadLetters: this.#counted.deadLetters + (delivery.deadLetters?.length ?? 0),
      }
      this.#given.push(placedAt(delivery, this.#counted))
    }
    const [first] = deliveries
    if (first !== undefined && deliveries.length === 1)
      return { records: first.records, deadLetters: first.deadLetters, dropped: first.dropped }
    const deadLetters = deliveries.flatMap((delivery) => delivery.deadLetters ?? [])
    const dropped = deliveries.reduce((sum, delivery) => sum + (delivery.dropped ?? 0), 0)
    return { records: deliveries.flatMap((delivery) => delivery.records as unknown[]), deadLetters, dropped }
  }

  #take(counts: Counts): void {
    this.#taken = counts
    const taken: Placed[] = []
    const given = { records: 0, bytes: 0, deliveries: 0 }
    const accepts = this.#acknowledge === 'accepted'
    for (let placed = this.#given.first; placed !== undefined && isWithin(placed, counts); placed = this.#given.first) {
      this.#given.shift()
      taken.push(placed)
      given.records += placed.records
      given.bytes += placed.bytes
      if (accepts && !placed.isPart) given.deliveries++
    }
    if (taken.length === 0) return
    this.room.give(given)
    if (accepts) for (const placed of taken) placed.settle({ accepted: true, records: placed.records })
    else {
      for (const placed of taken) this.#uncovered.push(placed)
      // Those of which there is nothing to count.
      this.#acceptCovered()
    }
  }

  #acceptCovered(): void {
    for (let placed = this.#uncovered.first; placed !== undefined && isWithin(placed, this.#covered); placed = this.#uncovered.first) {
      this.#uncovered.shift()
      this.#settle(placed, true, placed.records)
    }
  }

  /** One whose records and bytes were not given back. */
  #refuse(placed: Placed, records: number): void {
    this.room.give({ records: placed.records, bytes: placed.bytes, deliveries: 0 })
    this.#settle(placed, false, records)
  }

  #settle(placed: Placed, accepted: boolean, records: number): void {
    if (!placed.isPart) this.room.give({ records: 0, bytes: 0, deliveries: 1 })
    placed.settle({ accepted, records })
  }
}

function placedAt({ records, bytes, isPart = false, settle }: Delivery, end: Counts): Placed {
  return { records: records.length, bytes, isPart, settle, endRecords: end.records, endLetters: end.deadLetters }
}

/** Dead letters of a batch leave in front of its records, those of all of its deliveries. */
function isWithin({ endRecords, endLetters }: Placed, { records, deadLetters }: Counts): boolean {
  return endRecords <= records && endLetters <= deadLetters
}

/** How many records of a delivery are among the first so many. */
function recordsWithin({ records: own, endRecords }: Placed, records: number): number {
  return Math.max(0, Math.min(own, records - (endRecords - own)))
}
