/** Starts a job through the public API and waits until its threads run. */
import type { MetricsSnapshot } from '@sluice/engine'
import { type RunHandle, type RunOptions, run } from 'sluice'

export interface StartJobOptions {
  readonly params: Readonly<Record<string, unknown>>
  readonly settings?: RunOptions['settings']
  /** Sees the handle before the job is planned. */
  readonly listen?: ((handle: RunHandle<unknown>) => void) | undefined
}

/** At parallelism 1 on two workers, without reports. */
export async function startJob(job: URL, { params, settings, listen }: StartJobOptions): Promise<RunHandle<unknown>> {
  const handle = run(job, { params, workers: 2, parallelism: 1, report: '1h', ...(settings === undefined ? {} : { settings }) })
  listen?.(handle)
  await Promise.race([new Promise<void>((resolve) => handle.events.once('started', () => resolve())), handle.finished])
  return handle
}

/** @throws Error where the job has ended. */
export function metricsOf(handle: RunHandle<unknown>): MetricsSnapshot {
  const metrics = handle.metrics()
  if (metrics === undefined) throw new Error('the job ended before it was measured')
  return metrics
}
