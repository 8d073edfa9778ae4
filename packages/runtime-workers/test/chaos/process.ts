/** A process of the real binary that runs the chaos job, with its log as it comes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Call } from './scenario.js'

const packages = resolve(import.meta.dirname, '../../..')
const binary = join(packages, 'cli/bin/sluice.js')
const jobFile = join(import.meta.dirname, 'jobs/chaos-job.ts')
const preload = pathToFileURL(join(import.meta.dirname, 'kill-at-call.mjs')).href

/** So that a thread that runs out of memory does so soon. */
const HEAP = '--max-old-space-size=200'

export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string }

export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly LogLine[]
  /** What is no line of the log. */
  readonly text: string
}

export class JobProcess {
  readonly ended: Promise<Ended>
  readonly lines: LogLine[] = []
  over = false
  readonly #child: ChildProcess
  readonly #listeners = new Set<(line: LogLine) => void>()
  #text = ''
  #rest = ''

  constructor(args: readonly string[], cwd: string, killAt: Call | undefined) {
    const chaos = killAt === undefined ? {} : { SLUICE_CHAOS_CALL: JSON.stringify(killAt) }
    const options = killAt === undefined ? HEAP : `${HEAP} --import ${preload}`
    this.#child = spawn(process.execPath, [binary, 'run', jobFile, ...args, '--log', 'json'], {
      cwd,
      env: { ...process.env, NODE_OPTIONS: options, ...chaos },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#take(text))
    this.ended = new Promise((done, fail) => {
      this.#child.on('error', fail)
      this.#child.on('close', (status, signal) => {
        this.over = true
        done({ status, signal, lines: this.lines, text: this.#text + this.#rest })
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves with the n-th line of this event; never where the process ends before. */
  said(event: string, times = 1): Promise<LogLine> {
    return new Promise((done) => {
      let left = times
      const look = (line: LogLine): void => {
        if (line.event === event && --left === 0) done(line)
      }
      for (const line of this.lines) look(line)
      this.#listeners.add(look)
    })
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      let parsed: LogLine
      try {
        parsed = JSON.parse(line) as LogLine
      } catch {
        this.#text += `${line}\n`
        continue
      }
      this.lines.push(parsed)
      for (const listener of this.#listeners) listener(parsed)
    }
  }
}

/** `sluice stop` or `sluice savepoint`. */
export function speakTo(
  pid: number,
  command: readonly string[],
  cwd: string,
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [binary, command[0] ?? '', String(pid), ...command.slice(1)], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (status) => done({ status, stdout, stderr }))
  })
}
