/** From a bundle to the job that it exports. Runs in the coordinator, and in every worker on the same bundle. */
import { errorCatalogue, SluiceError } from '@sluice/engine'
import { isJob, type Job } from '@sluice/operators'
import { translateError, userLineOf } from './locate-error.js'
import { describeThrown } from '../protocol/describe-thrown.js'
import type { Translator } from './source-positions.js'

/** What Node says while it links modules, before any line of the job has run. */
const LINK_ERRORS = new Set([
  'ERR_MODULE_NOT_FOUND',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_UNKNOWN_FILE_EXTENSION',
])

export interface JobModule {
  readonly url: string
  /** The user's file, for messages. */
  readonly source: string
  /** Only where errors are told in terms of the user's lines: in the coordinator. */
  readonly positions?: Translator | undefined
}

export async function importJob({ url, source, positions }: JobModule): Promise<Job<unknown, unknown>> {
  let exported: { readonly default?: unknown }
  try {
    exported = (await import(url)) as { readonly default?: unknown }
  } catch (error) {
    throw explainImport(error, source, positions)
  }
  if (!('default' in exported)) throw new SluiceError('SLUICE_NO_DEFAULT_EXPORT', `${source} has no default export`)
  if (!isJob(exported.default)) {
    throw new SluiceError('SLUICE_NOT_A_JOB', `${source} exports ${describe(exported.default)} by default, not a job`)
  }
  return exported.default
}

/** Wraps what user code threw while it was imported or declared; coded errors stay as they are. */
export function explainThrown(error: unknown, doing: string): SluiceError {
  if (error instanceof SluiceError || (error instanceof Error && 'code' in error && Object.hasOwn(errorCatalogue, String(error.code))))
    return error as SluiceError
  const line = userLineOf(error)
  return new SluiceError('SLUICE_JOB_THREW', `${doing}: ${describeThrown(error)}${line === undefined ? '' : ` (at ${line})`}`, {
    cause: error,
    declaredAt: line,
  })
}

function explainImport(error: unknown, source: string, positions: Translator | undefined): SluiceError {
  translateError(error, positions)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (error instanceof SyntaxError || LINK_ERRORS.has(code)) {
    const place = /^(?:file:\/\/)?(\/.*:\d+)\n/.exec((error as Error).stack ?? '')?.[1]
    return new SluiceError(
      'SLUICE_JOB_FILE_INVALID',
      `${source} cannot be imported: ${(error as Error).message}${place === undefined ? '' : ` (at ${place})`}`,
      { cause: error },
    )
  }
  return explainThrown(error, `${source} threw while it was imported`)
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  // A default export without a name gets one from the bundler.
  if (typeof value === 'function') return `a function${value.name === '' || value.name.endsWith('_default') ? '' : ` (${value.name})`}`
  return `a value of type ${typeof value}`
}
