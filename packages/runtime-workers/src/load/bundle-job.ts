/**
 * The bundle of a job file: built once, kept under a name made of its content, imported by the coordinator and every worker.
 * Runs in the coordinator. A bundle whose inputs are unchanged is taken from the cache without starting esbuild.
 */
import { SluiceError } from '@sluice/engine'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { collectEvidence, type Evidence, isCurrent } from './bundle-currency.js'
import { cacheFolder, removeStale, writeWhole } from './cache-folder.js'
import { SourcePositions } from './source-positions.js'

/** Part of every cache key: another way to bundle gives other bundles. */
const BUNDLE_FORMAT = 1

export interface JobBundle {
  /** The user's file. */
  readonly source: string
  readonly file: string
  readonly url: string
  readonly positions: SourcePositions
  /** It was there and is current: esbuild did not run. */
  readonly reused: boolean
}

/** What is remembered of the last build of a job file. */
interface Remembered {
  readonly bundle: string
  readonly evidence: Evidence
}

/** `source`: absolute path of the job file. `ownProcess`: as in `RunOptions`. */
export async function bundleJob(source: string, ownProcess: boolean = false): Promise<JobBundle> {
  checkJobFile(source)
  const folder = cacheFolder()
  const key = [BUNDLE_FORMAT, source, ownProcess, import.meta.url, process.version, process.env['NODE_PATH']]
  const noteFile = join(folder, `${digest(key)}.json`)
  const remembered = recall(noteFile, folder)
  if (remembered !== undefined) return describeBundle(source, join(folder, remembered), true)
  const startedMs = Date.now()
  const { buildBundle } = await import('./build-bundle.js')
  const built = await buildBundle(source, folder, ownProcess)
  const name = `job-${digest([built.code, built.map])}.mjs`
  const file = join(folder, name)
  if (!existsSync(file) || !existsSync(`${file}.map`)) {
    writeWhole(`${file}.map`, built.map)
    writeWhole(file, `${built.code}//# sourceMappingURL=${name}.map\n`)
    removeStale(Date.now())
  }
  const evidence = collectEvidence(built, startedMs)
  if (evidence !== undefined) writeWhole(noteFile, JSON.stringify({ bundle: name, evidence } satisfies Remembered))
  return describeBundle(source, file, false)
}

function checkJobFile(source: string): void {
  const found = statSync(source, { throwIfNoEntry: false })
  if (found?.isFile() === true) return
  const what = found === undefined ? 'does not exist' : 'is not a file'
  throw new SluiceError('SLUICE_JOB_FILE_INVALID', `the job file ${source} ${what}`, {
    hint: 'Check the path; it is relative to the working directory.',
  })
}

function recall(noteFile: string, folder: string): string | undefined {
  try {
    const { bundle, evidence } = JSON.parse(readFileSync(noteFile, 'utf8')) as Remembered
    return isCurrent(evidence) && existsSync(join(folder, bundle)) && existsSync(join(folder, `${bundle}.map`)) ? bundle : undefined
  } catch {
    return undefined
  }
}

function describeBundle(source: string, file: string, reused: boolean): JobBundle {
  return { source, file, url: pathToFileURL(file).href, reused, positions: new SourcePositions(file, `${file}.map`) }
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)
}
