/** What a running job answers over its socket. Main thread. */
import type { RunHandle } from '@sluice/runtime-workers'
import { type PressureGraph, SluiceError } from '@sluice/engine'
import { ControlServer } from './control-server.js'
import type { ControlDone, ControlRequest, JobStatus, LivePressure } from './protocol.js'

export interface AboutJob {
  readonly file: string
  readonly startedAt: string
}

/** `onStop` is called before the job is asked to stop. */
export function listenForCommands(handle: RunHandle<unknown>, about: AboutJob, onStop: () => void): Promise<ControlServer | undefined> {
  const job = handle.status().job ?? about.file
  const status = (): JobStatus => ({ ...handle.status(), job, pid: process.pid, ...about })
  return ControlServer.listen(job, (request) => answer(request, { handle, status, onStop }))
}

interface Context {
  readonly handle: RunHandle<unknown>
  readonly status: () => JobStatus
  readonly onStop: () => void
}

function answer(request: ControlRequest, { handle, status, onStop }: Context): unknown {
  switch (request.command) {
    case 'status':
      return status()
    case 'pressure':
      return pressure(request, handle, status)
    case 'savepoint':
      return handle.savepoint(request).then((path): ControlDone => ({ path }))
    case 'stop':
      onStop()
      return stop(request, handle)
    default:
      throw new SluiceError(
        'SLUICE_USAGE',
        `a running job knows no command ${JSON.stringify((request as { readonly command?: unknown }).command)}`,
      )
  }
}

const PRESSURE_MS_MAX = 60_000
const nothing: PressureGraph = { intervalMs: 0, operators: [], edges: [], sources: [], bottleneck: undefined }

/** What happens in the time that is asked for; where an attempt begins or ends in it, what was of that attempt. */
async function pressure(
  { forMs }: ControlRequest & { readonly command: 'pressure' },
  handle: RunHandle<unknown>,
  status: () => JobStatus,
): Promise<LivePressure> {
  if (!(forMs > 0 && forMs <= PRESSURE_MS_MAX)) {
    throw new SluiceError('SLUICE_USAGE', `a running job is looked at for 1 ms to ${PRESSURE_MS_MAX / 1000} s, not for ${forMs} ms`, {
      hint: 'Give another --report.',
    })
  }
  const { attempt } = handle.status()
  const since = handle.metrics()
  await Promise.race([new Promise((resolve) => setTimeout(resolve, forMs).unref()), handle.finished.catch(() => {})])
  const { job, pid, state, attempt: now } = status()
  return { job, pid, state, attempt: now, pressure: handle.pressure(now === attempt ? since : undefined) ?? nothing }
}

/** Answered when the job has ended; a failure of the job is one of the request. */
async function stop(request: ControlRequest & { readonly command: 'stop' }, handle: RunHandle<unknown>): Promise<ControlDone> {
  const { savepoint, drain, name, directory } = request
  const taken = savepoint ? handle.savepoint({ name, directory, stop: drain ? 'drain' : true }) : undefined
  taken?.catch(() => {})
  if (!savepoint) void (drain ? handle.drain() : handle.stop())
  // Where it is refused, the job goes on.
  const path = await taken
  const { aborted } = await handle.finished
  return { path, aborted }
}
