/** The user's line: found in a stack, read from its file, shown with a caret. Reads the file at the time of the error only. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface SourceLocation {
  readonly file: string
  readonly line: number
  readonly column: number
}

const LINE_LENGTH_MAX = 160

/** Folders whose frames are Sluice's own, so that a user's line is never one of ours. */
const ownFolders: readonly string[] = ['@sluice/engine', '@sluice/operators', '@sluice/runtime-workers', '@sluice/cli'].map((name) =>
  dirname(fileURLToPath(import.meta.resolve(`${name}/package.json`))),
)

/** Reads `file:line:column`; undefined where the text is no location. */
export function parseLocation(text: string): SourceLocation | undefined {
  const match = /^(?<file>.+?):(?<line>\d+)(?::(?<column>\d+))?$/.exec(text.trim())
  if (match?.groups === undefined) return undefined
  const { file = '', line, column } = match.groups
  try {
    return { file: file.startsWith('file:') ? fileURLToPath(file) : file, line: Number(line), column: Number(column ?? 1) }
  } catch {
    return undefined
  }
}

/** The first frame of a stack that is neither Node's, nor a dependency's, nor Sluice's. */
export function findUserFrame(stack: string | undefined, isOwn: (file: string) => boolean = isOurs): SourceLocation | undefined {
  for (const line of (stack ?? '').split('\n')) {
    const { place, bare } = /^\s*at (?:.*? \((?<place>.+:\d+:\d+)\)|(?:async )?(?<bare>.+:\d+:\d+))$/.exec(line)?.groups ?? {}
    const location = parseLocation(place ?? bare ?? '')
    if (location !== undefined && isAbsolute(location.file) && !/[\\/]node_modules[\\/]/.test(location.file) && !isOwn(location.file))
      return location
  }
  return undefined
}

function isOurs(file: string): boolean {
  return ownFolders.some((folder) => {
    const inside = relative(folder, file)
    return inside.startsWith('dist/') || inside.startsWith('src/')
  })
}

/** `examples/job.ts:12:31`, relative to the working directory where that is shorter. */
export function formatLocation(location: SourceLocation, cwd: string): string {
  const path = relative(cwd, resolve(cwd, location.file))
  const shown = path.length < location.file.length && !path.startsWith('..') ? path : location.file
  return `${shown}:${location.line}:${location.column}`
}

/** Three lines around the location with a caret below the middle one; undefined where the file cannot be read. */
export function excerptSource(location: SourceLocation, cwd: string): readonly string[] | undefined {
  let lines: readonly string[]
  try {
    lines = readFileSync(resolve(cwd, location.file), 'utf8').split(/\r?\n/)
  } catch {
    return undefined
  }
  const line = lines[location.line - 1]
  if (line === undefined || line.length > LINE_LENGTH_MAX) return undefined
  const width = String(location.line + 1).length
  const numbered = (at: number, mark: string): string => `${mark} ${String(at).padStart(width)} | ${lines[at - 1] ?? ''}`.trimEnd()
  // Tabs stay tabs, so that the caret stands below its character however wide the terminal makes them.
  const before = line.slice(0, Math.max(0, location.column - 1)).replace(/[^\t]/g, ' ')
  return [
    ...(location.line > 1 ? [numbered(location.line - 1, ' ')] : []),
    numbered(location.line, '>'),
    `  ${' '.repeat(width)} | ${before}^`,
    ...(location.line < lines.length ? [numbered(location.line + 1, ' ')] : []),
  ]
}
