/** Starts the real binary, in a folder of its own, and reads what it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const binary = resolve(import.meta.dirname, '../../bin/sluice.js')

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when stderr matches; rejects where the process ends before. */
  said(pattern: RegExp): Promise<void>
  /** Of a JSON log: resolves with the lines of an event when there are so many; rejects where the process ends before. */
  logged(event: string, count: number): Promise<readonly LogLine[]>
}

export interface StartOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export function startSluice(args: readonly string[], { cwd, env }: StartOptions = {}): Started {
  const { FORCE_COLOR: _force, NO_COLOR: _no, ...inherited } = process.env
  const child = spawn(process.execPath, [binary, ...args], { cwd, env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const watcher of watchers) watcher()
  })
  const ended = new Promise<Ended>((done, fail) => {
    child.on('error', fail)
    child.on('close', (status) => done({ status, stdout, stderr }))
  })
  const until = <T>(what: string, find: () => T | undefined): Promise<T> =>
    new Promise((done, fail) => {
      const look = (): void => {
        const found = find()
        if (found !== undefined) done(found)
      }
      watchers.add(look)
      look()
      void ended.then(() => fail(new Error(`ended without ${what}:\n${stderr}`)))
    })
  const said = (pattern: RegExp): Promise<void> => until(String(pattern), () => (pattern.test(stderr) ? null : undefined)).then(() => {})
  const logged = (event: string, count: number): Promise<readonly LogLine[]> =>
    until(`${count} of ${event}`, () => {
      const lines = parseLog(stderr.slice(0, stderr.lastIndexOf('\n') + 1)).filter((line) => line.event === event)
      return lines.length >= count ? lines : undefined
    })
  return { process: child, ended, said, logged }
}

export function runSluice(args: readonly string[], options?: StartOptions): Promise<Ended> {
  return startSluice(args, options).ended
}

/** A folder for jobs and their output; removed by `remove`. */
export class JobFolder {
  private constructor(readonly path: string) {}

  static async create(): Promise<JobFolder> {
    return new JobFolder(await mkdtemp(join(tmpdir(), 'sluice-cli-')))
  }

  async write(name: string, text: string): Promise<string> {
    const path = join(this.path, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    return path
  }

  run(...args: string[]): Promise<Ended> {
    return runSluice(args, { cwd: this.path })
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true })
  }
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string }

/** Every line of a JSON log; fails where one is not JSON. */
export function parseLog(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine)
}
