/** Every bridge into a job keeps the contract. */
import { Readable } from 'node:stream'
import { fromAsyncIterable, fromReadable, fromWebStream } from 'sluice'
import { describe } from 'vitest'
import { checkSourceBridge, type SourceProbe, type SourceScript, turn } from './source-contract.js'

const never = new Promise<never>(() => undefined)

/** An iterator that notes what it is asked for; every 16th value takes a turn of the event loop. */
function iterable(script: SourceScript, probe: SourceProbe): AsyncIterable<number> {
  let running = false
  let over = false
  let at = 0
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        if (running) probe.violations.push('next() while next() is under way')
        if (over) probe.violations.push('next() behind the end')
        running = true
        try {
          if (at % 16 === 0 && script.atOnce !== true) await turn()
          // Returned while this call was under way.
          if (over) return { done: true, value: undefined }
          if (at === script.silentAt) return await never
          if (at === script.failsAt || at === script.values) over = true
          if (at === script.failsAt) throw probe.failure
          if (at === script.values) return { done: true, value: undefined }
          at++
          return { done: false, value: probe.pull() }
        } finally {
          running = false
        }
      },
      async return() {
        probe.released++
        over = true
        return { done: true, value: undefined }
      },
    }),
  }
}

/** A stream that makes values when it is asked for them, as many as it likes to hold. */
function readable(script: SourceScript, probe: SourceProbe, highWaterMark: number): Readable {
  let at = 0
  let over = false
  return new Readable({
    objectMode: true,
    highWaterMark,
    read() {
      if (over) probe.violations.push('read behind the end')
      if (at === script.silentAt) return
      if (at === script.failsAt) {
        over = true
        this.destroy(probe.failure)
      } else if (at === script.values) {
        over = true
        this.push(null)
      } else {
        at++
        const value = probe.pull()
        if (value % 16 === 0 && script.atOnce !== true) setImmediate(() => this.push(value))
        else this.push(value)
      }
    },
    destroy(error, done) {
      probe.released++
      done(error)
    },
  })
}

function webStream(script: SourceScript, probe: SourceProbe, highWaterMark: number): ReadableStream<number> {
  let at = 0
  let over = false
  return new ReadableStream<number>(
    {
      async pull(controller) {
        if (at % 16 === 0 && script.atOnce !== true) await turn()
        // Cancelled while this call was under way.
        if (over) return
        if (at === script.silentAt) return never
        if (at === script.failsAt) controller.error(probe.failure)
        else if (at === script.values) controller.close()
        else {
          at++
          controller.enqueue(probe.pull())
        }
      },
      cancel() {
        over = true
        probe.released++
      },
    },
    { highWaterMark },
  )
}

describe('sources', () => {
  checkSourceBridge({
    name: 'fromAsyncIterable',
    aheadMax: 257,
    batch: 128,
    open: (script, probe) => fromAsyncIterable(() => iterable(script, probe)),
  })
  checkSourceBridge({
    name: 'fromAsyncIterable, 8 ahead',
    aheadMax: 9,
    batch: 4,
    open: (script, probe) => fromAsyncIterable(() => iterable(script, probe), { readAhead: 8 }),
  })
  checkSourceBridge({
    name: 'fromAsyncIterable, 1 ahead',
    aheadMax: 2,
    batch: 1,
    open: (script, probe) => fromAsyncIterable(() => iterable(script, probe), { readAhead: 1 }),
  })
  checkSourceBridge({
    name: 'fromAsyncIterable, none ahead',
    aheadMax: 1,
    batch: 1,
    open: (script, probe) => fromAsyncIterable(() => iterable(script, probe), { readAhead: 0 }),
  })
  checkSourceBridge({
    name: 'fromReadable of 16 objects',
    aheadMax: 257 + 16,
    batch: 128,
    open: (script, probe) => fromReadable<number>(() => readable(script, probe, 16)),
  })
  checkSourceBridge({
    name: 'fromReadable of 4 objects, none ahead',
    aheadMax: 1 + 4,
    batch: 1,
    open: (script, probe) => fromReadable<number>(() => readable(script, probe, 4), { readAhead: 0 }),
  })
  checkSourceBridge({
    name: 'fromReadable that is passed in',
    aheadMax: 257 + 2,
    batch: 128,
    open: (script, probe) => fromReadable<number>(readable(script, probe, 2)),
  })
  checkSourceBridge({
    name: 'fromWebStream without a buffer',
    aheadMax: 257,
    batch: 128,
    open: (script, probe) => fromWebStream(() => webStream(script, probe, 0)),
  })
  checkSourceBridge({
    name: 'fromWebStream of 8, none ahead',
    aheadMax: 1 + 8,
    batch: 1,
    open: (script, probe) => fromWebStream(() => webStream(script, probe, 8), { readAhead: 0 }),
  })
})
