/**
 * One attempt of a job: its shared memory, its threads, its end. Brings every thread to the gate, opens it, and waits until all have
 * left. The first failure in time is the job's error; the others are asked to leave through shared memory, get a limited time for
 * it, and are terminated last, because terminating a busy thread is unsafe for what it has open. Runs in the coordinator.
 */
import {
  allocateShared,
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
  type PhysicalPlan,
  readMetrics,
  type ResolvedSettings,
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
import type { WorkerMessage, WorkerTask } from '../protocol/messages.js'
import { StartGate } from '../protocol/start-gate.js'
import { Resources, resourcesOf } from '../resources.js'
import { Commands } from './commands.js'
import { explainWorkerEnd } from './explain-worker-end.js'
import type { WorkerPool } from './worker-pool.js'

/** How long threads that were told to abort may take to close what they have open. */
const ABORT_TIMEOUT_MS = 2_000

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
  readonly onStarted: () => void
  readonly onLog: (entry: LogEntry, worker: number) => void
  readonly onUserMetrics: (metrics: readonly UserMetric[], worker: number) => void
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

  /** Whether what was in flight had to be given up. */
  get aborted(): boolean {
    return this.#commands.aborted
  }

  /** Resolves when every thread has left or was given up; rejects with the first failure, then too only after that. */
  async run(): Promise<void> {
    const { plan, pool } = this.#options
    const untrap = this.#hostHasWork ? trapHostRejections((error) => this.#fail(error)) : undefined
    pool?.onMessage((message) => this.#receive(message))
    try {
      const fingerprint = plan.workers === 0 ? '' : fingerprintGraph(this.#options.graph)
      const workers = Array.from({ length: plan.workers }, (_, worker) => this.#runWorker(worker, fingerprint))
      const started = await this.#everyoneReady()
      if (started) {
        this.#gate.open()
        this.#options.onStarted()
        if (this.#hostHasWork) workers.push(this.#runHost())
      }
      await Promise.race([Promise.all(workers), this.#givenUp])
    } finally {
      this.#over = true
      untrap?.()
      for (const timer of this.#timers) clearTimeout(timer)
      this.#environment.close()
    }
    const [first] = this.#failures.sort((a, b) => a.atMs - b.atMs)
    if (first !== undefined) throw first.error
  }

  /** Sources end and what is in flight flows out, within the time limit of the settings; then it is given up. */
  end(command: typeof Command.stop | typeof Command.drain): void {
    if (this.#over) return
    this.#commands.give(command)
    this.#after(this.#options.settings.stopTimeoutMs, () => this.#abort())
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
    const { plan, settings, module, pool, cores, overwrite } = this.#options
    if (module === undefined || pool === undefined)
      throw new SluiceError('SLUICE_ASSERTION', 'a plan with workers needs a pool and a module')
    const left = new Promise<void>((resolve) => this.#departures.set(worker, resolve))
    const { shared } = this
    const threads = this.#threads
    try {
      await pool.run({ ...module, worker, plan, settings, shared, gate: this.#gate.memory, fingerprint, threads, cores, overwrite })
      // Its messages come over another port than its result: the last one says that all have arrived.
      await left
    } catch (error) {
      if (this.#terminated) return
      const metrics = readMetrics(plan, new Float64Array(shared.metrics), this.#environment.clock.monotonicMs())
      this.#fail(explainWorkerEnd(error, worker, { graph: this.#options.graph, plan, metrics }))
    }
  }

  async #runHost(): Promise<void> {
    const { graph, plan, settings, overwrite, host } = this.#options
    const resources = new Resources(plan.job)
    try {
      const opened = await resources.open(resourcesOf(graph, plan, HOST_WORKER), HOST_WORKER)
      const thread = { worker: HOST_WORKER, environment: this.#environment, shared: this.shared, resources: opened, host }
      const loop = new WorkerLoop({ graph, plan, settings, overwrite, ...thread })
      await loop.run().finally(() => this.#options.onUserMetrics(loop.userMetrics(), HOST_WORKER))
    } catch (error) {
      this.#fail(error)
    } finally {
      await resources.close().catch((error: unknown) => this.#fail(error))
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
      void this.#options.pool?.destroy()
      this.#giveUp()
    })
  }

  #after(delayMs: number, act: () => void): void {
    this.#timers.add(setTimeout(act, delayMs))
  }
}
