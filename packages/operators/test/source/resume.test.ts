import { Buffer } from 'node:buffer'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineSource } from '../../src/source/define-source.js'
import { fromArray } from '../../src/source/from-array.js'
import { fromAsyncIterable } from '../../src/source/from-async-iterable.js'
import { fromCsv } from '../../src/source/from-csv.js'
import { fromJsonLines } from '../../src/source/from-json-lines.js'
import { fromParquet } from '../../src/source/from-parquet.js'
import { fromReadable } from '../../src/source/from-readable.js'
import { fromText } from '../../src/source/from-text.js'
import { fromWebStream } from '../../src/source/from-web-stream.js'
import { generate } from '../../src/source/generate.js'
import { interval } from '../../src/source/interval.js'
import type { Source } from '../../src/source/source.js'
import { readSource, temporaryFolder } from './read-source.js'
import { type Cut, resumeSource } from './resume-source.js'

const cut = (records: number): fc.Arbitrary<Cut> =>
  fc.record({
    parallelism: fc.integer({ min: 1, max: 5 }),
    records: fc.array(fc.nat(records), { minLength: 1, maxLength: 5 }),
    turn: fc.integer({ min: 1, max: 700 }),
  })

/** Files of rows `file`, `n` and some text, of which every seventh does not fit. */
async function files(extension: string, encode: (rows: readonly (readonly [number, number | string, string])[]) => string | Uint8Array) {
  const folder = await temporaryFolder()
  for (const [file, count] of [1_700, 0, 1, 900].entries()) {
    const rows = Array.from({ length: count }, (_, n) => [file, n % 7 === 3 ? `no number ${n}` : n, 'é"\n,;'.repeat(n % 5)] as const)
    await writeFile(join(folder, `${file}.${extension}`), encode(rows))
  }
  return join(folder, `*.${extension}`)
}

const Row = z.object({ file: z.int(), n: z.int(), text: z.string() })
const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`
const toCsv = (rows: readonly (readonly unknown[])[]): string =>
  `\uFEFFfile,n,text\r\n${rows.map(([file, n, text]) => `${file},${n},${quote(text as string)}\n`).join('')}`
const toJsonLines = (rows: readonly (readonly unknown[])[]): string =>
  `\uFEFF${rows.map(([file, n, text]) => `${JSON.stringify({ file, n, text })}\r\n`).join('')}`
const toParquet = (rows: readonly (readonly unknown[])[]): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'file', data: rows.map(([file]) => file), type: 'INT32' },
        { name: 'n', data: rows.map(([, n]) => (typeof n === 'number' ? n : -1.5)), type: 'DOUBLE' },
        { name: 'text', data: rows.map(([, , text]) => text), type: 'STRING' },
      ],
      rowGroupSize: 800,
    }),
  )

/** By split: stable, so that the order in each is compared. */
const bySplit = (records: readonly unknown[], rows: number): unknown[] =>
  (records as { file: number; n: number }[]).toSorted(
    (left, right) => left.file - right.file || Math.floor(left.n / rows) - Math.floor(right.n / rows),
  )

type Encode = (rows: readonly (readonly [number, number | string, string])[]) => string | Uint8Array
interface RowOptions {
  readonly schema: typeof Row
  readonly onInvalid: 'deadLetter' | 'drop'
}

describe.each<[string, string, Encode, (path: string, options: RowOptions) => Source<unknown>, number]>([
  ['CSV', 'csv', toCsv, (path, options) => fromCsv(path, options), 10_000],
  ['JSON lines', 'jsonl', toJsonLines, (path, options) => fromJsonLines(path, options), 10_000],
  ['Parquet', 'parquet', toParquet, (path, options) => fromParquet(path, options), 800],
])('%s files', (_name, extension, encode, from, rowsPerSplit) => {
  test.each(['deadLetter', 'drop'] as const)(
    'go on where they were, every row once and in order, invalid ones: %s',
    async (onInvalid) => {
      const path = await files(extension, encode)
      const source = from(path, { schema: Row, onInvalid })
      const whole = await readSource(source)
      const letters = whole.deadLetters.map(({ position, input }) => `${position}: ${String(input)}`)
      expect(whole.records).toHaveLength(2_601 - (whole.dropped + letters.length))
      await fc.assert(
        fc.asyncProperty(fc.array(cut(1_500), { maxLength: 3 }), fc.integer({ min: 1, max: 5 }), async (cuts, last) => {
          const read = await resumeSource(source, cuts, last)
          expect(bySplit(read.records, rowsPerSplit)).toEqual(whole.records)
          expect(read.letters.toSorted()).toEqual(letters.toSorted())
          expect(read.dropped).toBe(whole.dropped)
        }),
        { numRuns: 10 },
      )
    },
    30_000,
  )
})

test('text in ranges goes on where it was, every line once', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'large.txt')
  // Three ranges of bytes.
  const lines = Array.from({ length: 20_000 }, (_, line) => `${line} ${'ü'.repeat(line % 1_200)}`)
  await writeFile(path, lines.join('\n'))
  const source = fromText(path)
  const { splits } = await readSource(source)
  expect(splits).toBeGreaterThan(2)
  await fc.assert(
    fc.asyncProperty(fc.array(cut(10_000), { minLength: 1, maxLength: 3 }), async (cuts) => {
      const { records } = await resumeSource(source, cuts, 2)
      expect(records.toSorted((left, right) => Number.parseInt(left, 10) - Number.parseInt(right, 10))).toEqual(lines)
    }),
    { numRuns: 4 },
  )
})

test.each<[string, () => Source<number>]>([
  ['an array', () => fromArray(Array.from({ length: 1_000 }, (_, n) => n))],
  ['a function of the index', () => generate((index) => index, { count: 1_000 })],
  [
    'a replayable iterable',
    () =>
      fromAsyncIterable(
        async function* () {
          for (let n = 0; n < 1_000; n++) yield n
        },
        { replayable: true },
      ),
  ],
  [
    'a replayable stream',
    () => fromReadable<number>(() => Readable.from(Array.from({ length: 1_000 }, (_, n) => n)), { replayable: true }),
  ],
  [
    'a replayable web stream',
    () =>
      fromWebStream<number>(
        () =>
          new ReadableStream({
            start(controller) {
              for (let n = 0; n < 1_000; n++) controller.enqueue(n)
              controller.close()
            },
          }),
        { replayable: true },
      ),
  ],
  [
    'a source of positions',
    () =>
      defineSource({
        open: (_split, _context, position: number | undefined) => {
          let next = position ?? 0
          return {
            next: () => {
              if (next >= 1_000) return undefined
              const first = next
              next += 100
              return { records: Array.from({ length: 100 }, (_, at) => first + at), position: first }
            },
          }
        },
        replayable: true,
      }),
  ],
])('%s goes on where it was', async (_name, create) => {
  const source = create()
  expect(source).toMatchObject({ replayable: true, delivery: 'exactly-once' })
  await fc.assert(
    fc.asyncProperty(fc.array(cut(400), { maxLength: 4 }), fc.integer({ min: 1, max: 5 }), async (cuts, last) => {
      const { records } = await resumeSource(source, cuts, last)
      expect(records.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
    }),
    { numRuns: 10 },
  )
})

test('a clock goes on with the next tick', async () => {
  const states: unknown[] = []
  const { spec } = interval('1s')
  if (spec.kind !== 'source' || spec.reads !== 'index') throw new Error('expected indexes')
  const paced: Source<number> = { ...interval('1s'), spec: { ...spec, count: 3 } }
  // At time 0 there is one tick per attempt.
  const { records } = await resumeSource(
    paced,
    [
      { parallelism: 1, records: [1], turn: 1 },
      { parallelism: 1, records: [1], turn: 1 },
      { parallelism: 1, records: [1], turn: 1 },
    ],
    1,
    (given) => void states.push(...given),
  )
  expect(records).toEqual([0, 1, 2])
  expect(states).toMatchObject([{ next: 1 }, { next: 2 }, { next: 3 }, { next: 3 }])
})

test('what cannot be read again has no state, and says so', async () => {
  const source = fromAsyncIterable(() => [1, 2, 3])
  expect(source).toMatchObject({ replayable: false, delivery: 'at-most-once' })
  await resumeSource(source, [{ parallelism: 1, records: [2], turn: 1 }], 1, (states) => expect(states).toEqual([]))
  for (const create of [
    () => fromReadable(Readable.from([1]), { replayable: true }),
    () => fromWebStream(new ReadableStream(), { replayable: true }),
  ])
    expect(create).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
})

describe('an input that has changed', () => {
  const half: Cut = { parallelism: 1, records: [1_200], turn: 1_000 }

  test.each<[string, string, (rows: readonly (readonly unknown[])[]) => string, (path: string) => Source<unknown>]>([
    ['CSV', 'csv', toCsv, (path) => fromCsv(path)],
    ['JSON lines', 'jsonl', toJsonLines, (path) => fromJsonLines(path)],
    ['text', 'txt', toJsonLines, (path) => fromText(path)],
  ])('%s: a file that is shorter is a coded error with file and place', async (_name, extension, encode, from) => {
    const folder = await temporaryFolder()
    const path = join(folder, `input.${extension}`)
    const rows = Array.from({ length: 2_000 }, (_, n) => [0, n, 'x'] as const)
    const bytes = Buffer.byteLength(encode(rows))
    for (const length of [100, bytes - 1]) {
      await writeFile(path, encode(rows))
      await expect(resumeSource(from(path), [half], 1, () => truncate(path, length))).rejects.toMatchObject({
        code: 'SLUICE_INPUT_CHANGED',
        message: expect.stringMatching(new RegExp(`input\\.${extension} has changed .* it has ${length} bytes, .* from byte \\d+ on`)),
        coordinates: { position: expect.stringMatching(/byte \d+$/) },
      })
    }
  })

  test('Parquet: a file of another size is another file', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'input.parquet')
    const rows = Array.from({ length: 2_000 }, (_, n) => [0, n, 'x'] as const)
    await writeFile(path, toParquet(rows))
    const shorter = () => writeFile(path, toParquet(rows.slice(0, 1_500)))
    await expect(resumeSource(fromParquet(path), [half], 1, shorter)).rejects.toMatchObject({
      code: 'SLUICE_INPUT_CHANGED',
      message: expect.stringMatching(/input\.parquet has changed .* from row \d+ of row group 1 on/),
    })
  })

  test('a file that was not begun counts too', async () => {
    const folder = await temporaryFolder()
    const second = join(folder, 'b.txt')
    await writeFile(join(folder, 'a.txt'), 'a\n'.repeat(5_000))
    await writeFile(second, 'b\n'.repeat(5_000))
    await expect(resumeSource(fromText(folder), [half], 1, () => truncate(second, 10))).rejects.toMatchObject({
      code: 'SLUICE_INPUT_CHANGED',
      message: expect.stringContaining('b.txt has changed'),
    })
  })

  test('lines that were added behind what was there when it was listed are not read', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'a.txt')
    await writeFile(path, 'a\n'.repeat(2_000))
    const { records } = await resumeSource(fromText(path), [half], 1, () => writeFile(path, 'a\n'.repeat(3_000)))
    expect(records).toHaveLength(2_000)
  })
})

test('errors behind a restore name the line in the file', async () => {
  const folder = await temporaryFolder()
  for (const [extension, bad] of [
    ['csv', 'x,y,z'],
    ['jsonl', '{'],
  ] as const) {
    const path = join(folder, `input.${extension}`)
    const good = extension === 'csv' ? '1,"2\n3"' : '1\n'
    const header = extension === 'csv' ? 'a,b\n' : ''
    await writeFile(path, `${header}${`${good}\n`.repeat(2_000)}${bad}\n`)
    const source: Source<unknown> = extension === 'csv' ? fromCsv(path) : fromJsonLines(path)
    const line = extension === 'csv' ? 4_002 : 4_001
    await expect(resumeSource(source, [{ parallelism: 1, records: [1_500], turn: 100 }], 1)).rejects.toMatchObject({
      code: 'SLUICE_INPUT_MALFORMED',
      coordinates: { position: `${path} line ${line}` },
    })
  }
})
