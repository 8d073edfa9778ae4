/**
 * A deterministic host for the loops of a graph: virtual time, and one seeded choice after the other of who runs next. Nobody to run
 * and nothing to wait for is a deadlock (or a lost wake-up); a loop that reads the clock without end and never yields is a livelock.
 * Both fail at once, with the seed.
 */
import type { ThreadCheckpoints } from '../../src/checkpoint/thread-checkpoints.js'
import type { CheckpointMode } from '../../src/checkpoint/protocol.js'
import { CheckpointWords } from '../../src/control/checkpoint-words.js'
import { Command, type CommandCode, ControlWord, Doorbell } from '../../src/control/control-layout.js'
import type { Environment, LogEntry } from '../../src/environment/environment.js'
import type { JobSettings, LogicalGraph } from '../../src/graph/logical-graph.js'
import type { HostBindings } from '../../src/graph/operator-context.js'
import { type MetricsSnapshot, readMetrics } from '../../src/metrics/read-metrics.js'
import { HOST_WORKER, type PhysicalPlan } from '../../src/plan/physical-plan.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { allocateShared, type SharedRegions } from '../../src/task/shared-regions.js'
import { WorkerLoop } from '../../src/task/worker-loop.js'

interface Waiting {
  readonly bell: Doorbell | undefined
  readonly seen: number
  readonly deadlineMs: number
  readonly resume: () => void
}

interface Timer {
  readonly atMs: number
  readonly fire: () => void
}

export interface SimulationOptions extends JobSettings {
  readonly seed?: number
  readonly codeGeneration?: boolean
  readonly host?: HostBindings
  /** Each reading of the clock moves it by up to this much. */
  readonly tickMsMax?: number
  /** Readings of the clock by one loop without a yield that are a livelock. */
  readonly spinsMax?: number
  /** Subtasks take part in checkpoints; what they report is the test's to answer. */
  readonly checkpoints?: ThreadCheckpoints
}

/** Readings of the clock between two yields that no healthy loop needs. */
const SPINS_MAX = 20_000
/** Steps of the scheduler that no test needs. */
const STEPS_MAX = 300_000

export class Simulation {
  nowMs = 1000
  steps = 0
  readonly log: LogEntry[] = []
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly shared: SharedRegions
  readonly metrics: Float64Array
  readonly #options: SimulationOptions
  readonly #waiting: Waiting[] = []
  readonly #timers: Timer[] = []
  readonly #checkpointWords: CheckpointWords
  readonly #actions = new Map<number, () => void>()
  #state: number
  #spins = 0
  #readings = 0
  #onStall: (() => void) | undefined
  #onClock: (reading: number) => void = () => {}

  constructor(graph: LogicalGraph, options: SimulationOptions = {}) {
    const {
      seed,
      codeGeneration: _generate,
      host: _host,
      tickMsMax: _tick,
      spinsMax: _spins,
      checkpoints: _checkpoints,
      ...settings
    } = options
    this.#options = options
    this.#state = (seed ?? 1) >>> 0
    this.graph = graph
    const resolved = resolveSettings(graph.settings, { cores: 2, ...settings })
    this.plan = planJob(graph, resolved)
    this.shared = allocateShared(this.plan)
    this.metrics = new Float64Array(this.shared.metrics)
    this.settings = resolved
    this.#checkpointWords = new CheckpointWords(this.shared.control, () => this.#wakeAll())
  }

  readonly settings: ReturnType<typeof resolveSettings>

  /** Uniform in [0, 1), from the seed. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Virtual time: what asynchronous user code of a test waits for. */
  delay(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#timers.push({ atMs: this.nowMs + delayMs, fire: resolve }))
  }

  /** Time passes inside a synchronous function of a test. */
  spend(ms: number): void {
    this.nowMs += ms
  }

  /** Sends a command and rings every doorbell, as a coordinator does. */
  command(command: CommandCode): void {
    Atomics.store(new Int32Array(this.shared.control), ControlWord.command, command)
    this.#wakeAll()
  }

  /** Asks for a checkpoint, an aligned one unless told otherwise. */
  trigger(checkpoint: number, mode: CheckpointMode = 'aligned', last = false): void {
    this.#checkpointWords.trigger(checkpoint, mode, this.nowMs, last)
  }

  /** Says that a checkpoint is complete; where it is the last one, subtasks leave. */
  complete(checkpoint: number, last = true): void {
    if (last) Atomics.store(new Int32Array(this.shared.control), ControlWord.finalId, checkpoint)
    this.#checkpointWords.completed(checkpoint)
  }

  /** Says that checkpoints up to this one are given up. */
  giveUp(checkpoint: number): void {
    this.#checkpointWords.abort(checkpoint)
  }

  #wakeAll(): void {
    for (let worker = HOST_WORKER; worker < this.plan.workers; worker++) new Doorbell(this.shared.control, this.plan.workers, worker).wake()
  }

  /** Calls `action` once, before that step of the scheduler. */
  atStep(step: number, action: () => void): void {
    this.#actions.set(step, action)
  }

  /** Calls `action` at every reading of the monotonic clock, with the number of the reading. */
  onClock(action: (reading: number) => void): void {
    this.#onClock = action
  }

  /** Calls `action` once, when nobody can run and there is nothing to wait for, instead of failing. */
  onStall(action: () => void): void {
    this.#onStall = action
  }

  snapshot(): MetricsSnapshot {
    return readMetrics(this.plan, this.metrics, this.nowMs)
  }

  /** Runs every loop to its end. The first failure aborts the others, and is thrown when all have left. */
  async run(): Promise<void> {
    const environment = this.#environment()
    let failure: { readonly error: unknown } | undefined
    let left = 0
    const workers = [HOST_WORKER, ...Array.from({ length: this.plan.workers }, (_, worker) => worker)]
    for (const worker of workers) {
      left++
      const loop = new WorkerLoop({
        graph: this.graph,
        plan: this.plan,
        settings: this.settings,
        shared: this.shared,
        worker,
        environment,
        resources: new Map(),
        host: this.#options.host,
        overwrite: false,
        checkpoints: this.#options.checkpoints,
      })
      loop.run().then(
        () => left--,
        (error: unknown) => {
          left--
          failure ??= { error }
          this.command(Command.abort)
        },
      )
    }
    for (;;) {
      await settled()
      if (left === 0) break
      this.#next()
    }
    if (failure !== undefined) throw failure.error
  }

  /** Fires the timers that are left, when the loops have gone. */
  async idle(): Promise<void> {
    for (;;) {
      await settled()
      const timer = this.#timers.shift()
      if (timer === undefined) return
      timer.fire()
    }
  }

  #next(): void {
    if (this.steps > STEPS_MAX) throw new Error(`no end with seed ${this.#options.seed ?? 1} after ${this.steps} steps`)
    this.#actions.get(++this.steps)?.()
    this.#spins = 0
    const runnable = this.#waiting.filter(
      ({ bell, seen, deadlineMs }) => bell === undefined || deadlineMs <= this.nowMs || Atomics.load(bell.words, bell.bellAt) !== seen,
    )
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs)
    const choice = Math.floor(this.random() * (runnable.length + due.length))
    const waiting = runnable[choice]
    if (waiting !== undefined) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.resume()
      return
    }
    const timer = due[choice - runnable.length]
    if (timer !== undefined) {
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      timer.fire()
      return
    }
    const nextMs = Math.min(...this.#waiting.map(({ deadlineMs }) => deadlineMs), ...this.#timers.map(({ atMs }) => atMs))
    if (nextMs === Number.POSITIVE_INFINITY && this.#onStall !== undefined) {
      const stalled = this.#onStall
      this.#onStall = undefined
      stalled()
      return
    }
    if (nextMs === Number.POSITIVE_INFINITY)
      throw new Error(
        `deadlock with seed ${this.#options.seed ?? 1} after ${this.steps} steps: ${JSON.stringify(this.snapshot(), null, 1)}`,
      )
    this.nowMs = nextMs
  }

  #environment(): Environment {
    const tickMsMax = this.#options.tickMsMax ?? 0.2
    const spinsMax = this.#options.spinsMax ?? SPINS_MAX
    return {
      clock: {
        nowMs: () => 1_700_000_000_000 + this.nowMs,
        monotonicMs: () => {
          if (++this.#spins > spinsMax) throw new Error(`livelock with seed ${this.#options.seed ?? 1}: a loop never yields`)
          this.nowMs += this.random() * tickMsMax
          this.#onClock(++this.#readings)
          return this.nowMs
        },
      },
      sleeper: {
        park: (bell, seen, deadlineMs) =>
          new Promise((resolve) => this.#waiting.push({ bell, seen, deadlineMs: deadlineMs ?? Number.POSITIVE_INFINITY, resume: resolve })),
        yieldToEventLoop: () =>
          new Promise((resolve) => this.#waiting.push({ bell: undefined, seen: 0, deadlineMs: Number.POSITIVE_INFINITY, resume: resolve })),
      },
      random: () => this.random(),
      log: (entry) => this.log.push(entry),
      spinMicroseconds: 0,
      codeGeneration: this.#options.codeGeneration ?? true,
      setTimer: (delayMs, fire) => {
        const timer = { atMs: this.nowMs + delayMs, fire }
        this.#timers.push(timer)
        return {
          cancel: () => {
            const at = this.#timers.indexOf(timer)
            if (at >= 0) this.#timers.splice(at, 1)
          },
        }
      },
    }
  }
}

/** Everything that promises have to say has been said. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
