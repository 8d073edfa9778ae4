/**
 * A whole job in virtual time: processes one behind the other, attempts within them, and what outlives them (the disk, what sinks made visible, the
 * plan of faults). Everything that decides about the job is what runs in production; replaced are clock, wake-ups, timers and storage.
 */
import {
  type AttemptFailure,
  type CheckpointCoordinator,
  type CheckpointEvent,
  checkpointFolder,
  Command,
  decideRestart,
  filesOf,
  findLatest,
  type FinalCheckpoint,
  hasCheckpoints,
  type HostBindings,
  type JobSettings,
  type LogEntry,
  type LogicalGraph,
  type PhysicalPlan,
  planJob,
  type ResolvedSettings,
  resolvePath,
  resolveSettings,
  SluiceError,
  type ThreadCheckpoints,
} from '@sluice/engine'
import { Life } from '../schedule/life.js'
import type { Scheduler } from '../schedule/scheduler.js'
import { SimulationFailure } from '../schedule/simulation-failure.js'
import { installVirtualGlobals } from '../schedule/virtual-globals.js'
import { type DiskFaults, SimulatedDisk } from '../storage/simulated-disk.js'
import { Attempt } from './attempt.js'
import { type AttemptCheckpointsOptions, openCoordinator, type RestorePoint, threadCheckpoints } from './attempt-checkpoints.js'
import { explainStall } from './explain-stall.js'
import { type Crash, FaultPlan, type StepName } from './fault-plan.js'
import { Recorder } from './recorder.js'

export interface SimulationOptions {
  readonly scheduler: Scheduler
  /** Declares the graph, once per thread and attempt. */
  readonly declare: () => LogicalGraph
  /** Settings of the n-th process, from 0: it may have another parallelism than the one before. */
  readonly settings: (process: number) => JobSettings
  readonly crashes?: readonly Crash[] | undefined
  readonly disk?: DiskFaults | undefined
  /** Replace Date, timers and random numbers while it runs. Default true. */
  readonly globals?: boolean | undefined
  readonly codeGeneration?: boolean | undefined
  readonly overwrite?: boolean | undefined
  /** Called when an attempt begins whose checkpoints are taken. */
  readonly onAttempt?: ((simulation: Simulation) => void) | undefined
  /** Called when a process has crashed, before the next one begins. */
  readonly onCrash?: ((simulation: Simulation) => void) | undefined
  /** Asked in front of every choice: what it gives is waited for. For whoever feeds a job by hand. */
  readonly pace?: (() => Promise<void> | undefined) | undefined
  /** From this choice on there are no faults any more, so that every run ends. */
  readonly healAfter?: number | undefined
}

/** A process that crashed is started again so often, and no more. */
const PROCESSES_MAX = 50

/** One simulation at a time: there is one Date and one clock for all code of a process. */
let running: Promise<void> = Promise.resolve()

export class Simulation {
  readonly scheduler: Scheduler
  readonly recorder: Recorder = new Recorder()
  readonly disk: SimulatedDisk
  readonly faults: FaultPlan
  readonly log: LogEntry[] = []
  readonly events: CheckpointEvent[] = []
  /** Checkpoints that could not be restored, each time that one was passed over. */
  skipped = 0
  /** Processes that ran so far, and attempts in all of them. */
  processes = 0
  attempts = 0
  /** Settles when no other simulation runs any more and this one does. */
  readonly begun: Promise<void>
  #begin: () => void = () => {}
  readonly #options: SimulationOptions
  #life: Life = new Life('process 0')
  #attempt: Attempt | undefined
  #coordinator: CheckpointCoordinator | undefined
  #final: FinalCheckpoint | undefined
  #afterId = 0

  constructor(options: SimulationOptions) {
    this.#options = options
    this.begun = new Promise((resolve) => {
      this.#begin = resolve
    })
    this.scheduler = options.scheduler
    this.disk = new SimulatedDisk(this.scheduler, options.disk ?? { slowMs: 1, failures: 0 })
    this.faults = new FaultPlan(options.crashes ?? [])
  }

  /** The attempt that runs now. */
  get attempt(): Attempt | undefined {
    return this.#attempt
  }

  /** The coordinator of its checkpoints. */
  get coordinator(): CheckpointCoordinator | undefined {
    return this.#coordinator
  }

  /** The protocol has come to a step: a crash may lie there. */
  readonly onStep = (step: StepName): void => {
    if (this.#life.alive) this.#inject(this.faults.atStep(step, this.scheduler.choices))
  }

  /** Runs the job to its end, over all crashes. Fails with what made it fail, or with a `SimulationFailure`. */
  async run(): Promise<void> {
    const before = running
    let leave: () => void = () => {}
    running = new Promise((resolve) => {
      leave = resolve
    })
    await before
    this.#begin()
    const restore = this.#options.globals === false ? undefined : installVirtualGlobals(this.scheduler, new Life('nobody'))
    try {
      while (!(await this.#runProcess())) {
        if (this.processes >= PROCESSES_MAX)
          throw new SimulationFailure(this.scheduler.seed, `the job did not end in ${PROCESSES_MAX} processes`)
      }
    } finally {
      this.#life.end()
      restore?.()
      leave()
    }
  }

  /** True when the job has ended; false: it goes on in another process, because this one crashed or was stopped. */
  async #runProcess(): Promise<boolean> {
    const { scheduler, faults } = this
    const number = this.processes++
    const life = new Life(`process ${number}`)
    this.#life = life
    this.#final = undefined
    scheduler.current = life
    const { healAfter = Number.POSITIVE_INFINITY, onCrash } = this.#options
    scheduler.onChoice = (choice) => {
      if (choice === healAfter) {
        faults.stop()
        this.disk.heal()
      }
      return this.#inject(faults.atChoice(choice))
    }
    let end: { readonly error?: unknown } | undefined
    this.#supervise(life, number).then(
      () => (end = {}),
      (error: unknown) => (end = { error }),
    )
    await scheduler.runUntil(() => end !== undefined || !life.alive, this.#options.pace)
    if (!life.alive) {
      scheduler.note('the process crashed')
      this.#coordinator?.kill()
      this.disk.tear()
      onCrash?.(this)
      return false
    }
    if (end !== undefined && 'error' in end) {
      // As its hint says: it goes on with the latest checkpoint.
      if (end.error instanceof SluiceError && end.error.code === 'SLUICE_CHECKPOINT_FINAL_FAILED') return false
      throw end.error
    }
    return this.#end?.kind !== 'stopped'
  }

  get #end(): FinalCheckpoint | undefined {
    return this.#final
  }

  #inject(crash: Crash | undefined): boolean {
    if (crash === undefined) return false
    const attempt = this.#attempt
    this.scheduler.note(`fault: ${JSON.stringify(crash)}`)
    if (crash.of === 'worker') {
      const workers = attempt?.workers ?? []
      if (workers.length > 0) attempt?.crash(this.scheduler.random.pick(workers))
    } else if (crash.of === 'stop' || crash.of === 'cut') {
      attempt?.command(Command.stop)
      if (crash.of === 'cut') this.#coordinator?.cutShort()
    } else this.#life.end()
    return true
  }

  async #supervise(life: Life, process: number): Promise<void> {
    const { scheduler } = this
    const { declare } = this.#options
    const graph = declare()
    const settings = resolveSettings(graph.settings, { cores: 2, ...this.#options.settings(process) })
    const restorable = settings.checkpoint !== undefined && process > 0 ? await this.#findRestorePoint(life, graph.job) : undefined
    const plan = planJob(graph, { ...settings, unchained: restorable?.overtaken })
    const failures: AttemptFailure[] = []
    let restore: RestorePoint | undefined = restorable
    for (;;) {
      const startedMs = scheduler.nowMs
      try {
        await this.#runAttempt(life, graph, plan, settings, restore)
        return
      } catch (error) {
        if (settings.checkpoint === undefined) throw error
        restore = this.#newest(restore)
        failures.push({ startedMs, failedMs: scheduler.nowMs, error, checkpoint: restore?.id ?? 0 })
        const decision = decideRestart(settings.restart, failures, scheduler.random.next())
        if (!decision.restart) throw error
        scheduler.note(`restart because of ${error instanceof Error ? error.message : String(error)}`)
        await scheduler.after(life, 'restart', decision.delayMs)
      }
    }
  }

  async #runAttempt(
    life: Life,
    graph: LogicalGraph,
    plan: PhysicalPlan,
    settings: ResolvedSettings,
    restore: RestorePoint | undefined,
  ): Promise<void> {
    const { scheduler, disk, onStep } = this
    const { declare, codeGeneration = true, overwrite = false } = this.#options
    const number = ++this.attempts
    const log = (entry: LogEntry): void => void this.log.push(entry)
    const attempt: Attempt = new Attempt({
      scheduler,
      life,
      number,
      plan,
      settings,
      declare,
      host: this.#host,
      codeGeneration,
      overwrite,
      log,
      checkpoints: settings.checkpoint === undefined ? undefined : (worker, thread) => this.#threadCheckpoints(worker, thread),
    })
    this.#attempt = attempt
    this.#checkpointOptions = undefined
    this.#coordinator = undefined
    scheduler.explain = () => explainStall(graph, plan, attempt.snapshot())
    if (settings.checkpoint === undefined) return attempt.run()
    const run = { id: 'simulated', attempt: number, restoredCheckpoint: restore?.id ?? 0 }
    const { checkpoint } = settings
    const onEvent = (event: CheckpointEvent): void => void this.events.push(event)
    const afterId = this.#afterId
    this.#checkpointOptions = { scheduler, disk, life, attempt, graph, plan, settings: checkpoint, run, restore, afterId, onStep, onEvent }
    const coordinator = await openCoordinator(this.#checkpointOptions)
    this.#coordinator = coordinator
    coordinator.finished.then(
      (final) => (this.#final = final),
      (error: unknown) => attempt.fail(error),
    )
    coordinator.start()
    this.#options.onAttempt?.(this)
    try {
      await attempt.run()
    } finally {
      await coordinator.close()
      this.#afterId = Math.max(this.#afterId, coordinator.lastId)
    }
  }

  #checkpointOptions: AttemptCheckpointsOptions | undefined

  #threadCheckpoints(worker: number, life: Life): ThreadCheckpoints {
    const options = this.#checkpointOptions as AttemptCheckpointsOptions
    return threadCheckpoints(options, this.#coordinator as CheckpointCoordinator, worker, life)
  }

  /** What the attempt that is over leaves to the next one. */
  #newest(restored: RestorePoint | undefined): RestorePoint | undefined {
    const latest = this.#coordinator?.latest
    // The manifest of the restored one could not be read when the attempt began: it counts all the same.
    if (latest === undefined || latest.id <= (restored?.id ?? 0)) return restored
    const folder = checkpointFolder(latest.job, latest.run, latest.id)
    return { id: latest.id, files: filesOf(latest).map((file) => ({ ...file, path: resolvePath(folder, file.path) ?? file.path })) }
  }

  /** `--restore latest`, again and again while the disk fails. */
  async #findRestorePoint(life: Life, job: string): Promise<(RestorePoint & { readonly overtaken: ReadonlySet<string> }) | undefined> {
    const storage = this.disk.open(life, (step) => this.onStep(step as StepName))
    for (;;) {
      try {
        if (!(await hasCheckpoints(storage, job))) return undefined
        const { found, skipped } = await findLatest(storage, job, { whole: true })
        this.skipped += skipped.length
        return { id: found.manifest.id, files: found.files, overtaken: found.overtaken }
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'SLUICE_CHECKPOINT_STORAGE') throw error
        await this.scheduler.after(life, 'look for checkpoints again', 10)
      }
    }
  }

  readonly #host: HostBindings = {
    collect: (stream, records) => this.recorder.add(`collect:${stream}`, records),
    writeOut: (text) => this.recorder.add('stdout', [text]),
  }
}
