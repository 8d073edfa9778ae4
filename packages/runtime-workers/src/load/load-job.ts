/** Loads a job file: bundle, import, check; and declares its graph in terms of the user's own lines. Runs in the coordinator. */
import type { LogicalGraph } from '@sluice/engine'
import type { Job } from '@sluice/operators'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type JobBundle, bundleJob } from './bundle-job.js'
import { declareGraph } from './declare-graph.js'
import { importJob } from './import-job.js'

/** A job file that was bundled and imported. */
export interface LoadedJob {
  readonly job: Job<unknown, unknown>
  /** Absolute path of the job file. */
  readonly source: string
  /** URL of the bundle that workers import. */
  readonly bundleUrl: string
  /** The text with positions in the bundle replaced by those in the user's files. */
  translate(text: string): string
  /**
   * Declares the graph. Coded errors lead to the user's lines; what user code throws arrives as `SLUICE_JOB_THREW`.
   * `params` come from `job.parseParams`.
   */
  declare(params: unknown, options?: { readonly collect?: boolean }): LogicalGraph
}

/**
 * Bundles and imports a job file; nothing of it is opened.
 *
 * Fails with `SLUICE_JOB_FILE_INVALID`, `SLUICE_NO_DEFAULT_EXPORT`, `SLUICE_NOT_A_JOB` or `SLUICE_JOB_THREW`.
 *
 * @param target A path (relative to the working directory) or a `file:` URL.
 * @param options `ownProcess`: as in `RunOptions`.
 * @example
 * const { job } = await loadJob('job.ts')
 * console.log(job.name)
 */
export async function loadJob(target: string | URL, options: { readonly ownProcess?: boolean | undefined } = {}): Promise<LoadedJob> {
  const bundle = await bundleJob(pathOf(target), options.ownProcess)
  return { ...(await importBundle(bundle)), bundleUrl: bundle.url }
}

async function importBundle(bundle: JobBundle): Promise<Omit<LoadedJob, 'bundleUrl'>> {
  const { source, positions } = bundle
  const job = await importJob(bundle)
  return {
    job,
    source,
    translate: (text) => positions.translate(text),
    declare: (params, options = {}) => declareGraph(job, params, { collect: options.collect ?? false, source, positions }),
  }
}

/** Absolute path of a job file given as a path, a `file:` URL or the text of one. */
function pathOf(target: string | URL): string {
  return target instanceof URL || target.startsWith('file:') ? fileURLToPath(target) : resolve(target)
}
