import { Readable } from 'node:stream'
import { expect, expectTypeOf, test } from 'vitest'
import { fromReadable } from '../../src/source/from-readable.js'
import { fromWebStream } from '../../src/source/from-web-stream.js'
import type { Source } from '../../src/source/source.js'
import { readSource } from './read-source.js'

const text = 'eins\r\nzwei 😀 日本\n\nletzte'

/** Every character of several bytes is cut somewhere. */
function byteByByte(): Buffer[] {
  return [...Buffer.from(`\uFEFF${text}`)].map((byte) => Buffer.from([byte]))
}

test('objects of a stream that is passed in, pinned to the host', async () => {
  const source = fromReadable<{ n: number }>(Readable.from([{ n: 1 }, { n: 2 }]))
  expectTypeOf(source).toEqualTypeOf<Source<{ n: number }>>()
  expect(source).toMatchObject({ pinnedToHost: true, replayable: false, delivery: 'at-most-once' })
  expect((await readSource(source)).records).toEqual([{ n: 1 }, { n: 2 }])
})

test('lines of a factory, which is not pinned', async () => {
  const source = fromReadable(() => Readable.from(byteByByte()), { format: 'lines' })
  expectTypeOf(source).toEqualTypeOf<Source<string>>()
  expect(source.pinnedToHost).toBe(false)
  expect((await readSource(source)).records).toEqual(['eins', 'zwei 😀 日本', '', 'letzte'])
})

test('lines with a line break at the end, and of an empty stream', async () => {
  expect((await readSource(fromReadable(() => Readable.from(['a\nb\n']), { format: 'lines' }))).records).toEqual(['a', 'b'])
  expect((await readSource(fromReadable(() => Readable.from([]), { format: 'lines' }))).records).toEqual([])
})

test('bytes are plain Uint8Arrays', async () => {
  const source = fromReadable(() => Readable.from([Buffer.from('ab'), Buffer.from('c')]), { format: 'bytes' })
  expectTypeOf(source).toEqualTypeOf<Source<Uint8Array>>()
  const { records } = await readSource(source)
  expect(records.map((record) => record.constructor)).toEqual([Uint8Array, Uint8Array])
  expect(records.map((record) => [...record])).toEqual([[97, 98], [99]])
})

test('bytes without a format, and objects with one, are coded errors', async () => {
  await expect(readSource(fromReadable(() => Readable.from([Buffer.from('ab')])))).rejects.toMatchObject({
    code: 'SLUICE_SOURCE_FAILED',
    hint: expect.stringContaining("format: 'lines'"),
  })
  await expect(readSource(fromReadable(() => Readable.from([{}]), { format: 'lines' }))).rejects.toMatchObject({
    code: 'SLUICE_SOURCE_FAILED',
  })
})

test('the failure of a stream is the cause', async () => {
  const failure = new Error('connection reset')
  const stream = new Readable({ objectMode: true, read: () => undefined })
  const reading = readSource(fromReadable(stream))
  stream.destroy(failure)
  await expect(reading).rejects.toMatchObject({ code: 'SLUICE_SOURCE_FAILED', cause: failure })
})

test('a stream is destroyed when reading fails', async () => {
  const stream = Readable.from([{}, {}, {}])
  await expect(readSource(fromReadable(stream, { format: 'bytes' }))).rejects.toMatchObject({ code: 'SLUICE_SOURCE_FAILED' })
  await new Promise((resolve) => setImmediate(resolve))
  expect(stream.destroyed).toBe(true)
})

test('objects and lines of a web stream', async () => {
  const source = fromWebStream(() => new Blob([`\uFEFF${text}`]).stream(), { format: 'lines' })
  expectTypeOf(source).toEqualTypeOf<Source<string>>()
  expect((await readSource(source)).records).toEqual(['eins', 'zwei 😀 日本', '', 'letzte'])
  const objects = new ReadableStream<{ n: number }>({
    start(controller) {
      controller.enqueue({ n: 1 })
      controller.close()
    },
  })
  const passed = fromWebStream(objects)
  expectTypeOf(passed).toEqualTypeOf<Source<{ n: number }>>()
  expect(passed.pinnedToHost).toBe(true)
  expect((await readSource(passed)).records).toEqual([{ n: 1 }])
})

test('what is no stream is refused while declaring', () => {
  expect(() => fromReadable({} as Readable)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  expect(() => fromWebStream({} as ReadableStream)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  expect(() => fromReadable(Readable.from([]), { format: 'text' as 'lines' })).toThrow(
    expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }),
  )
})
