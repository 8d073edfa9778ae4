/**
 * The cooperative loop of one thread: steps its subtasks in turn, never blocks, spins briefly when none can progress, then parks on
 * the thread's doorbell. Runs unchanged in a worker, on the calling thread and in a simulator.
 */
import { type CommandCode, Command, ControlWord, Doorbell } from '../control/control-layout.js'
import type { ThreadCheckpoints } from '../checkpoint/thread-checkpoints.js'
import type { Environment } from '../environment/environment.js'
import type { LogicalGraph } from '../graph/logical-graph.js'
import type { HostBindings } from '../graph/operator-context.js'
import { layoutMetrics } from '../metrics/metric-layout.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import type { ResolvedSettings } from '../plan/settings.js'
import { buildSubtask, type ThreadParts } from './build-subtask.js'
import type { OperatorContexts } from './operator-contexts.js'
import type { SharedRegions } from './shared-regions.js'
import type { Subtask } from './subtask.js'
import type { UserMetric } from './user-metrics.js'

export interface WorkerLoopOptions {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  readonly shared: SharedRegions
  /** Worker index, or HOST_WORKER for the calling thread. */
  readonly worker: number
  readonly environment: Environment
  /** Opened by the runtime before, closed by it after. */
  readonly resources: ReadonlyMap<string, unknown>
  /** Only on the coordinator's thread. */
  readonly host?: HostBindings | undefined
  readonly overwrite: boolean
  /** undefined: no checkpoints are taken, and none is restored. */
  readonly checkpoints?: ThreadCheckpoints | undefined
}

/** How long the loop may keep the event loop waiting while there is work, in ms. */
const YIELD_PERIOD_MS = 4

export class WorkerLoop {
  readonly #options: WorkerLoopOptions
  readonly #control: Int32Array
  readonly #bell: Doorbell
  /** Aborted when nothing more is to be read: on stop, and with everything else. */
  readonly #sourceAbort: AbortController
  /** Aborted on failure and at the end; a stop lets what is in flight flow out. */
  readonly #abort: AbortController
  #contexts: readonly OperatorContexts[] = []
  #subtasks: readonly Subtask[] = []

  constructor(options: WorkerLoopOptions) {
    this.#options = options
    this.#control = new Int32Array(options.shared.control)
    this.#bell = new Doorbell(options.shared.control, options.plan.workers, options.worker)
    const { newAbortController = () => new AbortController() } = options.environment
    this.#sourceAbort = newAbortController()
    this.#abort = newAbortController()
  }

  /** Counters and gauges of user code on this thread. */
  userMetrics(): UserMetric[] {
    return this.#contexts.flatMap((context) => context.userMetrics())
  }

  /**
   * Runs until all subtasks of this thread have finished, or Command.abort is seen. Operators, sources and sinks are closed in every case.
   * @throws SluiceError located at the operator that failed.
   */
  async run(): Promise<void> {
    try {
      this.#build()
      for (const subtask of this.#subtasks) await subtask.open()
      await this.#loop()
    } finally {
      this.#sourceAbort.abort()
      this.#abort.abort()
      await Promise.all(this.#subtasks.map((subtask) => subtask.close()))
    }
  }

  #build(): void {
    const { graph, plan, settings, shared, worker, environment, resources, host, overwrite, checkpoints } = this.#options
    const thread: ThreadParts = {
      graph,
      plan,
      settings,
      shared,
      layout: layoutMetrics(plan),
      metrics: new Float64Array(shared.metrics),
      environment,
      resources,
      bindings: host,
      overwrite,
      checkpoints,
      signal: this.#abort.signal,
      sourceSignal: this.#sourceAbort.signal,
      local: new Map(),
      gates: new Map(),
      shares: new Map(),
      wake: () => this.#bell.ring(),
    }
    // Tasks stand in topological order, so a local channel is made by its producer before its consumer asks for it.
    const built = plan.subtasks.filter((subtask) => subtask.worker === worker).map((subtask) => buildSubtask(thread, subtask))
    this.#subtasks = built.map(({ subtask }) => subtask)
    this.#contexts = built.flatMap(({ contexts }) => contexts)
  }

  async #loop(): Promise<void> {
    const { clock, sleeper, spinMicroseconds } = this.#options.environment
    let yieldedAtMs = clock.monotonicMs()
    const yieldToEventLoop = async (): Promise<void> => {
      await this.#outside(() => sleeper.yieldToEventLoop())
      yieldedAtMs = clock.monotonicMs()
    }
    /** What was tried since a subtask last moved: nothing, a turn of the microtasks, a turn of the event loop. */
    let patience = 0
    for (;;) {
      const command = this.#command()
      if (command === Command.abort) return
      if (command !== Command.run && !this.#sourceAbort.signal.aborted) this.#sourceAbort.abort()
      const nowMs = clock.monotonicMs()
      const progressed = this.#turn(command, nowMs)
      if (this.#subtasks.every((subtask) => subtask.finished)) return
      if (progressed) {
        patience = 0
        if (nowMs - yieldedAtMs >= YIELD_PERIOD_MS) await yieldToEventLoop()
        continue
      }
      if (patience < 2 && this.#subtasks.some((subtask) => subtask.awaiting)) {
        // Promises that are settled already need only the microtasks, others perhaps one turn of the event loop.
        if (++patience === 1) await this.#outside(() => Promise.resolve())
        else await yieldToEventLoop()
        continue
      }
      if (this.#spin(nowMs, spinMicroseconds / 1000)) {
        if (nowMs - yieldedAtMs >= YIELD_PERIOD_MS) await yieldToEventLoop()
        continue
      }
      await this.#outside(() => this.#park())
      patience = 0
    }
  }

  /** Lets others run on this thread, and counts what their callbacks took as work of the sources that are reading. */
  async #outside(leave: () => Promise<void>): Promise<void> {
    const { clock, activeMs } = this.#options.environment
    if (activeMs === undefined || !this.#subtasks.some((subtask) => subtask.reading)) return leave()
    const reading = this.#subtasks.filter((subtask) => subtask.reading)
    const beforeMs = activeMs()
    await leave()
    const elapsedMs = (activeMs() - beforeMs) / reading.length
    const nowMs = clock.monotonicMs()
    for (const subtask of reading) subtask.countReading(elapsedMs, nowMs)
  }

  #turn(command: CommandCode, startMs: number): boolean {
    let progressed = false
    let nowMs = startMs
    for (const subtask of this.#subtasks) {
      if (subtask.finished) continue
      subtask.onControl(command, nowMs)
      if (!subtask.step(nowMs)) continue
      progressed = true
      nowMs = this.#options.environment.clock.monotonicMs()
    }
    return progressed
  }

  /** True as soon as some subtask has something to do. */
  #spin(startMs: number, lengthMs: number): boolean {
    const { clock } = this.#options.environment
    let nowMs = startMs
    do {
      if (this.#ready(nowMs)) return true
      nowMs = clock.monotonicMs()
    } while (nowMs - startMs < lengthMs)
    return false
  }

  async #park(): Promise<void> {
    const { clock, sleeper } = this.#options.environment
    const obeyed = this.#seenCommand
    const seen = this.#bell.announceParked()
    // Whoever published before it saw the announcement is found here.
    const nowMs = clock.monotonicMs()
    if (!this.#ready(nowMs) && this.#command() === obeyed) {
      let deadlineMs = Number.POSITIVE_INFINITY
      for (const subtask of this.#subtasks) if (!subtask.finished) deadlineMs = Math.min(deadlineMs, subtask.nextDeadlineMs())
      await sleeper.park(this.#bell, seen, deadlineMs === Number.POSITIVE_INFINITY ? undefined : deadlineMs)
    }
    this.#bell.announceAwake()
  }

  #ready(nowMs: number): boolean {
    for (const subtask of this.#subtasks) if (subtask.ready(nowMs)) return true
    return false
  }

  #seenCommand: CommandCode = Command.run

  #command(): CommandCode {
    this.#seenCommand = Atomics.load(this.#control, ControlWord.command) as CommandCode
    return this.#seenCommand
  }
}
