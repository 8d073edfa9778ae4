/** Whether a process is still the one it was: numbers of processes are used again. */
import { readFile } from 'node:fs/promises'
import { isCode } from './explain-storage.js'

/** Of the fields of /proc/<pid>/stat behind the name in brackets: the time the process started, in ticks since the machine did. */
const START_FIELD = 19
const ENDED: readonly string[] = ['Z', 'X']

/** Tells the process from others of the same number; empty where the system does not say. */
export async function startOf(pid: number): Promise<string> {
  return (await look(pid)).start
}

export async function isRunning(pid: number, start: string): Promise<boolean> {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and another user's.
    if (!isCode(error, 'EPERM')) return false
  }
  const now = await look(pid)
  return !now.ended && (now.start === '' || start === '' || now.start === start)
}

/** `ended`: it is only kept for its parent to ask how it ended. */
async function look(pid: number): Promise<{ readonly start: string; readonly ended: boolean }> {
  try {
    const [stat, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile('/proc/sys/kernel/random/boot_id', 'utf8')])
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { start: `${boot.trim()}/${fields[START_FIELD]}`, ended: ENDED.includes(fields[0] ?? '') }
  } catch {
    return { start: '', ended: false }
  }
}
