/** What users call: a job, its inputs, and what came out of it. */
import type { CheckpointMode, JobSettings, LogEntry, LogicalGraph } from '@sluice/engine'
import { type Duration, type Job, parseDuration, type Stream } from '@sluice/operators'
import { Scheduler } from '../schedule/scheduler.js'
import { SeededRandom } from '../schedule/seeded-random.js'
import { SimulationFailure } from '../schedule/simulation-failure.js'
import { checkInput } from './check-input.js'
import { drawEdgeSettings } from './draw-edge-settings.js'
import { type Crash, drawCrashes } from './fault-plan.js'
import type { Input } from './input.js'
import { inputSource, InputTimes } from './input-source.js'
import { rewriteGraph } from './rewrite-graph.js'
import { Simulation } from './simulation.js'

export interface SimulateOptions {
  /** Decides every interleaving and every fault. Default 1. */
  readonly seed?: number | undefined
  /** Parameters before they are parsed against the job's schema. */
  readonly params?: Readonly<Record<string, unknown>> | undefined
  /** Records by the name of a source, which is not opened then; checked against its schema where it has one. `at(time, record)` arrives later. */
  readonly inputs?: Readonly<Record<string, Input>> | undefined
  /** How long processing time goes on behind the last input before the inputs end. Default: they end at once. */
  readonly advance?: Duration | undefined
  /** So many crashes of workers and of the whole process at seeded places, or these. Checkpoints are taken where there are any. */
  readonly crashes?: number | readonly Crash[] | undefined
  /** Names of sinks that run as declared. The records of all others are only recorded. */
  readonly keepSinks?: readonly string[] | undefined
  /** Default: drawn from the seed, 1 to 3. */
  readonly workers?: number | undefined
  /** Default: drawn from the seed, 1 to 4; what the job fixes wins. */
  readonly parallelism?: number | undefined
  /** How checkpoints are taken; without it and without `crashes` none are. */
  readonly checkpoint?: { readonly interval?: Duration | undefined; readonly mode?: CheckpointMode | undefined } | undefined
  /** Freezes records and encodes them on every edge, local ones too. Default true. */
  readonly checkRecords?: boolean | undefined
}

/** The records of each stream that `declare` returned, by its name. */
export type SimulatedOutputs<O> = { readonly [K in keyof O]: O[K] extends Stream<infer T, infer _C> ? readonly T[] : never }

export interface SimulationResult<O> {
  /** Records of the streams that `declare` returned; committed ones, where checkpoints were taken. */
  readonly outputs: SimulatedOutputs<O>
  /** Records of every other sink that was not kept, by its name. */
  readonly sinks: Readonly<Record<string, readonly unknown[]>>
  readonly seed: number
  /** Hash of everything that happened: the same for the same seed. */
  readonly trace: string
  /** Choices the scheduler made. */
  readonly choices: number
  /** Starts of the job, restarts after crashes included. */
  readonly attempts: number
  /** Crashes that were injected. */
  readonly crashes: number
  /** How long it took by the virtual clock. */
  readonly durationMs: number
  readonly log: readonly LogEntry[]
}

const RING_BYTES = [4096, 4096, 8192, 65_536]
const WINDOW_TARGETS_MS = [1, 10, 100]
const CHECKPOINT_INTERVAL_MS = 50
/** A long `advance` takes so many checkpoints on its way, at most. */
const CHECKPOINTS_MAX = 30

/**
 * Runs a job on this thread in virtual time, with real channels, codecs, loops and checkpoints: one seed decides how many workers there are, who runs when, how
 * large batches and windows are, and where it crashes. Date, timers and random numbers of the job's code are virtual too; calls that wait for the real world are
 * never answered.
 *
 * @throws SluiceError what made the job fail; `SLUICE_OPTIONS_INVALID` where an input has no source, or a record does not fit its schema
 * @throws SimulationFailure for a deadlock or a run without end
 * @example
 * const { outputs } = await simulate(job, { seed: 7, inputs: { orders: [{ id: 1, amount: 20 }] }, crashes: 2 })
 * expect(outputs.totals).toEqual([{ total: 20 }])
 */
export async function simulate<P, O>(job: Job<P, O>, options: SimulateOptions = {}): Promise<SimulationResult<O>> {
  const seed = options.seed ?? 1
  const { crashes = [] } = options
  try {
    if (typeof crashes !== 'number') return await simulateOnce(job, options, crashes)
    // Where the job would be over before the crash there would be none: a run without them says how long it takes.
    const undisturbed = crashes === 0 ? undefined : await simulateOnce(job, { ...options, checkpoint: options.checkpoint ?? {} }, [])
    const drawn = drawCrashes(crashes, new SeededRandom(seed ^ 0x5eed), Math.max(4, (undisturbed?.choices ?? 4) / (crashes + 1)))
    return await simulateOnce(job, options, drawn)
  } catch (error) {
    if (error instanceof Error && !(error instanceof SimulationFailure)) error.message += ` (simulated with seed ${seed})`
    throw error
  }
}

async function simulateOnce<P, O>(job: Job<P, O>, options: SimulateOptions, crashes: readonly Crash[]): Promise<SimulationResult<O>> {
  const { inputs = {}, keepSinks = [], advance = 0, checkpoint, seed = 1 } = options
  const scheduler = new Scheduler({ seed })
  const params = await job.parseParams(options.params ?? {})
  const advanceMs = parseDuration(advance, 'advance of simulate')
  const times = new InputTimes(scheduler, Object.keys(inputs), advanceMs)
  const declared = job.declare(params, { collect: true })
  const settings = { ...drawSettings(scheduler.random, options), edges: drawEdgeSettings(seed, declared) }
  for (const [name, records] of Object.entries(inputs)) await checkInput(name, records, declared)

  const declare = (): LogicalGraph =>
    rewriteGraph(job.declare(params, { collect: true }), {
      source: ({ name }) => {
        const records = inputs[name]
        return records === undefined ? undefined : inputSource({ name, records, times, scheduler })
      },
      sink: ({ name }) => (keepSinks.includes(name) ? undefined : simulation.recorder.sink(name)),
    })
  const takesCheckpoints = checkpoint !== undefined || crashes.length > 0
  const intervalMs = Math.max(
    parseDuration(checkpoint?.interval ?? CHECKPOINT_INTERVAL_MS, 'checkpoint.interval'),
    advanceMs / CHECKPOINTS_MAX,
  )
  const simulation: Simulation = new Simulation({
    scheduler,
    declare,
    settings: () => ({
      ...settings,
      checkpoint: takesCheckpoints ? { directory: 'checkpoints', intervalMs, mode: checkpoint?.mode } : undefined,
    }),
    crashes,
  })
  const startMs = scheduler.nowMs
  await simulation.run()
  const recorded = declared.nodes.filter(({ spec, name }) => spec.kind === 'sink' && !keepSinks.includes(name)).map(({ name }) => name)
  const outputs = recorded.filter((name) => name.startsWith(COLLECT_PREFIX))
  const sinks = recorded.filter((name) => !name.startsWith(COLLECT_PREFIX))
  const { recorder } = simulation
  return {
    outputs: Object.fromEntries(
      outputs.map((name) => [name.slice(COLLECT_PREFIX.length), recorder.recordsOf(name)]),
    ) as SimulatedOutputs<O>,
    sinks: Object.fromEntries(sinks.map((name) => [name, recorder.recordsOf(name)])),
    seed,
    trace: scheduler.trace.hash,
    choices: scheduler.choices,
    attempts: simulation.attempts,
    crashes: simulation.faults.injected,
    durationMs: scheduler.nowMs - startMs,
    log: simulation.log,
  }
}

const COLLECT_PREFIX = 'collect:'

/** What the seed decides of how the job is laid out. */
export function drawSettings(random: SeededRandom, fixed: Pick<SimulateOptions, 'workers' | 'parallelism' | 'checkRecords'>): JobSettings {
  const workers = 1 + random.below(3)
  const parallelism = 1 + random.below(4)
  return {
    workers: fixed.workers ?? workers,
    parallelism: fixed.parallelism ?? parallelism,
    ringBytes: random.pick(RING_BYTES),
    windowTargetMs: random.pick(WINDOW_TARGETS_MS),
    adaptiveWindow: random.chance(0.7),
    chaining: random.chance(0.7),
    checkRecords: fixed.checkRecords ?? true,
    maxRecordBytes: 1024 * 1024,
    restart: { kind: 'fixed', attempts: 100, delayMs: 20 },
  }
}
