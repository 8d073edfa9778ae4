/** Whether and how to colour what goes to a stream: `--no-color` and `NO_COLOR` win, then `FORCE_COLOR`, then whether it is a terminal. */
import picocolors from 'picocolors'

export type Colours = ReturnType<typeof picocolors.createColors>

export interface ColourQuestion {
  /** false: the user said `--no-color`. */
  readonly asked: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isTerminal: boolean
}

export function wantsColour({ asked, env, isTerminal }: ColourQuestion): boolean {
  if (!asked || isSet(env['NO_COLOR'])) return false
  if (isSet(env['FORCE_COLOR'])) return env['FORCE_COLOR'] !== '0'
  return isTerminal && env['TERM'] !== 'dumb'
}

export function makeColours(enabled: boolean): Colours {
  return picocolors.createColors(enabled)
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}
