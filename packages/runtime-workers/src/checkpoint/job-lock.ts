/**
 * One process at a time per directory and job. Everybody puts down a file of his own under a name that is never used again, then looks for those of others: of two who come at
 * the same time at least one sees the other, and nobody ever removes the file of somebody alive. The owner touches his file now and then, which shows other
 * machines that he is there. Coordinator's thread.
 */
import { jobFolder, SluiceError } from '@sluice/engine'
import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { explainStorage, isCode } from './explain-storage.js'
import { makeFolder } from './make-folder.js'
import { isRunning, startOf } from './process-start.js'

const FOLDER = '.locks'
const SUFFIX = '.lock'
const HEARTBEAT_MS = 10_000
/** A process of another machine that has not touched its file for so long is gone. */
const SILENT_MS_MAX = 60_000
/** Two that came at the same time both step back and try again, a random time later. */
const TIES_MAX = 4
const TIE_MS_MAX = 50

/** Who holds a lock. */
export interface LockOwner {
  readonly pid: number
  readonly host: string
  /** What tells the process from a later one of the same number; empty where the system does not say. */
  readonly start: string
  /** ISO 8601. */
  readonly since: string
}

export class JobLock {
  readonly #path: string
  readonly #heartbeat: NodeJS.Timeout
  readonly #onExit: () => void

  private constructor(path: string) {
    this.#path = path
    this.#heartbeat = setInterval(() => void touch(path), HEARTBEAT_MS).unref()
    this.#onExit = () => removeNow(path)
    process.on('exit', this.#onExit)
  }

  /** @throws SluiceError `SLUICE_CHECKPOINT_LOCKED` with the owner's process id; `SLUICE_CHECKPOINT_STORAGE`. */
  static async acquire(directory: string, job: string): Promise<JobLock> {
    const folder = join(resolve(directory), jobFolder(job), FOLDER)
    try {
      for (let tie = 1; ; tie++) {
        const path = await announce(folder)
        const other = await findOther(folder, path).catch(async (error: unknown) => {
          await rm(path, { force: true })
          throw error
        })
        if (other === undefined) return new JobLock(path)
        await rm(path, { force: true })
        if (tie >= TIES_MAX) throw locked(directory, job, other)
        await sleep(Math.random() * TIE_MS_MAX)
      }
    } catch (error) {
      throw error instanceof SluiceError ? error : explainStorage('lock', folder, error)
    }
  }

  /** Never fails: a file that cannot be removed does not outlive the process for those who come later. */
  async release(): Promise<void> {
    clearInterval(this.#heartbeat)
    process.off('exit', this.#onExit)
    await rm(this.#path, { force: true }).catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}

/** Under its name the file is always whole. */
async function announce(folder: string): Promise<string> {
  await makeFolder(folder)
  const path = join(folder, `${process.pid}-${randomUUID()}${SUFFIX}`)
  const owner: LockOwner = { pid: process.pid, host: hostname(), start: await startOf(process.pid), since: new Date().toISOString() }
  await writeFile(`${path}.new`, `${JSON.stringify(owner)}\n`, { flag: 'wx' })
  await rename(`${path}.new`, path)
  return path
}

interface Found {
  readonly owner: LockOwner
  readonly path: string
}

/** Somebody else who is there; files of those who are gone are removed. */
async function findOther(folder: string, own: string): Promise<Found | undefined> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (path === own || !name.endsWith(SUFFIX)) continue
    const owner = await read(path)
    if (owner === undefined) continue
    if (await isThere(owner, path, own)) return { owner, path }
    await rm(path, { force: true })
  }
  return undefined
}

async function read(path: string): Promise<LockOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockOwner
  } catch (error) {
    // Released in between.
    if (isCode(error, 'ENOENT')) return undefined
    if (error instanceof SyntaxError) return { pid: 0, host: '', start: '', since: '' }
    throw error
  }
}

async function isThere(owner: LockOwner, path: string, own: string): Promise<boolean> {
  if (owner.host === hostname()) return isRunning(owner.pid, owner.start)
  try {
    // Both times are those of the file system: clocks of two machines are not compared.
    return (await stat(own)).mtimeMs - (await stat(path)).mtimeMs < SILENT_MS_MAX
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false
    throw error
  }
}

function removeNow(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // As in `release`.
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => {})
}

function locked(directory: string, job: string, { owner, path }: Found): SluiceError {
  const where = owner.host === hostname() ? '' : ` on ${owner.host}`
  const message = `job "${job}" is being run on ${resolve(directory)} by process ${owner.pid}${where} since ${owner.since}`
  return new SluiceError('SLUICE_CHECKPOINT_LOCKED', message, {
    job,
    hint: `Stop process ${owner.pid} first, or use another directory: --checkpoint-dir <directory>. If it is certain that it is gone, remove ${path}.`,
  })
}
