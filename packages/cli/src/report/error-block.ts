/** A failure on the terminal: what, where, the user's line, why, what to do. No I/O but the excerpt. */
import type { Colours } from '../format/colours.js'
import { printable, printableLine } from '../format/printable.js'
import type { ErrorFacts } from './error-facts.js'
import { excerptSource, findUserFrame, formatLocation, parseLocation, type SourceLocation } from './source-excerpt.js'

export function formatErrorBlock(facts: ErrorFacts, colours: Colours, cwd: string): string {
  const { error, source, causes } = facts
  const { operator, subtask, edge, position, declaredAt } = error.coordinates
  const { bold, red, dim, cyan } = colours
  const row = (label: string, text: string): string => `  ${dim(label.padEnd(9))}${text}`
  const lines = [`${bold(red(error.code))}  ${bold(indentAfterFirst(printable(withoutPlace(error.message, source)), '  '))}`, '']

  if (operator !== undefined) lines.push(row('operator', printableLine(operator) + (subtask === undefined ? '' : `, subtask ${subtask}`)))
  if (edge !== undefined) lines.push(row('edge', printableLine(edge)))
  if (position !== undefined) lines.push(row('input', printableLine(position)))
  const at = source === undefined ? undefined : formatLocation(source, cwd)
  if (at !== undefined) lines.push(row('at', cyan(at)))
  const excerpt = source === undefined ? undefined : excerptSource(source, cwd)
  if (excerpt !== undefined)
    lines.push('', ...excerpt.map((line) => (line.startsWith('>') ? `  ${bold(printable(line))}` : `  ${dim(printable(line))}`)), '')
  const declared = declaredAt === undefined ? undefined : parseLocation(declaredAt)
  const declaredText = declared === undefined ? declaredAt : formatLocation(declared, cwd)
  if (declaredText !== undefined && declaredText !== at) lines.push(row('declared', declaredText))

  for (const cause of causes) {
    const frame = cause instanceof Error ? findUserFrame(cause.stack) : undefined
    const place = frame === undefined ? '' : dim(`  at ${formatLocation(frame, cwd)}`)
    lines.push(row('cause', indentAfterFirst(printable(describeCause(cause)), ' '.repeat(11)) + place))
  }
  if (error.code === 'SLUICE_ASSERTION') lines.push(row('stack', indentAfterFirst(printable(deepestStack(facts)), ' '.repeat(11))))
  lines.push(row('hint', indentAfterFirst(printable(error.hint), ' '.repeat(11))))
  return `${lines.join('\n')}\n`
}

function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return `thrown value: ${String(cause)}`
  const { code } = cause as { readonly code?: unknown }
  return `${cause.name}${typeof code === 'string' ? ` (${code})` : ''}: ${cause.message}`
}

/** The message without a closing `(at file:line:column)` that the block shows by itself. */
function withoutPlace(message: string, source: SourceLocation | undefined): string {
  const match = / \(at (?<place>[^()]+)\)$/.exec(message)
  const place = match?.groups?.['place'] === undefined ? undefined : parseLocation(match.groups['place'])
  return match !== null && place !== undefined && place.file === source?.file && place.line === source.line
    ? message.slice(0, match.index)
    : message
}

/** A defect of ours is reported with all that is known. */
function deepestStack({ error, causes }: ErrorFacts): string {
  const errors = [error, ...causes].filter((one) => one instanceof Error)
  return errors.at(-1)?.stack ?? ''
}

function indentAfterFirst(text: string, indent: string): string {
  return text.replaceAll('\n', `\n${indent}`)
}
