import { Writable } from 'node:stream'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { defineSink } from '../../src/sink/define-sink.js'
import { discard } from '../../src/sink/discard.js'
import { forEach } from '../../src/sink/for-each.js'
import { forEachBatch } from '../../src/sink/for-each-batch.js'
import { print } from '../../src/sink/print.js'
import type { Sink } from '../../src/sink/sink.js'
import { toWritable } from '../../src/sink/to-writable.js'
import { openSink, sinkContext, writeSink } from './write-sink.js'

describe('forEach', () => {
  test('may be chained only where the function is synchronous and no concurrency is asked for', () => {
    expect(forEach(() => undefined).spec).toMatchObject({
      kind: 'async',
      discardsResults: true,
      ordered: false,
      timeoutMs: 60_000,
      mayChain: true,
    })
    expect(forEach(async () => undefined).spec).toMatchObject({ mayChain: false, concurrency: undefined })
    expect(forEach(() => undefined, { concurrency: 4, timeout: '5s' }).spec).toMatchObject({
      mayChain: false,
      concurrency: 4,
      timeoutMs: 5_000,
    })
  })

  test.each([{ concurrency: 0 }, { concurrency: 1.5 }])('refuses %j', (options) => {
    expect(() => forEach(() => undefined, options)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  })
})

describe('forEachBatch', () => {
  test('leaves gathering, and what is in flight, to the engine', () => {
    expect(forEachBatch(() => undefined).spec).toMatchObject({
      kind: 'async',
      discardsResults: true,
      ordered: false,
      mayChain: false,
      gathers: { recordsMax: 256, timeMs: 1000 },
      timeoutMs: 60_000,
    })
    expect(forEachBatch(() => undefined, { records: 3, time: '200ms', concurrency: 4, onError: 'drop' })).toMatchObject({
      spec: { concurrency: 4, gathers: { recordsMax: 3, timeMs: 200 }, onError: 'drop' },
      options: { type: 'forEachBatch', records: 3, timeMs: 200, concurrency: 4 },
      delivery: 'at-least-once',
    })
  })

  test.each([{ records: 0 }, { concurrency: 0 }])('refuses %j', (options) => {
    expect(() => forEachBatch(() => undefined, options)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  })
})

describe('toWritable', () => {
  class Slow extends Writable {
    readonly received: unknown[] = []
    pending: (() => void)[] = []
    constructor(objectMode: boolean) {
      super({ objectMode, highWaterMark: objectMode ? 2 : 4 })
    }
    override _write(chunk: unknown, _encoding: string, done: () => void): void {
      this.received.push(chunk)
      this.pending.push(done)
    }
    async drainAll(): Promise<void> {
      for (let turn = 0; turn < 10; turn++) {
        for (const done of this.pending.splice(0)) done()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }

  test('a stream that is slow holds the writer back, and every record arrives', async () => {
    const stream = new Slow(true)
    const writer = await openSink(toWritable(stream))
    const batch = [1, 2, 3, 4, 5]
    let written = false
    const writing = Promise.resolve(writer.write(batch)).then(() => {
      written = true
    })
    batch.length = 0
    await new Promise((resolve) => setImmediate(resolve))
    expect(written).toBe(false)
    expect(stream.received).toEqual([1])
    expect(stream.writableLength).toBeLessThanOrEqual(2)
    await stream.drainAll()
    await writing
    expect(stream.received).toEqual([1, 2, 3, 4, 5])
  })

  test('is durable when the stream has nothing in its buffer any more', async () => {
    const stream = new Slow(false)
    const writer = await openSink(toWritable(() => stream))
    expect(writer.durable?.()).toBeUndefined()
    expect(writer.write(['a'])).toBeUndefined()
    let durable = false
    const settled = Promise.resolve(writer.durable?.()).then(() => {
      durable = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(durable).toBe(false)
    await stream.drainAll()
    await settled
    expect(durable).toBe(true)
    await writer.write(['b'])
    const failed = writer.durable?.()
    stream.destroy(new Error('torn'))
    await expect(failed).rejects.toMatchObject({ code: 'SLUICE_SINK_FAILED', message: expect.stringContaining('torn') })
    await writer.close?.()
  })

  test('a byte stream gets text and bytes as they are, and other records as JSON lines; it is ended', async () => {
    const chunks: Buffer[] = []
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk)
        done()
      },
    })
    await writeSink(
      toWritable(() => stream),
      ['a\n', new Uint8Array([98, 10]), { c: 1n }],
    )
    expect(Buffer.concat(chunks).toString()).toBe('a\nb\n{"c":"1"}\n')
    expect(stream.writableFinished).toBe(true)
  })

  test('a stream that fails fails the sink, also while it is waited for', async () => {
    const failure = new Error('connection reset')
    const stream = new Slow(true)
    const writer = await openSink(toWritable(stream))
    const writing = writer.write([1, 2, 3])
    stream.destroy(failure)
    await expect(writing).rejects.toMatchObject({ code: 'SLUICE_SINK_FAILED', cause: failure })
    await writer.close?.()
  })

  test('a stream that fails at its end fails the sink', async () => {
    const failure = new Error('disk full')
    const stream = new Writable({ objectMode: true, write: (_chunk, _encoding, done) => done(), final: (done) => done(failure) })
    await expect(writeSink(toWritable(stream), [1])).rejects.toMatchObject({ code: 'SLUICE_SINK_FAILED', cause: failure })
  })

  test('a stream is destroyed where the job fails', async () => {
    const stream = new Slow(true)
    const writer = await openSink(toWritable(stream))
    await writer.close?.()
    expect(stream.destroyed).toBe(true)
  })

  test('what is passed in is pinned and has one writer; a factory is not', () => {
    const stream = new Slow(true)
    expect(toWritable(stream)).toMatchObject({ pinnedToHost: true, parallelismMax: { value: 1 } })
    expect(toWritable(() => stream)).toMatchObject({ pinnedToHost: false, parallelismMax: undefined })
    expect(() => toWritable({} as Writable)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  })
})

describe('print', () => {
  test('writes JSON lines to the standard output of the host, and waits where the pipe is full', async () => {
    const written: string[] = []
    const pipe = Promise.resolve()
    const context = sinkContext({
      host: {
        collect: () => undefined,
        writeOut: (text) => {
          written.push(text)
          return written.length > 1 ? pipe : undefined
        },
      },
    })
    const writer = await openSink(print(), context)
    expect(writer.write([{ a: 1 }, 2])).toBeUndefined()
    expect(writer.write([{ a: Number.NaN }])).toBe(pipe)
    expect(written).toEqual(['{"a":1}\n2\n', '{"a":null}\n'])
    expect(context.counts.get('nonFiniteAsNull')).toBe(1)
    expect(print()).toMatchObject({ pinnedToHost: true, parallelismMax: { value: 1 } })
  })

  async function table<T>(sink: Sink<T>, records: readonly T[]): Promise<string> {
    let text = ''
    await writeSink(sink, records, sinkContext({ host: { collect: () => undefined, writeOut: (more) => void (text += more) } }))
    return text
  }

  test('a table has its first rows in order, numbers to the right, and says what it leaves out', async () => {
    const records = Array.from({ length: 1_000 }, (_, index) => ({ name: `n${index}`, value: (index * 7_919) % 1_000 }))
    const sink = print<{ name: string; value: number }>({ format: 'table', compare: (left, right) => right.value - left.value, limit: 3 })
    expect(await table(sink, records)).toBe(
      ['name  value', '----  -----', 'n321    999', 'n642    998', 'n963    997', '... and 997 more', ''].join('\n'),
    )
  })

  test('a table of anything', async () => {
    const at = new Date(0)
    expect(await table(print({ format: 'table' }), [{ a: 1, at }, { a: null, text: 'two\nlines', list: [1] }, 5])).toBe(
      [
        'a  at                        text       list  value',
        '-  ------------------------  ---------  ----  -----',
        '1  1970-01-01T00:00:00.000Z',
        '                             two lines  [1]',
        '                                                  5',
        '',
      ].join('\n'),
    )
    expect(await table(print({ format: 'table' }), [])).toBe('(no records)\n')
    expect(await table(print({ format: 'table', limit: 2 }), [1, 2, 3])).toBe('value\n-----\n    1\n    2\n... and 1 more\n')
    expect(() => print({ limit: 0 })).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  })

  test('the records of a table have the type of the stream', () => {
    const declare = (sink: Sink<{ delay: number }>): Sink<{ delay: number }> => sink
    expect(declare(print({ format: 'table', compare: (left, right) => right.delay - left.delay })).pinnedToHost).toBe(true)
  })
})

describe('defineSink', () => {
  test('each subtask opens its writer, and closes it whatever happened', async () => {
    const events: string[] = []
    const sink = defineSink<number>({
      open: (context) => {
        events.push(`open ${context.subtask.index}`)
        return {
          write: (records) => {
            events.push(`write ${records.join()}`)
            if (records.includes(13)) throw new Error('unlucky')
          },
          finish: () => void events.push('finish'),
          close: () => void events.push('close'),
        }
      },
      options: { type: 'own' },
    })
    expectTypeOf(sink).toEqualTypeOf<Sink<number>>()
    await writeSink(sink, [1, 2])
    expect(events).toEqual(['open 0', 'write 1,2', 'finish', 'close'])
    events.length = 0
    await expect(writeSink(sink, [13])).rejects.toThrow('unlucky')
    expect(events).toEqual(['open 0', 'write 13', 'close'])
    expect(sink).toMatchObject({ delivery: 'at-least-once', options: { type: 'own' }, parallelismMax: undefined })
  })

  test('a writer that does not open is not closed', async () => {
    const sink = defineSink({ open: () => Promise.reject(new Error('refused')) })
    await expect(writeSink(sink, [])).rejects.toThrow('refused')
  })
})

test('discard takes everything', async () => {
  await writeSink(discard(), [1, 2, 3])
  expect(discard().delivery).toBe('exactly-once')
})
