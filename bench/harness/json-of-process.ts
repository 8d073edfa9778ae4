/** Runs a module in a process of its own, which prints what it measured as JSON on its last line. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Of what a failed process said. */
const LINES_MAX = 8

/** @throws Error with what the process said, where it failed or took too long. */
export async function jsonOfProcess(entry: URL, args: readonly string[], limitMs: number): Promise<unknown> {
  const child = spawn(process.execPath, [fileURLToPath(entry), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) =>
    child.once('error', reject).once('close', (code, name) => resolve([code, name])),
  )
  clearTimeout(limit)
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  if (status === 0 && last.startsWith('{')) return JSON.parse(last)
  const why = signal === 'SIGKILL' ? `took more than ${limitMs / 1000} s` : `ended with ${status ?? signal}`
  const lines = errors.trim().split('\n')
  const thrown = lines.findIndex((line) => /^\s*\w*Error\b/.test(line))
  throw new Error(`${why}: ${lines.slice(Math.max(0, thrown)).slice(0, LINES_MAX).join('\n') || last}`)
}
