/** The other side of a source breaks its protocol, or fails when it is released: coded, and told where. */
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { fromAsyncIterable } from '../../src/source/from-async-iterable.js'
import { fromObservable } from '../../src/source/from-observable.js'
import { fromReadable } from '../../src/source/from-readable.js'
import type { ObserverLike } from '../../src/source/observable.js'
import { fromWebStream } from '../../src/source/from-web-stream.js'
import { readSource, sourceContext } from '../source/read-source.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A context that keeps what is warned of and lost. */
function watched(controller?: AbortController) {
  const warnings: { readonly message: string; readonly fields: unknown }[] = []
  const dropped: Record<string, number> = {}
  const context = sourceContext(controller)
  return {
    warnings,
    dropped,
    context: {
      ...context,
      log: { ...context.log, warn: (message: string, fields?: unknown) => void warnings.push({ message, fields }) },
      countDropped: (count: number, reason: string) => void (dropped[reason] = (dropped[reason] ?? 0) + count),
      sizeOf: (value: unknown) => JSON.stringify(value).length,
    },
  }
}

const broken = (what: string) => ({
  code: 'SLUICE_PROTOCOL_BROKEN',
  message: expect.stringContaining(what),
  coordinates: { operator: 'input' },
})

test.each<[what: string, made: unknown, message: string]>([
  ['nothing', undefined, 'gave undefined'],
  ['null', null, 'gave null'],
  ['a plain object', { values: [1] }, 'an object without Symbol.asyncIterator'],
  ['an iterator that is none', { [Symbol.asyncIterator]: () => ({}) }, 'an iterator without next()'],
  ['an iterator that is undefined', { [Symbol.asyncIterator]: () => undefined }, 'an iterator without next()'],
  ['next() without an object', { [Symbol.asyncIterator]: () => ({ next: async () => 7 }) }, 'gave number from next()'],
  ['next() with nothing', { [Symbol.asyncIterator]: () => ({ next: () => undefined }) }, 'gave undefined from next()'],
  ['next() with null', { [Symbol.iterator]: () => ({ next: () => null }) }, 'gave null from next()'],
])('fromAsyncIterable is given %s', async (_what, made, message) => {
  await expect(readSource(fromAsyncIterable(() => made as Iterable<number>))).rejects.toMatchObject(broken(message))
})

test('a call of next() that settles twice fails, and its second value is not read', async () => {
  let at = 0
  const twice = {
    [Symbol.asyncIterator]: () => ({
      next: () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
        then(resolve: (result: unknown) => void) {
          const value = at++
          resolve({ done: false, value })
          if (value === 2) resolve({ done: false, value: 99 })
        },
      }),
    }),
  } as unknown as AsyncIterable<number>
  const seen: unknown[] = []
  await expect(
    readSource(
      fromAsyncIterable(() => twice),
      { onBatch: (records) => seen.push(...records) },
    ),
  ).rejects.toMatchObject(broken('settled one call of next() twice'))
  expect(seen).not.toContain(99)
})

test('a return() that fails is warned of, with its code; the stop goes on', async () => {
  for (const fails of [
    () => {
      throw new Error('no cursor')
    },
    () => Promise.reject(new Error('no cursor')),
  ]) {
    const controller = new AbortController()
    const { context, warnings } = watched(controller)
    let asked = false
    const iterable = {
      [Symbol.asyncIterator]: () => ({
        next() {
          asked = true
          return new Promise<never>(() => undefined)
        },
        return: fails,
      }),
    }
    const reading = readSource(
      fromAsyncIterable(() => iterable),
      { context },
    )
    while (!asked) await turn()
    controller.abort()
    expect((await reading).records).toEqual([])
    await turn()
    expect(warnings).toEqual([{ message: expect.stringContaining('no cursor'), fields: { code: 'SLUICE_PROTOCOL_BROKEN' } }])
  }
})

test('a return() that can run is waited for', async () => {
  let returned = false
  async function* values(): AsyncGenerator<number> {
    try {
      for (let value = 0; ; value++) yield value
    } finally {
      await turn()
      returned = true
    }
  }
  const { spec } = fromAsyncIterable(values)
  if (spec.kind !== 'source' || spec.reads !== 'splits') throw new Error('expected splits')
  const reader = await spec.open(undefined, sourceContext())
  await reader.next()
  await reader.close?.()
  expect(returned).toBe(true)
})

test('fromReadable is given no stream, and streams that are over', async () => {
  await expect(readSource(fromReadable(() => undefined as unknown as Readable))).rejects.toMatchObject(broken('something else'))
  const ended = Readable.from([1])
  ended.resume()
  while (!ended.readableEnded) await turn()
  expect((await readSource(fromReadable(() => ended))).records).toEqual([])
  const destroyed = Readable.from([1])
  destroyed.destroy()
  await turn()
  await expect(readSource(fromReadable(() => destroyed))).rejects.toMatchObject({
    code: 'SLUICE_SOURCE_FAILED',
    message: expect.stringContaining('closed before its end'),
  })
})

test('a stream that gives a chunk after its end', async () => {
  const stream = new Readable({ objectMode: true, read: () => undefined })
  const reading = readSource(fromReadable(() => stream))
  await turn()
  stream.push(1)
  stream.push(null)
  stream.push(2)
  await expect(reading).rejects.toMatchObject(broken('gave a chunk after its end'))
})

test('a stream that fails when nobody reads it any more is warned of, and does not end the process', async () => {
  const { context, warnings } = watched()
  const stream = Readable.from([1])
  await readSource(
    fromReadable(() => stream),
    { context },
  )
  stream.emit('error', new Error('late'))
  expect(warnings).toEqual([{ message: expect.stringContaining('late'), fields: { code: 'SLUICE_SOURCE_FAILED' } }])
})

test('a stream that was opened and never read is destroyed by a stop', async () => {
  const stream = new Readable({ objectMode: true, read: () => undefined })
  const controller = new AbortController()
  const reading = readSource(
    fromReadable(() => stream),
    { context: sourceContext(controller) },
  )
  await turn()
  controller.abort()
  expect((await reading).records).toEqual([])
  expect(stream.destroyed).toBe(true)
})

test('chunks of bytes end a batch by their size', async () => {
  const chunks = Array.from({ length: 8 }, () => Buffer.alloc(200 * 1024))
  const sizes: number[] = []
  const { records } = await readSource(
    fromReadable(() => Readable.from(chunks), { format: 'bytes' }),
    {
      onBatch: (batch) => sizes.push(batch.length),
    },
  )
  expect(records).toHaveLength(8)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2)
})

test('a web stream that is locked, and what is none; the lock is given back at the end', async () => {
  const locked = new ReadableStream<number>()
  locked.getReader()
  await expect(readSource(fromWebStream(() => locked))).rejects.toMatchObject(broken('is locked'))
  await expect(readSource(fromWebStream(() => undefined as unknown as ReadableStream<number>))).rejects.toMatchObject(
    broken('something else'),
  )
  const stream = new ReadableStream<number>({
    start(controller) {
      controller.enqueue(1)
      controller.close()
    },
  })
  expect((await readSource(fromWebStream(() => stream))).records).toEqual([1])
  expect(stream.locked).toBe(false)
})

test.each([0.5, -1, Number.NaN])('readAhead %s is refused', (readAhead) => {
  for (const make of [
    () => fromAsyncIterable(() => [1], { readAhead }),
    () => fromReadable(() => Readable.from([1]), { readAhead }),
    () => fromWebStream(() => new ReadableStream(), { readAhead }),
  ])
    expect(make).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
})

type Act = (observer: ObserverLike<number>) => void

/** An observable that does something when it is subscribed to. */
function observable(act: Act, left: string[] = []) {
  return () => ({
    subscribe(observer: ObserverLike<number>) {
      act(observer)
      return { unsubscribe: () => void left.push('unsubscribed') }
    },
  })
}

test('what an observable gives while it is subscribed to, and later', async () => {
  const left: string[] = []
  const act: Act = (observer) => {
    observer.next(1)
    observer.next(2)
    setImmediate(() => {
      observer.next(3)
      observer.complete()
    })
  }
  expect((await readSource(fromObservable(observable(act, left)))).records).toEqual([1, 2, 3])
  expect(left).toEqual(['unsubscribed'])
  const asFunction = { subscribe: (observer: ObserverLike<number>) => (observer.complete(), () => void left.push('left')) }
  expect((await readSource(fromObservable(() => asFunction))).records).toEqual([])
  expect(left).toEqual(['unsubscribed', 'left'])
})

test('an observable under its symbol, by name where there is none', async () => {
  const symbol = (Symbol as { readonly observable?: symbol }).observable ?? '@@observable'
  const inner = observable(({ next, complete }) => {
    next(1)
    complete()
  })()
  const outer = { [symbol]: () => inner } as unknown as typeof inner
  expect((await readSource(fromObservable(() => outer))).records).toEqual([1])
})

test('the failure of an observable comes behind its values', async () => {
  const failure = new Error('disconnected')
  const seen: unknown[] = []
  const act: Act = (observer) => {
    observer.next(1)
    observer.error(failure)
  }
  await expect(readSource(fromObservable(observable(act)), { onBatch: (records) => seen.push(...records) })).rejects.toMatchObject({
    code: 'SLUICE_SOURCE_FAILED',
    cause: failure,
    coordinates: { operator: 'input' },
  })
  expect(seen).toEqual([1])
})

test('a full buffer fails the job, and ends the subscription', async () => {
  const left: string[] = []
  const act: Act = (observer) => {
    for (let value = 0; value < 5; value++) observer.next(value)
  }
  await expect(readSource(fromObservable(observable(act, left), { buffer: { records: 4 } }))).rejects.toMatchObject({
    code: 'SLUICE_BUFFER_FULL',
    message: expect.stringContaining('4 values wait, and the buffer takes 4'),
  })
  expect(left).toEqual(['unsubscribed'])
  const bytes = fromObservable(
    observable(({ next }) => [100, 200].forEach((value) => next(value))),
    { buffer: { bytes: 5 } },
  )
  await expect(readSource(bytes, { context: watched().context })).rejects.toMatchObject({
    code: 'SLUICE_BUFFER_FULL',
    message: expect.stringContaining('1 values of 3 bytes wait, and the buffer takes 1024 and 5 bytes'),
  })
})

test.each([
  ['drop-newest', [0, 1, 2, 3]],
  ['drop-oldest', [6, 7, 8, 9]],
  ['latest', [9]],
] as const)('%s keeps its bound and counts what it loses', async (overflow, kept) => {
  const { context, dropped } = watched()
  const act: Act = (observer) => {
    for (let value = 0; value < 10; value++) observer.next(value)
    observer.complete()
  }
  const options = overflow === 'latest' ? { overflow } : { overflow, buffer: { records: 4 } }
  const source = fromObservable(observable(act), options)
  expect(source).toMatchObject({ lossy: { accepted: false }, delivery: 'at-most-once' })
  expect((await readSource(source, { context })).records).toEqual(kept)
  expect(dropped).toEqual({ [overflow]: 10 - kept.length })
})

test('bytes are a bound too: a value that is larger takes nobody’s place', async () => {
  const { context, dropped } = watched()
  const act: Act = (observer) => {
    for (const value of [11, 22, 33, 1_000_000, 44]) observer.next(value)
    observer.complete()
  }
  const { records } = await readSource(fromObservable(observable(act), { overflow: 'drop-oldest', buffer: { bytes: 6 } }), { context })
  expect(records).toEqual([22, 33, 44])
  expect(dropped).toEqual({ 'drop-oldest': 2 })
})

test.each<[what: string, act: Act, message: string]>([
  [
    'a value after it has completed',
    (observer) => {
      observer.complete()
      observer.next(1)
    },
    'gave a value after its end',
  ],
  [
    'a value after it has failed',
    (observer) => {
      observer.error(new Error('first'))
      observer.next(1)
    },
    'gave a value after its end',
  ],
  [
    'two ends',
    (observer) => {
      observer.complete()
      observer.complete()
    },
    'completed after its end',
  ],
  [
    'a failure behind the end',
    (observer) => {
      observer.complete()
      observer.error(new Error('late'))
    },
    'failed after its end',
  ],
])('an observable that gives %s', async (_what, act, message) => {
  const left: string[] = []
  await expect(readSource(fromObservable(observable(act, left)))).rejects.toMatchObject(broken(message))
  expect(left).toEqual(['unsubscribed'])
})

test('an observable that speaks when the job has left it is warned of where it broke its protocol', async () => {
  const { context, warnings } = watched()
  let kept: ObserverLike<number> | undefined
  const act: Act = (observer) => {
    kept = observer
    observer.complete()
  }
  await readSource(fromObservable(observable(act)), { context })
  kept?.next(1)
  expect(warnings).toEqual([{ message: expect.stringContaining('after its end'), fields: { code: 'SLUICE_PROTOCOL_BROKEN' } }])
})

test('an observable that gives nothing to unsubscribe with, that cannot be subscribed to, that cannot be left', async () => {
  const none = { subscribe: () => undefined as unknown as () => void }
  await expect(readSource(fromObservable(() => none))).rejects.toMatchObject(broken('nothing to unsubscribe with'))
  await expect(readSource(fromObservable(() => ({}) as typeof none))).rejects.toMatchObject(broken('without subscribe()'))
  const failure = new Error('no connection')
  const failing = {
    subscribe() {
      throw failure
    },
  }
  await expect(readSource(fromObservable(() => failing))).rejects.toMatchObject({ code: 'SLUICE_SOURCE_FAILED', cause: failure })
  const { context, warnings } = watched()
  const stubborn = {
    subscribe: (observer: ObserverLike<number>) => {
      observer.complete()
      return () => {
        throw new Error('not now')
      }
    },
  }
  await readSource(
    fromObservable(() => stubborn),
    { context },
  )
  expect(warnings).toEqual([{ message: expect.stringContaining('not now'), fields: { code: 'SLUICE_PROTOCOL_BROKEN' } }])
})

test('a stop unsubscribes, and what comes then is let go', async () => {
  const left: string[] = []
  const controller = new AbortController()
  const { context, warnings } = watched(controller)
  let kept: ObserverLike<number> | undefined
  const reading = readSource(
    fromObservable(
      observable((observer) => {
        kept = observer
      }, left),
    ),
    { context },
  )
  while (kept === undefined) await turn()
  controller.abort()
  expect((await reading).records).toEqual([])
  expect(left).toEqual(['unsubscribed'])
  kept.next(1)
  expect(warnings).toEqual([])
})

test('one that ends, gives too much or is stopped while it is subscribed to is left as soon as it has said how', async () => {
  const left: string[] = []
  const seen: number[] = []
  const complete: Act = (observer) => {
    observer.next(1)
    observer.complete()
  }
  await readSource(fromObservable(observable(complete, left)), { onBatch: () => seen.push(left.length) })
  expect(seen).toEqual([1])
  expect(left).toHaveLength(1)

  const controller = new AbortController()
  const stops: Act = () => controller.abort()
  expect((await readSource(fromObservable(observable(stops, left)), { context: sourceContext(controller) })).records).toEqual([])
  expect(left).toHaveLength(2)
})

test('options of fromObservable are checked', () => {
  const from = (options: unknown) => () =>
    fromObservable(
      observable(() => undefined),
      options as Record<string, never>,
    )
  for (const options of [
    { buffer: { records: 0 } },
    { buffer: { records: Number.NaN } },
    { buffer: { records: -1 } },
    { buffer: { bytes: 0 } },
    { overflow: 'drop' },
  ])
    expect(from(options)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
})
