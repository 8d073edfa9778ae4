/** Errors of user code, told in terms of the user's files: stacks and messages lead to the original lines. */
import { type ErrorCoordinates, SluiceError } from '@sluice/engine'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Translator } from './source-positions.js'

const CAUSES_MAX = 16
/** `at name (file:line:column)`, `at async file:line:column`; a file may have spaces and brackets in its name, generated code is none. */
const PLACE = String.raw`(?<place>(?:file:|node:|/|[A-Za-z]:[\\/]).*:\d+:\d+)`
const FRAME = new RegExp(`^\\s+at (?:.*? \\(${PLACE}\\)|(?:async )?${PLACE.replace('place', 'bare')})$`)

/** Replaces positions in the bundle by the user's own, in the error and its causes, in place. */
export function translateError(error: unknown, positions: Translator | undefined): void {
  if (positions === undefined) return
  for (const link of causeChain(error)) {
    // Some errors of the platform have accessors here; `Reflect.set` leaves those alone.
    if (link.stack !== undefined) Reflect.set(link, 'stack', positions.translate(link.stack))
    Reflect.set(link, 'message', positions.translate(link.message))
    if (!(link instanceof SluiceError)) continue
    const coordinates = link.coordinates as { -readonly [K in keyof ErrorCoordinates]: ErrorCoordinates[K] }
    if (coordinates.declaredAt !== undefined) coordinates.declaredAt = positions.translate(coordinates.declaredAt)
  }
}

/** The line of the user's own code in which an error arose: the topmost frame outside packages and Node, innermost cause first. */
export function userLineOf(error: unknown): string | undefined {
  for (const link of causeChain(error).reverse()) {
    for (const line of (link.stack ?? '').split('\n')) {
      const { place, bare } = FRAME.exec(line)?.groups ?? {}
      const position = place ?? bare
      if (position !== undefined && isUserPosition(position)) return position.startsWith('file:') ? fromUrl(position) : position
    }
  }
  return undefined
}

/** Adds the user's line to the message of a coded error that came out of user code, where it is not there yet. */
export function nameUserLine(error: SluiceError): void {
  if (error.cause === undefined) return
  const line = userLineOf(error.cause)
  if (line !== undefined && !error.message.includes(line)) error.message = `${error.message} (at ${line})`
}

function causeChain(error: unknown): Error[] {
  const chain: Error[] = []
  for (let link = error; link instanceof Error && chain.length < CAUSES_MAX && !chain.includes(link); link = link.cause) chain.push(link)
  return chain
}

function isUserPosition(position: string): boolean {
  if (position.startsWith('node:') || position.includes('/node_modules/') || position.includes('\\node_modules\\')) return false
  const path = position.startsWith('file:') ? fromUrl(position) : position
  return !ownFolders().some((folder) => path.startsWith(folder))
}

function fromUrl(position: string): string {
  const [, url = '', rest = ''] = /^(.*?)((?::\d+)+)$/.exec(position) ?? []
  try {
    return fileURLToPath(url) + rest
  } catch {
    return position
  }
}

let folders: readonly string[] | undefined

/** The folders of Sluice's own built files, where they are not below node_modules (a checkout). */
function ownFolders(): readonly string[] {
  // The command line has modules joined into files of its own folder, this one among them.
  folders ??= ['@sluice/engine', '@sluice/operators', '@sluice/runtime-workers']
    .map((name) => import.meta.resolve(name))
    .concat(import.meta.url)
    .map((url) => `${dirname(fileURLToPath(url))}/`)
  return folders
}
