/**
 * Whether a bundle that was built before is still what esbuild would build now, judged without esbuild: every file and every
 * absence that the build depended on is noted with a signature. What cannot be noted with certainty is not noted at all, and
 * then the job is bundled again.
 */
import type { Metafile } from 'esbuild'
import { lstatSync, readFileSync, statSync } from 'node:fs'
import { dirname, extname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ResolvedImport } from './resolve-imports.js'

/** Path -> signature; the empty signature says that there must be nothing. */
export type Evidence = Readonly<Record<string, string>>

const ABSENT = ''
/** File systems stamp with a clock that may lag by a tick. */
const CLOCK_SLACK_MS = 20
const EXTENSIONS = ['.tsx', '.ts', '.jsx', '.js', '.css', '.json']
/** `./a.js` in TypeScript may mean `./a.ts`. */
const REWRITTEN: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.ts', '.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
}
const CONFIG_FILES = ['tsconfig.json', 'jsconfig.json', 'package.json']
const EXTENDS = /"extends"\s*:\s*("[^"]*"|\[[^\]]*\])/

export function isCurrent(evidence: Evidence): boolean {
  return Object.entries(evidence).every(([path, signature]) => signatureOf(path) === signature)
}

/**
 * undefined where a later build could differ without a trace in the noted files, or where a file changed while it was built
 * (since `startedMs`, wall clock).
 */
export function collectEvidence(
  { metafile, baseFolder, imports }: { metafile: Metafile; baseFolder: string; imports: readonly ResolvedImport[] },
  startedMs: number,
): Evidence | undefined {
  const evidence: Record<string, string> = {}
  const note = (path: string): void => {
    evidence[path] ??= signatureOf(path)
  }
  note(fileURLToPath(import.meta.url))
  const folders = new Set<string>()
  for (const [name, input] of Object.entries(metafile.inputs)) {
    // A namespace of a plugin or of esbuild (`(disabled):fs`).
    if (/^[^/\\]+:/.test(name) && !/^[a-zA-Z]:[\\/]/.test(name)) return undefined
    const file = resolve(baseFolder, name)
    if (changedSince(file, startedMs - CLOCK_SLACK_MS)) return undefined
    note(file)
    folders.add(dirname(file))
    for (const { original, external } of input.imports) {
      if (original !== undefined && external !== true && /^\.{0,2}\//.test(original))
        candidates(resolve(dirname(file), original)).forEach(note)
    }
  }
  for (const found of imports) {
    if (found.ours) note(found.path)
    else if (!noteBareImport(found, note)) return undefined
  }
  for (const folder of ancestors(folders)) {
    for (const name of CONFIG_FILES) note(join(folder, name))
    if (!noteExtended(join(folder, 'tsconfig.json'), note)) return undefined
  }
  return evidence
}

/** Where esbuild looks for a relative import, in whatever order. */
function candidates(path: string): string[] {
  const extension = extname(path)
  const rewritten = (REWRITTEN[extension] ?? []).map((other) => path.slice(0, -extension.length) + other)
  const withEnding = EXTENSIONS.flatMap((ending) => [path + ending, join(path, `index${ending}`)])
  return [path, ...rewritten, ...withEnding, join(path, 'package.json')]
}

/** False for paths of a tsconfig, `#imports`, and packages linked from elsewhere: their rules are not repeated here. */
function noteBareImport(found: ResolvedImport, note: (path: string) => void): boolean {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(found.specifier)?.[0]
  if (found.bundled || name === undefined || name.startsWith('#')) return false
  for (const folder of ancestors([found.fromFolder])) {
    const place = join(folder, 'node_modules', name)
    note(place)
    if (signatureOf(place) !== ABSENT) {
      note(join(place, 'package.json'))
      break
    }
  }
  note(found.path)
  if (found.joined !== undefined) note(found.joined)
  return true
}

function noteExtended(config: string, note: (path: string) => void): boolean {
  const text = readOrEmpty(config)
  for (const [, written = ''] of text.matchAll(new RegExp(EXTENDS, 'g'))) {
    for (const [, target = ''] of written.matchAll(/"([^"]*)"/g)) {
      if (!target.startsWith('.') && !isAbsolute(target)) return false
      const path = resolve(dirname(config), target)
      note(path)
      note(`${path}.json`)
      if (!noteExtended(path, note) || !noteExtended(`${path}.json`, note)) return false
    }
  }
  return true
}

/** Each folder with all those above it, nearest first. */
function ancestors(folders: Iterable<string>): Set<string> {
  const all = new Set<string>()
  for (let folder of folders) {
    for (; !all.has(folder); folder = dirname(folder)) all.add(folder)
  }
  return all
}

/** Change time besides modification time: it cannot be set back by a copy or a checkout. Links count as themselves, too. */
function signatureOf(path: string): string {
  try {
    const link = lstatSync(path)
    if (link.isDirectory()) return `folder`
    const file = link.isSymbolicLink() ? statSync(path) : link
    const end = file.isDirectory() ? 'folder' : `${file.size} ${file.mtimeMs} ${file.ctimeMs}`
    return link.isSymbolicLink() ? `${link.ino} ${link.ctimeMs} ${end}` : `${file.ino} ${end}`
  } catch {
    return ABSENT
  }
}

function changedSince(path: string, sinceMs: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined || Math.max(found.ctimeMs, found.mtimeMs) >= sinceMs
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
