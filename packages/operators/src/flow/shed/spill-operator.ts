/**
 * A queue that goes on on disk. What leaves next is in memory, behind it stand blocks on disk, behind these the block that is being filled; while there is nothing on disk, both ends
 * are one queue. Nothing is lost: where the disk may take no more, the producers wait. Reading and writing are synchronous, a block at a time.
 *
 * A checkpoint has all of it and needs no file afterwards. Blocks are immutable, so it takes them as they lie there, one after the other while records flow; a file that it has not read yet
 * stays until it has, beside `diskBytes`.
 */
import { assert, type HoldingOperator, type OperatorContext, type RestoredOperator, SluiceError } from '@sluice/engine'
import { TimeMarks } from '../time-marks.js'
import type { SpillFiles, SpilledBlock } from './spill-files.js'
import { type HeldRecord, type SpilledPart, SpilledParts } from './spilled-parts.js'

/** A block is at most this part of the memory of the queue; the end that leaves has twice as much, so that the next block is read in time. */
export const BLOCKS_PER_QUEUE = 4

interface Waiting {
  readonly value: unknown
  readonly timestamp: number
  readonly bytes: number
}

export interface SpillParts {
  readonly files: SpillFiles
  /** In memory, of this subtask. */
  readonly recordsMax: number
  readonly bytesMax: number
  readonly diskBytesMax: number
}

/** Records in memory, in the order of their arrival; taken from the front without moving the others. */
class Run {
  #records: Waiting[] = []
  #at = 0
  bytes = 0

  get length(): number {
    return this.#records.length - this.#at
  }

  push(record: Waiting): void {
    this.#records.push(record)
    this.bytes += record.bytes
  }

  shift(): Waiting {
    const record = this.#records[this.#at] as Waiting
    this.#at++
    this.bytes -= record.bytes
    if (this.#at > 1024 && this.#at * 2 > this.#records.length) this.#drop()
    return record
  }

  takeAll(): readonly Waiting[] {
    this.#drop()
    const records = this.#records
    this.#records = []
    this.bytes = 0
    return records
  }

  list(): readonly Waiting[] {
    return this.#records.slice(this.#at)
  }

  #drop(): void {
    this.#records.splice(0, this.#at)
    this.#at = 0
  }
}

export class SpillOperator implements HoldingOperator {
  readonly #context: OperatorContext
  readonly #files: SpillFiles
  readonly #blockRecords: number
  readonly #blockBytes: number
  readonly #diskBytesMax: number
  readonly #head = new Run()
  readonly #blocks: SpilledBlock[] = []
  readonly #tail = new Run()
  readonly #marks = new TimeMarks()
  #diskBytes = 0
  /** What the block that is being filled takes on disk, where there was no room for it; 0: it is not known. */
  #tailDiskBytes = 0
  /** The record for which there is no room, on disk either. */
  #hand: Waiting | undefined
  /** Numbers of the oldest record that is held, and of the next that will be. */
  #oldest = 0
  #next = 0
  #restoring = false

  constructor(context: OperatorContext, { files, recordsMax, bytesMax, diskBytesMax }: SpillParts) {
    this.#context = context
    this.#files = files
    this.#blockRecords = Math.floor(recordsMax / BLOCKS_PER_QUEUE)
    this.#blockBytes = Math.floor(bytesMax / BLOCKS_PER_QUEUE)
    this.#diskBytesMax = diskBytesMax
    assert(this.#blockRecords > 0, `${context.operator} has no room for a record`)
  }

  open(): void {
    this.#files.open()
  }

  process(value: unknown, timestamp: number): void {
    if (this.holding === 0 && this.#context.hasCredit()) this.#context.emit(value, timestamp)
    else this.#put(this.#waiting(value, timestamp))
  }

  get holding(): number {
    return this.#next - this.#oldest
  }

  get releasable(): boolean {
    return this.#next > this.#oldest && this.#context.hasCredit()
  }

  release(): boolean {
    if (!this.releasable) return false
    const { value, timestamp } = this.#head.shift()
    this.#oldest++
    this.#context.emit(value, timestamp)
    this.#refill()
    if (this.#marks.size > 0) this.#marks.pass(this.holding === 0 ? Number.POSITIVE_INFINITY : this.#oldest, this.#give)
    return true
  }

  holdWatermark(watermark: number, idle: boolean): void {
    this.#marks.hold(this.#next, watermark, idle)
  }

  /** What leaves next; where nothing is on disk, everything. */
  snapshot(): SpillState {
    const records = this.#blocks.length === 0 ? [...this.#head.list(), ...this.#behind] : this.#head.list()
    return {
      records: records.map(({ value, timestamp }) => ({ value, timestamp })),
      marks: this.#marks.snapshot().map(({ before, watermark, idle }) => ({ before: Math.max(0, before - this.#oldest), watermark, idle })),
      subtask: this.#context.subtask,
    }
  }

  snapshotParts(): Iterator<SpilledPart> | undefined {
    if (this.#blocks.length === 0) return undefined
    const behind = this.#behind.map(({ value, timestamp }) => ({ value, timestamp }))
    return new SpilledParts(this.#files, this.#blocks, behind)
  }

  restore({ states }: RestoredOperator): void {
    for (const { records } of states as readonly SpillState[]) this.#putAll(records)
    const { index, parallelism } = this.#context.subtask
    const own = (states as readonly SpillState[]).find(({ subtask }) => subtask.index === index && subtask.parallelism === parallelism)
    this.#marks.restore(own?.marks ?? [])
  }

  restorePart(part: unknown): void {
    const spilled = part as SpilledPart
    if ('behind' in spilled) return this.#putAll(spilled.behind)
    const { block, records, memoryBytes } = spilled
    // As it was, where it fits between what is here: the front is there, and nothing stands behind the blocks.
    const fits = records <= this.#blockRecords && memoryBytes <= this.#blockBytes
    const isNext = this.#head.length > 0 && this.#tail.length === 0 && this.#hand === undefined
    if (!fits || !isNext) return this.#putAll(this.#files.decode(block) as readonly Waiting[])
    this.#next += records
    this.#push(this.#files.write(block, { records, memoryBytes }))
  }

  close(): void {
    for (const { path } of this.#blocks.splice(0)) this.#files.remove(path)
  }

  readonly #give = (watermark: number, idle: boolean): void => this.#context.passWatermark(watermark, idle)

  #waiting(value: unknown, timestamp: number): Waiting {
    const bytes = this.#context.sizeOf(value)
    if (bytes > this.#blockBytes) {
      throw new SluiceError('SLUICE_RECORD_TOO_LARGE', `a record of ${bytes} bytes is larger than a block of ${this.#blockBytes} bytes`, {
        hint: `Raise bytes of ${this.#context.operator}: a block is a quarter of it, divided over the subtasks.`,
      })
    }
    this.#next++
    return { value, timestamp, bytes }
  }

  /** What is behind the blocks on disk. */
  get #behind(): readonly Waiting[] {
    return this.#hand === undefined ? this.#tail.list() : [...this.#tail.list(), this.#hand]
  }

  /** At another parallelism more may come than the share of the disk: it stays, and nothing more comes until there is room. */
  #putAll(records: readonly HeldRecord[]): void {
    this.#restoring = true
    for (const { value, timestamp } of records) this.#put(this.#waiting(value, timestamp))
    this.#restoring = false
  }

  #put(record: Waiting): void {
    if (this.#hand === undefined && this.#admit(record)) return
    assert(this.#hand === undefined, `${this.#context.operator} was given a record while it holds its input`)
    this.#hand = record
    this.#context.holdInput(true)
  }

  /** False: there is no room for it. */
  #admit(record: Waiting): boolean {
    if (this.#blocks.length === 0 && this.#tail.length === 0 && this.#fits(this.#head, record, 2)) {
      this.#head.push(record)
      return true
    }
    if (!this.#fits(this.#tail, record, 1) && !this.#writeTail()) return false
    this.#tail.push(record)
    return true
  }

  #fits(run: Run, record: Waiting, blocks: number): boolean {
    return run.length < blocks * this.#blockRecords && run.bytes + record.bytes <= blocks * this.#blockBytes
  }

  #writeTail(): boolean {
    // It is full, and does not change until it has left.
    if (!this.#fitsDisk(this.#tailDiskBytes)) return false
    const encoded = this.#files.encode(this.#tail.list())
    if (!this.#fitsDisk(encoded.length)) {
      this.#tailDiskBytes = encoded.length
      return false
    }
    const block = this.#files.write(encoded, { records: this.#tail.length, memoryBytes: this.#tail.bytes })
    this.#takeTail()
    this.#push(block)
    return true
  }

  #push(block: SpilledBlock): void {
    this.#blocks.push(block)
    this.#diskBytes += block.bytes
    this.#context.metrics.gauge('spilledBytes', this.#diskBytes)
  }

  #fitsDisk(bytes: number): boolean {
    return this.#restoring || this.#diskBytes + bytes <= this.#diskBytesMax
  }

  #takeTail(): readonly Waiting[] {
    this.#tailDiskBytes = 0
    return this.#tail.takeAll()
  }

  /** Brings the next records to the end that leaves, as long as they have room there. */
  #refill(): void {
    for (let block = this.#blocks[0]; block !== undefined && this.#hasRoomForBlock; block = this.#blocks[0]) {
      for (const record of this.#files.read(block.path) as readonly Waiting[]) this.#head.push(record)
      this.#files.remove(block.path)
      this.#blocks.shift()
      this.#diskBytes -= block.bytes
      this.#context.metrics.gauge('spilledBytes', this.#diskBytes)
    }
    if (this.#blocks.length === 0 && this.#tail.length > 0 && this.#hasRoomForBlock)
      for (const record of this.#takeTail()) this.#head.push(record)
    const hand = this.#hand
    if (hand === undefined || !this.#admit(hand)) return
    this.#hand = undefined
    this.#context.holdInput(false)
  }

  get #hasRoomForBlock(): boolean {
    return this.#head.length <= this.#blockRecords && this.#head.bytes <= this.#blockBytes
  }
}

interface SpillState {
  readonly records: readonly HeldRecord[]
  readonly marks: readonly { readonly before: number; readonly watermark: number; readonly idle: boolean }[]
  readonly subtask: OperatorContext['subtask']
}
