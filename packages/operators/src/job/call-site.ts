/** Where the user's own code stands: for `declaredAt` of operators and for what throws while a job is declared. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Frames of this package between a public method and whoever asks for its call site, and one more. */
const FRAMES_MAX = 8

/** `file:line:column` of the user's call that led here: the innermost frame outside this package. */
export function callSite(): string | undefined {
  const limit = Error.stackTraceLimit
  const holder: { stack?: string } = {}
  try {
    Error.stackTraceLimit = FRAMES_MAX
    Error.captureStackTrace(holder, callSite)
  } finally {
    Error.stackTraceLimit = limit
  }
  return framesOf(holder.stack).find((frame) => !frame.startsWith(ownFolder()))
}

/** The line of the user's code in which an error arose: its first frame outside packages and Node. */
export function userLineOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return framesOf(error.stack).find(
    (frame) => !frame.startsWith('node:') && !/[\\/]node_modules[\\/]/.test(frame) && !frame.startsWith(ownFolder()),
  )
}

const POSITION = /^(.*):(\d+):(\d+)$/

/** The positions of a stack, innermost first. */
function framesOf(stack: unknown): readonly string[] {
  if (typeof stack !== 'string') return []
  const frames: string[] = []
  for (const line of stack.split('\n')) {
    const text = line.trimStart()
    if (!text.startsWith('at ')) continue
    const bracket = text.endsWith(')') ? text.indexOf(' (') : -1
    const place = bracket >= 0 ? text.slice(bracket + 2, -1) : text.slice(3).replace(/^async /, '')
    const [, file, lineNumber, column] = POSITION.exec(place) ?? []
    if (file !== undefined) frames.push(`${pathOf(file)}:${lineNumber}:${column}`)
  }
  return frames
}

function pathOf(file: string): string {
  if (!file.startsWith('file:')) return file
  try {
    return fileURLToPath(file)
  } catch {
    return file
  }
}

let folder: string | undefined

/** The folder of this package's files. */
function ownFolder(): string {
  folder ??= dirname(dirname(fileURLToPath(import.meta.url)))
  return folder
}
