/** From the start of a process to the first record of a small job, in ms. The median of ten starts, after one that fills the caches. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { median } from '../harness/statistics.js'

const STARTS = 10
const QUICK_STARTS = 1

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const BIN = fileURLToPath(new URL('./bin/sluice.js', import.meta.resolve('sluice/package.json')))
const JOB = path('../../jobs/tiny.job.ts')

const commands = {
  run: [BIN, 'run', JOB, '--quiet'],
  inThread: [path('./start-in-thread.js')],
  thread: [path('../limits/start-thread.js')],
}
export type StartStyle = keyof typeof commands

export async function measureStart(style: StartStyle, { quick }: MeasureOptions): Promise<Measurement> {
  const args = commands[style]
  if (!quick) await startOnce(args)
  const times: number[] = []
  for (let start = 0; start < (quick ? QUICK_STARTS : STARTS); start++) times.push(await startOnce(args))
  return { value: median(times), details: { slowest: Math.max(...times) } }
}

async function startOnce(args: readonly string[]): Promise<number> {
  const startedAt = performance.timeOrigin + performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const status = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  const found = /first record at ([\d.]+)/.exec(output)
  if (status !== 0 || found?.[1] === undefined) throw new Error(`${args.join(' ')} ended with ${status} and said: ${output}`)
  return Number(found[1]) - startedAt
}
