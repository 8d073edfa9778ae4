/** A job that receives telemetry on a port of its own, in this thread. */
import { fromOtlp, type LogRecord, type MetricPoint, type Span } from '@sluice/otlp'
import { defineJob, run, type RunHandle } from 'sluice'
import { onTestFinished } from 'vitest'

export interface Received {
  readonly spans: readonly Span[]
  readonly logs: readonly LogRecord[]
  readonly points: readonly MetricPoint[]
}

export interface RunningReceiver {
  /** Without a path. */
  readonly url: string
  /** Stops the job and says what it received. */
  received(): Promise<Received>
}

const receiver = defineJob({ name: 'receiver' }, (job) => ({
  spans: job.source('spans', fromOtlp({ signal: 'traces', port: 0 })),
  logs: job.source('logs', fromOtlp({ signal: 'logs', port: 0 })),
  points: job.source('points', fromOtlp({ signal: 'metrics', port: 0 })),
}))

export async function startReceiver(): Promise<RunningReceiver> {
  const handle = run(receiver)
  const url = await addressOf(handle, 3)
  onTestFinished(() => handle[Symbol.asyncDispose]())
  return {
    url,
    received: async () => {
      await handle.stop()
      return (await handle.finished).outputs
    },
  }
}

/** Where the sources listen, when all of them do: they share the port. */
export function addressOf(handle: RunHandle<unknown>, sources: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let left = sources
    handle.events.on('listening', ({ url }) => {
      if (--left === 0) resolve(new URL(url).origin)
    })
    handle.finished.catch(reject)
  })
}
