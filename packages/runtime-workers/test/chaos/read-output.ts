/** What a run of the chaos job has left: rows of its files as text, in the order in which they were written, its state, and what should not be there. */
import { type FoundCheckpoint, readState } from '@sluice/engine'
import { findCheckpoint, LocalDirectory } from '@sluice/runtime-workers'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

export type Row = Readonly<Record<string, string>>

export interface Left {
  /** By name of the sink. */
  readonly outputs: ReadonlyMap<string, readonly Row[]>
  /** Lines of keyed state in the last checkpoint. */
  readonly state: readonly string[]
  /** Sentences about files that are no output. */
  readonly leftovers: readonly string[]
}

const JOB = 'chaos'

export async function readLeft(folder: string): Promise<Left> {
  const outputs = new Map<string, Row[]>()
  const leftovers: string[] = []
  const root = join(folder, 'out')
  for (const name of readdirSync(root).sort()) {
    const path = join(root, name)
    const isFolder = statSync(path).isDirectory()
    const files = isFolder ? inOrder(readdirSync(path)).map((part) => join(path, part)) : [path]
    const rows: Row[] = []
    for (const file of files) {
      if (/\/\.[^/]*$|\.partial$/.test(file)) leftovers.push(`${file} is left over`)
      else for (const row of await readRows(file)) rows.push(row)
    }
    outputs.set(name.replace(/\.(jsonl|csv|parquet)$/, ''), rows)
  }
  const checkpoints = join(folder, 'checkpoints')
  const found = await findCheckpoint(checkpoints, JOB, 'latest')
  leftovers.push(...leftInCheckpoints(checkpoints))
  return { outputs, state: await readKeyed(checkpoints, found), leftovers }
}

async function readKeyed(directory: string, found: Pick<FoundCheckpoint, 'files'>): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readState(new LocalDirectory(directory), found)) {
    if (!('key' in line)) {
      if ('edge' in line && line.bytes > 0) lines.push(`records on the edge ${line.edge} of a final checkpoint`)
      continue
    }
    lines.push(canonical(line))
  }
  return lines.sort()
}

/** JSON with sorted properties. A map is a list of pairs, or of its keys and values in turn, in an order that does not count. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    const items = value.map(canonical)
    if (items.length % 2 === 1 || value.every((item) => Array.isArray(item))) return `[${items.sort().join()}]`
    return `[${items
      .flatMap((item, at) => (at % 2 === 0 ? [`${item},${items[at + 1] ?? ''}`] : []))
      .sort()
      .join()}]`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
  return `{${fields.sort().join()}}`
}

/** Folders without a manifest, and files on their way, that no process will look at again. */
function leftInCheckpoints(directory: string): readonly string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const complete = new Set(names.filter((name) => name.endsWith('/manifest.json')).map((name) => name.slice(0, -'/manifest.json'.length)))
  return names.flatMap((name) => {
    if (name.endsWith('.tmp')) return [`${name} is left over in the checkpoint directory`]
    return /\/chk-\d+$/.test(name) && !complete.has(name) ? [`${name} in the checkpoint directory has no manifest`] : []
  })
}

/** Parts by checkpoint, then by subtask. */
function inOrder(names: readonly string[]): readonly string[] {
  const place = (name: string): number => {
    const [, subtask, checkpoint, n] = /^part-(\d+)-(\d+)-(\d+)\./.exec(name) ?? []
    return (Number(checkpoint ?? 0) * 1_000 + Number(subtask ?? 0)) * 1_000 + Number(n ?? 0)
  }
  return [...names].sort((left, right) => place(left) - place(right))
}

async function readRows(file: string): Promise<readonly Row[]> {
  if (file.endsWith('.parquet')) return readParquet(file)
  const lines = readFileSync(file, 'utf8').split('\n')
  if (lines.pop() !== '') throw new Error(`${file} does not end with a line break`)
  if (file.endsWith('.jsonl')) return lines.map((line) => asText(JSON.parse(line) as Readonly<Record<string, unknown>>))
  const [header = '', ...rows] = lines
  const names = header.split(',')
  return rows.map((row) => Object.fromEntries(row.split(',').map((cell, at) => [names[at] ?? `column ${at}`, cell])))
}

interface ParquetLibrary {
  asyncBufferFromFile(file: string): Promise<unknown>
  parquetReadObjects(options: {
    readonly file: unknown
    readonly compressors: unknown
  }): Promise<readonly Readonly<Record<string, unknown>>[]>
}

// They belong to the package that reads and writes Parquet.
const operators = createRequire(resolve(import.meta.dirname, '../../../operators/package.json'))

async function readParquet(file: string): Promise<readonly Row[]> {
  const { asyncBufferFromFile, parquetReadObjects } = operators('hyparquet') as ParquetLibrary
  const { compressors } = operators('hyparquet-compressors') as { readonly compressors: unknown }
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors })
  return rows.map(asText)
}

function asText(row: Readonly<Record<string, unknown>>): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))
}
