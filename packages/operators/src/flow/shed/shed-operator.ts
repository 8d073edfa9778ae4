/**
 * A bounded queue in front of a slow consumer. While the consumer takes what comes, records pass straight through. When it does not, they wait; where there is no room for
 * one and records may be lost, a rule says which one goes. Every record that comes leaves, is dropped and counted, or is held: nothing else happens to it.
 */
import { assert, type HoldingOperator, type OperatorContext, type RestoredOperator, SluiceError } from '@sluice/engine'
import { TimeMarks } from '../time-marks.js'
import { type HeldRecord, HeldRecords } from './held-records.js'
import { countsAsFull, type DropReason, lossReason, nextLookMs, type Pressure } from './loss-trigger.js'
import { QueueRoom } from './queue-room.js'
import type { Triggers } from './shed-settings.js'
import type { ShedRule } from './shed-rules.js'

/** The port of dropped records. */
export const DROPPED_PORT = 'dropped'
const DROPPED = 1

export interface ShedParts {
  readonly rule: ShedRule
  /** Of this subtask. */
  readonly recordsMax: number
  readonly bytesMax: number
  readonly timeMs: number
  readonly when: Triggers | undefined
  /** Whether a record of a snapshot belongs here; default: all do. */
  readonly owns?: ((value: unknown) => boolean) | undefined
}

export class ShedOperator implements HoldingOperator {
  readonly #context: OperatorContext
  readonly #rule: ShedRule
  readonly #when: Triggers | undefined
  readonly #timeMs: number
  readonly #ageMs: number
  readonly #owns: ((value: unknown) => boolean) | undefined
  readonly #held = new HeldRecords()
  readonly #marks = new TimeMarks()
  readonly #room: QueueRoom
  /** The record that found the queue full while none may be lost: no other one comes until it has a place. */
  #hand: HeldRecord | undefined
  /** Number of the next place. */
  #next = 0
  #inputHeld = false
  #waitingSinceMs = 0
  /** Only a sample of what waits is kept, until nothing waits or nothing may be lost. */
  #sampling = false
  #deadlineMs: number = Number.POSITIVE_INFINITY

  constructor(context: OperatorContext, { rule, recordsMax, bytesMax, timeMs, when, owns }: ShedParts) {
    this.#context = context
    this.#rule = rule
    this.#when = when
    this.#timeMs = timeMs
    this.#ageMs = when?.ageMs ?? Number.POSITIVE_INFINITY
    this.#owns = owns
    this.#room = new QueueRoom(recordsMax, bytesMax)
  }

  process(value: unknown, timestamp: number): void {
    if (this.#held.length > 0 || !this.#context.hasCredit()) this.#arrive(value, timestamp)
    else if (this.#ageMs < Number.POSITIVE_INFINITY && this.#context.now() - timestamp > this.#ageMs) this.#lose(value, timestamp, 'age')
    else this.#context.emit(value, timestamp)
  }

  get holding(): number {
    return this.#held.length + (this.#hand === undefined ? 0 : 1)
  }

  get releasable(): boolean {
    return this.#held.length > 0 && this.#context.hasCredit()
  }

  release(): boolean {
    const record = this.#held.oldest
    if (record === undefined || !this.#context.hasCredit()) return false
    const reason = this.#expiry(record)
    this.#take(record)
    if (reason === undefined) this.#context.emit(record.value, record.timestamp)
    else this.#lose(record.value, record.timestamp, reason)
    this.#settle()
    return true
  }

  holdWatermark(watermark: number, idle: boolean): void {
    this.#marks.hold(this.#next, watermark, idle)
  }

  onDeadline(nowMs: number): void {
    this.#deadlineMs = Number.POSITIVE_INFINITY
    for (let record = this.#eldest; record !== undefined; record = this.#eldest) {
      const reason = this.#expiryAt(record, nowMs)
      if (reason === undefined) break
      this.#take(record)
      this.#lose(record.value, record.timestamp, reason)
    }
    this.#settle()
    this.#awaitExpiry()
  }

  /** What waits is the state: where a record is dropped after a restore that left before it, or the other way round, the outputs and counters behind the snapshot say so alike. */
  snapshot(): ShedState {
    const nowMs = this.#context.now()
    const records = [...this.#held, ...(this.#hand === undefined ? [] : [this.#hand])]
    return {
      records: records.map(({ value, timestamp, arrivedMs, rank }) => ({ value, timestamp, waitedMs: nowMs - arrivedMs, rank })),
      marks: this.#marks.snapshot().map(({ before, watermark, idle }) => ({
        before: records.filter(({ number }) => number < before).length,
        watermark,
        idle,
      })),
      sampling: this.#sampling,
      subtask: this.#context.subtask,
      rule: this.#rule.snapshot?.(),
    }
  }

  restore({ states }: RestoredOperator): void {
    const nowMs = this.#context.now()
    for (const state of states as readonly ShedState[]) {
      for (const { value, timestamp, waitedMs, rank } of state.records) {
        if (this.#owns?.(value) === false) continue
        const record = this.#met(value, timestamp, nowMs - waitedMs)
        record.rank = rank
        this.#restoreRecord(record)
      }
      this.#sampling ||= state.sampling
    }
    // At another parallelism queues come apart and together: what stood between their records says nothing then.
    const { index, parallelism } = this.#context.subtask
    const own = (states as readonly ShedState[]).find(({ subtask }) => subtask.index === index && subtask.parallelism === parallelism)
    this.#marks.restore(own?.marks ?? [])
    this.#rule.restore?.(own?.rule)
    if (this.#held.length === 0) return
    this.#room.widen(this.#held)
    this.#waitingSinceMs = nowMs
    this.#awaitExpiry()
    this.#balance()
  }

  /** In the order of arrival; a newer one of a key that was in the queues of two subtasks stays. */
  #restoreRecord(record: HeldRecord): void {
    const older = this.#rule.older?.(record)
    if (older === undefined) this.#add(record)
    else if (older.arrivedMs <= record.arrivedMs) this.#replace(older, record)
    else this.#lose(record.value, record.timestamp, 'latest')
  }

  #arrive(value: unknown, timestamp: number): void {
    const nowMs = this.#context.now()
    if (nowMs - timestamp > this.#ageMs) {
      this.#lose(value, timestamp, 'age')
      return
    }
    const record = this.#met(value, timestamp, nowMs)
    if (this.#held.length === 0) this.#waitingSinceMs = nowMs
    if (!this.#admit(record, nowMs)) this.#hand = record
    if (this.#when !== undefined) this.#balance()
    this.#awaitExpiry()
  }

  #met(value: unknown, timestamp: number, arrivedMs: number): HeldRecord {
    const bytes = this.#context.sizeOf(value)
    if (bytes > this.#room.bytesShare) {
      throw new SluiceError(
        'SLUICE_RECORD_TOO_LARGE',
        `a record of ${bytes} bytes is larger than the whole queue of ${this.#room.bytesShare} bytes`,
        {
          hint: `Raise bytes of ${this.#context.operator}; it is divided over its subtasks.`,
        },
      )
    }
    const record: HeldRecord = {
      value,
      timestamp,
      arrivedMs,
      bytes,
      number: this.#next++,
      before: undefined,
      behind: undefined,
      key: undefined,
      rank: 0,
      place: -1,
    }
    this.#rule.meet?.(record)
    return record
  }

  /** Gives a record a place, drops others for it, or drops it; false: there is no room, and none may be lost. */
  #admit(record: HeldRecord, nowMs: number): boolean {
    const rule = this.#rule
    const reason = this.#lossReason(nowMs)
    const older = rule.older?.(record)
    const counts = countsAsFull(reason)
    if (reason === undefined) this.#sampling = false
    else if (rule.keeps !== undefined) {
      if (!this.#sampling && (counts || !this.#room.fits(this.#held, record, older))) this.#sample(rule)
      if (this.#sampling && !rule.keeps(record)) {
        this.#lose(record.value, record.timestamp, 'sample')
        return true
      }
    }
    // The sample itself, and another record in the place of an older one, make the queue no longer.
    let mayGrow = !counts || older !== undefined || rule.keeps !== undefined
    while (!mayGrow || !this.#room.fits(this.#held, record, older)) {
      if (reason === undefined) return false
      const victim = rule.victim(record, this.#held, older)
      if (victim !== record) this.#take(victim)
      this.#lose(victim.value, victim.timestamp, reason)
      if (victim === record) return true
      mayGrow = true
    }
    if (older === undefined) this.#add(record)
    else this.#replace(older, record)
    assert(this.#room.holds(this.#held), `${this.#context.operator} holds more than its bounds`)
    return true
  }

  #add(record: HeldRecord): void {
    this.#held.append(record)
    this.#rule.added?.(record)
  }

  #replace(older: HeldRecord, record: HeldRecord): void {
    this.#lose(older.value, older.timestamp, 'latest')
    this.#held.bytes += record.bytes - older.bytes
    older.value = record.value
    older.timestamp = record.timestamp
    older.arrivedMs = record.arrivedMs
    older.bytes = record.bytes
    this.#rule.added?.(older)
  }

  #take(record: HeldRecord): void {
    this.#held.remove(record)
    this.#rule.removed?.(record)
  }

  #sample(rule: ShedRule): void {
    this.#sampling = true
    for (const record of this.#held) {
      if (rule.keeps?.(record) !== false) continue
      this.#take(record)
      this.#lose(record.value, record.timestamp, 'sample')
    }
    this.#passMarks()
  }

  /** After records have left: who stood in front of the queue comes in, and time goes on. */
  #settle(): void {
    this.#room.narrow(this.#held)
    const hand = this.#hand
    if (hand !== undefined && this.#admit(hand, this.#context.now())) this.#hand = undefined
    this.#passMarks()
    if (this.#held.length === 0) this.#sampling = false
    if (this.#inputHeld || this.#when !== undefined) this.#balance()
  }

  #passMarks(): void {
    if (this.#marks.size === 0) return
    this.#marks.pass(this.#held.oldest?.number ?? this.#hand?.number ?? Number.POSITIVE_INFINITY, this.#give)
  }

  readonly #give = (watermark: number, idle: boolean): void => this.#context.passWatermark(watermark, idle)

  /** Holds the producers back while the queue is full and nothing may be lost. */
  #balance(): void {
    const full = this.#hand !== undefined || this.#room.isFull(this.#held, this.#inputHeld)
    let hold = false
    if (full && this.#when !== undefined) {
      const pressure = this.#pressure(this.#context.now())
      // Whoever stands in front keeps its turn, also where records may be lost from just now on.
      hold = this.#hand !== undefined || lossReason(this.#when, pressure) === undefined
      if (hold) this.#await(nextLookMs(this.#when, pressure))
    }
    if (hold === this.#inputHeld) return
    this.#inputHeld = hold
    this.#context.holdInput(hold)
  }

  #lossReason(nowMs: number): DropReason | undefined {
    return this.#when === undefined ? 'full' : lossReason(this.#when, this.#pressure(nowMs))
  }

  #pressure(nowMs: number): Pressure {
    const asked = this.#when !== undefined && this.#when.memoryBytes < Number.POSITIVE_INFINITY
    return {
      nowMs,
      waitingSinceMs: this.#held.length === 0 ? nowMs : this.#waitingSinceMs,
      watermark: this.#context.watermark,
      residentBytes: asked ? this.#context.residentBytes() : Number.NaN,
    }
  }

  get #eldest(): HeldRecord | undefined {
    return this.#rule.eldest === undefined ? this.#held.oldest : this.#rule.eldest()
  }

  #expiry(record: HeldRecord): DropReason | undefined {
    if (this.#timeMs === Number.POSITIVE_INFINITY && this.#ageMs === Number.POSITIVE_INFINITY) return undefined
    return this.#expiryAt(record, this.#context.now())
  }

  #expiryAt({ timestamp, arrivedMs }: HeldRecord, nowMs: number): DropReason | undefined {
    if (nowMs - arrivedMs >= this.#timeMs) return 'time'
    return nowMs - (Number.isNaN(timestamp) ? arrivedMs : timestamp) > this.#ageMs ? 'age' : undefined
  }

  /** When the record that has waited longest has waited long enough. */
  #awaitExpiry(): void {
    if (this.#timeMs === Number.POSITIVE_INFINITY || this.#deadlineMs < Number.POSITIVE_INFINITY) return
    const eldest = this.#eldest
    if (eldest !== undefined) this.#await(eldest.arrivedMs + this.#timeMs)
  }

  #await(atMs: number): void {
    if (atMs >= this.#deadlineMs) return
    this.#deadlineMs = atMs
    this.#context.setDeadline(atMs)
  }

  /** The one place where a record is lost. Where nobody reads `dropped`, it has credit and gives nothing. */
  #lose(value: unknown, timestamp: number, reason: DropReason): void {
    if (this.#context.hasCredit(DROPPED)) {
      this.#context.countDropped(1, reason)
      this.#context.emit(value, timestamp, DROPPED)
    } else this.#context.countDropped(1, UNREAD[reason])
  }
}

/** Dropped, and its reader had no room for it. */
const UNREAD: Readonly<Record<DropReason, string>> = {
  full: 'full unread',
  fullFor: 'fullFor unread',
  age: 'age unread',
  watermarkLag: 'watermarkLag unread',
  memory: 'memory unread',
  time: 'time unread',
  sample: 'sample unread',
  latest: 'latest unread',
}

interface ShedState {
  readonly records: readonly { readonly value: unknown; readonly timestamp: number; readonly waitedMs: number; readonly rank: number }[]
  /** `before`: how many of the records stand in front of it. */
  readonly marks: readonly { readonly before: number; readonly watermark: number; readonly idle: boolean }[]
  readonly sampling: boolean
  readonly subtask: OperatorContext['subtask']
  readonly rule: unknown
}
