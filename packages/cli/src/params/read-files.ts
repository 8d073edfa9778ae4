/** The two files that params may come from: `--params f.json` and `--env-file f`. */
import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { SluiceError } from '@sluice/engine'
import type { RawParams } from '@sluice/runtime-workers'

/** One JSON object, params by name. */
export async function readParamsFile(path: string): Promise<RawParams> {
  const text = await readOption('--params', path)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new SluiceError('SLUICE_USAGE', `--params ${path} is not JSON: ${(cause as Error).message}`, {
      hint: 'It holds one JSON object: params by name.',
      cause,
    })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SluiceError('SLUICE_USAGE', `--params ${path} holds ${Array.isArray(value) ? 'an array' : `${JSON.stringify(value)}`}`, {
      hint: 'It holds one JSON object: params by name.',
    })
  }
  return value as RawParams
}

/** Adds the file's variables to `env`; a variable that is set already stays, as with `node --env-file`. */
export async function loadEnvFile(path: string, env: Record<string, string | undefined>): Promise<void> {
  for (const [name, value] of Object.entries(parseEnv(await readOption('--env-file', path)))) env[name] ??= value
}

async function readOption(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new SluiceError('SLUICE_USAGE', `${option} ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, {
      hint: 'Check the path; it is relative to the working directory.',
      cause,
    })
  }
}
