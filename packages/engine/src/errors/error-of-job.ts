/** Which errors say something of the record at hand, and which of the job: those no policy for records may swallow. Pure. */
import type { ErrorCode } from './catalogue.js'
import { SluiceError } from './sluice-error.js'

/** They come again for every record, or say that the engine itself cannot go on. */
const CODES_OF_JOB: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SLUICE_ASSERTION',
  'SLUICE_ASYNC_FUNCTION',
  'SLUICE_CHANNEL_CORRUPT',
  'SLUICE_CODEC_CORRUPT',
  'SLUICE_KEY_MISPLACED',
  'SLUICE_MEMORY_BUDGET',
  'SLUICE_OPTIONS_INVALID',
  'SLUICE_RECORD_PROMISE',
  'SLUICE_RESOURCE_FAILED',
  'SLUICE_STATE_INCOMPATIBLE',
  'SLUICE_STATE_NO_KEY',
  'SLUICE_STATE_READONLY',
  'SLUICE_TIMERS_ENDLESS',
  'SLUICE_TIMESTAMPS_MISSING',
])

export function isErrorOfJob(error: unknown): boolean {
  return error instanceof SluiceError && CODES_OF_JOB.has(error.code)
}
