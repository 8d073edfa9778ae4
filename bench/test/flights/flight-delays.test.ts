/** The example over three million real flights, as a user runs it, against DuckDB: the same rows, exactly. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'

const repository = resolve(import.meta.dirname, '../../..')
const flights = join(repository, 'examples/node_modules/vega-datasets/data/flights-3m.parquet')
const DAY_MS = 86_400_000

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flight-delays-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function oracle(): Promise<Map<string, object>> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const reader = await connection.runAndReadAll(`
      select origin, epoch_ms(date) // ${DAY_MS} as day, count(*)::integer as flights, sum(delay)::bigint as delay, max(delay)::integer as worst
      from read_parquet('${flights}') where distance > 0 group by all`)
    return new Map(
      reader.getRowsJS().map(([origin, day, count, delay, worst]) => {
        const start = Number(day) * DAY_MS
        return [`${origin as string} ${start}`, { flights: count, meanDelay: Number(delay) / Number(count), worst, end: start + DAY_MS }]
      }),
    )
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

interface Daily {
  readonly key: string
  readonly window: { readonly start: number; readonly end: number }
  readonly flights: number
  readonly meanDelay: number
  readonly worst: number
}

// Three million flights, in another process and in DuckDB.
test.each([1, 2])('flight-delays at parallelism %i', { timeout: 300_000 }, async (parallelism) => {
  const args = [
    'run',
    join(repository, 'examples/flight-delays.ts'),
    '--param',
    `input=${flights}`,
    '--parallelism',
    `${parallelism}`,
    '--overwrite',
  ]
  await promisify(execFile)(process.execPath, [join(repository, 'packages/sluice/bin/sluice.js'), ...args], { cwd: folder })
  const rows = (await readFile(join(folder, 'delays.jsonl'), 'utf8')).trimEnd().split('\n')
  const actual = new Map(
    rows.map((row) => {
      const { key, window, ...daily } = JSON.parse(row) as Daily
      return [`${key} ${window.start}`, { ...daily, end: window.end }]
    }),
  )
  expect(actual.size).toBe(rows.length)
  expect(await readFile(join(folder, 'late.jsonl'), 'utf8')).toBe('')
  const expected = await oracle()
  expect(actual.size).toBe(expected.size)
  for (const [key, row] of expected) expect({ key, ...actual.get(key) }).toEqual({ key, ...row })
})
