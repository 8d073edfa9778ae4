/**
 * One attempt of a job in a simulation: its shared memory and its loops, each with a life of its own. Does what the runtime's deployment does,
 * without threads: the first failure wins, the others are told to abort, and the attempt is over when all have left.
 */
import {
  allocateShared,
  Command,
  type CommandCode,
  ControlWord,
  Doorbell,
  HOST_WORKER,
  type HostBindings,
  type LogEntry,
  type LogicalGraph,
  type MetricsSnapshot,
  type PhysicalPlan,
  readMetrics,
  type ResolvedSettings,
  type SharedRegions,
  SluiceError,
  type ThreadCheckpoints,
  WorkerLoop,
} from '@sluice/engine'
import { Life } from '../schedule/life.js'
import type { Scheduler } from '../schedule/scheduler.js'
import { createVirtualEnvironment } from '../schedule/virtual-environment.js'

/** How long loops that were told to abort may take to close what they have open; then their threads are ended. */
const ABORT_TIMEOUT_MS = 2_000

export interface AttemptOptions {
  readonly scheduler: Scheduler
  /** The process it belongs to. */
  readonly life: Life
  readonly number: number
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  /** Every thread declares the graph for itself. */
  readonly declare: () => LogicalGraph
  readonly host: HostBindings
  readonly codeGeneration: boolean
  readonly overwrite: boolean
  readonly log: (entry: LogEntry) => void
  /** What a thread needs to take part in checkpoints; undefined: none are taken. */
  readonly checkpoints?: ((worker: number, life: Life) => ThreadCheckpoints) | undefined
}

export class Attempt {
  readonly shared: SharedRegions
  readonly life: Life
  readonly #options: AttemptOptions
  readonly #lives: Map<number, Life> = new Map()
  #failure: { readonly error: unknown } | undefined
  #over: () => void = () => {}
  #left = 0

  constructor(options: AttemptOptions) {
    this.#options = options
    this.shared = allocateShared(options.plan)
    this.life = new Life(`attempt ${options.number}`, options.life)
  }

  /** Resolves when every loop has left or was ended; rejects with the first failure, then too only after that. */
  async run(): Promise<void> {
    const { plan } = this.#options
    const threads = [HOST_WORKER, ...Array.from({ length: plan.workers }, (_, worker) => worker)]
    const hosting = threads.filter((thread) => plan.subtasks.some(({ worker }) => worker === thread))
    for (const worker of hosting) {
      this.#lives.set(worker, new Life(worker === HOST_WORKER ? 'host' : `worker ${worker}`, this.life))
    }
    const over = new Promise<void>((resolve) => {
      this.#over = resolve
    })
    this.#left = hosting.length
    for (const worker of hosting) void this.#runLoop(worker)
    await over
    this.life.end()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Workers that are alive. */
  get workers(): readonly number[] {
    return [...this.#lives].filter(([worker, life]) => worker !== HOST_WORKER && life.alive).map(([worker]) => worker)
  }

  /** The thread is gone between two instructions of its loop; nothing of it is closed. */
  crash(worker: number): void {
    const life = this.#lives.get(worker)
    if (life?.alive !== true) return
    this.#gone(life)
    this.fail(
      new SluiceError(
        'SLUICE_WORKER_EXITED',
        `worker ${worker} ended unexpectedly: the simulation crashed it in attempt ${this.#options.number}`,
      ),
    )
  }

  command(command: CommandCode): void {
    const { plan } = this.#options
    const words = new Int32Array(this.shared.control)
    if (command <= Atomics.load(words, ControlWord.command)) return
    Atomics.store(words, ControlWord.command, command)
    this.ring()
    if (command !== Command.abort || plan.subtasks.length === 0) return
    const { scheduler } = this.#options
    void scheduler.after(this.life, 'end of patience with loops that abort', ABORT_TIMEOUT_MS).then(() => {
      for (const life of this.#lives.values()) if (life.alive) this.#gone(life)
    })
  }

  /** Rings every bell. */
  ring(): void {
    const { plan } = this.#options
    for (let worker = HOST_WORKER; worker < plan.workers; worker++) new Doorbell(this.shared.control, plan.workers, worker).wake()
  }

  /** The attempt fails; the first failure wins. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.command(Command.abort)
  }

  snapshot(): MetricsSnapshot {
    return readMetrics(this.#options.plan, new Float64Array(this.shared.metrics), this.#options.scheduler.nowMs)
  }

  #gone(life: Life): void {
    if (!life.alive) return
    life.end()
    if (--this.#left === 0) this.#over()
  }

  async #runLoop(worker: number): Promise<void> {
    const { scheduler, plan, settings, declare, host, overwrite, codeGeneration, log, checkpoints } = this.#options
    const life = this.#lives.get(worker) as Life
    const close: (() => unknown)[] = []
    try {
      // Threads do not come up all at once.
      await new Promise<void>((resolve) => scheduler.await({ life, what: 'start', atMs: Number.NEGATIVE_INFINITY, happen: resolve }))
      const graph = declare()
      const resources = new Map<string, unknown>()
      for (const resource of graph.resources) {
        const opened: unknown = await resource.open({ worker })
        resources.set(resource.name, opened)
        if (resource.close !== undefined) close.push(() => resource.close?.(opened as never))
      }
      const environment = createVirtualEnvironment({ scheduler, life, codeGeneration, log })
      const loop = new WorkerLoop({
        graph,
        plan,
        settings,
        shared: this.shared,
        worker,
        environment,
        resources,
        host: worker === HOST_WORKER ? host : undefined,
        overwrite,
        checkpoints: checkpoints?.(worker, life),
      })
      await loop.run()
    } catch (error) {
      if (life.alive) this.fail(error)
    }
    for (const undo of close.reverse()) {
      try {
        await undo()
      } catch (error) {
        if (life.alive) this.fail(error)
      }
    }
    this.#gone(life)
  }
}
