/**
 * Takes the checkpoints of one attempt: asks for them, collects what subtasks acknowledge, publishes the manifest, and only then tells everybody that it is complete.
 * A state machine without threads and clocks of its own: the runtime and the simulator run the same one. One checkpoint is in flight at a time; ids ascend over all
 * attempts of a run. Runs on the coordinator's thread.
 */
import type { Clock, Environment } from '../../environment/environment.js'
import { SluiceError } from '../../errors/sluice-error.js'
import type { ResolvedCheckpointSettings } from '../../plan/settings.js'
import { checkpointFolder, MANIFEST_NAME } from '../checkpoint-layout.js'
import type { CheckpointManifest, FinalKind } from '../manifest/manifest.js'
import { encodeManifest, inFolder } from '../manifest/manifest-file.js'
import type { ProtocolStep } from '../protocol-step.js'
import type { CheckpointControl, CheckpointMode, CheckpointReport } from '../protocol.js'
import type { CheckpointStorage } from '../storage.js'
import { backoffMs } from './backoff.js'
import { buildManifest, type JobDescription } from './build-manifest.js'
import type { CheckpointEvent, CheckpointFailure, CheckpointProgress, CheckpointPurpose } from './checkpoint-event.js'
import { CompleteCheckpoints } from './complete-checkpoints.js'
import { InFlight } from './in-flight.js'
import { copySavepoint, type PendingSavepoint, type SavepointRequest } from './savepoint.js'

export interface CheckpointCoordinatorOptions extends JobDescription {
  readonly settings: Omit<ResolvedCheckpointSettings, 'directory'>
  readonly storage: CheckpointStorage
  readonly control: CheckpointControl
  readonly clock: Clock
  readonly setTimer: Environment['setTimer']
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly onEvent: (event: CheckpointEvent) => void
  /**
   * Called in front of every step of the coordinator. Where it throws, the coordinator does nothing any more, as if its process had ended there.
   */
  readonly onStep?: ((step: ProtocolStep) => void) | undefined
  /** From the end of one checkpoint to the beginning of the next, at least. Default: a tenth of the interval. */
  readonly minPauseMs?: number | undefined
  /** Ids begin behind this one, and behind every one that left anything in the storage. */
  readonly afterId?: number | undefined
}

/** What a job came to, when nothing comes after it. */
export interface FinalCheckpoint {
  readonly id: number
  readonly kind: FinalKind
}

const TIMER_MS_MAX = 2_147_483_647
const MIN_PAUSE_SHARE = 0.1
/** Of the manifest, within one checkpoint. */
const PUBLISH_ATTEMPTS_MAX = 6
const PUBLISH_BACKOFF = { initialMs: 50, maxMs: 2_000 }
/** Between failed checkpoints, where it is longer than the interval. */
const FAILURE_BACKOFF = { initialMs: 100, maxMs: 10_000 }
/** Of the time that the last one has: so long it waits behind a failure at most. */
const FINAL_PAUSE_SHARE = 0.1

const HAS_RECORDS_IN_FLIGHT = 'the job is stopped, and its last checkpoint has records in flight'

type Timer = ReturnType<Environment['setTimer']>
type State = 'new' | 'running' | 'over' | 'dead'

export class CheckpointCoordinator {
  /**
   * Resolves when the final checkpoint is complete, behind the copy of a savepoint that waited for it; rejects with `SLUICE_CHECKPOINT_FINAL_FAILED`. Stays pending where the attempt
   * ends before.
   */
  readonly finished: Promise<FinalCheckpoint>
  readonly #options: CheckpointCoordinatorOptions
  readonly #complete: CompleteCheckpoints
  readonly #ended: boolean[]
  #endedCount = 0
  #stopped = false
  #drained = false
  #cutShort = false
  #state: State = 'new'
  #nextId: number
  #inFlight: InFlight | undefined
  #savepoints: PendingSavepoint[] = []
  #lastBeganMs = 0
  #lastEndedMs = Number.NEGATIVE_INFINITY
  #failures = 0
  /** Backoff behind a failure. */
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #finalSinceMs: number | undefined
  #finalError: Error | undefined
  #next: Timer | undefined
  #timeout: Timer | undefined
  #overtake: Timer | undefined
  /** The backoff of a manifest that could not be written; `wake` ends it early. */
  #pause: { readonly timer: Timer; readonly wake: () => void } | undefined
  /** The manifest that is being written. */
  #publishing: Promise<void> = Promise.resolve()
  /** Copies and removals, one behind the other; never rejects. */
  #tidying: Promise<void> = Promise.resolve()
  #finish: (final: FinalCheckpoint) => void = () => {}
  #giveUp: (error: Error) => void = () => {}

  private constructor(options: CheckpointCoordinatorOptions, complete: CompleteCheckpoints) {
    this.#options = options
    this.#complete = complete
    this.#nextId = Math.max(complete.largestId, options.afterId ?? 0) + 1
    this.#ended = options.plan.subtasks.map(() => false)
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#giveUp = reject
    })
    this.finished.catch(() => {})
  }

  /** Looks at what the run has left so far; takes no checkpoint before `start`. */
  static async open(options: CheckpointCoordinatorOptions): Promise<CheckpointCoordinator> {
    const { storage, job, run } = options
    return new CheckpointCoordinator(options, await CompleteCheckpoints.open(storage, job, run.id, run.restoredCheckpoint))
  }

  /** The newest complete checkpoint of this run that the attempt began with or has made: what a restart restores. */
  get latest(): CheckpointManifest | undefined {
    return this.#complete.latest
  }

  /** The largest id that was given to a checkpoint, complete or not. */
  get lastId(): number {
    return this.#nextId - 1
  }

  /** The one in flight. */
  get progress(): CheckpointProgress | undefined {
    return this.#inFlight?.progress(this.#nowMs())
  }

  /** All subtasks run: checkpoints may begin, the first one an interval from now. */
  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    this.#lastBeganMs = this.#nowMs()
    this.#schedule()
  }

  /** What has ended by now has been drained: the final checkpoint says so. */
  drain(): void {
    this.#drained = true
  }

  /**
   * The job was stopped, and what is in flight is not waited for: the last checkpoint is taken now, and has all of that as state. False where it cannot be: nothing has begun, what is
   * in flight shall flow out (`drain`), or a savepoint waits for the end, which takes no records in flight. Other savepoints are given up.
   */
  cutShort(): boolean {
    if (this.#state !== 'running' || this.#drained || this.#savepoints.some(({ request }) => request.atEnd === true)) return false
    if (this.#cutShort || this.#endedCount === this.#ended.length) return true
    this.#cutShort = true
    for (const { reject } of this.#savepoints.splice(0)) reject(savepointFailed(HAS_RECORDS_IN_FLIGHT))
    const inFlight = this.#inFlight
    if (inFlight !== undefined && !inFlight.publishing)
      this.#fail(inFlight, 'closed', new Error('the job stops, and its last checkpoint comes now'))
    // What made those before fail may be what this one does not wait for.
    this.#notBeforeMs = Number.NEGATIVE_INFINITY
    this.#schedule()
    return true
  }

  /** A subtask says something. What is too late is left alone. */
  report(report: CheckpointReport): void {
    if (this.#state === 'over' || this.#state === 'dead') return
    // A short input may have ended before everybody runs.
    if (report.type === 'ended') return this.#onEnded(report.subtask, report.stopped)
    const inFlight = this.#inFlight
    if (inFlight === undefined || inFlight.id !== report.id || inFlight.publishing) return
    if (report.type === 'declined') return this.#fail(inFlight, 'declined', asError(report.error))
    this.#step('acknowledged')
    if (!inFlight.acknowledge(report.subtask, report)) return
    inFlight.publishing = true
    this.#cancel('timeout', 'overtake')
    this.#publishing = this.#publish(inFlight)
  }

  /**
   * Takes a savepoint: aligned, as soon as nothing else is in flight. Resolves with its path when it is durable; rejects with `SLUICE_SAVEPOINT_FAILED`.
   */
  savepoint(request: SavepointRequest = {}): Promise<string> {
    if (this.#state === 'over' || this.#state === 'dead') return Promise.reject(savepointFailed('this attempt of the job has ended'))
    if (this.#cutShort) return Promise.reject(savepointFailed(HAS_RECORDS_IN_FLIGHT))
    return new Promise((resolve, reject) => {
      this.#savepoints.push({ request, resolve, reject })
      this.#schedule()
    })
  }

  /**
   * The attempt is over and all of its threads have left: nothing more is written when it settles, `latest` is final then. What is in flight is given up, unless its
   * manifest is being written at this moment.
   */
  async close(): Promise<void> {
    if (this.#state === 'new' || this.#state === 'running') {
      const inFlight = this.#inFlight
      this.#end()
      if (inFlight !== undefined && !inFlight.publishing) this.#fail(inFlight, 'closed', new Error('the attempt ended'))
    }
    await this.#publishing
    await this.#tidying
  }

  /** The process is gone, for a simulator: nothing is done any more, whatever still settles. */
  kill(): void {
    this.#state = 'dead'
    this.#cancel('next', 'timeout', 'overtake')
  }

  #onEnded(subtask: number, stopped: boolean): void {
    if (this.#ended[subtask] !== false) return
    this.#ended[subtask] = true
    this.#stopped ||= stopped
    if (++this.#endedCount === this.#ended.length) this.#schedule()
  }

  /** Begins what is due, or asks to be called when something will be. */
  #schedule(): void {
    this.#cancel('next')
    if (this.#state !== 'running' || this.#inFlight !== undefined) return
    const { settings } = this.#options
    const nowMs = this.#nowMs()
    const purpose = this.#due()
    if (purpose === 'final' && nowMs >= this.#finalDeadlineMs()) return this.#giveUpFinal()
    let dueMs = purpose === 'savepoint' ? nowMs : this.#notBeforeMs
    if (purpose === 'final') dueMs = Math.min(dueMs, this.#lastEndedMs + settings.timeoutMs * FINAL_PAUSE_SHARE)
    if (purpose === 'periodic') {
      dueMs = Math.max(
        dueMs,
        this.#lastBeganMs + settings.intervalMs,
        this.#lastEndedMs + (this.#options.minPauseMs ?? settings.intervalMs * MIN_PAUSE_SHARE),
      )
    }
    if (dueMs <= nowMs) this.#trigger(purpose)
    else {
      this.#next = this.#after(dueMs - nowMs, () => this.#schedule())
    }
  }

  #due(): CheckpointPurpose {
    if (this.#cutShort || this.#endedCount === this.#ended.length) return 'final'
    return this.#savepoints.some(({ request }) => request.atEnd !== true) ? 'savepoint' : 'periodic'
  }

  #trigger(purpose: CheckpointPurpose): void {
    const { settings, control, clock, onEvent, plan } = this.#options
    const nowMs = this.#nowMs()
    this.#step('triggered')
    const id = this.#nextId++
    const mode: CheckpointMode = purpose === 'periodic' ? settings.mode : this.#cutShort ? 'unaligned' : 'aligned'
    const final = purpose === 'final' ? this.#finalKind() : undefined
    const savepoints = this.#savepoints.filter(({ request }) => purpose === 'final' || (purpose === 'savepoint' && request.atEnd !== true))
    this.#savepoints = this.#savepoints.filter((pending) => !savepoints.includes(pending))
    const inFlight = new InFlight(plan, id, purpose, mode, final, savepoints, clock.nowMs(), nowMs)
    this.#inFlight = inFlight
    this.#lastBeganMs = nowMs
    if (purpose === 'final') this.#finalSinceMs ??= nowMs
    const timeoutMs = purpose === 'final' ? Math.max(0, this.#finalDeadlineMs() - nowMs) : settings.timeoutMs
    this.#timeout = this.#after(timeoutMs, () => this.#onTimeout(inFlight, timeoutMs))
    if (purpose === 'periodic' && mode === 'aligned' && settings.alignedTimeoutMs !== undefined) {
      this.#overtake = this.#after(settings.alignedTimeoutMs, () => this.#onAlignedTimeout(inFlight))
    }
    onEvent({ type: 'checkpoint.triggered', id, purpose, mode })
    control.trigger(id, mode, nowMs, purpose === 'final')
  }

  #finalKind(): FinalKind {
    if (this.#stopped || this.#cutShort) return 'stopped'
    return this.#drained ? 'drained' : 'finished'
  }

  #finalDeadlineMs(): number {
    return (this.#finalSinceMs ?? this.#nowMs()) + this.#options.settings.timeoutMs
  }

  #onAlignedTimeout(inFlight: InFlight): void {
    this.#overtake = undefined
    if (this.#inFlight !== inFlight || inFlight.publishing || this.#state !== 'running') return
    this.#step('overtaken')
    inFlight.mode = 'unaligned'
    this.#options.control.overtake(inFlight.id)
  }

  #onTimeout(inFlight: InFlight, timeoutMs: number): void {
    this.#timeout = undefined
    if (this.#inFlight !== inFlight || inFlight.publishing || this.#state !== 'running') return
    this.#fail(inFlight, 'timeout', new Error(`not acknowledged within ${timeoutMs} ms by ${inWords(inFlight.missing)}`))
  }

  async #publish(inFlight: InFlight): Promise<void> {
    const { storage, random } = this.#options
    const sinceMs = this.#nowMs()
    const path = inFolder(this.#folderOf(inFlight.id), MANIFEST_NAME)
    try {
      this.#step('manifest-write')
      const manifest = buildManifest(this.#options, inFlight, this.#options.clock.nowMs())
      const bytes = encodeManifest(manifest)
      for (let attempt = 1; ; attempt++) {
        try {
          await storage.publish(path, bytes)
          break
        } catch (error) {
          if (this.#state === 'dead') return
          const late = this.#nowMs() - sinceMs >= this.#options.settings.timeoutMs
          if (attempt >= PUBLISH_ATTEMPTS_MAX || late || this.#state !== 'running') return this.#fail(inFlight, 'manifest', asError(error))
          await this.#sleep(backoffMs(attempt, PUBLISH_BACKOFF, random))
          if (this.#state !== 'running') return this.#fail(inFlight, 'manifest', asError(error))
        }
      }
      this.#step('manifest-rename')
      this.#onPublished(inFlight, manifest)
    } catch (error) {
      if (this.#state !== 'dead') throw error
    }
  }

  #onPublished(inFlight: InFlight, manifest: CheckpointManifest): void {
    const { control, onEvent, storage, settings } = this.#options
    const nowMs = this.#nowMs()
    this.#complete.add(manifest)
    this.#inFlight = undefined
    this.#lastEndedMs = nowMs
    this.#failures = 0
    this.#step('completed')
    const folder = this.#folderOf(inFlight.id)
    onEvent(inFlight.summarise(nowMs, `${storage.description}/${folder}`))
    if (this.#state === 'running') control.completed(inFlight.id)
    for (const pending of inFlight.savepoints) this.#later(() => this.#copy(pending, folder, manifest))
    const { final } = inFlight
    if (final !== undefined) {
      this.#end()
      this.#later(() => Promise.resolve(this.#finish({ id: inFlight.id, kind: final })))
    }
    this.#later(() => this.#tidy(settings.retain))
    this.#schedule()
  }

  #fail(inFlight: InFlight, reason: CheckpointFailure, error: Error): void {
    this.#step('aborted')
    const { id, purpose, savepoints, missing, sinceMs } = inFlight
    const nowMs = this.#nowMs()
    this.#cancel('timeout', 'overtake')
    this.#inFlight = undefined
    this.#lastEndedMs = nowMs
    const consecutive = ++this.#failures
    this.#notBeforeMs = nowMs + backoffMs(consecutive, FAILURE_BACKOFF, this.#options.random)
    if (this.#state === 'running') this.#options.control.abort(id)
    this.#options.onEvent({ type: 'checkpoint.failed', id, purpose, reason, error, consecutive, durationMs: nowMs - sinceMs, missing })
    this.#later(() => this.#discard(id))
    if (purpose === 'final' && this.#state === 'running') {
      // Whoever waits for the last checkpoint goes on waiting: it is tried again.
      this.#savepoints.unshift(...savepoints)
      // That time ran out says less than what went wrong before.
      if (reason !== 'timeout' || this.#finalError === undefined) this.#finalError = error
      if (nowMs >= this.#finalDeadlineMs()) return this.#giveUpFinal()
    } else for (const pending of savepoints) pending.reject(savepointFailed(error.message, error))
    this.#schedule()
  }

  #giveUpFinal(): void {
    const cause = this.#finalError
    const message = `the last checkpoint could not be taken within ${this.#options.settings.timeoutMs} ms: ${cause?.message}`
    this.#end()
    this.#giveUp(new SluiceError('SLUICE_CHECKPOINT_FINAL_FAILED', message, { job: this.#options.job, cause }))
  }

  /** Nothing begins any more; what is under way ends. */
  #end(): void {
    this.#state = 'over'
    this.#cancel('next', 'timeout', 'overtake')
    this.#pause?.timer.cancel()
    this.#pause?.wake()
    for (const { reject } of this.#savepoints) reject(savepointFailed('this attempt of the job has ended'))
    this.#savepoints = []
  }

  async #copy(pending: PendingSavepoint, folder: string, manifest: CheckpointManifest): Promise<void> {
    const source = { storage: this.#options.storage, folder, manifest }
    try {
      pending.resolve(await copySavepoint(source, pending.request, () => this.#step('savepoint-copy')))
    } catch (error) {
      if (this.#state === 'dead') return
      pending.reject(error instanceof SluiceError ? error : savepointFailed(asError(error).message, error))
    }
  }

  async #tidy(retain: number): Promise<void> {
    try {
      await this.#complete.tidy(retain, () => this.#step('retention'))
    } catch (error) {
      this.#onLeftOver(`${this.#options.storage.description}/${this.#options.job}`, error)
    }
  }

  /** The manifest first: one that was written although writing failed must not bring the rest back to life. */
  async #discard(id: number): Promise<void> {
    const { storage } = this.#options
    const folder = this.#folderOf(id)
    try {
      await storage.remove(inFolder(folder, MANIFEST_NAME))
      await storage.remove(folder)
    } catch (error) {
      this.#onLeftOver(`${storage.description}/${folder}`, error)
    }
  }

  #onLeftOver(path: string, error: unknown): void {
    if (this.#state !== 'dead') this.#options.onEvent({ type: 'checkpoint.cleanup-failed', path, error: asError(error) })
  }

  #later(work: () => Promise<void>): void {
    this.#tidying = this.#tidying.then(() => (this.#state === 'dead' ? undefined : work()))
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#pause = undefined
        resolve()
      }
      this.#pause = { timer: this.#after(delayMs, wake), wake }
    })
  }

  #after(delayMs: number, fire: () => void): Timer {
    return this.#options.setTimer(Math.min(delayMs, TIMER_MS_MAX), fire)
  }

  #cancel(...timers: readonly ('next' | 'timeout' | 'overtake')[]): void {
    if (timers.includes('next')) {
      this.#next?.cancel()
      this.#next = undefined
    }
    if (timers.includes('timeout')) {
      this.#timeout?.cancel()
      this.#timeout = undefined
    }
    if (timers.includes('overtake')) {
      this.#overtake?.cancel()
      this.#overtake = undefined
    }
  }

  #step(step: ProtocolStep): void {
    const { onStep } = this.#options
    if (onStep === undefined) return
    try {
      onStep(step)
    } catch (error) {
      this.#state = 'dead'
      this.#inFlight = undefined
      this.#cancel('next', 'timeout', 'overtake')
      throw error
    }
  }

  #folderOf(id: number): string {
    return checkpointFolder(this.#options.job, this.#options.run.id, id)
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs()
  }
}

/** So many names stand in a message; the event has all. */
const NAMES_MAX = 4

function inWords(names: readonly string[]): string {
  const more = names.length - NAMES_MAX
  return more <= 0 ? names.join(', ') : `${names.slice(0, NAMES_MAX).join(', ')} and ${more} more`
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function savepointFailed(why: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_SAVEPOINT_FAILED', `the savepoint could not be taken: ${why}`, cause === undefined ? {} : { cause })
}
