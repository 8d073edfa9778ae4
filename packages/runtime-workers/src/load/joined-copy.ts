/**
 * A copy of zod in one file. zod is a hundred small modules, and every thread of a job resolves, reads and compiles each of them: joined,
 * it loads in less than half the time. Only for a process that belongs to the job: elsewhere the program may have loaded zod itself, and a
 * process holds one copy. Made once per installed zod. Runs in the coordinator.
 */
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { cacheFolder, writeWhole } from './cache-folder.js'

/** Part of the name of every copy: another way to join gives other copies. */
const FORMAT = 1
const PRIVATE_FOLDER = 0o700
/** Long before the cache drops it. */
const RENEWED_MS = 7 * 24 * 3_600_000
/** What makes copies of zod act as one, should a package bring another: these versions keep registry and configuration per process. */
const SHARED_STATE = ['__zod_globalConfig', '__zod_globalRegistry']

/**
 * The file, or undefined where the package cannot stand in one: another version than those known to bear it, or one that imports others.
 * It lies below a `node_modules`, so that its frames are told from the user's lines like those of every package.
 */
export async function joinedCopy(entry: string): Promise<string | undefined> {
  const { size, mtimeMs, ctimeMs } = statSync(entry)
  const name = createHash('sha256')
    .update(JSON.stringify([FORMAT, entry, size, mtimeMs, ctimeMs]))
    .digest('hex')
    .slice(0, 24)
  const folder = join(cacheFolder(), 'node_modules')
  const file = join(folder, `zod-${name}.mjs`)
  const written = statSync(file, { throwIfNoEntry: false })
  if (written !== undefined && Date.now() - written.mtimeMs < RENEWED_MS) return file
  const code = await joinModules(entry)
  if (code === undefined || !SHARED_STATE.every((state) => code.includes(state))) return undefined
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER })
  writeWhole(file, code)
  return file
}

async function joinModules(entry: string): Promise<string | undefined> {
  try {
    const { outputFiles, metafile } = await build({
      entryPoints: [entry],
      bundle: true,
      packages: 'external',
      conditions: [],
      format: 'esm',
      platform: 'node',
      charset: 'utf8',
      write: false,
      outfile: 'zod.mjs',
      metafile: true,
      logLevel: 'silent',
    })
    const foreign = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ path }) => !isBuiltin(path)))
    return foreign.length === 0 ? outputFiles[0]?.text : undefined
  } catch {
    return undefined
  }
}
