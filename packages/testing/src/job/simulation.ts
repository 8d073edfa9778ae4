/**
 * A whole job in virtual time: processes one behind the other, attempts within them, and what outlives them (the disk, what sinks made visible, the
 * plan of faults). Everything that decides about the job is what runs in production; replaced are clock, wake-ups, timers and storage.
 */
import {
  decideRestart,
  type AttemptFailure,
  type HostBindings,
  type JobSettings,
  type LogEntry,
  type LogicalGraph,
  planJob,
  resolveSettings,
} from '@sluice/engine'
import { Life } from '../schedule/life.js'
import { Scheduler } from '../schedule/scheduler.js'
import { SimulationFailure } from '../schedule/simulation-failure.js'
import { installVirtualGlobals } from '../schedule/virtual-globals.js'
import { type DiskFaults, SimulatedDisk } from '../storage/simulated-disk.js'
import { Attempt } from './attempt.js'
import { explainStall } from './explain-stall.js'
import { type Crash, FaultPlan } from './fault-plan.js'
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
  /** Processes that ran so far, and attempts in all of them. */
  processes = 0
  attempts = 0
  readonly #options: SimulationOptions
  #life: Life = new Life('process 0')
  #attempt: Attempt | undefined

  constructor(options: SimulationOptions) {
    this.#options = options
    this.scheduler = options.scheduler
    this.disk = new SimulatedDisk(this.scheduler, options.disk ?? { slowMs: 1, failures: 0 })
    this.faults = new FaultPlan(options.crashes ?? [])
  }

  /** The attempt that runs now. */
  get attempt(): Attempt | undefined {
    return this.#attempt
  }

  /** Runs the job to its end, over all crashes. Fails with what made it fail, or with a `SimulationFailure`. */
  async run(): Promise<void> {
    const before = running
    let leave: () => void = () => {}
    running = new Promise((resolve) => {
      leave = resolve
    })
    await before
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

  /** True when the job has ended; false: the process crashed. */
  async #runProcess(): Promise<boolean> {
    const { scheduler, faults } = this
    const number = this.processes++
    const life = new Life(`process ${number}`)
    this.#life = life
    scheduler.current = life
    scheduler.onChoice = (choice) => this.#inject(faults.atChoice(choice))
    let end: { readonly error?: unknown } | undefined
    this.#supervise(life, number).then(
      () => (end = {}),
      (error: unknown) => (end = { error }),
    )
    await scheduler.runUntil(() => end !== undefined || !life.alive)
    if (!life.alive) {
      scheduler.note('the process crashed')
      this.disk.tear()
      return false
    }
    if (end !== undefined && 'error' in end) throw end.error
    return true
  }

  #inject(crash: Crash | undefined): void {
    if (crash === undefined) return
    const attempt = this.#attempt
    if (crash.of !== 'worker') {
      this.#life.end()
      return
    }
    const workers = attempt?.workers ?? []
    if (workers.length > 0) attempt?.crash(this.scheduler.random.pick(workers))
  }

  async #supervise(life: Life, process: number): Promise<void> {
    const { scheduler } = this
    const { declare } = this.#options
    const graph = declare()
    const settings = resolveSettings(graph.settings, { cores: 2, ...this.#options.settings(process) })
    const plan = planJob(graph, settings)
    const failures: AttemptFailure[] = []
    for (;;) {
      const startedMs = scheduler.nowMs
      const attempt = new Attempt({
        scheduler,
        life,
        number: ++this.attempts,
        plan,
        settings,
        declare,
        host: this.#host,
        codeGeneration: this.#options.codeGeneration ?? true,
        overwrite: this.#options.overwrite ?? false,
        log: (entry) => this.log.push(entry),
      })
      this.#attempt = attempt
      scheduler.explain = () => explainStall(graph, plan, attempt.snapshot())
      try {
        await attempt.run()
        return
      } catch (error) {
        if (settings.checkpoint === undefined) throw error
        failures.push({ startedMs, failedMs: scheduler.nowMs, error, checkpoint: 0 })
        const decision = decideRestart(settings.restart, failures, scheduler.random.next())
        if (!decision.restart) throw error
        await scheduler.after(life, 'restart', decision.delayMs)
      }
    }
  }

  readonly #host: HostBindings = {
    collect: (stream, records) => this.recorder.add(`collect:${stream}`, records),
    writeOut: (text) => this.recorder.add('stdout', [text]),
  }
}
