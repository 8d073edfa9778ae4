/** What the user typed about params, and the files named there: read before any code of the job runs. */
import type { RawParams } from '@sluice/runtime-workers'
import { parseParamFlags } from './param-flags.js'
import { loadEnvFile, readParamsFile } from './read-files.js'

export interface ParamArguments {
  readonly param: readonly string[]
  readonly params: string | undefined
  readonly envFile: string | undefined
}

/** `--env-file` is loaded into `process.env`, for the code of the job too. */
export async function readParamSources({
  param,
  params,
  envFile,
}: ParamArguments): Promise<{ readonly flags: RawParams; readonly file: RawParams }> {
  const flags = parseParamFlags(param)
  const file = params === undefined ? {} : await readParamsFile(params)
  if (envFile !== undefined) await loadEnvFile(envFile, process.env)
  return { flags, file }
}
