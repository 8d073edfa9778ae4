/**
 * One attempt of a job: its shared memory, its threads, its end. Brings every thread to the gate, opens it, and waits until all have
 * left. The first failure in time is the job's error; the others are asked to leave through shared memory, get a limited time for
 * it, and are terminated last, because terminating a busy thread is unsafe for what it has open. Runs in the coordinator.
 */
import {
  allocateShared,
  bytesAhead,
  CheckpointCoordinator,
  type CheckpointEvent,
  type CheckpointManifest,
  type CheckpointProgress,
  type CheckpointStorage,
  type CheckpointUnderWay,
  Command,
  deserialiseError,
  diffGraphs,
  type Environment,
  fingerprintGraph,
  type GraphSummary,
  HOST_WORKER,
  type HostBindings,
  type LogEntry,
  type LogicalGraph,
  type MetricsSnapshot,
  onlyCallsWait,
  type PhysicalPlan,
  readMetrics,
  type ResolvedSettings,
  type SavepointRequest,
  type SharedRegions,
  SluiceError,
  summariseGraph,
  type UserMetric,
  WorkerLoop,
} from '@sluice/engine'
import { isDeepStrictEqual } from 'node:util'
import { createThreadEnvironment, type ThreadEnvironment } from '../environment/thread-environment.js'
import { describeThrown } from '../protocol/describe-thrown.js'
import { trapHostRejections } from '../protocol/failure-traps.js'
import { type AttemptCheckpoints, received, type WorkerMessage, type WorkerTask } from '../protocol/messages.js'
import { StartGate } from '../protocol/start-gate.js'
import { Resources, resourcesOf } from '../resources.js'
import { openThreadCheckpoints } from '../worker/thread-checkpoints.js'
import { Commands } from './commands.js'
import { explainWorkerEnd } from './explain-worker-end.js'
import type { WorkerPool } from './worker-pool.js'

/** How long threads that were told to abort may take to close what they have open. */
const ABORT_TIMEOUT_MS = 2_000
/** So long nothing but calls that are not made for now has kept a stopped job, when its last checkpoint takes them as they are. */
const ONLY_CALLS_WAIT_MS = 500

export interface DeploymentOptions {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  readonly cores: number
  readonly overwrite: boolean
  readonly host: HostBindings
  /** What workers need to declare the same graph; undefined where the plan has no workers. */
  readonly module: Pick<WorkerTask, 'bundleUrl' | 'source' | 'params' | 'collect'> | undefined
  readonly pool: WorkerPool | undefined
  /** undefined: none are taken. */
  readonly checkpoints: DeploymentCheckpoints | undefined
  readonly onStarted: () => void
  readonly onLog: (entry: LogEntry, worker: number) => void
  readonly onUserMetrics: (metrics: readonly UserMetric[], worker: number) => void
}

/** What the coordinator of checkpoints is given on top of what threads are. */
export interface DeploymentCheckpoints extends AttemptCheckpoints {
  readonly storage: CheckpointStorage
  /** As a manifest shows them. */
  readonly params: Readonly<Record<string, unknown>>
  /** Of Sluice. */
  readonly version: string
  /** Largest id that was given to a checkpoint before. */
  readonly afterId: number
  readonly onEvent: (event: CheckpointEvent) => void
}

interface Failure {
  readonly error: Error
  readonly atMs: number
}

export class Deployment {
  readonly shared: SharedRegions
  readonly #options: DeploymentOptions
  readonly #commands: Commands
  readonly #gate = new StartGate()
  readonly #environment: ThreadEnvironment
  readonly #failures: Failure[] = []
  readonly #departures = new Map<number, () => void>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #givenUp: Promise<void>
  #giveUp: () => void = () => {}
  #waitedFor: number
  #allReady: () => void = () => {}
  #calledOff: (() => void) | undefined
  #terminated = false
  #over = false
  #stopLimit: NodeJS.Timeout | undefined
  #cutShort = false
  #checkpoints: CheckpointCoordinator | undefined
  #hostIsIn = false
  /** Asked for before the coordinator of checkpoints was there. */
  readonly #waitingForCheckpoints: ((checkpoints: CheckpointCoordinator | undefined) => void)[] = []

  constructor(options: DeploymentOptions) {
    const { plan } = options
    this.#options = options
    this.shared = allocateShared(plan)
    this.#commands = new Commands(this.shared.control, plan.workers)
    this.#waitedFor = plan.workers
    this.#givenUp = new Promise((resolve) => {
      this.#giveUp = resolve
    })
    this.#environment = createThreadEnvironment({
      log: (entry) => options.onLog(entry, HOST_WORKER),
      threads: this.#threads,
      cores: options.cores,
      ownThread: false,
    })
  }

  /** Monotonic time, the same in all threads. */
  get environment(): Environment {
    return this.#environment
  }

  /** Whether it was stopped with records in flight, which are in its last checkpoint. */
  get cutShort(): boolean {
    return this.#cutShort && !this.aborted
  }

  /** Whether what was in flight had to be given up. */
  get aborted(): boolean {
    return this.#commands.aborted
  }

  /** Whether the part of the calling thread is still in code that does not return: it cannot be terminated, so nothing may be started anew beside it. */
  get hostIsIn(): boolean {
    return this.#hostIsIn
  }

  /** The newest complete checkpoint; final when `run` has settled. */
  get latest(): CheckpointManifest | undefined {
    return this.#checkpoints?.latest
  }

  /** The largest id that was given to a checkpoint. */
  get lastCheckpointId(): number {
    return this.#checkpoints?.lastId ?? this.#options.checkpoints?.afterId ?? 0
  }

  get checkpointProgress(): CheckpointProgress | undefined {
    return this.#checkpoints?.progress
  }

  /** The checkpoint in flight with what its barriers still have to get past. */
  get checkpointUnderWay(): CheckpointUnderWay | undefined {
    const progress = this.checkpointProgress
    if (progress === undefined) return undefined
    const ahead = bytesAhead(this.#options.plan, this.shared, progress.id, progress.subtasks)
    return { type: 'checkpoint.progress', ...progress, ahead }
  }

  /** Resolves with the path. */
  async savepoint(request: SavepointRequest): Promise<string> {
    const checkpoints =
      this.#checkpoints ?? (await new Promise<CheckpointCoordinator | undefined>((resolve) => this.#waitingForCheckpoints.push(resolve)))
    if (checkpoints === undefined) throw new SluiceError('SLUICE_SAVEPOINT_FAILED', 'the savepoint cannot be taken: the job did not start')
    return checkpoints.savepoint(request)
  }

  /** Resolves when every thread has left or was given up; rejects with the first failure, then too only after that. */
  async run(): Promise<void> {
    try {
      await this.#openCheckpoints()
      await this.#runThreads()
    } finally {
      this.#over = true
      for (const timer of this.#timers) clearTimeout(timer)
      for (const resolve of this.#waitingForCheckpoints.splice(0)) resolve(undefined)
      await this.#environment.close()
      await this.#checkpoints?.close()
    }
  }

  async #runThreads(): Promise<void> {
    const { plan, pool } = this.#options
    const untrap = this.#hostHasWork ? trapHostRejections((error) => this.#fail(error)) : undefined
    pool?.onMessage((message) => this.#receive(message))
    try {
      const fingerprint = plan.workers === 0 ? '' : fingerprintGraph(this.#options.graph)
      const workers = Array.from({ length: plan.workers }, (_, worker) => this.#runWorker(worker, fingerprint))
      const started = await this.#everyoneReady()
      if (started) {
        this.#gate.open()
        this.#checkpoints?.start()
        this.#options.onStarted()
        if (this.#hostHasWork) workers.push(this.#runHost())
      }
      await Promise.race([Promise.all(workers), this.#givenUp])
    } finally {
      untrap?.()
    }
    const [first] = this.#failures.sort((a, b) => a.atMs - b.atMs)
    if (first !== undefined) throw first.error
  }

  /** Sources end and what is in flight flows out, within the time limit of the settings; then it is in the last checkpoint, or given up. */
  end(command: typeof Command.stop | typeof Command.drain): void {
    if (this.#over) return
    if (command === Command.drain) this.#checkpoints?.drain()
    this.#commands.give(command)
    if (this.#stopLimit !== undefined) return
    this.#stopLimit = this.#after(this.#options.settings.stopTimeoutMs, () => this.#endLimit())
    this.#watchCalls(undefined)
  }

  #endLimit(): void {
    if (!this.#endCutShort()) this.#abort()
  }

  /** What is in flight becomes part of the last checkpoint, which has as long as it had to flow out. False where that cannot be. */
  #endCutShort(): boolean {
    if (this.#cutShort || this.#commands.current !== Command.stop) return false
    this.#cutShort = true
    if (this.#checkpoints?.cutShort() !== true) {
      this.#cutShort = false
      return false
    }
    clearTimeout(this.#stopLimit)
    this.#stopLimit = this.#after(this.#options.settings.stopTimeoutMs, () => this.#abort())
    return true
  }

  /** Looks again and again whether calls are all that a stop waits for. */
  #watchCalls(before: MetricsSnapshot | undefined): void {
    if (this.#options.checkpoints === undefined || this.#cutShort) return
    const now = readMetrics(this.#options.plan, new Float64Array(this.shared.metrics), this.#environment.clock.monotonicMs())
    if (before !== undefined && onlyCallsWait(before, now) && this.#endCutShort()) return
    this.#after(ONLY_CALLS_WAIT_MS, () => this.#watchCalls(now))
  }

  async #openCheckpoints(): Promise<void> {
    const { checkpoints, settings, graph, plan } = this.#options
    if (checkpoints === undefined || settings.checkpoint === undefined) return
    const { storage, run, params, version, afterId } = checkpoints
    const coordinator = await CheckpointCoordinator.open({
      job: plan.job,
      run,
      graph,
      plan,
      params,
      version,
      afterId,
      storage,
      settings: settings.checkpoint,
      control: this.#commands.checkpoints,
      clock: this.#environment.clock,
      setTimer: (delayMs, fire) => this.#environment.setTimer(delayMs, fire),
      random: Math.random,
      onEvent: (event) => {
        // Where everything has flowed out the last checkpoint has its own time limit.
        if (event.type === 'checkpoint.triggered' && event.purpose === 'final' && !this.#cutShort) clearTimeout(this.#stopLimit)
        checkpoints.onEvent(event)
      },
    })
    this.#checkpoints = coordinator
    coordinator.finished.catch((error: unknown) => this.#fail(error))
    if (this.#commands.current === Command.drain) coordinator.drain()
    for (const resolve of this.#waitingForCheckpoints.splice(0)) resolve(coordinator)
  }

  get #hostHasWork(): boolean {
    return this.#options.plan.subtasks.some((subtask) => subtask.worker === HOST_WORKER)
  }

  get #threads(): number {
    return this.#options.plan.workers + (this.#hostHasWork ? 1 : 0)
  }

  #everyoneReady(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#allReady = () => resolve(true)
      this.#calledOff = () => resolve(false)
      if (this.#commands.aborted) resolve(false)
      else if (this.#waitedFor === 0) resolve(true)
    })
  }

  async #runWorker(worker: number, fingerprint: string): Promise<void> {
    const { plan, settings, module, pool, cores, overwrite, checkpoints: given } = this.#options
    if (module === undefined || pool === undefined)
      throw new SluiceError('SLUICE_ASSERTION', 'a plan with workers needs a pool and a module')
    const left = new Promise<void>((resolve) => this.#departures.set(worker, resolve))
    const { shared } = this
    const threads = this.#threads
    const checkpoints = given === undefined ? undefined : { run: given.run, restore: given.restore }
    const gate = this.#gate.memory
    try {
      await pool.run({ ...module, worker, plan, settings, shared, gate, fingerprint, threads, cores, overwrite, checkpoints })
      // Its messages come over another port than its result: the last one says that all have arrived.
      await left
    } catch (error) {
      if (this.#terminated) return
      const metrics = readMetrics(plan, new Float64Array(shared.metrics), this.#environment.clock.monotonicMs())
      this.#fail(explainWorkerEnd(error, worker, { graph: this.#options.graph, plan, metrics }))
    }
  }

  async #runHost(): Promise<void> {
    const { graph, plan, settings, overwrite, host, checkpoints } = this.#options
    const resources = new Resources(plan.job)
    this.#hostIsIn = true
    try {
      const own = openThreadCheckpoints({ graph, plan, settings, checkpoints, report: (report) => this.#checkpoints?.report(report) })
      try {
        const opened = await resources.open(resourcesOf(graph, plan, HOST_WORKER), HOST_WORKER)
        const thread = { worker: HOST_WORKER, environment: this.#environment, shared: this.shared, resources: opened, host }
        const loop = new WorkerLoop({ graph, plan, settings, overwrite, checkpoints: own.checkpoints, ...thread })
        await loop.run().finally(() => this.#options.onUserMetrics(loop.userMetrics(), HOST_WORKER))
      } finally {
        await own.close()
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      await resources.close().catch((error: unknown) => this.#fail(error))
      this.#hostIsIn = false
    }
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case 'ready':
        if (message.summary !== undefined) this.#fail(this.#differs(message.summary))
        else if (--this.#waitedFor === 0) this.#allReady()
        break
      case 'log':
        for (const entry of message.entries) this.#options.onLog(entry, message.worker)
        break
      case 'metrics':
        this.#options.onUserMetrics(message.metrics, message.worker)
        break
      case 'checkpoint':
        this.#checkpoints?.report(received(message.report))
        break
      case 'failure':
        this.#fail(deserialiseError(message.error), message.atMs)
        break
      case 'left':
        this.#departures.get(message.worker)?.()
        break
    }
  }

  #differs(theirs: GraphSummary): SluiceError {
    const { graph, plan } = this.#options
    const ours = summariseGraph(graph)
    const differences = diffGraphs(ours, theirs)
    const named = differences.length === 0 ? 'the text of a function or an option' : differences.join('; ')
    const first = graph.nodes[ours.nodes.findIndex((node, at) => !isDeepStrictEqual(node, theirs.nodes[at]))]
    return new SluiceError('SLUICE_JOB_NOT_DETERMINISTIC', `job "${plan.job}" was declared differently in two threads: ${named}`, {
      job: plan.job,
      operator: first?.name,
      declaredAt: first?.declaredAt,
    })
  }

  #fail(error: unknown, atMs: number = this.#environment.clock.monotonicMs()): void {
    this.#failures.push({ error: error instanceof Error ? error : new Error(describeThrown(error)), atMs })
    this.#abort()
  }

  #abort(): void {
    if (this.#commands.aborted) return
    this.#commands.give(Command.abort)
    this.#gate.cancel()
    this.#calledOff?.()
    this.#after(ABORT_TIMEOUT_MS, () => {
      this.#terminated = true
      void Promise.resolve(this.#options.pool?.destroy()).finally(() => this.#giveUp())
    })
  }

  #after(delayMs: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(act, delayMs)
    this.#timers.add(timer)
    return timer
  }
}
