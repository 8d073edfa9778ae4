/** The sink of a stream that a declaration returned: its records go to whoever runs the job, in the coordinator's thread. */
import { SluiceError } from '@sluice/engine'
import type { Sink } from '../sink/sink.js'

/** @param stream the name under which it was returned */
export function collectSink(stream: string): Sink<unknown> {
  return {
    spec: {
      kind: 'sink',
      create: ({ host }) => {
        if (host === undefined) throw new SluiceError('SLUICE_ASSERTION', `the sink of collected stream ${stream} does not run on the host`)
        return { write: (records) => host.collect(stream, records) }
      },
    },
    options: { type: 'collect' },
    parallelismMax: { value: 1, because: 'collected records go to the caller' },
    pinnedToHost: true,
    delivery: 'at-least-once',
  }
}
