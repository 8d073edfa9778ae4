/** Finds running jobs of this user on this machine and asks them. Main thread of another process than theirs. */
import { readdirSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { SluiceError } from '@sluice/engine'
import { readLine } from './control-server.js'
import { type ControlAnswer, type ControlRequest, type JobStatus, valueOf } from './protocol.js'
import { pidOfSocket, SOCKET_ENDING, socketFolder } from './socket-folder.js'

export interface RunningJob {
  readonly path: string
  readonly status: JobStatus
}

/** A process that does not answer for so long is left out. */
const STATUS_MS_MAX = 2_000

export async function findRunningJobs(): Promise<readonly RunningJob[]> {
  const folder = socketFolder()
  if (folder === undefined) return []
  const names = readdirSync(folder).filter((name) => name.endsWith(SOCKET_ENDING))
  const found = await Promise.all(names.map((name) => ask(join(folder, name), name)))
  return found.filter((job) => job !== undefined).sort((a, b) => a.status.pid - b.status.pid)
}

/**
 * The one running job that answers to this: its name, its file, or the id of its process.
 * @throws SluiceError `SLUICE_JOB_NOT_RUNNING` where there is none, or more than one.
 */
export async function findRunningJob(asked: string): Promise<RunningJob> {
  const running = await findRunningJobs()
  const file = resolve(asked)
  const matching = running.filter(({ status }) => status.job === asked || status.file === file || String(status.pid) === asked)
  const [first] = matching
  if (matching.length === 1 && first !== undefined) return first
  const list = (jobs: readonly RunningJob[]): string => jobs.map(({ status }) => `${status.job} (process ${status.pid})`).join(', ')
  if (first !== undefined) {
    throw new SluiceError('SLUICE_JOB_NOT_RUNNING', `${matching.length} running jobs answer to ${asked}: ${list(matching)}`, {
      hint: 'Give the id of the process instead of the name.',
    })
  }
  const others = running.length === 0 ? 'no job runs' : `running are ${list(running)}`
  throw new SluiceError('SLUICE_JOB_NOT_RUNNING', `no running job answers to ${asked}: ${others}`, {
    hint: 'Give the name of the job, its file, or the id of its process; only jobs that `sluice run` started by this user on this machine can be asked.',
  })
}

/** Fails with the error that the job answers. */
export async function request<T>(path: string, what: ControlRequest): Promise<T> {
  const socket = await open(path)
  try {
    const line = readLine(socket)
    socket.write(`${JSON.stringify(what)}\n`)
    return valueOf(JSON.parse(await line) as ControlAnswer<T>)
  } finally {
    socket.destroy()
  }
}

async function ask(path: string, name: string): Promise<RunningJob | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((done) => {
    timer = setTimeout(() => done(undefined), STATUS_MS_MAX)
  })
  try {
    const status = await Promise.race([request<JobStatus>(path, { command: 'status' }), late])
    return status === undefined ? undefined : { path, status }
  } catch {
    // Left behind by a process that was killed.
    if (!isAlive(pidOfSocket(name))) rmSync(path, { force: true })
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(path)
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.off('error', fail)
      done(socket)
    })
  })
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
