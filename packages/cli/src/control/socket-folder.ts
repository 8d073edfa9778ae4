/**
 * Where running jobs can be spoken to: one socket per process in a folder that only this user can enter. Main thread.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileSafe } from '@sluice/engine'

const PRIVATE_FOLDER = 0o700
const OTHERS = 0o077
/** Paths of sockets hold about a hundred bytes. */
const NAME_CHARACTERS_MAX = 24
export const SOCKET_ENDING = '.sock'

/** undefined where the folder belongs to somebody else or others can enter it. */
export function socketFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const home = env['XDG_RUNTIME_DIR']
  const folder = home === undefined || home === '' ? join(tmpdir(), `sluice-jobs-${userInfo().uid}`) : join(home, 'sluice-jobs')
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER })
    const found = lstatSync(folder)
    const mine = found.uid === userInfo().uid || userInfo().uid === -1
    return found.isDirectory() && mine && (found.mode & OTHERS) === 0 ? folder : undefined
  } catch {
    return undefined
  }
}

export function socketName(job: string, pid: number): string {
  return `${fileSafe(job).slice(0, NAME_CHARACTERS_MAX)}-${pid}${SOCKET_ENDING}`
}

/** The process that a socket belongs to, by its name. */
export function pidOfSocket(name: string): number | undefined {
  const pid = /-(?<pid>\d+)\.sock$/.exec(name)?.groups?.['pid']
  return pid === undefined ? undefined : Number(pid)
}
