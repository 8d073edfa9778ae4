/**
 * The checkpoints of one run in this process, over all of its attempts: holds the lock of the job, finds what is restored or refuses a fresh start over what is
 * there, and knows from where the next attempt goes on. Runs in the coordinator.
 */
import {
  assertSavepointFits,
  attemptNumbers,
  type CheckpointEvent,
  type CheckpointManifest,
  type CheckpointStorage,
  describeParams,
  findLatest,
  hasCheckpoints,
  jobFolder,
  type LogicalGraph,
  type PhysicalPlan,
  recordAttempt,
  type ResolvedCheckpointSettings,
  runsOf,
  savepointFolder,
  type SavepointRequest,
  SluiceError,
} from '@sluice/engine'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { JobLock } from '../checkpoint/job-lock.js'
import type { RestorePoint } from '../protocol/messages.js'
import { openStorage } from '../worker/thread-checkpoints.js'
import { CheckpointTally } from './checkpoint-tally.js'
import { checkFits } from './check-fits.js'
import type { Deployment, DeploymentCheckpoints } from './deployment.js'
import { findAsked, restorePointOf } from './find-restored.js'
import type { CheckpointSummary, RestoredEvent } from './run-types.js'

export interface RunCheckpointsOptions {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly settings: ResolvedCheckpointSettings
  readonly params: unknown
  readonly secretParams: readonly string[]
  readonly restore: string | number | undefined
  readonly dropState: readonly string[]
  readonly overwrite: boolean
  readonly onEvent: (event: CheckpointEvent) => void
}

export class RunCheckpoints {
  /** Stays the same over restores. */
  readonly run: string
  readonly restored: RestoredEvent | undefined
  /** Edges with records that wait there in what is restored: they must lie between tasks. */
  readonly overtaken: ReadonlySet<string>
  readonly #options: RunCheckpointsOptions
  readonly #storage: CheckpointStorage
  readonly #lock: JobLock
  readonly #params: Readonly<Record<string, unknown>>
  readonly #tally = new CheckpointTally()
  /** Newer checkpoints than the one that the next attempt goes on from, which cannot be restored. */
  skipped: readonly { readonly path: string; readonly error: Error }[] = []
  #restore: RestorePoint | undefined
  #attempt: number
  #afterId = 0

  /**
   * Fails with `SLUICE_CHECKPOINT_LOCKED`, `SLUICE_CHECKPOINT_EXISTS`, and with whatever is wrong with the checkpoint to restore; nothing has been written or
   * removed then.
   */
  static async open(options: RunCheckpointsOptions): Promise<RunCheckpoints> {
    const { graph, plan, settings } = options
    const storage = openStorage(graph, settings.directory)
    const lock = await JobLock.acquire(settings.directory, plan.job)
    try {
      const params = describeParams(options.params, options.secretParams)
      if (options.restore === undefined) {
        await clearTheWay(storage, options)
        return new RunCheckpoints(options, storage, lock, params, undefined)
      }
      const asked = await findAsked(storage, plan.job, options.restore, { whole: true })
      const { manifest, path, skipped, directory } = asked
      const { warnings, ignored } = checkFits(asked, { graph, plan, params, dropState: options.dropState })
      const { run, id, kind, completedMs } = manifest
      return new RunCheckpoints(options, storage, lock, params, {
        run,
        attempts: await attemptsOf(storage, manifest),
        point: restorePointOf(asked, directory, ignored),
        overtaken: asked.overtaken,
        event: { run, id, path, kind, completedMs, skipped, warnings },
      })
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  private constructor(
    options: RunCheckpointsOptions,
    storage: CheckpointStorage,
    lock: JobLock,
    params: Readonly<Record<string, unknown>>,
    from: Past | undefined,
  ) {
    this.#options = options
    this.#storage = storage
    this.#lock = lock
    this.#params = params
    this.run = from?.run ?? nameRun()
    this.restored = from?.event
    this.overtaken = from?.overtaken ?? new Set()
    this.#restore = from?.point
    this.#attempt = from?.attempts ?? 0
  }

  get summary(): CheckpointSummary {
    return this.#tally.summary(this.run)
  }

  /** Id of the checkpoint that the next attempt goes on from; undefined: from the beginning. */
  get restoreId(): number | undefined {
    return this.#restore?.id
  }

  /** Fails where a savepoint of this name, or in this place, could not be written because something is there. */
  async assertSavepointFits({ name, target }: SavepointRequest): Promise<void> {
    if (target !== undefined) await assertSavepointFits(target.storage, target.folder)
    else if (name !== undefined) await assertSavepointFits(this.#storage, savepointFolder(this.#options.plan.job, name))
  }

  /** What the next attempt is given; it is counted, also for the attempts of later processes. */
  async begin(): Promise<DeploymentCheckpoints> {
    const attempt = ++this.#attempt
    const { job } = this.#options.plan
    await recordAttempt(this.#storage, job, this.run, { attempt, restored: this.#restore?.id ?? 0 })
    return {
      run: { id: this.run, attempt, restoredCheckpoint: this.#restore?.id ?? 0 },
      restore: this.#restore,
      storage: this.#storage,
      params: this.#params,
      version: readVersion(),
      afterId: this.#afterId,
      onEvent: (event) => {
        this.#tally.count(event)
        this.#options.onEvent(event)
      },
    }
  }

  /** The attempt is over, all of its threads have left: finds what the next one goes on from. */
  async ended({ latest, lastCheckpointId }: Deployment): Promise<void> {
    this.#afterId = Math.max(this.#afterId, lastCheckpointId)
    this.skipped = []
    if (latest === undefined || latest.id <= (this.#restore?.id ?? 0)) return
    const { found, skipped } = await findLatest(this.#storage, latest.job, { run: this.run, upTo: latest.id, whole: true })
    this.#restore = restorePointOf(found, undefined, [])
    this.skipped = skipped
  }

  async close(): Promise<void> {
    await this.#storage.close?.()
    await this.#lock.release()
  }
}

/** What a restored run begins with. */
interface Past {
  readonly run: string
  /** How many it has had. */
  readonly attempts: number
  readonly point: RestorePoint
  readonly overtaken: ReadonlySet<string>
  readonly event: RestoredEvent
}

/** A fresh start over checkpoints of the job is refused, or removes them; savepoints stay. What failed before its first checkpoint is not in the way. */
async function clearTheWay(storage: CheckpointStorage, { plan, overwrite }: RunCheckpointsOptions): Promise<void> {
  const home = jobFolder(plan.job)
  if (overwrite) {
    for (const run of await runsOf(storage, plan.job)) await storage.remove(`${home}/${run}`)
  } else if (await hasCheckpoints(storage, plan.job)) {
    throw new SluiceError('SLUICE_CHECKPOINT_EXISTS', `there are checkpoints of job ${plan.job} in ${storage.description}/${home}`, {
      job: plan.job,
    })
  }
}

async function attemptsOf(storage: CheckpointStorage, { job, run, attempt }: CheckpointManifest): Promise<number> {
  return Math.max(attempt, (await attemptNumbers(storage, job, run)).at(-1) ?? 0)
}

/** Sorts by time; part of names of files. */
function nameRun(): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `${time}-${randomBytes(3).toString('hex')}`
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return manifest.version
}
