/** The options of a job, checked when it is defined, and the settings that they stand for. */
import { type JobSettings, SluiceError } from '@sluice/engine'
import { z } from 'zod'
import { parseByteSize } from '../duration/byte-size.js'
import type { JobOptions } from './job.js'

const count = z.int().min(1).optional()

/** Ranges are checked where settings are resolved, for jobs and runners alike. */
const optionsSchema = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^\P{Cc}*$/u, 'a name is text on one line'),
  params: z.custom((value) => hasSchema(value), 'params takes a schema such as z.object({ ... })').optional(),
  parallelism: count,
  workers: z.int().min(0).optional(),
  memory: z.union([z.number(), z.string()]).optional(),
  settings: z
    .strictObject({
      maxRecordBytes: count,
      windowTargetMs: z.number().positive().optional(),
      adaptiveWindow: z.boolean().optional(),
      keyGroups: count,
      ringBytes: count,
      chaining: z.boolean().optional(),
      checkRecords: z.boolean().optional(),
      stuckAfterMs: z.number().positive().optional(),
      stopTimeoutMs: z.number().min(0).optional(),
    })
    .optional(),
})

/** Fails with `SLUICE_OPTIONS_INVALID`, which names each wrong option. */
export function checkJobOptions(options: unknown, declaredAt: string | undefined): void {
  const result = optionsSchema.safeParse(options)
  if (result.success) return
  const issues = result.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `defineJob: ${issues.join('; ')}`, {
    declaredAt,
    hint: 'defineJob takes { name, params, parallelism, workers, memory, settings }.',
  })
}

export function settingsOf({ parallelism, workers, memory, settings }: JobOptions): JobSettings {
  const memoryBytes = memory === undefined ? undefined : parseByteSize(memory, 'memory')
  return { ...settings, parallelism, workers, memoryBytes }
}

function hasSchema(value: unknown): boolean {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value
}
