import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SourceContext, SplitSourceSpec } from '@sluice/engine'
import { defineSink, fromParquet, toCsv, toJsonLines, toParquet, type RecordWriter } from '@sluice/operators'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkSinkContract, type SinkContract, SinkContractViolation } from '../src/sink-contract.js'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-sink-contract-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

interface Row {
  readonly n: number
  readonly text: string
}

const record = (n: number): Row => ({ n, text: `row ${n}` })

/** Reads each part once: what was published does not change. */
function inFolder(read: (path: string) => Promise<number[]>): (folder: string) => Promise<number[]> {
  const parts = new Map<string, Promise<number[]>>()
  return async (folder) => {
    const names = await readdir(folder).catch(() => [])
    const paths = names.filter((name) => !name.startsWith('.')).map((name) => join(folder, name))
    for (const path of paths) if (!parts.has(path)) parts.set(path, read(path))
    return (await Promise.all(paths.map((path) => parts.get(path) as Promise<number[]>))).flat()
  }
}

async function lines(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').slice(0, -1)
}

const readers: Record<string, (path: string) => Promise<number[]>> = {
  jsonl: async (path) => (await lines(path)).map((line) => (JSON.parse(line) as Row).n),
  csv: async (path) => (await lines(path)).slice(1).map((line) => Number(line.split(',')[0])),
  parquet: readParquet,
}

async function readParquet(path: string): Promise<number[]> {
  const spec = fromParquet(path).spec as SplitSourceSpec
  const ignore = (): void => undefined
  const context = {
    subtask: { index: 0, parallelism: 1 },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    signal: new AbortController().signal,
  } as unknown as SourceContext
  const numbers: number[] = []
  for (const split of await spec.splits(context)) {
    const reader = await spec.open(split, context)
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next())
      for (const row of batch.records) numbers.push((row as Row).n)
    await reader.close?.()
  }
  return numbers
}

const sinks: Record<string, (path: string) => { readonly spec: unknown }> = {
  jsonl: (path) => toJsonLines(path),
  csv: (path) => toCsv(path),
  parquet: (path) => toParquet(path, { rowGroupRecords: 100 }),
}

const tables: Record<string, (path: string) => { readonly spec: unknown }> = {
  jsonl: (path) => toJsonLines(path, { updates: 'table' }),
  csv: (path) => toCsv<Row>(path, { updates: 'table' }),
  parquet: (path) => toParquet<Row>(path, { updates: 'table' }),
}

// Every commit waits for the disk, and there are hundreds.
describe.each(['jsonl', 'csv', 'parquet'])('%s', { timeout: 300_000 }, (format) => {
  const read = readers[format] as (path: string) => Promise<number[]>
  const ifThere = (path: string): Promise<number[]> => read(path).catch(() => [])

  test('a folder shows what was committed, once, whatever crashes', async () => {
    const contract: SinkContract = {
      place: (scenario) => join(root, format, 'folder', `${scenario}/`),
      sink: (place) => (sinks[format] as (path: string) => { spec: unknown })(`${place}/`),
      record,
      visible: inFolder(read),
    }
    expect((await checkSinkContract(contract)).scenarios).toBeGreaterThan(50)
  })

  test('one file is exact when the job has finished', async () => {
    const report = await checkSinkContract({
      place: (scenario) => join(root, format, 'file', `${scenario}.${format}`),
      sink: (place) => (sinks[format] as (path: string) => { spec: unknown })(place),
      record,
      visible: ifThere,
      shows: 'end',
      parallel: false,
    })
    expect(report.scenarios).toBeGreaterThan(50)
  })

  test('a table is there when the job has finished', async () => {
    const report = await checkSinkContract({
      place: (scenario) => join(root, format, 'table', `${scenario}.${format}`),
      sink: (place) => (tables[format] as (path: string) => { spec: unknown })(place),
      record: (n) => ({ op: 'upsert', key: n, value: record(n) }),
      visible: ifThere,
      shows: 'end',
      parallel: false,
    })
    expect(report.scenarios).toBeGreaterThan(50)
  })
})

/** A correct sink, of which each test breaks one thing. */
function rows(breaks: Partial<RecordWriter<Row>> & { readonly prepareKeeps?: boolean; readonly commitAdds?: boolean }): SinkContract {
  const committed = new Map<string, Map<string, readonly number[]>>()
  return {
    record,
    visible: (place) => [...(committed.get(place)?.values() ?? [])].flat(),
    sink: (place) =>
      defineSink<Row>({
        transactional: true,
        open: ({ subtask, run }) => {
          const there = committed.get(place) ?? new Map<string, readonly number[]>()
          committed.set(place, there)
          let open: number[] = []
          let commits = 0
          return {
            write: (records) => void open.push(...records.map(({ n }) => n)),
            prepare: (checkpoint) => {
              const prepared = { name: `${subtask.index}-${checkpoint}`, numbers: open }
              if (breaks.prepareKeeps !== true) open = []
              return prepared
            },
            commit: (prepared) => {
              const { name, numbers } = prepared as { name: string; numbers: number[] }
              there.set(breaks.commitAdds === true ? `${name}-${run?.attempt}-${commits++}` : name, numbers)
            },
            finish: () => {
              if (run === undefined) there.set('all', open)
            },
            ...breaks,
          }
        },
      }),
  }
}

describe('the check itself', () => {
  test('passes a correct sink', async () => {
    expect((await checkSinkContract(rows({}))).scenarios).toBeGreaterThan(50)
  })

  test.each<[string, SinkContract, string]>([
    ['shows records before the commit', showsEarly(), 'no complete checkpoint covers it'],
    ['commits twice what it is told twice', rows({ commitAdds: true }), 'is seen twice'],
    ['commits nothing', rows({ commit: () => undefined }), 'is not seen'],
    ['keeps what it has prepared', rows({ prepareKeeps: true }), 'is seen twice'],
    ['forgets what it restored', forgets(), 'is not seen'],
    ['needs a commit where no checkpoints are taken', rows({ finish: () => undefined }), 'Without checkpoints'],
  ])('catches a sink that %s', async (_name, contract, message) => {
    const violation = await checkSinkContract(contract).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(violation).toBeInstanceOf(SinkContractViolation)
    expect(String(violation)).toContain(message)
  })
})

/** Writes straight through. */
function showsEarly(): SinkContract {
  const seen = new Map<string, number[]>()
  return {
    record,
    visible: (place) => seen.get(place) ?? [],
    sink: (place) =>
      defineSink<Row>({
        transactional: true,
        open: () => ({
          write: (records) => void seen.set(place, [...(seen.get(place) ?? []), ...records.map(({ n }) => n)]),
          prepare: () => 1,
          commit: () => undefined,
        }),
      }),
  }
}

/** Commits from memory: what another attempt prepared is lost. */
function forgets(): SinkContract {
  const seen = new Map<string, number[]>()
  return {
    record,
    visible: (place) => seen.get(place) ?? [],
    sink: (place) =>
      defineSink<Row>({
        transactional: true,
        open: ({ run }) => {
          let open: number[] = []
          const prepared = new Map<number, number[]>()
          return {
            write: (records) => void open.push(...records.map(({ n }) => n)),
            prepare: (checkpoint) => {
              prepared.set(checkpoint, open)
              open = []
              return checkpoint
            },
            commit: (checkpoint) => {
              const numbers = prepared.get(checkpoint as number) ?? []
              prepared.delete(checkpoint as number)
              seen.set(place, [...(seen.get(place) ?? []), ...numbers])
            },
            finish: () => {
              if (run === undefined) seen.set(place, open)
            },
          }
        },
      }),
  }
}
