/** One seed of the chaos test: draws a job, a way to run it and faults; runs it to its end and holds what it wrote against what it must write. */
import { type CheckpointMode, type LogicalGraph, SluiceError } from '@sluice/engine'
import { drawCrashes } from '../../src/job/fault-plan.js'
import { drawEdgeSettings } from '../../src/job/draw-edge-settings.js'
import { drawSettings } from '../../src/job/simulate.js'
import { Simulation } from '../../src/job/simulation.js'
import { Life } from '../../src/schedule/life.js'
import { Scheduler } from '../../src/schedule/scheduler.js'
import { SeededRandom } from '../../src/schedule/seeded-random.js'
import { SimulationFailure } from '../../src/schedule/simulation-failure.js'
import { checkDatabase, compareDatabases } from './check-database.js'
import { Database } from './database.js'
import { drawShape, numberedJob, type Shape } from './numbered-job.js'
import { type OperatorName, operatorsJob } from './operators-job.js'

export type Mode = CheckpointMode | 'switch' | 'off'

export interface Scenario {
  readonly shape: Shape
  /** Which operators the job has; undefined: it is the numbered one. */
  readonly operators: readonly OperatorName[] | undefined
  readonly mode: Mode
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly alignedTimeoutMs: number | undefined
  readonly retain: number
  readonly crashes: number
  readonly stops: number
  /** Stops do not wait for what is in flight. */
  readonly cut: boolean
  readonly rescale: boolean
  readonly slowMs: number
  readonly failures: number
  /** The disk is full now and then. */
  readonly outages: boolean
  readonly savepoints: boolean
  /** A bit of a complete checkpoint changes in front of a crash: an older one is restored. */
  readonly flips: boolean
  readonly slowDatabaseMs: number
  readonly codeGeneration: boolean
  /** The source of splits has no end that anybody knows of, and may be idle: after so long, and it never is. */
  readonly idleAfterMs: number | undefined
  /** Edges may be pull edges, and have weights and priorities. */
  readonly edgeSettings: boolean
  /** Choices after which faults stop, so that every run ends. */
  readonly faultyChoices: number
}

/** Parts of a scenario that are set by hand. */
export type Change = Partial<Omit<Scenario, 'shape'>> & { readonly shape?: Partial<Shape> | undefined }

export interface SeedReport {
  readonly seed: number
  readonly mode: Mode
  readonly trace: string
  readonly choices: number
  readonly attempts: number
  readonly processes: number
  readonly checkpoints: number
  readonly failedCheckpoints: number
  /** Last checkpoints with records in flight between operators. */
  readonly cutShort: number
  readonly crashes: number
  readonly diskFailures: number
  readonly flips: number
  readonly skipped: number
  readonly commits: number
  /** How often the protocol came to each step. */
  readonly steps: ReadonlyMap<string, number>
}

const MODES: readonly Mode[] = ['aligned', 'aligned', 'unaligned', 'unaligned', 'switch', 'switch', 'at-least-once', 'off']
const FAULTY_CHOICES = 8_000
const IDLE_AFTER_MS = 20
/** What came later than the seeds that are kept is drawn from numbers of its own. */
const DRAWN_LATER = 0x1d1e
const OUTAGE_MS = 400

function drawScenario(random: SeededRandom, seed: number): Scenario {
  const later = new SeededRandom(seed ^ DRAWN_LATER)
  const mode = random.pick(MODES)
  const shape = drawShape(random)
  const rescale = random.chance(0.35)
  return {
    // At another parallelism splits stand at different times: a bound in event time covers that.
    shape: rescale ? { ...shape, outOfOrdernessMs: 1e9 } : shape,
    operators: undefined,
    mode,
    rescale,
    intervalMs: random.logUniform(15, 300),
    timeoutMs: random.chance(0.2) ? random.logUniform(5, 60) : 20_000,
    alignedTimeoutMs: mode === 'switch' ? random.logUniform(0.5, 40) : undefined,
    retain: 1 + random.below(3),
    crashes: mode === 'off' ? 0 : random.below(6),
    stops: mode === 'off' || random.chance(0.7) ? 0 : 1,
    cut: false,
    slowMs: random.pick([0.5, 5, 5, 80]),
    failures: random.pick([0, 0, 0.02]),
    outages: random.chance(0.15),
    savepoints: random.chance(0.15),
    flips: random.chance(0.1),
    slowDatabaseMs: random.pick([0, 2, 30]),
    codeGeneration: random.chance(0.5),
    idleAfterMs: !rescale && later.chance(0.2) ? IDLE_AFTER_MS : undefined,
    edgeSettings: true,
    faultyChoices: FAULTY_CHOICES,
  }
}

export async function runSeed(seed: number, change: Change = {}): Promise<SeedReport> {
  const scheduler = new Scheduler({ seed, choicesMax: 120_000 })
  const { random } = scheduler
  const drawnScenario = drawScenario(random, seed)
  const scenario: Scenario = { ...drawnScenario, ...change, shape: { ...drawnScenario.shape, ...change.shape } }
  const { mode } = scenario
  const database = new Database(scenario.slowDatabaseMs)
  const { idleAfterMs, faultyChoices } = scenario
  const layouts = Array.from({ length: scenario.rescale ? 60 : 1 }, () => {
    const layout = drawSettings(random, { checkRecords: random.chance(0.1) })
    // In another task the source is idle while its thread has no turn.
    return idleAfterMs === undefined ? layout : { ...layout, chaining: true }
  })
  // Only where timestamps are assigned in the task of the source does event time know of splits.
  const shape = { ...scenario.shape, idleAfterMs, overlapping: layouts.every(({ chaining }) => chaining !== false) || scenario.rescale }
  const drawn = drawCrashes(scenario.crashes, random)
  const crashes =
    scenario.stops > 0 ? [...drawn, { of: scenario.cut ? 'cut' : 'stop', choice: Math.ceil(random.logUniform(50, 4_000)) } as const] : drawn
  let flips = 0
  const { operators } = scenario
  const expected = operators === undefined ? undefined : await undisturbed(seed, shape, operators)
  const job = operators === undefined ? numberedJob(shape, database) : operatorsJob(shape, operators, database)
  let graph: LogicalGraph | undefined
  const edges = scenario.edgeSettings ? drawEdgeSettings(seed, job.declare({}, { collect: false })) : {}
  const simulation: Simulation = new Simulation({
    scheduler,
    // The numbered job keeps nothing in its declaration, so that once is enough; others may have a cache there, which belongs to a thread.
    declare: () => (operators === undefined ? (graph ??= job.declare({}, { collect: false })) : job.declare({}, { collect: false })),
    settings: (process) => ({
      ...layouts[process % layouts.length],
      edges,
      keyGroups: 32,
      restart: { kind: 'fixed', attempts: 1_000, delayMs: 5 },
      checkpoint:
        mode === 'off'
          ? undefined
          : {
              directory: 'simulated',
              intervalMs: scenario.intervalMs,
              mode: mode === 'switch' ? 'aligned' : mode,
              alignedTimeoutMs: scenario.alignedTimeoutMs,
              // The last checkpoint is given up after its timeout, and the job with it: the next process has more time.
              timeoutMs: Math.min(20_000, scenario.timeoutMs * 4 ** process),
              retain: scenario.retain,
            },
    }),
    crashes,
    disk: { slowMs: scenario.slowMs, failures: scenario.failures },
    codeGeneration: scenario.codeGeneration,
    healAfter: faultyChoices,
    onAttempt: ({ coordinator, attempt }) => {
      if (!scenario.savepoints || attempt === undefined) return
      void scheduler.after(attempt.life, 'ask for a savepoint', random.next() * 300).then(() => coordinator?.savepoint().catch(() => {}))
    },
    onCrash: ({ disk }) => {
      if (!scenario.flips || flips > 0) return
      // Where there is an older one to go back to.
      const complete = [...disk.files.keys()]
        .filter((path) => path.endsWith('/manifest.json'))
        .map((path) => path.slice(0, path.lastIndexOf('/')))
      const newest = complete.sort((left, right) => idOf(left) - idOf(right)).at(-1)
      if (newest !== undefined && complete.length > 1 && disk.flip(`${newest}/state-`) !== undefined) flips++
    },
  })
  database.onCommit = () => simulation.onStep('commit')
  if (scenario.outages) outages(simulation, scheduler, faultyChoices)
  try {
    await simulation.run()
  } catch (error) {
    // Where every checkpoint is damaged the job says so and does not begin.
    const refused = flips > 0 && error instanceof SluiceError && error.code === 'SLUICE_CHECKPOINT_CORRUPT'
    if (!refused) throw explained(seed, scenario, error, scheduler)
    return reportOf(seed, mode, flips, simulation, database)
  }
  // What is restored from an older checkpoint comes again in transactions that were committed already.
  const exactlyOnce = mode !== 'at-least-once' && flips === 0
  const wrongs =
    expected !== undefined
      ? compareDatabases(database, expected, [...(operators ?? []), 'late'], exactlyOnce)
      : checkDatabase(database, shape, {
          exactlyOnce,
          ordered: exactlyOnce && !shape.rebalance && shape.async !== 'unordered',
          timeGoesOn: exactlyOnce && !scenario.rescale,
        })
  if (wrongs.length > 0) throw explained(seed, scenario, new Error(wrongs.join('\n')), scheduler)
  return reportOf(seed, mode, flips, simulation, database)
}

/** What the job writes on one worker, where nothing fails. */
async function undisturbed(seed: number, shape: Shape, operators: readonly OperatorName[]): Promise<Database> {
  const database = new Database(0)
  const job = operatorsJob(shape, operators, database)
  const simulation = new Simulation({
    scheduler: new Scheduler({ seed, choicesMax: 120_000 }),
    declare: () => job.declare({}, { collect: false }),
    settings: () => ({ workers: 1, parallelism: 1 }),
    codeGeneration: false,
  })
  await simulation.run()
  return database
}

function reportOf(seed: number, mode: Mode, flips: number, simulation: Simulation, database: Database): SeedReport {
  const { events, faults, disk, scheduler } = simulation
  return {
    seed,
    mode,
    trace: scheduler.trace.hash,
    choices: scheduler.choices,
    attempts: simulation.attempts,
    processes: simulation.processes,
    checkpoints: events.filter(({ type }) => type === 'checkpoint.completed').length,
    failedCheckpoints: events.filter(({ type }) => type === 'checkpoint.failed').length,
    cutShort: events.filter((event) => event.type === 'checkpoint.completed' && event.final === 'stopped' && event.channelBytes > 0).length,
    crashes: faults.injected,
    diskFailures: disk.failed,
    flips,
    skipped: simulation.skipped,
    commits: database.commits,
    steps: faults.steps,
  }
}

function idOf(folder: string): number {
  return Number(folder.slice(folder.lastIndexOf('-') + 1))
}

/** The disk is full for a while, again and again. */
function outages({ disk }: Simulation, scheduler: Scheduler, faultyChoices: number): void {
  const life = new Life('the disk')
  const fill = (full: boolean): void => {
    const atMs = scheduler.nowMs + scheduler.random.next() * OUTAGE_MS
    scheduler.await({
      life,
      what: full ? 'is full' : 'has room',
      atMs,
      happen: () => {
        disk.full = full && scheduler.choices < faultyChoices
        if (scheduler.choices < faultyChoices) fill(!full)
      },
    })
  }
  fill(true)
}

function explained(seed: number, scenario: Scenario, error: unknown, scheduler: Scheduler): SimulationFailure {
  const message =
    error instanceof Error ? `${error.message}${error instanceof SimulationFailure ? '' : `\n${error.stack ?? ''}`}` : String(error)
  const last = scheduler.trace.last.slice(-25).join('\n  ')
  const text = `${message}\nscenario ${JSON.stringify(scenario)}\nlast:\n  ${last}\nreplay: npm run soak -- --seed ${seed}`
  return new SimulationFailure(seed, text, { cause: error })
}
