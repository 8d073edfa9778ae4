/** `sluice plan --live`: asks a running job who is held and by whom, and draws it, once or again and again. Main thread of another process than the job's. */
import { setTimeout as pause } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { SluiceError } from '@sluice/engine'
import { parseDuration } from '@sluice/operators'
import type { PlanArguments } from '../arguments/command-line.js'
import { findRunningJob, request, type RunningJob } from '../control/control-client.js'
import { withErrorBlock } from '../control/control-commands.js'
import type { LivePressure } from '../control/protocol.js'
import { makeColours, wantsColour } from '../format/colours.js'
import { describePressure } from './describe-pressure.js'

const DEFAULT_INTERVAL = '1s'
const clearScreen = '\u001B[H\u001B[2J'

export function livePlanCommand(args: PlanArguments): Promise<number> {
  return withErrorBlock(args.color, async () => {
    const forMs = parseDuration(args.report ?? DEFAULT_INTERVAL, '--report')
    const isTerminal = isatty(1)
    const colours = makeColours(wantsColour({ asked: args.color, env: process.env, isTerminal }))
    const job = await findRunningJob(args.file)
    for (let shown = 0; ; shown++) {
      const live = await askPressure(job, forMs)
      if (live === undefined && shown === 0) throw ended(job)
      if (live === undefined) return 0
      const text = describePressure(live, args.format, colours, args.watch)
      if (args.watch && isTerminal && args.format === 'text') process.stdout.write(clearScreen)
      else if (shown > 0 && args.format !== 'json') process.stdout.write('\n')
      process.stdout.write(`${text}\n`)
      if (!args.watch) return 0
      // While it restarts or stops there is nothing to measure, and the answer comes at once.
      if (live.pressure.intervalMs === 0) await pause(forMs)
    }
  })
}

/** undefined: the job has ended meanwhile. */
async function askPressure({ path, status }: RunningJob, forMs: number): Promise<LivePressure | undefined> {
  try {
    return await request<LivePressure>(path, { command: 'pressure', forMs })
  } catch (error) {
    if (!(error instanceof SluiceError)) return undefined
    if (error.code === 'SLUICE_USAGE' && error.message.includes('knows no command')) {
      throw new SluiceError(
        'SLUICE_USAGE',
        `${status.job} (process ${status.pid}) runs with an older version of Sluice, which cannot say this`,
        {
          hint: 'Start it again with this version; until then its log says the pressure of every edge.',
        },
      )
    }
    throw error
  }
}

function ended({ status }: RunningJob): SluiceError {
  return new SluiceError('SLUICE_JOB_NOT_RUNNING', `${status.job} (process ${status.pid}) ended while it was looked at`, {
    hint: 'Its summary says who held whom over the whole run.',
  })
}
