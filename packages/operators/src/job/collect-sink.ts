/**
 * The sink of a stream that a declaration returned: its records go to whoever runs the job, in the coordinator's thread. With checkpoints they go there with the
 * checkpoint that they belong to, so that what a failed attempt gave is not there twice. Runs on the calling thread.
 */
import { type HostBindings, type SinkContext, SluiceError, type SinkWriter } from '@sluice/engine'
import type { Sink } from '../sink/sink.js'

/** @param stream the name under which it was returned */
export function collectSink(stream: string): Sink<unknown> {
  return {
    spec: {
      kind: 'sink',
      create: ({ host, run }: SinkContext) => {
        if (host === undefined) throw new SluiceError('SLUICE_ASSERTION', `the sink of collected stream ${stream} does not run on the host`)
        return run === undefined ? { write: (records) => host.collect(stream, records) } : new CollectWriter(stream, host)
      },
    },
    options: { type: 'collect' },
    parallelismMax: { value: 1, because: 'collected records go to the caller' },
    pinnedToHost: true,
    delivery: 'exactly-once',
  }
}

/** As it lies in a checkpoint. */
interface Prepared {
  readonly checkpoint: number
  readonly records: readonly unknown[]
}

class CollectWriter implements SinkWriter {
  readonly #stream: string
  readonly #host: HostBindings
  #records: unknown[] = []

  constructor(stream: string, host: HostBindings) {
    this.#stream = stream
    this.#host = host
  }

  write(records: readonly unknown[]): void {
    for (const record of records) this.#records.push(record)
  }

  prepare(checkpoint: number): Prepared {
    const records = this.#records
    this.#records = []
    return { checkpoint, records }
  }

  commit(prepared: unknown): void {
    const { checkpoint, records } = prepared as Prepared
    this.#host.collect(this.#stream, records, checkpoint)
  }
}
