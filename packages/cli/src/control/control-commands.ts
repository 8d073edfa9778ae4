/** `sluice savepoint`, `sluice stop`, `sluice status`: speak to a running job over its socket. Main thread. */
import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import type { SavepointArguments, StatusArguments, StopArguments } from '../arguments/command-line.js'
import { makeColours, wantsColour } from '../format/colours.js'
import { printableLine } from '../format/printable.js'
import { formatTable } from '../format/table.js'
import { formatAmount, formatDuration } from '../format/units.js'
import { formatErrorBlock } from '../report/error-block.js'
import { readErrorFacts } from '../report/error-facts.js'
import { findRunningJob, findRunningJobs, request, type RunningJob } from './control-client.js'
import type { ControlDone } from './protocol.js'

export function savepointCommand(args: SavepointArguments): Promise<number> {
  return withErrorBlock(args.color, async () => {
    const job = await findRunningJob(args.job)
    const { path } = await request<ControlDone>(job.path, { command: 'savepoint', ...whereTo(args) })
    process.stdout.write(`${path}\n`)
    return 0
  })
}

export function stopCommand(args: StopArguments): Promise<number> {
  return withErrorBlock(args.color, async () => {
    const job = await findRunningJob(args.job)
    const savepoint = args.savepoint || args.name !== undefined || args.dir !== undefined
    const { path } = await request<ControlDone>(job.path, { command: 'stop', drain: args.drain, savepoint, ...whereTo(args) })
    process.stderr.write(`${job.status.job} has stopped\n`)
    if (path !== undefined) process.stdout.write(`${path}\n`)
    return 0
  })
}

export function statusCommand(args: StatusArguments): Promise<number> {
  return withErrorBlock(args.color, async () => {
    const jobs = args.job === undefined ? await findRunningJobs() : [await findRunningJob(args.job)]
    if (args.json) for (const { status } of jobs) process.stdout.write(`${JSON.stringify(status)}\n`)
    else if (jobs.length === 0) process.stdout.write('no job runs\n')
    else process.stdout.write(`${statusTable(jobs, args.color)}\n`)
    return 0
  })
}

function statusTable(jobs: readonly RunningJob[], color: boolean): string {
  const { bold } = makeColours(wantsColour({ asked: color, env: process.env, isTerminal: isatty(1) }))
  return formatTable(
    [
      { title: 'job' },
      { title: 'process', align: 'right' },
      { title: 'state' },
      { title: 'for', align: 'right' },
      { title: 'attempt', align: 'right' },
      { title: 'holds', align: 'right' },
      { title: 'last checkpoint' },
      { title: 'file' },
    ],
    jobs.map(({ status }) => {
      const { job, pid, state, startedAt, attempt, checkpoints, file } = status
      const last = checkpoints === undefined ? 'takes none' : checkpoints.last === undefined ? 'none yet' : checkpoints.last.path
      return [
        printableLine(job),
        String(pid),
        state,
        formatDuration(Date.now() - Date.parse(startedAt)),
        String(attempt),
        // A job of an older version does not say.
        status.heldRecords === undefined ? '-' : formatAmount(status.heldRecords, 'record'),
        printableLine(last),
        printableLine(file),
      ]
    }),
    bold,
  )
}

/** Paths are those of this process, not of the job's. */
function whereTo({ name, dir }: { readonly name: string | undefined; readonly dir: string | undefined }): {
  name?: string
  directory?: string
} {
  return { ...(name === undefined ? {} : { name }), ...(dir === undefined ? {} : { directory: resolve(dir) }) }
}

export async function withErrorBlock(color: boolean, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (thrown) {
    const facts = readErrorFacts(thrown)
    const colours = makeColours(wantsColour({ asked: color, env: process.env, isTerminal: isatty(2) }))
    process.stderr.write(formatErrorBlock(facts, colours, process.cwd()))
    return facts.error.exitStatus
  }
}
