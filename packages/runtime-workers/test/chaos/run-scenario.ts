/**
 * Runs a scenario: processes of the real binary one behind the other on one folder, each but the last disturbed, until the job has finished; then holds what
 * they left against what an undisturbed process leaves. The scenario follows from its seed; when exactly a process dies does not, for time is real.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { run } from '@sluice/runtime-workers'
import { defineJob, fromArray, toParquet } from '@sluice/operators'
import { ROW_GROUP } from './jobs/numbered.js'
import { checkLeft, fileRecordsOf } from './check-left.js'
import { type Ended, JobProcess, speakTo } from './process.js'
import { type Left, readLeft } from './read-output.js'
import type { Disturbance, Life, Scenario, Shape } from './scenario.js'

/** No life lasts longer: the machine may be busy with other things. */
const LIFE_MS_MAX = 120_000
const LIVES_MAX = 40

export interface ScenarioReport {
  readonly seed: number
  readonly processes: number
  /** Processes that died of SIGKILL. */
  readonly kills: number
  /** By kind of disturbance: how many did come to pass. */
  readonly disturbances: ReadonlyMap<string, number>
  /** Restarts within a process. */
  readonly restarts: number
  readonly restores: number
  readonly checkpoints: number
  readonly failedCheckpoints: number
  /** Starts from the beginning because nothing could be restored yet. */
  readonly freshStarts: number
}

interface Tallied {
  processes: number
  kills: number
  disturbances: Map<string, number>
  restarts: number
  restores: number
  checkpoints: number
  failedCheckpoints: number
  freshStarts: number
}

export interface RunScenarioOptions {
  /** Where inputs and results of undisturbed runs are kept from scenario to scenario. */
  readonly shared: string
  /** Tells each life. */
  readonly log?: ((text: string) => void) | undefined
  /** Keeps the folder, also of a scenario that is as it must be. */
  readonly keep?: boolean | undefined
}

export async function runScenario(scenario: Scenario, options: RunScenarioOptions): Promise<ScenarioReport> {
  const folder = mkdtempSync(join(tmpdir(), `sluice-chaos-${scenario.seed}-`))
  const told: string[] = []
  const log = (text: string): void => {
    told.push(text)
    options.log?.(text)
  }
  const tally: Tallied = {
    processes: 0,
    kills: 0,
    disturbances: new Map(),
    restarts: 0,
    restores: 0,
    checkpoints: 0,
    failedCheckpoints: 0,
    freshStarts: 0,
  }
  try {
    const input = await inputOf(scenario.shape, options.shared)
    const reference = await referenceOf(scenario.shape, input, options.shared)
    await new Lives(scenario, folder, input, tally, log).run()
    const { texts } = checkLeft(await readLeft(folder), reference, scenario.shape)
    if (texts.length > 0) throw new Error(texts.join('\n  '))
    if (options.keep !== true) rmSync(folder, { recursive: true, force: true })
    return { seed: scenario.seed, ...tally }
  } catch (error) {
    const { shape, lives: _lives, ...rest } = scenario
    const about = `scenario ${JSON.stringify({ ...rest, shape })}`
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(
      `chaos seed ${scenario.seed}: ${what}\n${about}\n  ${told.join('\n  ')}\nits files: ${folder}\nreplay (times are real, so it may need several tries): npm run soak -- --chaos --seed ${scenario.seed}`,
      { cause: error },
    )
  }
}

/** One process after the other. */
class Lives {
  readonly #scenario: Scenario
  readonly #folder: string
  readonly #params: string
  readonly #tally: Tallied
  readonly #log: (text: string) => void
  /** What the next process restores; undefined: nothing, it is the first. */
  #restore: string | undefined
  /** The last one that a process went on from. */
  #savepoint: string | undefined
  #overwrite = false

  constructor(scenario: Scenario, folder: string, input: string, tally: Tallied, log: (text: string) => void) {
    this.#scenario = scenario
    this.#folder = folder
    this.#tally = tally
    this.#log = log
    const wires = scenario.wires.map((wire, at) => ({ ...wire, file: join(folder, `tripped-${at}`) }))
    this.#params = join(folder, 'params.json')
    writeFileSync(this.#params, JSON.stringify(paramsOf(scenario.shape, input, join(folder, 'out'), wires)))
  }

  async run(): Promise<void> {
    const { lives } = this.#scenario
    const calm = { ...(lives.at(-1) as Life), disturbance: undefined }
    for (let at = 0; at < LIVES_MAX; at++) {
      if (await this.#live(lives[at] ?? calm)) return
    }
    throw new Error(`not finished after ${LIVES_MAX} processes`)
  }

  /** True: the job has finished. */
  async #live(life: Omit<Life, 'disturbance'> & { readonly disturbance: Disturbance | undefined }): Promise<boolean> {
    const { workers, parallelism, mode, alignedTimeoutMs, intervalMs, disturbance } = life
    const args = ['--params', this.#params, '--workers', String(workers), '--parallelism', String(parallelism)]
    args.push('--checkpoint-mode', mode, '--checkpoint-interval', String(intervalMs), '--checkpoint-retain', String(this.#scenario.retain))
    if (alignedTimeoutMs !== undefined) args.push('--checkpoint-aligned-timeout', String(alignedTimeoutMs))
    args.push('--restart', 'fixed:100:20ms')
    if (this.#restore !== undefined) args.push('--restore', this.#restore)
    if (this.#overwrite) args.push('--overwrite')
    const process = new JobProcess(args, this.#folder, disturbance?.kind === 'kill-at' ? disturbance : undefined)
    const disturbed = disturbance === undefined ? undefined : this.#disturb(process, disturbance)
    const ended = await this.#endOf(process)
    const savepoint = await disturbed
    this.#count(ended, disturbance)
    return this.#judge(ended, savepoint, args)
  }

  async #endOf(process: JobProcess): Promise<Ended> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      process.kill('SIGKILL')
    }, LIFE_MS_MAX)
    const ended = await process.ended
    clearTimeout(timer)
    if (late) throw new Error(`a process did not end within ${LIFE_MS_MAX} ms:\n${endOf(ended)}`)
    return ended
  }

  /** Resolves with the path of a savepoint to go on from. */
  async #disturb(process: JobProcess, disturbance: Disturbance): Promise<string | undefined> {
    const pause = (ms: number): Promise<unknown> => Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), process.ended])
    const happened = (): void => {
      const { disturbances } = this.#tally
      if (!process.over) disturbances.set(disturbance.kind, (disturbances.get(disturbance.kind) ?? 0) + 1)
    }
    switch (disturbance.kind) {
      case 'kill-at':
        await pause(disturbance.orAfterMs)
        break
      case 'kill':
        await pause(disturbance.afterMs)
        break
      case 'kill-on':
        await Promise.race([process.said(disturbance.event, disturbance.times), pause(disturbance.orAfterMs)])
        await pause(disturbance.afterMs)
        break
      case 'signal':
        await pause(disturbance.afterMs)
        happened()
        process.kill(disturbance.signal)
        if (disturbance.killAfterMs === undefined) return undefined
        await pause(disturbance.killAfterMs)
        break
      case 'pause':
        await pause(disturbance.afterMs)
        happened()
        process.kill('SIGSTOP')
        await new Promise((resolve) => setTimeout(resolve, disturbance.forMs))
        process.kill('SIGCONT')
        return undefined
      case 'savepoint':
      case 'stop-with-savepoint': {
        await Promise.race([process.said('job.started'), process.ended])
        await pause(disturbance.afterMs)
        if (process.over) return undefined
        happened()
        const stops = disturbance.kind === 'stop-with-savepoint'
        const answer = await speakTo(process.pid, stops ? ['stop', '--savepoint'] : ['savepoint'], this.#folder)
        this.#log(`${disturbance.kind}: ${answer.status} ${answer.stdout.trim()} ${answer.status === 0 ? '' : answer.stderr}`)
        // Where it failed the job has finished meanwhile, or fails itself.
        if (answer.status !== 0) return undefined
        if (disturbance.kind === 'savepoint') {
          await pause(disturbance.killAfterMs)
          process.kill('SIGKILL')
        }
        return answer.stdout.trim()
      }
    }
    happened()
    process.kill('SIGKILL')
    return undefined
  }

  #count({ lines, signal }: Ended, disturbance: Disturbance | undefined): void {
    const tally = this.#tally
    const times = (event: string): number => lines.filter((line) => line.event === event).length
    tally.processes++
    tally.restarts += times('job.restarting')
    tally.restores += times('job.restored')
    tally.checkpoints += times('checkpoint.completed')
    tally.failedCheckpoints += times('checkpoint.failed')
    if (signal === 'SIGKILL') tally.kills++
    if (times('chaos.killed') > 0 && disturbance !== undefined) {
      tally.disturbances.set(disturbance.kind, (tally.disturbances.get(disturbance.kind) ?? 0) + 1)
    }
  }

  /** True: the job has finished; otherwise it is known how to go on. */
  #judge(ended: Ended, savepoint: string | undefined, args: readonly string[]): boolean {
    const { status, signal, lines, text } = ended
    const call = lines.find(({ event }) => event === 'chaos.killed')?.['call']
    const checkpoints = lines.filter(({ event }) => event === 'checkpoint.completed').map((line) => line['id'])
    const restarts = lines.filter(({ event }) => event === 'job.restarting').length
    const about = args.slice(2).join(' ')
    this.#log(
      `${about}: ${signal ?? `status ${status}`}${call === undefined ? '' : ` ${JSON.stringify(call)}`}, checkpoints ${checkpoints.join(' ')}${restarts === 0 ? '' : `, ${restarts} restarts`}`,
    )
    this.#overwrite = false
    this.#savepoint = savepoint ?? this.#savepoint
    this.#restore = savepoint ?? 'latest'
    // A process whose own thread runs out of memory aborts.
    if (signal === 'SIGKILL' || (signal === 'SIGABRT' && /heap/.test(text))) return false
    // A signal before there is a job to stop.
    if (signal === 'SIGINT' || signal === 'SIGTERM') return false
    if (status === 130 || status === 143) return false
    if (status === 0) {
      const finished = lines.find(({ event }) => event === 'job.finished')
      if (finished === undefined) throw new Error(`status 0 without job.finished:\n${endOf(ended)}`)
      return finished['stopped'] !== true
    }
    const failed = lines.find(({ event }) => event === 'job.failed')
    // Killed before the first checkpoint behind a savepoint: the hint says to go on from that again.
    if (failed?.['code'] === 'SLUICE_CHECKPOINT_MISSING' && this.#savepoint !== undefined && args.includes('latest')) {
      this.#restore = this.#savepoint
      return false
    }
    if (failed?.['code'] === 'SLUICE_CHECKPOINT_MISSING' && this.#restore === 'latest' && !this.#hasCheckpoints()) {
      this.#restore = undefined
      this.#overwrite = true
      this.#tally.freshStarts++
      return false
    }
    // `process.exit(3)` of the job on the main thread ends the process.
    if (status === 3 && this.#scenario.wires.some(({ act }) => act === 'exit')) return false
    // What does not flow out in time is given up; what fails while it is stopped is not started again.
    const wasStopping = lines.some(({ event }) => event === 'job.stopping')
    if (wasStopping && failed?.['code'] === 'SLUICE_INTERRUPTED') return false
    if (wasStopping && this.#scenario.wires.length > 0 && failed?.['code'] !== 'SLUICE_ASSERTION') return false
    throw new Error(`${signal ?? `status ${status}`}: ${String(failed?.['code'])}\n${endOf(ended)}\n${text}`)
  }

  #hasCheckpoints(): boolean {
    const names = readdirSync(this.#folder, { recursive: true, encoding: 'utf8' })
    return names.some((name) => name.startsWith('checkpoints/') && name.endsWith('/manifest.json') && !name.includes('/savepoints/'))
  }
}

function endOf({ lines, text }: Ended): string {
  return [...lines.slice(-12).map((line) => JSON.stringify(line).slice(0, 1_500)), text].join('\n')
}

function paramsOf(shape: Shape, input: string, output: string, wires: readonly object[]): object {
  const { fileRecords: _fileRecords, rate, ...rest } = shape
  return { ...rest, ...(rate === undefined ? {} : { rate }), input, output, wires }
}

/** The input files of a shape. */
async function inputOf({ fileRecords, keys, sources }: Shape, shared: string): Promise<string> {
  const input = join(shared, `input-${fileRecords}-${keys}`)
  for (const kind of sources) {
    if (kind === 'generate') continue
    const folder = join(input, kind)
    // Scenarios that run side by side share them.
    let written = inputs.get(folder)
    if (written === undefined) inputs.set(folder, (written = writeInput(folder, kind, fileRecords, keys)))
    await written
  }
  return resolve(input)
}

const inputs = new Map<string, Promise<void>>()

async function writeInput(folder: string, kind: string, fileRecords: number, keys: number): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const source = { jsonl: 'lines', csv: 'table', parquet: 'columns' }[kind] ?? kind
  for (const [file, records] of fileRecordsOf(source, fileRecords, keys).entries()) {
    const path = join(folder, `${file}.${kind}`)
    if (kind === 'jsonl') writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    else if (kind === 'csv')
      writeFileSync(
        path,
        ['source,n,lane,key,time', ...records.map((record) => Object.values(record).join())].map((line) => `${line}\n`).join(''),
      )
    else
      await run(
        defineJob({ name: 'rows' }, (job) =>
          job.source('rows', fromArray(records)).sink('out', toParquet(path, { rowGroupRecords: ROW_GROUP })),
        ),
      ).finished
  }
}

const references = new Map<string, Promise<Left>>()

/** What an undisturbed process leaves: nothing of how fast records come or where they are written changes it. */
function referenceOf(shape: Shape, input: string, shared: string): Promise<Left> {
  const plain: Shape = {
    ...shape,
    rate: undefined,
    outOfOrdernessMs: 0,
    async: 'none',
    delayMs: 0,
    rebalance: false,
    format: 'jsonl',
    parts: false,
    slowSinkMs: 0,
  }
  const name = JSON.stringify(plain)
  const known = references.get(name)
  if (known !== undefined) return known
  const made = makeReference(plain, input, shared)
  references.set(name, made)
  return made
}

async function makeReference(shape: Shape, input: string, shared: string): Promise<Left> {
  const folder = mkdtempSync(join(shared, 'undisturbed-'))
  const params = join(folder, 'params.json')
  writeFileSync(params, JSON.stringify(paramsOf(shape, input, join(folder, 'out'), [])))
  const args = ['--params', params, '--workers', '0', '--parallelism', '1', '--checkpoint-interval', '1h']
  const ended = await new JobProcess(args, folder, undefined).ended
  if (ended.status !== 0) throw new Error(`the undisturbed run failed:\n${endOf(ended)}`)
  const left = await readLeft(folder)
  rmSync(folder, { recursive: true, force: true })
  return left
}
