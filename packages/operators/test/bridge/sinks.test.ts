/** The other side of a sink breaks its protocol, fails or leaves: coded, and told where. */
import { PassThrough, type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { toAsyncIterable } from '../../src/sink/to-async-iterable.js'
import { toObserver } from '../../src/sink/to-observer.js'
import { toReadable } from '../../src/sink/to-readable.js'
import { toWebReadable } from '../../src/sink/to-web-readable.js'
import { toWebStream } from '../../src/sink/to-web-stream.js'
import { toWritable } from '../../src/sink/to-writable.js'
import { openSink, sinkContext, writeSink } from '../sink/write-sink.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const turns = async (count: number): Promise<void> => {
  for (let at = 0; at < count; at++) await turn()
}

const broken = (what: string) => ({
  code: 'SLUICE_PROTOCOL_BROKEN',
  message: expect.stringContaining(what),
  coordinates: { operator: 'out' },
})

test('factories that give something else', async () => {
  const nothing = () => undefined as never
  await expect(openSink(toWritable(nothing))).rejects.toMatchObject(broken('something else'))
  await expect(openSink(toWebStream(nothing))).rejects.toMatchObject(broken('something else'))
  await expect(openSink(toObserver(nothing))).rejects.toMatchObject(broken('without next()'))
  const locked = new WritableStream()
  locked.getWriter()
  await expect(openSink(toWebStream(() => locked))).rejects.toMatchObject(broken('is locked'))
})

test('a stream that calls the callback of a write twice', async () => {
  const context = sinkContext()
  const stream = new Writable({
    objectMode: true,
    write(_chunk, _encoding, done) {
      done()
      done()
    },
  })
  const writer = await openSink(
    toWritable(() => stream),
    context,
  )
  const failure = await Promise.resolve(writer.write([1])).catch((error: unknown) => error)
  await turns(2)
  expect(failure ?? context.failures[0]).toMatchObject(broken('called the callback of a write twice'))
})

test('a stream that fails or closes while nothing is written fails the job at once', async () => {
  for (const [how, message] of [
    [(stream: Writable) => stream.destroy(new Error('reset')), 'reset'],
    [(stream: Writable) => stream.destroy(), 'was closed'],
  ] as const) {
    const context = sinkContext()
    const stream = new PassThrough({ objectMode: true })
    await openSink(
      toWritable(() => stream),
      context,
    )
    how(stream)
    await turns(2)
    expect(context.failures).toMatchObject([{ code: 'SLUICE_SINK_FAILED', message: expect.stringContaining(message) }])
  }
  const context = sinkContext()
  let fail: (error: Error) => void = () => undefined
  const web = new WritableStream({ start: (controller) => void (fail = (error) => controller.error(error)) })
  await openSink(
    toWebStream(() => web),
    context,
  )
  fail(new Error('reset'))
  await turns(2)
  expect(context.failures).toMatchObject([{ code: 'SLUICE_SINK_FAILED', message: expect.stringContaining('reset') }])
})

test('a stream that is destroyed while it ends has not written everything', async () => {
  const stream = new Writable({ objectMode: true, write: (_chunk, _encoding, done) => done(), final: () => void stream.destroy() })
  await expect(
    writeSink(
      toWritable(() => stream),
      [1],
    ),
  ).rejects.toMatchObject({ code: 'SLUICE_SINK_FAILED' })
})

test('toWebStream waits for ready, is durable when the stream has taken everything, and gives its lock back', async () => {
  const taken: number[] = []
  let release: () => void = () => undefined
  const stream = new WritableStream<number>(
    {
      write(value) {
        taken.push(value)
        return new Promise((resolve) => (release = resolve))
      },
    },
    { highWaterMark: 2 },
  )
  const writer = await openSink(toWebStream(() => stream))
  let written = false
  const writing = Promise.resolve(writer.write([1, 2, 3, 4])).then(() => (written = true))
  let durable = false
  const settled = Promise.resolve(writer.durable?.()).then(() => (durable = true))
  await turns(2)
  expect(taken).toEqual([1])
  expect([written, durable]).toEqual([false, false])
  for (let at = 0; at < 6; at++) {
    release()
    await turns(2)
  }
  await writing
  await settled
  expect(taken).toEqual([1, 2, 3, 4])
  await writer.durable?.()
  await writer.finish?.()
  await writer.close?.()
  expect(stream.locked).toBe(false)
})

test('a function that calls next() while a call waits', async () => {
  const context = sinkContext()
  const writer = await openSink(
    toAsyncIterable<number>(async (records) => {
      const iterator = records[Symbol.asyncIterator]()
      await Promise.all([iterator.next(), iterator.next()])
    }),
    context,
  )
  await turn()
  expect(context.failures).toMatchObject([broken('while it waits for one')])
  await writer.close?.()
})

test.each([
  ['throws', () => Promise.reject(new Error('full')), 'full'],
  [
    'throws at once',
    (): never => {
      throw new Error('full')
    },
    'full',
  ],
  ['returns at once', async () => undefined, 'stopped reading before the end'],
  [
    'breaks off',
    async (records: AsyncIterable<number>) => {
      for await (const record of records) if (record === 1) break
    },
    'stopped reading before the end',
  ],
  [
    'breaks off and stays',
    async (records: AsyncIterable<number>) => {
      for await (const record of records) if (record === 1) break
      await new Promise(() => undefined)
    },
    'stopped reading before the end',
  ],
])('a function that %s fails the job', async (_what, fn, message) => {
  const context = sinkContext()
  const writer = await openSink(toAsyncIterable<number>(fn as (records: AsyncIterable<number>) => Promise<void>), context)
  if (context.failures.length === 0)
    await Promise.race([Promise.resolve().then(() => writer.write([1, 2, 3])), turns(5)]).catch(() => undefined)
  await turns(3)
  expect(context.failures).toMatchObject([{ code: 'SLUICE_SINK_FAILED', message: expect.stringContaining(message) }])
})

test('what a function has not asked the next record behind is unwritten', async () => {
  let take: () => Promise<IteratorResult<number>> = () => Promise.reject(new Error('not started'))
  const writer = await openSink(
    toAsyncIterable<number>((records) => {
      const iterator = records[Symbol.asyncIterator]()
      take = () => iterator.next()
      return new Promise<void>(() => undefined)
    }),
  )
  const writing = writer.write([1, 2, 3])
  expect(writer.unwritten?.()).toEqual([1, 2, 3])
  await take()
  expect(writer.unwritten?.()).toEqual([1, 2, 3])
  await take()
  await take()
  await writing
  expect(writer.unwritten?.()).toEqual([3])
  const last = take()
  expect(writer.unwritten?.()).toEqual([])
  void writer.finish?.()
  expect(await last).toEqual({ done: true, value: undefined })
})

test('an observer: promises are waited for, what is with it is unwritten, errors of both sides', async () => {
  const seen: number[] = []
  let release: () => void = () => undefined
  const writer = await openSink(
    toObserver<number>(() => ({
      next(value) {
        seen.push(value)
        return value === 2 ? new Promise<void>((resolve) => (release = resolve)) : undefined
      },
      error: (error) => void seen.push((error as { readonly code: string }).code === 'SLUICE_INTERRUPTED' ? -1 : -2),
    })),
  )
  const writing = writer.write([1, 2, 3])
  await turn()
  expect(seen).toEqual([1, 2])
  expect(writer.unwritten?.()).toEqual([2, 3])
  release()
  await writing
  expect(seen).toEqual([1, 2, 3])
  expect(writer.unwritten?.()).toEqual([])
  await writer.close?.()
  await writer.close?.()
  expect(seen).toEqual([1, 2, 3, -1])

  const failure = new Error('refused')
  const told: unknown[] = []
  const failing = await openSink(
    toObserver<number>(() => ({
      next() {
        throw failure
      },
      error: (error) => void told.push(error),
      complete: () => void told.push('complete'),
    })),
  )
  expect(() => failing.write([1])).toThrow(expect.objectContaining({ code: 'SLUICE_SINK_FAILED', cause: failure }))
  await failing.close?.()
  expect(told).toEqual([])
})

test('an observer that fails when it is told of a failure is warned of', async () => {
  const context = sinkContext()
  const writer = await openSink(
    toObserver<number>(() => ({
      next: () => undefined,
      error() {
        throw new Error('no ears')
      },
    })),
    context,
  )
  await writer.close?.()
  expect(context.warnings).toEqual([expect.stringContaining('no ears')])
})

test('an observer hears nothing behind the failure of the job, also where a promise of next settles then; one whose error() rejects is warned of', async () => {
  const context = sinkContext()
  const seen: number[] = []
  let release: () => void = () => undefined
  const writer = await openSink(
    toObserver<number>(() => ({
      next(value) {
        seen.push(value)
        return new Promise<void>((resolve) => (release = resolve))
      },
      error: () => Promise.reject(new Error('no ears')),
    })),
    context,
  )
  const writing = writer.write([1, 2, 3])
  await writer.close?.()
  release()
  await writing
  expect(seen).toEqual([1])
  expect(context.warnings).toEqual([expect.stringContaining('no ears')])
})

test('an observer that is passed in and was told of its end is not used again', async () => {
  const told: string[] = []
  const next = (): void => undefined
  const refused = expect.objectContaining({ code: 'SLUICE_SINK_FAILED', message: expect.stringContaining('told of its end already') })
  const failed = { next, error: () => void told.push('error') }
  await (await openSink(toObserver(failed))).close?.()
  await expect(openSink(toObserver(failed))).rejects.toEqual(refused)
  const completed = { next, complete: () => void told.push('complete') }
  await writeSink(toObserver(completed), [1])
  await expect(openSink(toObserver(completed))).rejects.toEqual(refused)
  expect(told).toEqual(['error', 'complete'])
  // Who hears of no end has none.
  const plain = { next }
  await writeSink(toObserver(plain), [1])
  await writeSink(toObserver(plain), [1])
})

test('a web stream whose write never ends is left alone, and gives its lock back', async () => {
  const stream = new WritableStream<number>({ write: () => new Promise(() => undefined) })
  const writer = await openSink(toWebStream(() => stream))
  void Promise.resolve(writer.write([1])).catch(() => undefined)
  await turn()
  await writer.close?.()
  expect(stream.locked).toBe(false)
})

test('a function that returns early leaves no open stream behind', async () => {
  const context = sinkContext()
  let kept: Readable | undefined
  const writer = await openSink(
    toReadable(async (stream) => void (kept = stream)),
    context,
  )
  await turn()
  expect(context.failures).toMatchObject([{ message: expect.stringContaining('stopped reading before the end') }])
  expect(kept?.destroyed).toBe(false)
  await writer.close?.()
  expect(kept?.destroyed).toBe(true)
})

test('what the reader of a Node stream has in hand is unwritten', async () => {
  const seen: unknown[] = []
  let release: () => void = () => undefined
  const writer = await openSink(
    toReadable(async (stream) => {
      for await (const value of stream) {
        seen.push(value)
        await new Promise<void>((resolve) => (release = resolve))
      }
    }),
  )
  const writing = writer.write([1, 2, 3])
  await turns(3)
  expect(seen).toEqual([1])
  expect(writer.unwritten?.()).toEqual([1, 2, 3])
  release()
  await turns(3)
  expect(seen).toEqual([1, 2])
  expect(writer.unwritten?.()).toEqual([2, 3])
  release()
  await turns(3)
  await writing
  expect(seen).toEqual([1, 2, 3])
  // It was asked for the fourth already when it gave the third.
  expect(writer.unwritten?.()).toEqual([3])
  const finishing = writer.finish?.()
  await turns(3)
  release()
  await finishing
  expect(writer.unwritten?.()).toEqual([])
})

test('null is no record of a Node stream', async () => {
  const error: unknown = await writeSink(
    toReadable(async (stream) => {
      for await (const _record of stream);
    }),
    [1, null],
  ).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'SLUICE_SINK_FAILED', message: expect.stringContaining('got null as a record') })
})

test('bytes: text and bytes as they are, the rest as JSON lines, in every bridge', async () => {
  const records = ['a\n', new Uint8Array([98, 10]), { c: 1n }, ...Array.from({ length: 600 }, (_, n) => ({ n }))]
  const text = `a\nb\n{"c":"1"}\n${Array.from({ length: 600 }, (_, n) => `{"n":${n}}\n`).join('')}`
  const parts: Buffer[] = []
  const gather = new Writable({
    write(chunk: Buffer, _encoding, done) {
      parts.push(chunk)
      done()
    },
  })
  await writeSink(
    toReadable((stream: Readable) => pipeline(stream, createGzip(), gather), { format: 'bytes' }),
    records,
  )
  expect(gunzipSync(Buffer.concat(parts)).toString()).toBe(text)

  let body = ''
  await writeSink(
    toWebReadable(async (stream) => void (body = await new Response(stream).text()), { format: 'bytes' }),
    records,
  )
  expect(body).toBe(text)

  const chunks: Uint8Array[] = []
  await writeSink(
    toWebStream(() => new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) }), { format: 'bytes' }),
    records,
  )
  expect(Buffer.concat(chunks).toString()).toBe(text)
})

test('a record that has no JSON fails the stream and the job', async () => {
  const context = sinkContext()
  const writer = await openSink(
    toReadable((stream) => pipeline(stream, new PassThrough()), { format: 'bytes' }),
    context,
  )
  await Promise.race([writer.write([new Map()]), turns(5)])
  await turns(3)
  expect(context.failures).toMatchObject([{ code: 'SLUICE_JSON_UNSUPPORTED' }])
})

test('options and arguments are checked', () => {
  const invalid = expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' })
  const format = 'text' as 'bytes'
  expect(() => toReadable(async () => undefined, { format })).toThrow(invalid)
  expect(() => toWebReadable(async () => undefined, { format })).toThrow(invalid)
  expect(() => toWebStream(() => new WritableStream(), { format })).toThrow(invalid)
  expect(() => toWebStream({} as WritableStream)).toThrow(invalid)
  expect(() => toObserver({} as { next(): void })).toThrow(invalid)
  expect(() => toAsyncIterable(undefined as unknown as () => Promise<void>)).toThrow(invalid)
})
