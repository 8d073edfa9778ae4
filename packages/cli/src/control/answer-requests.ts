/** What a running job answers over its socket. Main thread. */
import type { RunHandle } from '@sluice/runtime-workers'
import { SluiceError } from '@sluice/engine'
import { ControlServer } from './control-server.js'
import type { ControlDone, ControlRequest, JobStatus } from './protocol.js'

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
