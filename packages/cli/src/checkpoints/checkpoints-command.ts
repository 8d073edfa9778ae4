/** `sluice checkpoints list|show|verify|read|diff`: looks at checkpoints without the job that they are of. Main thread. */
import { isatty } from 'node:tty'
import { diffCheckpoints, type ListedCheckpoint, listCheckpoints, listJobs, readState, SluiceError, verifyCheckpoint } from '@sluice/engine'
import { type AskedCheckpoint, findCheckpoint, LocalDirectory } from '@sluice/runtime-workers'
import type { CheckpointPlace, CheckpointsArguments } from '../arguments/command-line.js'
import { withErrorBlock } from '../control/control-commands.js'
import { makeColours, wantsColour } from '../format/colours.js'
import { listTable, showLines } from './describe-checkpoints.js'

/** As shells count: 128 and the number of SIGPIPE. */
const PIPE_STATUS = 141

export function checkpointsCommand(args: CheckpointsArguments): Promise<number> {
  return withErrorBlock(args.color, () => {
    switch (args.action) {
      case 'list':
        return list(args, args.json)
      case 'show':
        return show(args, args.checkpoint, args.json)
      case 'verify':
        return verify(args, args.checkpoint)
      case 'read':
        return read(args, args.checkpoint, args.operator, args.state)
      case 'diff':
        return diff(args, args.before, args.after)
    }
  })
}

async function list(place: CheckpointPlace, json: boolean): Promise<number> {
  const storage = new LocalDirectory(place.dir)
  const jobs = place.job === undefined ? await listJobs(storage) : [place.job]
  const listed: { readonly job: string; readonly checkpoint: ListedCheckpoint }[] = []
  for (const job of jobs) for (const checkpoint of await listCheckpoints(storage, job)) listed.push({ job, checkpoint })
  if (json) {
    for (const { job, checkpoint } of listed) {
      const { manifest, ...rest } = checkpoint
      const { run, mode, final, attempt, startedMs, completedMs, keyGroups } = manifest ?? {}
      await print(JSON.stringify({ job, ...rest, run, mode, final, attempt, startedMs, completedMs, keyGroups }))
    }
  } else if (listed.length === 0) await print(`there are no checkpoints in ${storage.description}`)
  else await print(listTable(listed, makeColours(wantsColour({ asked: place.color, env: process.env, isTerminal: isatty(1) }))))
  return 0
}

async function show(place: CheckpointPlace, asked: string, json: boolean): Promise<number> {
  const found = await find(place, asked)
  await print(json ? JSON.stringify(found.manifest, undefined, 2) : showLines(found).join('\n'))
  return 0
}

/** Status 1 where anything is damaged. */
async function verify(place: CheckpointPlace, asked: string | undefined): Promise<number> {
  const storage = new LocalDirectory(place.dir)
  let damaged = 0
  let files = 0
  const look = async (at: LocalDirectory, folder: string): Promise<void> => {
    for await (const file of verifyCheckpoint(at, folder)) {
      files++
      if (file.error !== undefined) damaged++
      await print(file.error === undefined ? `ok       ${file.path}` : `damaged  ${file.path}: ${file.error.message}`)
    }
  }
  if (asked !== undefined) {
    const found = await find(place, asked)
    // Asked for the latest, who has looked says which ones were passed over.
    for (const { path, error } of found.skipped) {
      damaged++
      await print(`damaged  ${path}: ${error.message}`)
    }
    await look(found.directory === undefined ? storage : new LocalDirectory(found.directory), found.folder)
  } else {
    const jobs = place.job === undefined ? await listJobs(storage) : [place.job]
    for (const job of jobs) {
      for (const { manifest, problem, path, folder } of await listCheckpoints(storage, job)) {
        if (manifest !== undefined) await look(storage, folder)
        else if (problem !== undefined) {
          damaged++
          await print(`damaged  ${path}: ${problem}`)
        }
      }
    }
  }
  await print(damaged === 0 ? `all ${files} files are whole` : `${damaged} damaged`)
  return damaged === 0 ? 0 : 1
}

async function read(place: CheckpointPlace, asked: string, operators: readonly string[], states: readonly string[]): Promise<number> {
  const found = await find(place, asked)
  const known = found.manifest.operators.map(({ name }) => name)
  const unknown = operators.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `the checkpoint has no operator "${unknown}"`, { hint: `It has ${known.join(', ')}.` })
  }
  const only = { operators: operators.length === 0 ? undefined : operators, states: states.length === 0 ? undefined : states }
  for await (const line of readState(found.storage, found, only)) await print(JSON.stringify(line))
  return 0
}

async function diff(place: CheckpointPlace, before: string, after: string): Promise<number> {
  const [from, to] = [await find(place, before), await find(place, after)]
  for await (const difference of diffCheckpoints({ storage: from.storage, checkpoint: from }, { storage: to.storage, checkpoint: to })) {
    await print(JSON.stringify(difference))
  }
  return 0
}

async function find({ dir, job }: CheckpointPlace, asked: string): Promise<AskedCheckpoint> {
  const byName = asked === 'latest' || /^\d+$/.test(asked)
  if (!byName) return findCheckpoint(dir, undefined, asked)
  if (job !== undefined) return findCheckpoint(dir, job, asked)
  const jobs = await listJobs(new LocalDirectory(dir))
  const [only] = jobs
  if (only !== undefined && jobs.length === 1) return findCheckpoint(dir, only, asked)
  const there = jobs.length === 0 ? 'there are no checkpoints' : `there are checkpoints of ${jobs.join(', ')}`
  throw new SluiceError('SLUICE_CHECKPOINT_MISSING', `${there} in ${new LocalDirectory(dir).description}`, {
    hint: jobs.length === 0 ? 'Say where they lie: --dir <folder>.' : 'Say which job: --job <name>.',
  })
}

/** Waits where the pipe is full. `sluice checkpoints read latest | head`: whoever reads may leave. */
function print(line: string): Promise<void> {
  if (process.stdout.listenerCount('error') === 0) {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? PIPE_STATUS : 1))
  }
  return new Promise((resolve) => process.stdout.write(`${line}\n`, () => resolve()))
}
