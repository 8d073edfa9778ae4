/**
 * A subtask's part in checkpoints: sees in every turn what the coordinator asks for, waits for barriers, takes the snapshot at a record
 * boundary in one uninterrupted action, and writes what was frozen bit by bit between steps. Runs on the subtask's thread.
 *
 * Invariants: barriers leave in the same action that freezes the state, so nothing that is emitted later overtakes them; a checkpoint is
 * acknowledged once, when all of it is durable.
 */
import type { InputChannel } from '../channel/input-channel.js'
import type { Gate } from '../channel/gate.js'
import type { OutputChannel } from '../channel/output-channel.js'
import { type CheckpointMode, checkpointModes } from '../checkpoint/protocol.js'
import { SNAPSHOT_PENDING_BYTES_MAX, SNAPSHOT_WRITE_BYTES_MAX, type SnapshotWriter } from '../checkpoint/snapshot.js'
import type { ThreadCheckpoints } from '../checkpoint/thread-checkpoints.js'
import { ControlWord, triggerTime } from '../control/control-layout.js'
import type { Clock } from '../environment/environment.js'
import { SluiceError } from '../errors/sluice-error.js'
import { BarrierAlignment } from './barrier-alignment.js'
import type { SinkBuffer } from './sink-buffer.js'
import type { SourceDriver } from './source-contract.js'

/** How long frozen state is written at once, in ms. */
const WRITE_MS = 0.5
/** Most that is kept of records that come while the barrier of a producer is awaited, per subtask: beyond it the checkpoint is given up. */
const CAPTURE_BYTES_MAX = 64 * 1024 * 1024

export interface SubtaskCheckpointParts {
  readonly subtask: number
  readonly control: Int32Array
  readonly checkpoints: ThreadCheckpoints
  readonly clock: Clock
  readonly gate: Gate
  readonly inputs: readonly InputChannel[]
  readonly outputs: readonly OutputChannel[]
  readonly sinks: readonly { readonly name: string; readonly sink: SinkBuffer }[]
  /** Takes the chain to a record boundary; false where it is not there yet. */
  readonly settle: () => boolean
  /** Whether to try it again is worth it. */
  readonly maySettle: () => boolean
  /** Writes sections and freezes keyed state. */
  readonly write: (writer: SnapshotWriter) => void
  /** Records restored in front of the channels are still being read: no channel is. */
  readonly replaying: () => boolean
  /** Tells the coordinator what stands in front of the barrier in a channel that only this thread sees. */
  readonly sayAhead: (channel: number, bytes: number) => void
  readonly wake: () => void
  /** The source, where its readers want to hear what checkpoints cover. */
  readonly source?: SourceDriver | undefined
}

/** A checkpoint under way here. */
interface Current {
  readonly id: number
  readonly writer: SnapshotWriter
  readonly startDelayMs: number
  readonly alignmentMs: number
  readonly syncMs: number
  readonly takenAtMs: number
  /** Inputs whose records in front of the barrier are not all there yet. */
  captures: InputChannel[]
  /** Sinks that have not said yet what their state is. */
  sinks: { readonly name: string; readonly sink: SinkBuffer }[]
  /** How long the chain took no record because of it. */
  throttledMs: number
  overtaking: boolean
  written: boolean
  finishing: boolean
}

function tooMuchCaptured(): SluiceError {
  return new SluiceError(
    'SLUICE_MEMORY_BUDGET',
    `more than ${CAPTURE_BYTES_MAX} bytes of records came in front of the barrier: a producer cannot send it before an iterable has ended that gives very many`,
    { hint: 'Take aligned checkpoints, or let functions give less for one record.' },
  )
}

export class SubtaskCheckpoints {
  readonly alignment: BarrierAlignment
  /** How long snapshots were taken and written so far. */
  workMs = 0
  readonly #parts: SubtaskCheckpointParts
  readonly #words: Int32Array
  readonly #triggeredAtMs: Float64Array
  #seen = 0
  /** The newest checkpoint whose snapshot was taken. */
  #taken: number
  #aborted = 0
  #committed = 0
  #final = false
  /** The cut of the last checkpoint was made in a source. */
  #ceased = false
  #current: Current | undefined
  #throttled = false
  /** Settles when all that was given up is gone from storage. */
  #discarded: Promise<unknown> = Promise.resolve()
  #throttledSinceMs = 0
  #saysAhead = false

  constructor(parts: SubtaskCheckpointParts) {
    this.#parts = parts
    this.#words = parts.control
    this.#triggeredAtMs = triggerTime(parts.control.buffer)
    this.alignment = new BarrierAlignment(parts.inputs.length)
    this.#taken = parts.checkpoints.run.restoredCheckpoint
  }

  /** The last checkpoint is complete, and everything that was prepared is committed. */
  get done(): boolean {
    return this.#final && this.#parts.sinks.every(({ sink }) => sink.committed)
  }

  /** Something changed since the last look, or more can be written now. */
  get ready(): boolean {
    const words = this.#words
    if (Atomics.load(words, ControlWord.completedId) !== this.#committed) return true
    if (Atomics.load(words, ControlWord.abortedUpTo) !== this.#aborted) return true
    const asked = Atomics.load(words, ControlWord.checkpointId)
    if (asked !== this.#seen) return true
    if (asked > this.#taken && asked > this.#aborted && this.#overtakes(asked) && this.#parts.maySettle()) return true
    const current = this.#current
    if (current === undefined || current.finishing) return false
    if (!current.overtaking && this.#overtakes(current.id)) return true
    // Also where nothing is read: the subtask may wait for credit, or have ended.
    if (current.captures.some((input) => input.captured)) return true
    if (!current.written) return current.writer.pendingBytes < SNAPSHOT_WRITE_BYTES_MAX
    return this.#mayFinish(current)
  }

  /** Called in every turn. */
  look(nowMs: number): void {
    const words = this.#words
    const completed = Atomics.load(words, ControlWord.completedId)
    if (completed !== this.#committed) this.#commit(completed)
    const aborted = Atomics.load(words, ControlWord.abortedUpTo)
    if (aborted !== this.#aborted) this.#abort(aborted)
    const asked = Atomics.load(words, ControlWord.checkpointId)
    this.#seen = asked
    if (asked > this.#taken && asked > aborted && !this.#consider(asked, nowMs)) this.#sayAhead(asked)
    else if (this.#saysAhead) this.#sayAhead(undefined)
    if (this.#current !== undefined) this.#advance(this.#current)
  }

  /** In every turn while a barrier is awaited: what is told last stays true while the thread sleeps. */
  #sayAhead(awaited: number | undefined): void {
    this.#saysAhead = awaited !== undefined
    const { inputs, sayAhead } = this.#parts
    for (const input of inputs) if (!input.isRing) sayAhead(input.id, awaited === undefined ? 0 : input.bytesAhead(awaited))
  }

  /** A barrier was reached on an input. */
  onBarrier(input: number, id: number, nowMs: number): void {
    if (id <= this.#taken || id <= Atomics.load(this.#words, ControlWord.abortedUpTo)) return
    this.alignment.arrive(input, id, nowMs, this.#mode() === 'aligned')
    this.#consider(id, nowMs)
  }

  #mode(): CheckpointMode {
    return checkpointModes[Atomics.load(this.#words, ControlWord.checkpointMode)] as CheckpointMode
  }

  #overtakes(id: number): boolean {
    return this.#mode() === 'unaligned' || Atomics.load(this.#words, ControlWord.overtakeId) >= id
  }

  /** Takes the snapshot where it may be taken now. */
  #consider(id: number, nowMs: number): boolean {
    const overtaking = this.#overtakes(id)
    if (!overtaking && !this.#allArrived(id)) return false
    if (!this.#parts.settle()) return false
    this.#take(id, overtaking, nowMs)
    return true
  }

  /** What has ended counts as having delivered every barrier. */
  #allArrived(id: number): boolean {
    const { inputs, replaying } = this.#parts
    if (replaying()) return false
    return inputs.every((input, position) => input.ended || this.alignment.hasArrived(position, id))
  }

  #take(id: number, overtaking: boolean, nowMs: number): void {
    const { checkpoints, subtask, clock, inputs, outputs, sinks, write, wake, source } = this.#parts
    if (this.#current !== undefined) this.#drop(this.#current)
    this.#taken = id
    const startMs = clock.monotonicMs()
    const sinceMs = this.alignment.id === id ? this.alignment.sinceMs : nowMs
    const writer = checkpoints.writers.begin(id, subtask, wake)
    const captures: InputChannel[] = []
    try {
      for (const output of outputs) {
        const slice = output.sendBarrier(id, overtaking)
        if (slice !== undefined) writer.slice(slice)
      }
      // Also where records were aligned: the barrier of a producer that was told to overtake may have reached here between the parts of a large record.
      for (const input of inputs) {
        if (input.ended) continue
        input.beginCapture(id)
        captures.push(input)
      }
      write(writer)
      for (const { sink } of sinks) sink.beginCheckpoint(id)
      source?.countTaken?.()
      source?.acknowledgements?.cut(id)
      if (source !== undefined && Atomics.load(this.#words, ControlWord.finalId) === id) this.#cease()
    } catch (error) {
      for (const input of captures) input.abandonCapture()
      this.#discard(writer)
      this.alignment.release()
      checkpoints.report({ type: 'declined', id, subtask, error })
      return
    }
    this.alignment.release()
    const endMs = clock.monotonicMs()
    this.workMs += endMs - startMs
    this.#current = {
      id,
      writer,
      startDelayMs: Math.max(0, sinceMs - (this.#triggeredAtMs[0] as number)),
      alignmentMs: Math.max(0, startMs - sinceMs),
      syncMs: endMs - startMs,
      takenAtMs: endMs,
      captures,
      sinks: [...sinks],
      throttledMs: 0,
      overtaking,
      written: false,
      finishing: false,
    }
  }

  /**
   * A source takes nothing more: it would be in no checkpoint, and whoever sent it would be told that it was taken. Nobody waits for what it would give; those behind it go on, because
   * others may need the credit for their own cuts.
   */
  #cease(): void {
    if (this.#ceased) return
    this.#ceased = true
    this.#parts.gate.closed++
  }

  /** Writes on. */
  #advance(current: Current): void {
    if (current.finishing) return
    const { outputs, clock, checkpoints, subtask } = this.#parts
    const { writer } = current
    try {
      if (!current.overtaking && this.#overtakes(current.id)) {
        current.overtaking = true
        for (const output of outputs) {
          const slice = output.overtake(current.id)
          if (slice !== undefined) writer.slice(slice)
        }
      }
      if (current.captures.length > 0)
        current.captures = current.captures.filter((input) => {
          const capture = input.takeCapture()
          if (capture === 'incomplete') return true
          for (const slice of capture) writer.slice(slice)
          return false
        })
      if (current.captures.reduce((bytes, input) => bytes + input.captureBytes, 0) > CAPTURE_BYTES_MAX) throw tooMuchCaptured()
      if (current.sinks.length > 0)
        current.sinks = current.sinks.filter(({ name, sink }) => {
          const state = sink.checkpointState()
          if (state === undefined) return true
          if (state !== null) writer.section(name, 'sink', state)
          return false
        })
      if (!current.written && writer.pendingBytes < SNAPSHOT_WRITE_BYTES_MAX) {
        const startMs = clock.monotonicMs()
        current.written = writer.step(() => clock.monotonicMs() - startMs >= WRITE_MS)
        this.workMs += clock.monotonicMs() - startMs
      }
      this.#throttle(!current.written && writer.pendingBytes >= SNAPSHOT_PENDING_BYTES_MAX)
    } catch (error) {
      this.#drop(current)
      checkpoints.report({ type: 'declined', id: current.id, subtask, error })
      return
    }
    if (this.#mayFinish(current)) this.#finish(current)
  }

  #mayFinish({ written, captures, sinks }: Current): boolean {
    return written && captures.length === 0 && sinks.length === 0 && !this.#parts.outputs.some((output) => output.barrierPending())
  }

  #finish(current: Current): void {
    const { checkpoints, subtask, clock, wake } = this.#parts
    const { id, writer, startDelayMs, alignmentMs, syncMs, takenAtMs } = current
    current.finishing = true
    writer.finish().then(
      (file) => {
        if (this.#current !== current) return
        this.#current = undefined
        const { stateBytes, channelBytes } = writer
        const asyncMs = clock.monotonicMs() - takenAtMs
        const { throttledMs } = current
        const throttled = throttledMs > 0 ? { throttledMs } : {}
        const figures = { startDelayMs, alignmentMs, syncMs, asyncMs, stateBytes, channelBytes, ...throttled }
        checkpoints.report({ type: 'acknowledged', id, subtask, file, figures })
        wake()
      },
      (error: unknown) => {
        if (this.#current !== current) return
        this.#drop(current)
        checkpoints.report({ type: 'declined', id, subtask, error })
        wake()
      },
    )
  }

  /** While more waits for storage than may, the chain takes no record. */
  #throttle(throttled: boolean): void {
    if (throttled === this.#throttled) return
    this.#throttled = throttled
    const nowMs = this.#parts.clock.monotonicMs()
    if (throttled) this.#throttledSinceMs = nowMs
    else if (this.#current !== undefined) this.#current.throttledMs += nowMs - this.#throttledSinceMs
    this.#parts.gate.closed += throttled ? 1 : -1
  }

  #commit(completed: number): void {
    this.#final = Atomics.load(this.#words, ControlWord.finalId) === completed
    this.#committed = completed
    for (const { sink } of this.#parts.sinks) sink.commit(completed)
    this.#parts.source?.acknowledgements?.completed(completed)
  }

  #abort(upTo: number): void {
    this.#aborted = upTo
    this.#parts.source?.acknowledgements?.aborted(upTo)
    if (this.#current !== undefined && this.#current.id <= upTo) this.#drop(this.#current)
    if (this.alignment.id !== 0 && this.alignment.id <= upTo) this.alignment.release()
  }

  #drop(current: Current): void {
    for (const input of current.captures) input.abandonCapture()
    this.#discard(current.writer)
    this.#throttle(false)
    this.#current = undefined
  }

  #discard(writer: SnapshotWriter): void {
    this.#discarded = Promise.all([this.#discarded, writer.discard()])
  }

  /** The subtask leaves: what is frozen is thawed. Settles when nothing is written any more. */
  async close(): Promise<void> {
    if (this.#current !== undefined) this.#drop(this.#current)
    await this.#discarded
  }
}
