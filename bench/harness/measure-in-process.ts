/** Takes one measurement in a process of its own: no contender sees the optimised code or the heap of another. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Contender, Figure, MeasureOptions, Measurement } from './figure.js'

const ENTRY = fileURLToPath(new URL('./contender-process.js', import.meta.url))
const TIME_LIMIT_MS = 120_000
/** Of what a failed process said. */
const LINES_MAX = 8

/** @throws Error with what the process said, where it failed or took too long. */
export async function measureInProcess(figure: Figure, contender: Contender, options: MeasureOptions): Promise<Measurement> {
  const child = spawn(process.execPath, [ENTRY, figure.id, contender.id, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const limit = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT_MS)
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) =>
    child.once('error', reject).once('close', (code, name) => resolve([code, name])),
  )
  clearTimeout(limit)
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  if (status === 0 && last.startsWith('{')) return JSON.parse(last) as Measurement
  const why = signal === 'SIGKILL' ? `took more than ${TIME_LIMIT_MS / 1000} s` : `ended with ${status ?? signal}`
  const lines = errors.trim().split('\n')
  const thrown = lines.findIndex((line) => /^\s*\w*Error\b/.test(line))
  throw new Error(`${why}: ${lines.slice(Math.max(0, thrown)).slice(0, LINES_MAX).join('\n') || last}`)
}
