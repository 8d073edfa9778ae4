/** Options of checkpoints from the command line to what `run` takes. Pure. */
import type { RunOptions } from '@sluice/runtime-workers'
import type { Duration } from '@sluice/operators'
import type { JobArguments } from '../arguments/command-line.js'

/** Durations are read, and refused, where those of the API are. */
export function checkpointOptionsOf(args: JobArguments): RunOptions['checkpoint'] {
  if (!args.checkpoint) return false
  const asked = {
    interval: args.checkpointInterval as Duration | undefined,
    directory: args.checkpointDir,
    mode: args.checkpointMode,
    alignedTimeout: args.checkpointAlignedTimeout as Duration | undefined,
    timeout: args.checkpointTimeout as Duration | undefined,
    retain: args.checkpointRetain,
  }
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
  return Object.keys(given).length === 0 ? undefined : given
}
