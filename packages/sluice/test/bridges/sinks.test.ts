/** Every bridge out of a job keeps the contract. */
import { Writable } from 'node:stream'
import { toAsyncIterable, toObserver, toReadable, toWebReadable, toWebStream, toWritable, type WritableStreamLike } from 'sluice'
import { describe } from 'vitest'
import { checkSinkBridge, type SinkProbe, type SinkScript } from './sink-contract.js'

/** A stream that notes every write that comes although the one before said that it is full. */
class Watched extends Writable {
  #full = false
  #running = false
  readonly #probe: SinkProbe
  readonly #script: SinkScript

  constructor(probe: SinkProbe, script: SinkScript) {
    super({ objectMode: true, highWaterMark: 4 })
    this.#probe = probe
    this.#script = script
    this.on('drain', () => (this.#full = false))
  }

  override write(...args: unknown[]): boolean {
    if (this.#full) this.#probe.violations.push('write before drain')
    this.#full = !(super.write as (...given: unknown[]) => boolean)(...args)
    return !this.#full
  }

  override _write(value: number, _encoding: string, done: (error?: Error) => void): void {
    if (this.#running) this.#probe.violations.push('writes overlap')
    this.#running = true
    // oxlint-disable-next-line promise/no-callback-in-promise -- a stream is told by its callback
    void this.#take(value).then(done)
  }

  /** What the callback of the write gets. */
  async #take(value: number): Promise<Error | undefined> {
    try {
      await this.#probe.take(value, this.#script)
      if (!this.destroyed) this.#probe.receive(value)
      return undefined
    } catch (error) {
      return error as Error
    } finally {
      this.#running = false
    }
  }

  override _final(done: () => void): void {
    this.#probe.ends.push('complete')
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error !== null && error !== this.#probe.failure) this.#probe.ends.push('error')
    done(error)
  }
}

/** The same for a web stream. */
function watched(probe: SinkProbe, script: SinkScript): WritableStreamLike<number> {
  let over = false
  const stream = new WritableStream<number>(
    {
      async write(value) {
        await probe.take(value, script)
        if (!over) probe.receive(value)
      },
      close: () => void probe.ends.push('complete'),
      abort: () => {
        over = true
        probe.ends.push('error')
      },
    },
    { highWaterMark: 4 },
  )
  return {
    get locked() {
      return stream.locked
    },
    getWriter() {
      const writer = stream.getWriter()
      return {
        get closed() {
          return writer.closed
        },
        get ready() {
          return writer.ready
        },
        get desiredSize() {
          return writer.desiredSize
        },
        write(value: number) {
          if ((writer.desiredSize ?? 0) <= 0) probe.violations.push('write without demand')
          return writer.write(value)
        },
        close: () => writer.close(),
        abort: (reason) => writer.abort(reason),
        releaseLock: () => writer.releaseLock(),
      }
    },
  }
}

/** Reads a stream as its readers do, one value after the other. */
async function consume(values: AsyncIterable<number>, probe: SinkProbe, script: SinkScript): Promise<void> {
  try {
    for await (const value of values) {
      await probe.take(value, script)
      probe.receive(value)
      if (value === script.leavesAt) return
    }
    probe.ends.push('complete')
  } catch (error) {
    if (error !== probe.failure) probe.ends.push('error')
    throw error
  }
}

describe('sinks', () => {
  checkSinkBridge({
    name: 'toWritable',
    aheadMax: 256 + 4,
    leaves: false,
    open: (script, probe) => toWritable(() => new Watched(probe, script)),
  })
  checkSinkBridge({
    name: 'toWebStream',
    aheadMax: 256 + 4,
    leaves: false,
    open: (script, probe) => toWebStream(() => watched(probe, script)),
  })
  checkSinkBridge({
    name: 'toAsyncIterable',
    aheadMax: 256 + 1,
    leaves: true,
    open: (script, probe) => toAsyncIterable((values) => consume(values, probe, script)),
  })
  checkSinkBridge({
    name: 'toReadable',
    aheadMax: 256 + 2,
    leaves: true,
    open: (script, probe) =>
      toReadable((stream) => {
        stream.on('readable', () => {
          if (stream.readableLength > 1) probe.violations.push(`the stream holds ${stream.readableLength}`)
        })
        return consume(stream, probe, script)
      }),
  })
  checkSinkBridge({
    name: 'toWebReadable',
    aheadMax: 256 + 1,
    leaves: true,
    open: (script, probe) => toWebReadable((stream) => consume(stream, probe, script)),
  })
  checkSinkBridge({
    name: 'toObserver',
    aheadMax: 256,
    leaves: false,
    open: (script, probe) =>
      toObserver(() => {
        let running = false
        let over = false
        const end = (how: string): void => {
          over = true
          probe.ends.push(how)
        }
        return {
          async next(value: number) {
            if (running) probe.violations.push('next overlaps')
            if (over) probe.violations.push('next behind the end')
            running = true
            try {
              await probe.take(value, script)
              if (!over) probe.receive(value)
            } finally {
              running = false
            }
          },
          complete: () => end('complete'),
          error: () => end('error'),
        }
      }),
  })
})
