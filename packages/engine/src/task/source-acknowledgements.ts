/**
 * What the readers of a source are told of their records: which the job has taken, and which a complete checkpoint covers. Both are counts per reader that only
 * grow. Runs on the subtask's thread; nothing of it is done per record.
 *
 * Invariants: `taken` is told behind whole steps only, so that what failed in the middle of one is not among it; `covered` says what had been taken at the snapshot
 * point of a checkpoint, once that is complete, and never runs ahead of `taken`. A reader stays open until it has heard of all of its records.
 */
import type { SplitReader } from '../graph/operator-spec.js'
import { isPromise } from './element-checks.js'

/** Readers at their end that may wait for a checkpoint that covers their records; at the bound no other split is opened. */
export const UNCOVERED_READERS_MAX = 16

export interface SourceAcknowledgementsOptions {
  /** Whether checkpoints are taken: without them `covered` is never told, and nobody waits for it. */
  readonly checkpoints: boolean
  /** A reader failed while it was told something; called from outside of a step too. */
  readonly fail: (error: unknown) => void
}

interface Count {
  readonly records: number
  readonly deadLetters: number
}

const NONE: Count = { records: 0, deadLetters: 0 }

function isBeyond(count: Count, other: Count): boolean {
  return count.records > other.records || count.deadLetters > other.deadLetters
}

/** One reader that wants to hear of its records. */
class AcknowledgedReader {
  readonly reader: SplitReader
  /** Of the batches that were begun: what lies before the one at hand, and all of them. */
  before: Count = NONE
  begun: Count = NONE
  taken: Count = NONE
  told: Count = NONE
  covered: Count = NONE
  /** It has given its last batch. */
  ended = false
  /** An answer to `covered` is awaited; what is covered meanwhile is told behind it. */
  answering: Promise<void> | undefined

  constructor(reader: SplitReader) {
    this.reader = reader
  }
}

export class SourceAcknowledgements {
  /** Whether some reader wants to hear anything. */
  active = false
  readonly #options: SourceAcknowledgementsOptions
  /** Open ones, in the order of their splits. */
  #readers: AcknowledgedReader[] = []
  /** The one that is read, and the one whose batch is being processed. */
  #reading: AcknowledgedReader | undefined
  #taking: AcknowledgedReader | undefined
  /** What had been taken when the snapshot of a checkpoint was made that is not complete yet. */
  #cuts: { readonly id: number; readonly taken: readonly (readonly [AcknowledgedReader, Count])[] }[] = []
  /** Settles when all readers that were left behind are closed. */
  #closing: Promise<unknown> = Promise.resolve()
  #room: (() => void) | undefined

  constructor(options: SourceAcknowledgementsOptions) {
    this.#options = options
  }

  /** A split was opened. */
  opened(reader: SplitReader): void {
    this.#reading = undefined
    if (reader.taken === undefined && reader.covered === undefined) return
    this.active = true
    this.#reading = new AcknowledgedReader(reader)
    this.#readers.push(this.#reading)
  }

  /** The reader of the split at hand is at its end. True: it is closed from here, when it has heard of all of its records. */
  ended(): boolean {
    const reading = this.#reading
    if (reading === undefined) return false
    this.#reading = undefined
    reading.ended = true
    this.#leave(reading)
    return true
  }

  /** Settles when another reader may be opened, or nothing more is to be read. */
  async room(): Promise<void> {
    if (this.#readers.length < UNCOVERED_READERS_MAX) return
    await new Promise<void>((resolve) => {
      this.#room = resolve
    })
  }

  /** Another batch of the reader at hand is begun: all of the last one was taken. */
  begin(records: number, deadLetters: number): void {
    if (this.#taking !== undefined) this.#taking.taken = this.#taking.begun
    const reading = this.#reading
    this.#taking = reading
    if (reading === undefined) return
    const { begun } = reading
    reading.before = begun
    reading.begun = { records: begun.records + records, deadLetters: begun.deadLetters + deadLetters }
  }

  /** So much of the batch at hand has been taken. */
  count(records: number, deadLetters: number): void {
    const taking = this.#taking
    if (taking === undefined) return
    const { before } = taking
    taking.taken = { records: before.records + records, deadLetters: before.deadLetters + deadLetters }
  }

  /** Behind a step: tells what was taken in it. */
  tell(): void {
    for (const one of this.#readers.slice()) {
      if (isBeyond(one.taken, one.told)) {
        one.told = one.taken
        this.#say(() => this.#sayTaken(one))
      }
      this.#leave(one)
    }
  }

  /** At the snapshot point of a checkpoint, between two steps. */
  cut(id: number): void {
    if (this.active) this.#cuts.push({ id, taken: this.#readers.map((one) => [one, one.taken]) })
  }

  /** A checkpoint is complete. */
  completed(id: number): void {
    const cut = this.#cuts.find((one) => one.id === id)
    this.#cuts = this.#cuts.filter((one) => one.id > id)
    for (const [one, taken] of cut?.taken ?? []) {
      if (isBeyond(taken, one.covered)) {
        one.covered = taken
        if (one.answering === undefined) this.#say(() => this.#sayCovered(one))
      }
      this.#leave(one)
    }
  }

  /** Checkpoints up to this one were given up. */
  aborted(upTo: number): void {
    this.#cuts = this.#cuts.filter(({ id }) => id > upTo)
  }

  /** Closes what is open; each reader hears once more what was taken. */
  async close(): Promise<void> {
    this.#room?.()
    for (const one of this.#readers.splice(0)) this.#close(one)
    await this.#closing
  }

  #say(what: () => void): void {
    try {
      what()
    } catch (error) {
      this.#options.fail(error)
    }
  }

  #sayTaken({ reader, told }: AcknowledgedReader): void {
    reader.taken?.(told.records, told.deadLetters)
  }

  #sayCovered(one: AcknowledgedReader): void {
    const said = one.covered
    const result: unknown = one.reader.covered?.(said.records, said.deadLetters)
    if (!isPromise(result)) return
    one.answering = Promise.resolve(result).then(
      () => {
        one.answering = undefined
        if (isBeyond(one.covered, said)) this.#say(() => this.#sayCovered(one))
      },
      (error: unknown) => {
        one.answering = undefined
        this.#options.fail(error)
      },
    )
  }

  /** Closes a reader that is at its end and has heard of all of its records. */
  #leave(one: AcknowledgedReader): void {
    if (!one.ended || isBeyond(one.begun, one.told)) return
    const awaits = this.#options.checkpoints && one.reader.covered !== undefined
    if (awaits && isBeyond(one.told, one.covered)) return
    const at = this.#readers.indexOf(one)
    if (at < 0) return
    this.#readers.splice(at, 1)
    this.#close(one)
    this.#room?.()
    this.#room = undefined
  }

  #close(one: AcknowledgedReader): void {
    const closed = (async () => {
      this.#sayTaken(one)
      while (one.answering !== undefined) await one.answering
      await one.reader.close?.()
    })()
    const before = this.#closing
    this.#closing = Promise.all([before, closed]).then(() => {})
    // A failure is told when the source is closed.
    this.#closing.catch(() => {})
  }
}
