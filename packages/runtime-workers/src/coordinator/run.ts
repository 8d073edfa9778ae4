/** `run`: the one way to start a job from a program. */
import type { Job, Stream } from '@sluice/operators'
import { JobRun } from './job-run.js'
import type { RunHandle, RunOptions } from './run-types.js'

/**
 * Runs a job. Returns at once; errors arrive at `finished`. Installs no signal handlers, never ends the process and prints nothing.
 *
 * A job file (path or `file:` URL) runs on worker threads. A job object runs on the calling thread with the same engine, unless
 * `module` says where workers find it.
 *
 * @example
 * const { outputs } = await run(job, { params: { records: 10 } }).finished
 * @example
 * await using handle = run(new URL('./job.ts', import.meta.url), { parallelism: 2 })
 * handle.events.on('report', (report) => console.log(report.edges))
 * await handle.finished
 */
export function run<P, O>(target: Job<P, O>, options?: RunOptions): RunHandle<O>
export function run<O = Readonly<Record<string, Stream<unknown>>>>(target: URL | string, options?: RunOptions): RunHandle<O>
export function run(target: URL | string | Job<unknown, unknown>, options: RunOptions = {}): RunHandle<unknown> {
  return new JobRun(target, options)
}
