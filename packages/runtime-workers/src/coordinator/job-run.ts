/**
 * One run of a job from its file or object to its result: load, declare, plan, deploy, report, end. It decides nothing per record
 * and holds no data but what sinks on the calling thread collect. Runs in the coordinator.
 */
import {
  type AttemptFailure,
  type CheckpointEvent,
  Command,
  decideRestart,
  defaultSettings,
  edgeName,
  HeadroomWatch,
  HOST_WORKER,
  type IntervalReport,
  type Listening,
  type LogEntry,
  type LogicalEdge,
  type LogicalGraph,
  type MetricsSnapshot,
  type PhysicalPlan,
  planJob,
  type PlanSettings,
  type PressureGraph,
  pressureGraph,
  readMetrics,
  reportInterval,
  type ResolvedSettings,
  type RestartDecision,
  type RestartStrategy,
  resolveSettings,
  SAME_PLACE_FAILURES,
  SluiceError,
  TimeWatch,
  type UserMetric,
  zeroMetrics,
} from '@sluice/engine'
import type { Job } from '@sluice/operators'
import { EventEmitter } from 'eventemitter3'
import { availableParallelism } from 'node:os'
import { LocalDirectory } from '../checkpoint/local-directory.js'
import { declareGraph } from '../load/declare-graph.js'
import { type LoadedJob, loadJob } from '../load/load-job.js'
import { nameUserLine, translateError } from '../load/locate-error.js'
import { countRecords } from './count-records.js'
import { describeThrown } from '../protocol/describe-thrown.js'
import { Deployment, type DeploymentOptions } from './deployment.js'
import { assertCheckpointsOn } from './find-restored.js'
import { HostOutputs } from './host-outputs.js'
import { RunCheckpoints } from './run-checkpoints.js'
import type {
  CheckpointSummary,
  NoticeEvent,
  Outputs,
  RunEvents,
  RunHandle,
  RunOptions,
  RunResult,
  RunStatus,
  SavepointOptions,
  UnfinishedRecords,
} from './run-types.js'
import { reportMsOf, settingsOf } from './settle-options.js'
import { StuckDetector } from './stuck-detector.js'
import { WorkerPool } from './worker-pool.js'

/** Why none can be taken, by the state of the job. */
const noSavepoint: Partial<Record<RunStatus['state'], string>> & { readonly loading: string } = {
  loading: 'the job does not run yet',
  restarting: 'the job failed and is about to start again',
  ended: 'the job has ended',
}
const nothing = (): void => {}
const STUCK_CHECKS_PER_LIMIT = 4
const STUCK_CHECK_MS_MAX = 1_000
/** So many reports long a watermark may stand still: more than the default `idleAfter`, so that a silent source is told as idle. */
const STALLED_REPORTS = 8

/** A job with everything that is decided before it is deployed. */
interface PlannedJob {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  readonly params: unknown
  readonly secretParams: readonly string[]
  readonly collect: boolean
  readonly loaded: LoadedJob | undefined
}

export class JobRun<O> implements RunHandle<O> {
  readonly events: EventEmitter<RunEvents> = new EventEmitter<RunEvents>()
  readonly finished: Promise<RunResult<O>>
  readonly #target: URL | string | Job<unknown, unknown>
  readonly #options: RunOptions
  readonly #cores = availableParallelism()
  /** Errors that speak of the user's own lines already. */
  readonly #explained = new WeakSet<SluiceError>()
  readonly #userMetrics = new Map<number, readonly UserMetric[]>()
  #pool: Promise<WorkerPool> | undefined
  #loaded: LoadedJob | undefined
  #deployment: Deployment | undefined
  #plan: PhysicalPlan | undefined
  /** Of the attempt that runs, or ran last. */
  #started: { readonly graph: LogicalGraph; readonly plan: PhysicalPlan; readonly metrics: MetricsSnapshot } | undefined
  #checkpoints: RunCheckpoints | undefined
  #attempt = 0
  #over = false
  /** Ends the pause before a restart. */
  #wake: () => void = nothing
  #ending: typeof Command.stop | typeof Command.drain | undefined
  #interrupt: (error: SluiceError) => void = () => {}
  readonly #interrupted: Promise<never> = new Promise((_resolve, reject) => {
    this.#interrupt = reject
  })

  constructor(target: URL | string | Job<unknown, unknown>, options: RunOptions) {
    this.#target = target
    this.#options = options
    this.#interrupted.catch(() => {})
    this.finished = this.#run()
  }

  stop(): Promise<void> {
    return this.#end(Command.stop)
  }

  drain(): Promise<void> {
    return this.#end(Command.drain)
  }

  async savepoint({ name, directory, stop = false }: SavepointOptions = {}): Promise<string> {
    if (this.#plan !== undefined && this.#deployment !== undefined)
      assertCheckpointsOn(this.#checkpoints !== undefined, 'a savepoint', this.#plan.job)
    const target = directory === undefined ? undefined : { storage: new LocalDirectory(directory), folder: '' }
    // Known before the job is stopped for it.
    await this.#checkpoints?.assertSavepointFits({ name, target })
    const { state } = this.status()
    const deployment = this.#deployment
    if (deployment === undefined || state === 'ended' || state === 'restarting')
      throw new SluiceError('SLUICE_SAVEPOINT_FAILED', `the savepoint cannot be taken: ${noSavepoint[state] ?? noSavepoint.loading}`)
    const taken = deployment.savepoint({ name, target, atEnd: stop !== false })
    if (stop === 'drain') void this.drain()
    else if (stop) void this.stop()
    return taken
  }

  status(): RunStatus {
    const state = this.#over
      ? 'ended'
      : this.#ending !== undefined
        ? 'stopping'
        : this.#wake !== nothing
          ? 'restarting'
          : this.#deployment === undefined
            ? 'loading'
            : 'running'
    return {
      job: this.#plan?.job,
      state,
      attempt: this.#attempt,
      run: this.#checkpoints?.run,
      checkpoints: this.#checkpoints?.summary,
      inFlight: this.#deployment?.checkpointProgress,
      heldRecords: this.metrics()?.subtasks.reduce((sum, { heldRecords }) => sum + heldRecords, 0) ?? 0,
    }
  }

  metrics(): MetricsSnapshot | undefined {
    if (this.#deployment === undefined || this.#plan === undefined) return undefined
    const { shared, environment } = this.#deployment
    return readMetrics(this.#plan, new Float64Array(shared.metrics), environment.clock.monotonicMs())
  }

  pressure(since?: MetricsSnapshot): PressureGraph | undefined {
    const current = this.metrics()
    const started = this.#started
    if (current === undefined || started === undefined) return undefined
    const { graph, plan, metrics } = started
    return pressureGraph(graph, plan, since ?? metrics, current)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #end(command: typeof Command.stop | typeof Command.drain): Promise<void> {
    this.#ending ??= command
    const loading = this.#deployment === undefined ? this.#limitLoading() : undefined
    this.#deployment?.end(command)
    this.#wake()
    // Failures belong to whoever awaits `finished`.
    await this.finished.catch(() => {})
    clearTimeout(loading)
  }

  /** A job that is stopped while its file is loaded (which may wait for ever) gets the usual time to come up. */
  #limitLoading(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#interrupt(new SluiceError('SLUICE_INTERRUPTED', 'the job was stopped while it was loaded'))
    }, this.#options.settings?.stopTimeoutMs ?? defaultSettings.stopTimeoutMs)
  }

  async #run(): Promise<RunResult<O>> {
    // The caller attaches its listeners first.
    await Promise.resolve()
    try {
      const result = await this.#runJob()
      this.#emit('finished', result)
      return result
    } catch (thrown) {
      const error = this.#explain(thrown)
      this.#emit('failed', error)
      throw error
    } finally {
      this.#over = true
      await this.#endPool()
    }
  }

  /** Settles when all worker threads have exited. */
  async #endPool(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await (await pool?.catch(() => undefined))?.destroy()
  }

  async #runJob(): Promise<RunResult<O>> {
    const planned = await Promise.race([this.#prepare(), this.#interrupted])
    this.#plan = planned.plan
    const checkpoints = await this.#openCheckpoints(planned)
    this.#checkpoints = checkpoints
    try {
      return await this.#runAttempts(await this.#planAround(planned, checkpoints?.overtaken), checkpoints)
    } finally {
      await checkpoints?.close()
    }
  }

  /** Where two operators would share a task now, and records wait between them in the checkpoint, they do not in this run. */
  async #planAround(planned: PlannedJob, overtaken: ReadonlySet<string> = new Set()): Promise<PlannedJob> {
    const { graph, plan, settings } = planned
    const apart = plan.chaining.filter(({ edge, chained }) => chained && overtaken.has(edgeName(graph, graph.edges[edge] as LogicalEdge)))
    if (apart.length === 0) return planned
    const around = withNotes(await planWithFacts(graph, { ...settings, unchained: overtaken }), plan.notes)
    this.#plan = around
    return { ...planned, plan: around }
  }

  async #openCheckpoints({ graph, plan, settings, params, secretParams }: PlannedJob): Promise<RunCheckpoints | undefined> {
    const { restore, dropState = [], overwrite = false } = this.#options
    if (restore !== undefined) assertCheckpointsOn(settings.checkpoint !== undefined, 'restore', plan.job)
    if (settings.checkpoint === undefined) return undefined
    const onEvent = (event: CheckpointEvent): void => this.#emit('checkpoint', event)
    const about = { graph, plan, settings: settings.checkpoint, params, secretParams }
    const checkpoints = await RunCheckpoints.open({ ...about, restore, dropState, overwrite, onEvent })
    if (checkpoints.restored !== undefined) this.#emit('restored', checkpoints.restored)
    return checkpoints
  }

  /** One attempt behind the other, each with threads and shared memory of its own, until one comes to its end or no other may follow. */
  async #runAttempts(planned: PlannedJob, checkpoints: RunCheckpoints | undefined): Promise<RunResult<O>> {
    const host = new HostOutputs(this.#options.stdout, checkpoints?.restored?.id)
    const failures: AttemptFailure[] = []
    const sinceMs = performance.now()
    for (;;) {
      const startedMs = performance.now()
      try {
        return await this.#runAttempt(planned, host, checkpoints, sinceMs)
      } catch (thrown) {
        if (checkpoints === undefined) throw thrown
        const error = this.#explain(thrown)
        if (this.#deployment !== undefined) {
          await checkpoints.ended(this.#deployment).catch((lost: unknown) => {
            const why = lost instanceof Error ? lost.message : String(lost)
            throw withReason(error, `what it goes on from cannot be read: ${why}`, '')
          })
        }
        failures.push({ startedMs, failedMs: performance.now(), error, checkpoint: checkpoints.restoreId ?? 0 })
        forgetErrors(failures)
        const decision = this.#decide(planned.settings.restart, failures)
        if (!decision.restart) throw this.#last(error, decision.because, checkpoints)
        const { delayMs } = decision
        for (const { path, error: damage } of checkpoints.skipped) this.#warn(`${path} cannot be restored: ${damage.message}`)
        this.#emit('restarting', { attempt: this.#attempt + 1, delayMs, error, checkpoint: checkpoints.restoreId })
        await this.#pause(delayMs)
        if (this.#ending !== undefined) throw this.#last(error, beingStopped.because, checkpoints)
      }
    }
  }

  #decide(strategy: RestartStrategy, failures: readonly AttemptFailure[]): RestartDecision {
    if (this.#ending !== undefined) return beingStopped
    return this.#deployment?.hostIsIn === true ? hostIsIn : decideRestart(strategy, failures, Math.random())
  }

  /** The failure that the job ends with. */
  #last(error: SluiceError, because: string, { restoreId, restored }: RunCheckpoints): SluiceError {
    // What was restored by its path may not lie where `latest` looks.
    const asked = restored !== undefined && restored.id === restoreId ? (this.#options.restore ?? 'latest') : 'latest'
    const from = restoreId === undefined ? '' : ` --restore ${asked} goes on from checkpoint ${restoreId}.`
    const last = withReason(error, because, from)
    this.#explained.add(last)
    return last
  }

  /** All threads of the last attempt have exited when it settles, and those of the next one come up. A stop ends it early. */
  async #pause(delayMs: number): Promise<void> {
    if (this.#ending !== undefined) return this.#endPool()
    let timer: NodeJS.Timeout | undefined
    const over = new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = setTimeout(resolve, delayMs)
    })
    await this.#endPool()
    if (this.#plan !== undefined && this.#plan.workers > 0 && this.#ending === undefined) void this.#startPool(this.#plan.workers)
    await over
    clearTimeout(timer)
    this.#wake = nothing
  }

  async #runAttempt(
    planned: PlannedJob,
    host: HostOutputs,
    checkpoints: RunCheckpoints | undefined,
    sinceMs: number,
  ): Promise<RunResult<O>> {
    const { graph, plan, settings } = planned
    const attempt = ++this.#attempt
    let before: MetricsSnapshot | undefined
    let stopReports = (): void => {}
    const headroom = new HeadroomWatch()
    this.#userMetrics.clear()
    const deployment = new Deployment({
      ...planned,
      cores: this.#cores,
      overwrite: this.#options.overwrite ?? false,
      host,
      module: plan.workers === 0 ? undefined : moduleOf(planned),
      pool: plan.workers === 0 ? undefined : await this.#poolOf(plan.workers),
      checkpoints: await checkpoints?.begin(),
      onStarted: () => {
        before = zeroMetrics(plan, deployment.environment.clock.monotonicMs())
        this.#started = { graph, plan, metrics: before }
        stopReports = this.#report(planned, deployment, before, headroom)
        this.#emit('started', { attempt, restored: checkpoints?.restoreId })
      },
      onLog: (entry, worker) => this.#log(entry, worker),
      onUserMetrics: (metrics, worker) => void this.#userMetrics.set(worker, metrics),
    })
    this.#deployment = deployment
    this.#started = undefined
    if (this.#ending !== undefined) deployment.end(this.#ending)
    await deployment.run().finally(() => stopReports())
    const after = readMetrics(plan, new Float64Array(deployment.shared.metrics), deployment.environment.clock.monotonicMs())
    before ??= zeroMetrics(plan, after.atMs)
    const totals = reportInterval(graph, plan, before, after, settings)
    return {
      outputs: host.outputs(planned.collect ? collectedStreams(graph) : []) as Outputs<O>,
      durationMs: attempt === 1 ? after.atMs - before.atMs : performance.now() - sinceMs,
      ...countRecords(graph, plan, after),
      stopped: this.#ending !== undefined,
      aborted: deployment.aborted,
      unfinished: deployment.cutShort ? unfinishedOf(after, checkpoints?.summary) : undefined,
      plan,
      totals: { ...totals, headroom: headroom.whole(totals.headroom) },
      pressure: pressureGraph(graph, plan, before, after),
      restarts: attempt - 1,
      checkpoints: checkpoints?.summary,
      userMetrics: [...this.#userMetrics.values()].flat(),
    }
  }

  async #prepare(): Promise<PlannedJob> {
    const file = typeof this.#target === 'string' || this.#target instanceof URL ? this.#target : this.#options.module
    const workers = file === undefined ? 0 : undefined
    const overrides = settingsOf(this.#options, this.#cores, workers)
    // Threads come up while the job is bundled; how many is a guess until its settings are known.
    const threads = overrides.workers ?? this.#cores
    if (file !== undefined && threads > 0) void this.#startPool(threads)
    const loaded = file === undefined ? undefined : await loadJob(file, this.#options)
    this.#loaded = loaded
    const job = loaded?.job ?? (this.#target as Job<unknown, unknown>)
    this.#checkModule(job)
    const given = this.#options.params ?? {}
    const params = await job.parseParams(typeof given === 'function' ? given(job) : given)
    const collect = this.#options.collect ?? !(typeof this.#target === 'string' || this.#target instanceof URL)
    const graph =
      loaded?.declare(params, { collect }) ?? declareGraph(job, params, { collect, source: `job "${job.name}"`, positions: undefined })
    const settings = resolveSettings(graph.settings, overrides)
    const plan = withNotes(await planWithFacts(graph, settings), this.#notes(workers, graph))
    this.#emit('planned', { job: job.name, graph, plan, settings, params, secretParams: job.secretParams })
    return { graph, plan, settings, params, secretParams: job.secretParams, collect, loaded }
  }

  /** Workers load the default export of the module: it must be the job that was given. */
  #checkModule(loaded: Job<unknown, unknown>): void {
    if (typeof this.#target === 'string' || this.#target instanceof URL || loaded.name === this.#target.name) return
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `module exports job "${loaded.name}" by default, not "${this.#target.name}"`, {
      hint: 'Give the URL of the module whose default export is the job.',
    })
  }

  /** A job object cannot be sent to a worker; whoever asked for workers is told. */
  #notes(forced: number | undefined, graph: LogicalGraph): readonly string[] {
    const asked = this.#options.workers ?? this.#options.settings?.workers ?? graph.settings.workers ?? 0
    if (forced === undefined || asked === 0) return []
    return ['runs on the calling thread: a job object needs `module: import.meta.url` (where it is the default export) to run on workers']
  }

  /** The pool that was started on a guess, or another one where it has too few threads. */
  async #poolOf(threads: number): Promise<WorkerPool> {
    const guessed = await this.#pool
    if (guessed !== undefined && guessed.threads >= threads) return guessed
    await guessed?.destroy()
    return this.#startPool(threads)
  }

  #startPool(threads: number): Promise<WorkerPool> {
    this.#pool = WorkerPool.start(threads, this.#options.heap ?? {})
    // Whoever needs it hears of its failure; a job that fails before does not.
    this.#pool.catch(() => {})
    return this.#pool
  }

  /** Timers that read the counters; returns what ends them. */
  #report({ graph, plan, settings }: PlannedJob, deployment: Deployment, start: MetricsSnapshot, headroom: HeadroomWatch): () => void {
    const { clock } = deployment.environment
    const words = new Float64Array(deployment.shared.metrics)
    let previous = start
    const reportMs = reportMsOf(this.#options)
    const time = new TimeWatch({ graph, plan, stalledAfterMs: STALLED_REPORTS * reportMs })
    const reports = setInterval(() => {
      const current = readMetrics(plan, words, clock.monotonicMs())
      const measured = reportInterval(graph, plan, previous, current, settings)
      const report = { ...measured, headroom: headroom.look(measured) }
      this.#emit('report', report)
      this.#tellLost(report)
      const { idle, active, stalled } = time.look(current)
      for (const input of active) this.#emit('active', input)
      for (const input of idle) this.#emit('idle', input)
      for (const one of stalled) this.#emit('stalled', one)
      const checkpoint = deployment.checkpointUnderWay
      if (checkpoint !== undefined && checkpoint.sinceMs >= reportMs) this.#emit('checkpoint', checkpoint)
      previous = current
    }, reportMs).unref()
    const detector = new StuckDetector({ graph, plan, stuckAfterMs: settings.stuckAfterMs })
    const checkMs = Math.min(STUCK_CHECK_MS_MAX, settings.stuckAfterMs / STUCK_CHECKS_PER_LIMIT)
    const checks = setInterval(() => {
      for (const stuck of detector.check(readMetrics(plan, words, clock.monotonicMs()))) this.#emit('stuck', stuck)
    }, checkMs).unref()
    return () => {
      clearInterval(reports)
      clearInterval(checks)
      // What was lost since the last report: nothing is left out, also where the attempt failed.
      this.#tellLost(reportInterval(graph, plan, previous, readMetrics(plan, words, clock.monotonicMs()), settings))
    }
  }

  #tellLost({ dropped, deadLetters, late }: IntervalReport): void {
    const lost = {
      dropped: dropped.filter(({ count }) => count > 0),
      deadLetters: deadLetters.filter(({ count }) => count > 0),
      late: late.filter(({ added }) => added > 0),
    }
    if (lost.dropped.length > 0 || lost.deadLetters.length > 0 || lost.late.length > 0) this.#emit('lost', lost)
  }

  #log(entry: LogEntry, worker: number): void {
    const message = this.#loaded?.translate(entry.message) ?? entry.message
    const line = { ...entry, message, worker }
    const { event } = entry
    if (event !== undefined) {
      this.#notice({ ...line, event })
      return
    }
    this.#options.log?.(line)
    this.#emit('log', line)
  }

  #notice(notice: NoticeEvent): void {
    const { operator = '', event, fields } = notice
    if (event === 'source.listening') this.#emit('listening', { operator, ...(fields as unknown as Listening) })
    this.#emit('notice', notice)
  }

  #warn(message: string): void {
    this.#log({ level: 'warn', message }, HOST_WORKER)
  }

  #explain(thrown: unknown): SluiceError {
    if (thrown instanceof SluiceError && this.#explained.has(thrown)) return thrown
    translateError(thrown, this.#loaded)
    const error = thrown instanceof SluiceError ? thrown : new SluiceError('SLUICE_ASSERTION', describeThrown(thrown), { cause: thrown })
    nameUserLine(error)
    this.#explained.add(error)
    return error
  }

  /** A listener that throws is the caller's defect, not the job's: it surfaces as an uncaught exception, and the job goes on. */
  #emit<E extends keyof RunEvents>(event: E, ...args: Parameters<RunEvents[E]>): void {
    const emitter: EventEmitter<Record<string, unknown[]>> = this.events as never
    try {
      emitter.emit(event, ...args)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

/** Code that does not return cannot be ended on this thread, and nothing may write beside it. */
const hostIsIn = { restart: false, because: 'code on the calling thread has not returned' } as const

const beingStopped = { restart: false, because: 'it was being stopped' } as const

/** A job may fail for years: of old failures only their times are asked for. */
function forgetErrors(failures: AttemptFailure[]): void {
  const at = failures.length - 1 - SAME_PLACE_FAILURES
  const old = failures[at]
  if (old !== undefined) failures[at] = { ...old, error: undefined }
}

function unfinishedOf({ subtasks }: MetricsSnapshot, checkpoints: CheckpointSummary | undefined): UnfinishedRecords {
  return {
    calls: subtasks.reduce((sum, { asyncInFlight }) => sum + asyncInFlight, 0),
    heldRecords: subtasks.reduce((sum, { heldRecords }) => sum + heldRecords, 0),
    channelBytes: checkpoints?.last?.channelBytes ?? 0,
  }
}

/** The last failure, with why no other attempt follows and how to go on. */
function withReason(error: SluiceError, because: string, from: string): SluiceError {
  const told = new SluiceError(error.code, error.message, {
    ...error.coordinates,
    cause: error.cause,
    hint: `${error.hint} The job was not started again: ${because}.${from}`,
  })
  if (error.stack !== undefined) told.stack = error.stack
  return told
}

/** What workers are told of the job; its parameters are checked here, where their names still mean something. */
function moduleOf({ loaded, params, collect }: PlannedJob): DeploymentOptions['module'] {
  if (loaded === undefined) return undefined
  try {
    structuredClone(params)
  } catch (error) {
    throw new SluiceError('SLUICE_PARAMS_INVALID', `the parameters cannot be handed to a worker: ${describeThrown(error)}`, {
      cause: error,
      hint: 'Let the schema of the parameters give plain data: text, numbers, dates, arrays and plain objects.',
    })
  }
  return { bundleUrl: loaded.bundleUrl, source: loaded.source, params, collect }
}

const COLLECT_PREFIX = 'collect:'

function collectedStreams(graph: LogicalGraph): string[] {
  return graph.nodes.filter((node) => node.name.startsWith(COLLECT_PREFIX)).map((node) => node.name.slice(COLLECT_PREFIX.length))
}

function withNotes(plan: PhysicalPlan, notes: readonly string[]): PhysicalPlan {
  return notes.length === 0 ? plan : { ...plan, notes: [...plan.notes, ...notes] }
}

/** Only records that cross threads are encoded, and only then does it pay to read how they are made. */
async function planWithFacts(graph: LogicalGraph, settings: ResolvedSettings & Pick<PlanSettings, 'unchained'>): Promise<PhysicalPlan> {
  const plan = planJob(graph, settings)
  if (!plan.channels.some(({ kind }) => kind === 'ring')) return plan
  const { functionFacts } = await import('./read-function.js')
  return planJob(graph, settings, functionFacts)
}
