/**
 * One subtask: a chain of operators over its channels, driven step by step by the loop of its worker. Never blocks; a step takes
 * about a millisecond of input, publishes what it staged and says how it stands.
 *
 * The order of a step is the order of obligations: what waits for credit, results of asynchronous work, suspended
 * expansions, deadlines, then new input. A record boundary of the whole chain lies between any two records taken from the head
 * while no expansion is active: there a snapshot can be taken.
 */
import type { InputChannel } from '../channel/input-channel.js'
import { Input } from '../channel/input-channel.js'
import { ADAPT_PERIOD_MS, type WindowLimits } from '../channel/credit-window.js'
import { EndReason, type EndReasonCode } from '../channel/frame.js'
import type { Gate } from '../channel/gate.js'
import type { LocalInput } from '../channel/local-channel.js'
import type { OutputChannel } from '../channel/output-channel.js'
import type { RingInput } from '../channel/ring-input.js'
import { Command, type CommandCode } from '../control/control-layout.js'
import type { Clock } from '../environment/environment.js'
import type { SluiceError } from '../errors/sluice-error.js'
import type { HoldingOperator, Operator } from '../graph/operator-spec.js'
import { SubtaskState, type SubtaskStateCode, SubtaskWord } from '../metrics/metric-layout.js'
import type { SnapshotReader, SnapshotWriter } from '../checkpoint/snapshot.js'
import type { ThreadCheckpoints } from '../checkpoint/thread-checkpoints.js'
import type { StateRegistry } from '../state/state-registry.js'
import type { SubtaskAccounting } from './accounting.js'
import type { Alignment } from './alignment.js'
import type { AsyncTable } from './async-table.js'
import { type ChainDrivers, type ChainNode, holdingOperator, type Sampling } from './chain-drivers.js'
import { ChainTime, HEAD } from './chain-time.js'
import { Silence, type SilenceCode } from './idle-clock.js'
import type { InputSelection } from './input-selection.js'
import type { SinkBuffer } from './sink-buffer.js'
import { NOTHING_TAKEN, type SourceDriver } from './source-driver.js'
import type { Replay } from './replay.js'
import { DEAD_LETTERS_PORT } from './record-failures.js'
import { SubtaskCheckpoints } from './subtask-checkpoints.js'
import { type EndOfInput, restoreSections, restoreSinks, type SectionParts, writeSections } from './subtask-sections.js'
import { TrackedTime } from './tracked-time.js'

export interface SubtaskParts {
  readonly id: number
  readonly name: string
  readonly nodes: readonly ChainNode[]
  /** Counts outputs without credit. */
  readonly gate: Gate
  /** Counts what keeps the chain from taking records: the same, but where the head holds records back by itself. */
  readonly intake: Gate
  /** Counts outputs without credit that stop nothing. */
  readonly aside: Gate
  readonly clock: Clock
  readonly inputs: readonly InputChannel[]
  /** Which input is read next; undefined: they are read in turn. */
  readonly selection: InputSelection | undefined
  /** Those whose watermarks count: nothing is awaited from records without timestamps beside others that have them. */
  readonly timeInputs: readonly InputChannel[]
  readonly outputs: readonly OutputChannel[]
  /** Those that stop the chain where they have no credit. */
  readonly binding: readonly OutputChannel[]
  /** Position of the producer within the chain by position, -1 for the head. */
  readonly parents: readonly number[]
  /** Keyed state of all operators of the chain. */
  readonly states: readonly StateRegistry[]
  /** Edges that leave the chain, by position. */
  readonly outputsOf: readonly (readonly OutputChannel[])[]
  readonly drivers: ChainDrivers
  readonly source: SourceDriver | undefined
  /** The input goes on without end, so it may fall silent and come back. */
  readonly mayIdle: boolean
  readonly alignment: Alignment | undefined
  readonly accounting: SubtaskAccounting
  readonly sampling: Sampling
  readonly fail: (position: number, error: unknown) => never
  /** By input: the adaptive window; undefined: it stays as it is. */
  readonly windowLimits: readonly (WindowLimits | undefined)[]
  /** Closing failed: nothing to do but to say so. */
  readonly warn: (message: string, error: unknown) => void
  /** undefined: no checkpoints are taken. */
  readonly checkpoints: SubtaskCheckpointing | undefined
}

/** What a subtask needs besides to take part in checkpoints. */
export interface SubtaskCheckpointing {
  readonly thread: ThreadCheckpoints
  readonly control: Int32Array
  /** All but the times, which are the subtask's own. */
  readonly sections: Omit<SectionParts, 'time'>
  /** What barriers had overtaken in front of this subtask, when a checkpoint is restored. */
  readonly replays: () => Promise<readonly Replay[]>
  /** Gives the sink at a position what it prepared before the restore. */
  readonly giveRestored: (position: number, restored: readonly unknown[]) => void
  readonly wake: () => void
  /** See `SubtaskCheckpointParts`. */
  readonly sayAhead: (channel: number, bytes: number) => void
}

/** How long a step goes on taking input, in ms. */
const STEP_MS = 1
/** Most and fewest records given to a driver in one call; between them the number follows the speed of the user's functions. */
const DRIVE_RECORDS_MAX = 512
const DRIVE_SLOW_MS = 0.5
const DRIVE_FAST_MS = 0.1
/** One driver call in this many is timed per function, over a few records: reading the clock costs more than most functions. */
const SAMPLE_EVERY = 64
const SAMPLE_RECORDS = 8
/** So few records are taken at once while an input is idle: that it is active again is told directly behind them. */
const IDLE_RECORDS = 8
/** Records that were held back and are let go between two looks at the clock. */
const RELEASES_PER_LOOK = 32

export class Subtask {
  readonly name: string
  finished = false
  readonly #parts: SubtaskParts
  /** Positions with an expansion, the one nearest to the sinks first. */
  readonly #expanding: readonly number[]
  /** The one nearest to the sinks first: where it makes room, results and watermarks that wait leave before the next record is taken. */
  readonly #tables: readonly AsyncTable[]
  readonly #sinks: readonly { readonly position: number; readonly sink: SinkBuffer }[]
  /** The head, where it holds records back by itself. */
  readonly #holder: HoldingOperator | undefined
  /** The one input that it does not take, while it takes others. */
  #heldInput: number | undefined
  readonly #deadlines: Map<number, number> = new Map()
  readonly #checkpoints: SubtaskCheckpoints | undefined
  readonly #sections: SectionParts | undefined
  /** Records that were restored in front of the channels: no channel is read before they are. */
  #replays: readonly Replay[] = []
  #reading: readonly InputChannel[]
  /** By position: how far the end had come when a checkpoint was restored. */
  #restoredEnds: readonly EndOfInput[] = []
  #endReported = false
  #failure: SluiceError | undefined
  #working = false
  #driveRecords = 16
  #drives = 0
  #turn = 0
  #openInputs: number
  readonly #time: ChainTime
  readonly #tracked: TrackedTime
  /** The source has records and waits for others of its group. */
  #aligned = false
  /** Records taken so far. */
  #taken = 0
  /** What arrived at the head: the minimum over the inputs that are not idle. */
  #watermark: number = Number.NEGATIVE_INFINITY
  #idle = false
  #ending = false
  #endReason: EndReasonCode = EndReason.exhausted
  #endPosition = 0
  #endEntered = false
  #endSent = false
  #inFlight = 0
  #inFlightAtMs = 0
  #adaptedAtMs: number
  #adaptedWorkMs = 0

  constructor(parts: SubtaskParts) {
    this.#parts = parts
    this.name = parts.name
    this.#openInputs = parts.inputs.length
    this.#adaptedAtMs = parts.clock.monotonicMs()
    this.#expanding = parts.nodes.flatMap((node, position) => (node.expansion === undefined ? [] : [position])).reverse()
    this.#tables = parts.nodes.flatMap((node) => node.table ?? []).reverse()
    const { nodes, parents, outputsOf, fail, accounting } = parts
    this.#time = new ChainTime({
      nodes,
      parents,
      outputsOf,
      held: () => this.#held,
      fail,
      expanding: () => this.#expansionActive(),
      reached: (watermark) => accounting.set(SubtaskWord.watermark, watermark),
    })
    const trackers = nodes.flatMap(({ tracker }, position) => (tracker === undefined ? [] : [{ position, tracker }]))
    this.#tracked = new TrackedTime({ trackers, mayIdle: parts.mayIdle, time: this.#time, accounting, alignment: parts.alignment })
    for (const table of this.#tables) table.connectTime((watermark, idle) => this.#time.enter(HEAD, watermark, idle))
    this.#holder = holdingOperator(nodes[0])
    this.#sinks = parts.nodes.flatMap((node, position) => (node.sink === undefined ? [] : [{ position, sink: node.sink }]))
    this.#reading = parts.inputs
    if (parts.checkpoints === undefined) return
    const { thread, control, sections, wake, sayAhead } = parts.checkpoints
    this.#sections = { ...sections, time: this.#time }
    this.#checkpoints = new SubtaskCheckpoints({
      subtask: parts.id,
      control,
      checkpoints: thread,
      clock: parts.clock,
      gate: parts.intake,
      inputs: parts.inputs,
      outputs: parts.outputs,
      sinks: this.#sinks.map(({ position, sink }) => ({ name: nodes[position]?.node.name as string, sink })),
      settle: () => this.#runOn(),
      maySettle: () => !this.#expansionActive() || this.#hasRoom,
      write: (writer) => this.#writeSections(writer),
      replaying: () => this.#replays.length > 0,
      wake,
      sayAhead,
      source: parts.source,
    })
  }

  /** What the operator at a position knows of event time. */
  watermarkAt(position: number): number {
    return this.#time.watermarkAt(position)
  }

  /** A watermark leaves that the head held back. */
  passWatermark(watermark: number, idle: boolean): void {
    this.#time.enter(HEAD, watermark, idle)
  }

  /** While the head holds its input: only this one. */
  holdOnly(input: number | undefined): void {
    this.#heldInput = input
  }

  /** Opens operators and sinks before the first record, and puts everything where it was when a checkpoint is restored. */
  async open(): Promise<void> {
    const { checkpoints } = this.#parts
    const reader = checkpoints?.thread.restore
    if (checkpoints !== undefined && reader !== undefined) {
      const restored = await restoreSinks(reader, this.#sections as SectionParts)
      restored.forEach((prepared, position) => {
        if (prepared !== undefined) checkpoints.giveRestored(position, prepared)
      })
    }
    await this.#openAll()
    if (checkpoints !== undefined && reader !== undefined) await this.#restore(reader, checkpoints)
  }

  async #openAll(): Promise<void> {
    for (const [position, { operator, sink }] of this.#parts.nodes.entries()) {
      try {
        await operator?.open?.()
        await sink?.writer.open?.()
      } catch (error) {
        this.#parts.fail(position, error)
      }
    }
  }

  async #restore(reader: SnapshotReader, { replays }: SubtaskCheckpointing): Promise<void> {
    const { nodes, source } = this.#parts
    const { watermark, ends } = await restoreSections(reader, this.#sections as SectionParts)
    this.#watermark = watermark
    this.#restoredEnds = ends
    this.#replays = await replays()
    if (this.#replays.length > 0) this.#reading = this.#replays.map(({ input }) => input)
    for (const [position, { sink }] of nodes.entries()) {
      // Again: whether it was done before the failure nobody knows.
      if (sink === undefined) continue
      try {
        await sink.commitRestored()
      } catch (error) {
        this.#parts.fail(position, error)
      }
    }
    if (source !== undefined && ends[0]?.ending === true) this.#beginEnd(EndReason.exhausted)
  }

  #writeSections(writer: SnapshotWriter): void {
    // What was stopped goes on after a restore as if it had not been.
    const exhausted = this.#ending && this.#endReason === EndReason.exhausted
    const ends = this.#parts.nodes.map((_, position) => ({
      ending: exhausted,
      entered: exhausted && (position < this.#endPosition || (position === this.#endPosition && this.#endEntered)),
      left: exhausted && position < this.#endPosition,
    }))
    writeSections(writer, this.#sections as SectionParts, { watermark: this.#watermark, ends })
    for (const replay of this.#replays) {
      const slice = replay.rest()
      if (slice !== undefined) writer.slice(slice)
    }
  }

  /**
   * Lets suspended expansions run on into the overdraft: behind them lies a record boundary. False where they would need more room than there is:
   * they go on when there is credit.
   */
  #runOn(): boolean {
    const { gate, drivers } = this.#parts
    let more = 0
    gate.runsOn = true
    // One that has begun meanwhile behind another comes before it.
    for (let next = this.#suspended; next !== undefined && !gate.exhausted && this.#hasRoom; next = this.#suspended) {
      more += gate.closed
      gate.closed = 0
      drivers.expand[next]?.()
    }
    // What was exhausted closed it once more.
    gate.closed += more - (gate.exhausted ? 1 : 0)
    gate.runsOn = false
    gate.exhausted = false
    return !this.#expansionActive()
  }

  /** Where an expansion is under way, the one nearest to the sinks. */
  get #suspended(): number | undefined {
    return this.#expanding.find((position) => this.#parts.nodes[position]?.expansion?.active === true)
  }

  /** Whether what is suspended may give more than there is credit for. A table at the head stands in front of it. */
  get #hasRoom(): boolean {
    const { nodes, outputs } = this.#parts
    return !(
      outputs.some((output) => output.overdrawn) ||
      this.#sinks.some(({ sink }) => sink.full) ||
      nodes.some(({ table }, position) => position > 0 && table?.full === true)
    )
  }

  /** Sets or cancels the processing-time deadline of an operator, in ms of the monotonic clock. */
  setDeadline(position: number, deadlineMs: number | undefined): void {
    if (deadlineMs === undefined) this.#deadlines.delete(position)
    else this.#deadlines.set(position, deadlineMs)
  }

  /** Fails the subtask at its next step. */
  failLater(error: SluiceError): void {
    this.#failure ??= error
  }

  /** Called in every turn, also while the subtask waits for credit. */
  onControl(command: CommandCode, nowMs: number): void {
    if (this.#checkpoints !== undefined) this.#lookAtCheckpoints(this.#checkpoints, nowMs)
    const { source } = this.#parts
    if (command === Command.run || this.#ending || source === undefined || source.mayEnd?.() === false) return
    // Drain is a true end of input; after stop nothing that is open fires.
    this.#beginEnd(command === Command.stop ? EndReason.stopped : EndReason.exhausted)
  }

  #lookAtCheckpoints(checkpoints: SubtaskCheckpoints, nowMs: number): void {
    const { accounting, clock } = this.#parts
    const before = checkpoints.workMs
    checkpoints.look(nowMs)
    const workedMs = checkpoints.workMs - before
    if (workedMs > 0) accounting.countSnapshot(workedMs, clock.monotonicMs())
    if (accounting.state === SubtaskState.refusing && !checkpoints.alignment.refuses) this.#account(false, nowMs)
  }

  /** Something may be done now; reads shared words, changes nothing. */
  ready(nowMs: number): boolean {
    if (this.finished) return false
    const { gate, intake, aside, outputs, source } = this.#parts
    const holder = this.#holder
    if (this.#failure !== undefined || this.#checkpoints?.ready === true || this.#checkpoints?.done === true) return true
    for (const table of this.#tables) if (this.#mayDrain(table) || table.batchReady) return true
    if (this.nextDeadlineMs() <= nowMs) return true
    if (aside.closed > 0) for (const output of outputs) if (output.blocked && output.creditArrived()) return true
    if (gate.closed > 0) {
      for (const output of outputs) if (output.blocked && output.creditArrived()) return true
      if (holder === undefined) return this.#time.active && !this.#held && !this.#expansionActive()
    } else if (this.#expansionActive() || this.#time.active) return true
    if (this.#endSent) return false
    if (gate.closed === 0) for (const { sink } of this.#sinks) if (sink.holdsLetters) return true
    if (holder?.releasable === true) return true
    if (this.#ending) return gate.closed === 0 && !this.#endAwaits()
    if (source !== undefined) return source.exhausted || (source.ready(nowMs) && !this.#tracked.waits)
    return intake.closed === 0 ? this.#inputReady() : this.#mayTakeBeside && this.#besideReady()
  }

  #inputReady(): boolean {
    const reading = this.#reading
    const refused = this.#refusedOf(reading)
    for (let position = 0; position < reading.length; position++) {
      const input = reading[position] as InputChannel
      if (input.ended || (refused !== undefined && refused[position] === 1)) continue
      if (input.index < input.count || input.ready()) return true
    }
    return this.#replays.length > 0
  }

  /** When time alone gives the subtask something to do; Infinity: never. What waits for the gate has no time. */
  nextDeadlineMs(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const table of this.#tables) earliest = Math.min(earliest, table.deadlineMs ?? Number.POSITIVE_INFINITY)
    const { source, gate } = this.#parts
    if (gate.closed > 0 && this.#holder === undefined) return earliest
    for (const deadlineMs of this.#deadlines.values()) if (deadlineMs < earliest) earliest = deadlineMs
    if (!this.#ending) earliest = Math.min(earliest, this.#tracked.deadlineMs)
    if (source !== undefined && !this.#ending && !source.exhausted)
      earliest = Math.min(earliest, source.deadlineMs ?? Number.POSITIVE_INFINITY)
    return earliest
  }

  /** The end of input has reached an operator that still has records in flight, or holds some back. */
  #endAwaits(): boolean {
    if (!this.#endEntered) return false
    return (this.#parts.nodes[this.#endPosition]?.table?.unfinished ?? 0) > 0 || this.#endHeld
  }

  /** What is held back leaves before the end. Where the job was stopped, it is in its last checkpoint, if there is one. */
  get #endHeld(): boolean {
    const stopped = this.#endReason === EndReason.stopped && this.#checkpoints !== undefined
    return this.#holder !== undefined && this.#holder.holding > 0 && !stopped
  }

  /** A read of the source is under way. */
  get reading(): boolean {
    return this.#parts.source?.pending === true
  }

  /** Time that callbacks of reads took on this thread. */
  countReading(elapsedMs: number, nowMs: number): void {
    const { accounting, sampling } = this.#parts
    accounting.countAsBusy(elapsedMs, nowMs)
    // In proportion to what is sampled of the functions.
    const share = SAMPLE_RECORDS / (SAMPLE_EVERY * Math.max(SAMPLE_RECORDS, this.#driveRecords))
    sampling.add(0, elapsedMs * share)
  }

  /** Promises of user code or of I/O are under way. */
  get awaiting(): boolean {
    for (const table of this.#tables) if (table.calls > 0) return true
    for (const { sink } of this.#sinks) if (sink.pending) return true
    return this.reading
  }

  /** Does what there is to do for about a millisecond; true where something moved. `nowMs`: the loop's latest reading of the clock. */
  step(nowMs: number): boolean {
    if (this.finished) return false
    if (this.#failure !== undefined) throw this.#failure
    // Also where its input has not ended: a stop may have been cut short, and what is left is state.
    if (this.#checkpoints?.done === true) return this.#leave(nowMs)
    const { gate, aside, outputs, clock } = this.#parts
    this.#working = false
    this.#aligned = false
    const taken = this.#taken
    let progressed = false
    if (gate.closed > 0 || aside.closed > 0) {
      for (const output of outputs) {
        if (!output.blocked) continue
        output.drain()
        if (!output.blocked) progressed = true
      }
    }
    if (this.#holder !== undefined && this.#releaseHeld(this.#holder, nowMs)) progressed = true
    // Before any further result: what an element has begun comes first.
    if (gate.closed === 0 && this.#resume(nowMs)) {
      progressed = true
      this.#parts.selection?.countMore(clock.monotonicMs() - nowMs)
    }
    if (this.#runTime(nowMs)) progressed = true
    for (const table of this.#tables) {
      table.checkTimes(nowMs)
      if (table.awaitingReissue && this.#callWaiting(table, nowMs)) progressed = true
      if (this.#mayDrain(table)) {
        this.#work(nowMs)
        if (table.drain() > 0) progressed = true
      }
      if (table.batchReady && this.#callWaiting(table, nowMs)) progressed = true
    }
    if (this.#sendLetters(nowMs)) progressed = true
    if (this.#deadlines.size > 0 && (this.#free || this.#holder !== undefined) && this.#fireDeadlines(nowMs)) progressed = true
    if (this.#free && !this.#tracked.empty && !this.#ending && this.#sendDueWatermarks(nowMs)) progressed = true
    if (this.#ending) {
      if (this.#free && this.#advanceEnd(nowMs)) progressed = true
    } else if (this.#mayTake && this.#takeInput(nowMs)) progressed = true
    else if (this.#mayTakeBeside && this.#takeBeside(nowMs)) progressed = true
    for (const output of outputs) output.flush()
    for (const { position, sink } of this.#sinks) this.#flushSink(position, sink)
    const { source } = this.#parts
    if (progressed && source?.acknowledgements?.active === true) {
      source.countTaken?.()
      source.acknowledgements.tell()
    }
    const endMs = this.#working ? clock.monotonicMs() : nowMs
    if (!this.#tracked.empty && this.#tracked.look(nowMs, endMs, this.#silence(endMs, this.#taken > taken))) progressed = true
    this.#account(progressed, endMs)
    if (this.#tables.length > 0) this.#countInFlight(endMs)
    if (endMs - this.#adaptedAtMs >= ADAPT_PERIOD_MS) this.#adapt(endMs)
    if (this.#endSent && outputs.every((output) => output.drained) && this.#mayLeave()) return this.#leave(endMs)
    return progressed
  }

  #leave(nowMs: number): true {
    const { accounting } = this.#parts
    this.finished = true
    accounting.set(SubtaskWord.finished, 1)
    accounting.enter(SubtaskState.finished, nowMs)
    return true
  }

  /** Where checkpoints are taken a subtask takes part in them until the last one is complete and committed. */
  #mayLeave(): boolean {
    if (this.#checkpoints === undefined) return true
    if (!this.#endReported) {
      this.#endReported = true
      const stopped = this.#endReason === EndReason.stopped
      this.#parts.checkpoints?.thread.report({ type: 'ended', subtask: this.#parts.id, stopped })
    }
    return this.#checkpoints.done
  }

  /** Closes what was opened; errors are reported, not thrown. */
  async close(): Promise<void> {
    const { nodes, source, warn } = this.#parts
    const closing: Promise<unknown>[] = []
    if (this.#checkpoints !== undefined) closing.push(this.#checkpoints.close())
    const close = (what: string, action: () => unknown): void => {
      closing.push((async () => action())().catch((error: unknown) => warn(`${what} could not be closed`, error)))
    }
    if (source !== undefined) close(nodes[0]?.node.name ?? this.name, () => source.close())
    for (const { node, expansion, operator, sink } of nodes) {
      if (expansion !== undefined) close(node.name, () => expansion.abandon())
      if (operator?.close !== undefined) close(node.name, () => operator.close?.())
      if (sink !== undefined) close(node.name, () => sink.close(!this.finished || !this.#endSent))
    }
    await Promise.all(closing)
  }

  /** From here on the time is busy time; idempotent within a step. */
  #work(nowMs: number): void {
    if (this.#working) return
    this.#working = true
    const { accounting, inputs } = this.#parts
    if (isStarving(accounting.state)) for (const input of inputs) input.starvedEnds(nowMs)
    accounting.enter(SubtaskState.busy, nowMs)
  }

  #account(progressed: boolean, nowMs: number): void {
    const { accounting, gate, intake, binding, inputs } = this.#parts
    let state: SubtaskStateCode
    let blockedChannel = -1
    if (gate.closed > 0) {
      for (const output of binding) {
        if (!output.blocked) continue
        blockedChannel = output.id
        break
      }
      state = blockedChannel >= 0 ? SubtaskState.backpressured : SubtaskState.waiting
    } else if (intake.closed > 0) state = SubtaskState.waiting
    else if (progressed) state = SubtaskState.queued
    else if (this.#aligned) state = SubtaskState.aligned
    else if (this.#ending) state = this.awaiting ? SubtaskState.waiting : SubtaskState.idle
    else state = this.#checkpoints?.alignment.refuses === true ? SubtaskState.refusing : SubtaskState.idle
    // Another channel may lack credit now although the state is the same.
    accounting.set(SubtaskWord.blockedChannel, blockedChannel)
    if (this.#holder !== undefined) {
      accounting.set(SubtaskWord.heldRecords, this.#holder.holding)
      accounting.set(SubtaskWord.heldBytes, this.#holder.holdingBytes ?? 0)
    }
    if (state === accounting.state) return
    if (isStarving(accounting.state)) for (const input of inputs) input.starvedEnds(nowMs)
    if (isStarving(state)) {
      const refused = this.#checkpoints?.alignment.refused
      for (let position = 0; position < inputs.length; position++) {
        const input = inputs[position] as InputChannel
        if (!input.ended && refused?.[position] !== 1) input.starvedBegins(nowMs)
      }
    }
    accounting.enter(state, nowMs)
    let written = 0
    for (const { sink } of this.#sinks) written += sink.written
    for (const table of this.#tables) written += table.consumed
    accounting.set(SubtaskWord.recordsWritten, written)
  }

  /** What was in flight since the last step, times how long. */
  #countInFlight(nowMs: number): void {
    const { accounting } = this.#parts
    if (this.#inFlight > 0) accounting.add(SubtaskWord.inFlightMs, this.#inFlight * Math.max(0, nowMs - this.#inFlightAtMs))
    this.#inFlightAtMs = nowMs
    this.#inFlight = 0
    for (const table of this.#tables) this.#inFlight += table.calls
    accounting.set(SubtaskWord.asyncInFlight, this.#inFlight)
    accounting.set(SubtaskWord.inFlightSinceMs, nowMs)
  }

  /** What leaves waits for a watermark that is under way; from a consumer nothing does, and its limit may be what holds the watermark. */
  #mayDrain(table: AsyncTable): boolean {
    return table.ready && (!table.emits || !this.#time.active)
  }

  /** The gate is closed, and not just by the table at the head: behind a restore that one waits for what is due to fire, which must not wait for it. */
  get #held(): boolean {
    return this.#parts.gate.closed > (this.#parts.nodes[0]?.table?.full === true ? 1 : 0)
  }

  /** Nothing is under way that comes before the next record. */
  get #free(): boolean {
    return this.#parts.gate.closed === 0 && !this.#expansionActive() && !this.#time.active
  }

  /** The next record may be taken. */
  get #mayTake(): boolean {
    return this.#holder === undefined ? this.#free : this.#parts.intake.closed === 0
  }

  /** Lets go what the head held back, for about as long as a step. */
  #releaseHeld(holder: HoldingOperator, nowMs: number): boolean {
    if (this.#endSent || !holder.releasable) return false
    this.#work(nowMs)
    const { clock } = this.#parts
    try {
      for (let count = 1; holder.release(); count++) if (count % RELEASES_PER_LOOK === 0 && clock.monotonicMs() - nowMs >= STEP_MS) break
    } catch (error) {
      this.#parts.fail(0, error)
    }
    return true
  }

  /** Sends letters of records that sinks could not write, while there is credit. */
  #sendLetters(nowMs: number): boolean {
    let sent = false
    for (const { position, sink } of this.#sinks) {
      if (!sink.holdsLetters) continue
      const { gate, nodes, drivers } = this.#parts
      const port = nodes[position]?.node.ports.indexOf(DEAD_LETTERS_PORT)
      while (gate.closed === 0 && sink.holdsLetters) {
        this.#work(nowMs)
        sent = true
        drivers.push[position]?.(sink.takeLetter(), Number.NaN, port)
      }
    }
    return sent
  }

  /** Makes calls that waited for room: of records that were in flight in the restored checkpoint, or of a batch. True where one was made. */
  #callWaiting(table: AsyncTable, nowMs: number): boolean {
    this.#work(nowMs)
    try {
      return table.awaitingReissue ? table.reissue() : table.callBatch()
    } catch (error) {
      return this.#parts.fail(
        this.#parts.nodes.findIndex((node) => node.table === table),
        error,
      )
    }
  }

  /** Takes a watermark that is under way further through the chain. */
  #runTime(nowMs: number): boolean {
    if (!this.#time.active || this.#held || this.#expansionActive()) return false
    this.#work(nowMs)
    const { clock, sampling } = this.#parts
    const moved = this.#time.run(() => clock.monotonicMs() - nowMs >= STEP_MS)
    sampling.innerMs = 0
    return moved
  }

  /** Watermarks made here that are due. */
  #sendDueWatermarks(nowMs: number): boolean {
    return this.#tracked.send(nowMs) && this.#runTime(nowMs)
  }

  /** Whether the input had nothing when it was asked in this step. */
  #silence(nowMs: number, took: boolean): SilenceCode {
    if (!this.#free || this.#ending || this.#aligned) return Silence.none
    for (const table of this.#tables) if (table.inFlight > 0) return Silence.none
    if (took) return Silence.filtered
    const { source } = this.#parts
    if (source !== undefined) return source.ready(nowMs) || source.exhausted ? Silence.none : Silence.empty
    return this.#inputReady() ? Silence.none : Silence.empty
  }

  #expansionActive(): boolean {
    for (const position of this.#expanding) if (this.#parts.nodes[position]?.expansion?.active === true) return true
    return false
  }

  /** Goes on with suspended expansions, those nearest to the sinks first, as long as the gate stays open. */
  #resume(nowMs: number): boolean {
    let progressed = false
    for (const position of this.#expanding) {
      if (this.#parts.nodes[position]?.expansion?.active !== true) continue
      this.#work(nowMs)
      this.#parts.drivers.expand[position]?.()
      progressed = true
      if (this.#parts.gate.closed > 0) return true
    }
    return progressed
  }

  #fireDeadlines(nowMs: number): boolean {
    let fired = false
    // A copy: one that is set anew, however near, is for the next step.
    for (const [position, deadlineMs] of Array.from(this.#deadlines)) {
      // What an earlier one let go may have put it off.
      if (deadlineMs > nowMs || this.#deadlines.get(position) !== deadlineMs) continue
      this.#deadlines.delete(position)
      this.#work(nowMs)
      fired = true
      const { operator, sink } = this.#parts.nodes[position] as ChainNode
      const epochMs = this.#parts.clock.nowMs()
      try {
        operator?.onDeadline?.(epochMs)
        this.#time.deadlinePassed(position)
        if (sink !== undefined && !sink.pending && !this.#finishedSinks.has(sink)) sink.hold(sink.writer.onDeadline?.(epochMs))
      } catch (error) {
        this.#parts.fail(position, error)
      }
      if (this.#parts.gate.closed > 0) return true
    }
    if (fired) this.#runTime(nowMs)
    return fired
  }

  #takeInput(startMs: number): boolean {
    return this.#parts.source === undefined ? this.#takeFromChannels(startMs) : this.#takeFromSource(this.#parts.source, startMs)
  }

  #takeFromSource(source: SourceDriver, startMs: number): boolean {
    const { gate, clock, accounting } = this.#parts
    let nowMs = startMs
    let progressed = false
    while (!source.exhausted) {
      if (!source.ready(nowMs)) break
      if (this.#tracked.waits) {
        this.#aligned = true
        break
      }
      this.#work(nowMs)
      const limit = this.#beginDrive()
      let taken: number
      try {
        taken = source.take(limit, nowMs)
      } catch (error) {
        this.#parts.fail(0, error)
      }
      this.#endDrive()
      if (taken === NOTHING_TAKEN) break
      progressed = true
      this.#taken += taken
      accounting.add(SubtaskWord.recordsIn, taken)
      const afterMs = clock.monotonicMs()
      this.#tuneDrive(taken, afterMs - nowMs)
      nowMs = afterMs
      if (gate.closed > 0 || nowMs - startMs >= STEP_MS) break
      if (!this.#tracked.empty && !this.#expansionActive() && this.#sendDueWatermarks(nowMs) && !this.#free) break
    }
    this.#tracked.waitSince(this.#aligned ? nowMs : Number.NaN)
    if (source.exhausted && this.#free) {
      this.#beginEnd(EndReason.exhausted)
      return true
    }
    return progressed
  }

  #takeFromChannels(startMs: number): boolean {
    if (this.#replays.length > 0 && this.#replays.every(({ input }) => input.drained)) {
      this.#endReplay()
      return true
    }
    const { intake, clock, accounting } = this.#parts
    const inputs = this.#reading
    const refused = this.#refusedOf(inputs)
    // What was restored is read as it stands.
    const selection = this.#replays.length > 0 ? undefined : this.#parts.selection
    let nowMs = startMs
    let progressed = false
    let empty = 0
    if (selection !== undefined) {
      nowMs = clock.monotonicMs()
      this.#turn = selection.choose()
    }
    while (empty < inputs.length) {
      const channel = inputs[this.#turn] as InputChannel
      if (channel.index === channel.count) {
        const found = channel.ended || (refused !== undefined && refused[this.#turn] === 1) ? Input.empty : channel.next()
        if (found === Input.empty) {
          this.#turn = selection === undefined ? (this.#turn + 1 === inputs.length ? 0 : this.#turn + 1) : selection.pass()
          empty++
          continue
        }
        empty = 0
        if (found !== Input.records) {
          progressed = true
          if (found === Input.barrier) {
            this.#onBarrier(this.#turn, channel.barrierId, nowMs)
            continue
          }
          this.#onControlFrame(channel, found)
          if (this.#ending || intake.closed > 0) return true
          if (this.#time.active) {
            this.#runTime(nowMs)
            if (!this.#mayTake) return true
            nowMs = clock.monotonicMs()
            if (nowMs - startMs >= STEP_MS) return true
          }
          continue
        }
      }
      this.#work(nowMs)
      if (selection !== undefined) this.#driveRecords = selection.driveRecords
      const limit = this.#beginDrive()
      const before = channel.index
      const end = Math.min(channel.count, before + limit)
      if (channel.isRing) this.#parts.drivers.ring[channel.input]?.(channel as RingInput, end)
      else this.#parts.drivers.local[channel.input]?.(channel as LocalInput, end)
      this.#endDrive()
      const taken = channel.index - before
      progressed = true
      this.#taken += taken
      accounting.add(SubtaskWord.recordsIn, taken)
      const frameEnds = channel.index === channel.count
      if (frameEnds) {
        channel.release()
        if (selection === undefined) this.#turn = this.#turn + 1 === inputs.length ? 0 : this.#turn + 1
      }
      const afterMs = clock.monotonicMs()
      this.#tuneDrive(taken, afterMs - nowMs)
      if (selection !== undefined) {
        selection.driveRecords = this.#driveRecords
        this.#turn = selection.count(afterMs - nowMs, frameEnds)
        // It may have been the rest of a frame.
        empty = 0
      }
      nowMs = afterMs
      if (intake.closed > 0 || nowMs - startMs >= STEP_MS) return true
      if (!this.#tracked.empty && !this.#expansionActive() && this.#sendDueWatermarks(nowMs) && !this.#free) return true
    }
    return progressed
  }

  /** Records may be taken from the inputs beside the one that is held. */
  get #mayTakeBeside(): boolean {
    return this.#heldInput !== undefined && this.#parts.intake.closed === 1 && !this.#ending
  }

  /** By position: 1 where a channel is not read before others have delivered a barrier. What was restored is never refused: it stands before every barrier. */
  #refusedOf(inputs: readonly InputChannel[]): Uint8Array | undefined {
    return inputs === this.#parts.inputs ? this.#checkpoints?.alignment.refused : undefined
  }

  /**
   * Whether a channel is beside the held input. It is read on behind a barrier too: the barrier of the held input comes when that is read again, for which
   * the head may wait for what stands here.
   */
  #isBeside(channel: InputChannel): boolean {
    return channel.input !== this.#heldInput && !channel.ended
  }

  /** Behind a restore channels beside the held input do not wait for what it has to replay: it may be held until they are read. */
  get #besides(): readonly InputChannel[] {
    const replayed = this.#replays.every(({ input }) => input.input === this.#heldInput || input.drained)
    return replayed ? this.#parts.inputs : this.#reading
  }

  #besideReady(): boolean {
    return this.#besides.some((channel) => this.#isBeside(channel) && (channel.index < channel.count || channel.ready()))
  }

  /** Takes what the inputs beside the held one have: a few records, on which it may depend when that goes on. */
  #takeBeside(nowMs: number): boolean {
    const { intake, accounting, drivers } = this.#parts
    const inputs = this.#besides
    let progressed = false
    for (let position = 0; position < inputs.length && this.#mayTakeBeside; position++) {
      const channel = inputs[position] as InputChannel
      if (!this.#isBeside(channel)) continue
      if (channel.index === channel.count) {
        const found = channel.next()
        if (found === Input.empty) continue
        progressed = true
        if (found === Input.barrier) {
          this.#onBarrier(position, channel.barrierId, nowMs)
          continue
        }
        if (found !== Input.records) {
          this.#onControlFrame(channel, found)
          continue
        }
      }
      this.#work(nowMs)
      const before = channel.index
      // The gate is open meanwhile, as far as the head is concerned.
      intake.closed--
      if (channel.isRing) drivers.ring[channel.input]?.(channel as RingInput, channel.count)
      else drivers.local[channel.input]?.(channel as LocalInput, channel.count)
      intake.closed++
      const taken = channel.index - before
      this.#taken += taken
      accounting.add(SubtaskWord.recordsIn, taken)
      if (channel.index === channel.count) channel.release()
      progressed = progressed || taken > 0
    }
    return progressed
  }

  /** The snapshot may be taken right here. */
  #onBarrier(input: number, id: number, nowMs: number): void {
    const checkpoints = this.#checkpoints
    if (checkpoints === undefined) return
    this.#work(nowMs)
    const before = checkpoints.workMs
    checkpoints.onBarrier(input, id, nowMs)
    this.#parts.accounting.add(SubtaskWord.checkpointMs, checkpoints.workMs - before)
  }

  /** The channels are read from here on. */
  #endReplay(): void {
    this.#replays = []
    this.#reading = this.#parts.inputs
    this.#turn = 0
  }

  #onControlFrame(channel: InputChannel, found: number): void {
    if (found === Input.end) {
      this.#openInputs--
      if (channel.endReason === EndReason.stopped) this.#endReason = EndReason.stopped
      else if (this.#holder?.onInputEnd !== undefined) this.#endInput(this.#holder, channel.input)
      if (this.#openInputs === 0) this.#beginEnd(this.#endReason)
    }
    if (found === Input.watermark || found === Input.end) this.#updateWatermark()
  }

  #endInput(holder: HoldingOperator, ended: number): void {
    for (const { input, ended: hasEnded } of this.#parts.inputs) if (input === ended && !hasEnded) return
    try {
      holder.onInputEnd?.(ended)
    } catch (error) {
      this.#parts.fail(0, error)
    }
  }

  /** The minimum over the inputs that are not idle; where all are, the maximum. What ended no longer counts, unless it was stopped. */
  #updateWatermark(): void {
    let lowest = Number.POSITIVE_INFINITY
    let highest = Number.NEGATIVE_INFINITY
    let open = 0
    let active = 0
    for (const input of this.#parts.timeInputs) {
      if (input.ended && input.endReason === EndReason.exhausted) continue
      open++
      if (input.watermark > highest) highest = input.watermark
      if (input.idle && !input.ended) continue
      active++
      if (input.watermark < lowest) lowest = input.watermark
    }
    if (open === 0) return
    const idle = active === 0
    const watermark = Math.max(this.#watermark, idle ? highest : lowest)
    if (watermark === this.#watermark && idle === this.#idle) return
    if (idle !== this.#idle && this.#tracked.empty)
      this.#parts.accounting.set(SubtaskWord.idleSinceMs, idle ? this.#parts.clock.monotonicMs() : 0)
    this.#watermark = watermark
    this.#idle = idle
    this.#time.advance(HEAD, watermark, idle)
  }

  /** Follows the speed of the chain, so that one driver call stays well below the length of a step. */
  #tuneDrive(taken: number, elapsedMs: number): void {
    if (elapsedMs > DRIVE_SLOW_MS) this.#driveRecords = Math.max(1, this.#driveRecords >> 1)
    else if (elapsedMs < DRIVE_FAST_MS && taken >= this.#driveRecords && this.#driveRecords < DRIVE_RECORDS_MAX) this.#driveRecords *= 2
  }

  /** How many records the next driver call may take; now and then only a few, with the time taken of each function. */
  #beginDrive(): number {
    if (this.#tracked.perRecord) return 1
    if (++this.#drives % SAMPLE_EVERY !== 0) return this.#tracked.someIdle ? Math.min(IDLE_RECORDS, this.#driveRecords) : this.#driveRecords
    this.#parts.sampling.on = true
    return Math.min(SAMPLE_RECORDS, this.#driveRecords)
  }

  #endDrive(): void {
    this.#parts.sampling.on = false
  }

  #flushSink(position: number, sink: SinkBuffer): void {
    try {
      sink.flush()
    } catch (error) {
      this.#parts.fail(position, error)
    }
  }

  #beginEnd(reason: EndReasonCode): void {
    if (this.#ending) return
    this.#ending = true
    this.#endReason = reason
    this.#tracked.end()
    // What is held back may still wait for its time.
    if (this.#holder === undefined) this.#deadlines.clear()
  }

  /** Takes the end of input through the chain, operator by operator; true where something moved. */
  #advanceEnd(nowMs: number): boolean {
    const { nodes, gate, outputs, drivers, clock } = this.#parts
    let moved = false
    while (this.#endPosition < nodes.length) {
      const position = this.#endPosition
      const { operator, expansion, table, sink } = nodes[position] as ChainNode
      if (!this.#endEntered) {
        this.#work(nowMs)
        moved = true
        // Its time ends first; what that fires needs credit, like the rest.
        if (this.#endReason === EndReason.exhausted && !this.#time.end(position, () => clock.monotonicMs() - nowMs >= STEP_MS)) return true
        this.#endEntered = true
        if (operator !== undefined && this.#restoredEnds[position]?.entered !== true) this.#endOperator(position, operator)
        // A batch that is being gathered when a job is stopped is in its last checkpoint, where there is one.
        if (this.#endReason === EndReason.exhausted || this.#checkpoints === undefined) table?.end()
        if (expansion?.active === true) drivers.expand[position]?.()
        if (sink !== undefined) {
          this.#flushSink(position, sink)
          if (!sink.pending) this.#finishSink(position, sink)
        }
      } else if (sink !== undefined && !sink.empty) {
        this.#flushSink(position, sink)
        moved = true
      }
      if (gate.closed > 0 || this.#expansionActive()) return moved
      if (operator?.fire !== undefined) {
        this.#work(nowMs)
        if (!this.#time.settle(position, () => clock.monotonicMs() - nowMs >= STEP_MS)) return true
      }
      if (table !== undefined && table.unfinished > 0) return moved
      if (this.#endHeld) return moved
      if (sink !== undefined && (sink.pending || !this.#finishSink(position, sink) || sink.holdsLetters)) return moved
      this.#endPosition++
      this.#endEntered = false
    }
    if (!this.#endSent) {
      this.#endSent = true
      for (const output of outputs) output.sendEnd(this.#endReason)
      moved = true
    }
    return moved
  }

  #endOperator(position: number, operator: Operator): void {
    // What is open when a job is stopped is in its last checkpoint, where there is one.
    if (this.#endReason === EndReason.stopped && this.#checkpoints !== undefined) return
    try {
      const values = this.#endReason === EndReason.exhausted ? operator.onEnd?.() : operator.onStop?.()
      const { expansion } = this.#parts.nodes[position] as ChainNode
      if (values !== undefined) expansion?.begin(values, Number.NaN)
    } catch (error) {
      this.#parts.fail(position, error)
    }
  }

  readonly #finishedSinks: Set<SinkBuffer> = new Set()

  /** Asks the writer to finish, once everything is written; true when it has. */
  #finishSink(position: number, sink: SinkBuffer): boolean {
    if (!sink.empty) return false
    if (this.#finishedSinks.has(sink)) return true
    this.#finishedSinks.add(sink)
    // It goes on when its last checkpoint is restored.
    if (this.#endReason === EndReason.stopped && this.#checkpoints !== undefined && sink.writer.prepare !== undefined) return true
    try {
      sink.hold(sink.writer.finish?.())
    } catch (error) {
      this.#parts.fail(position, error)
    }
    return !sink.pending
  }

  /** Records wait, and others are read first. */
  #choked(input: InputChannel, position: number): boolean {
    if (this.#parts.selection === undefined || this.#replays.length > 0 || this.#checkpoints?.alignment.refused[position] === 1)
      return false
    return input.index < input.count || input.ready()
  }

  #adapt(nowMs: number): void {
    this.#adaptedAtMs = nowMs
    const { accounting, inputs, windowLimits, states } = this.#parts
    if (states.length > 0) {
      let bytes = 0
      for (const state of states) bytes += state.bytes
      accounting.set(SubtaskWord.stateBytes, bytes)
    }
    const { workMs } = accounting
    const busyMs = workMs - this.#adaptedWorkMs
    this.#adaptedWorkMs = workMs
    inputs.forEach((input, index) => {
      const limits = windowLimits[index]
      if (limits !== undefined) input.adapt(busyMs, limits, this.#choked(input, index))
    })
  }
}

/** It would read if there were anything that it may read. */
function isStarving(state: SubtaskStateCode): boolean {
  return state === SubtaskState.idle || state === SubtaskState.refusing
}
