/** State as people read it: one plain JSON object per row, timer, section and slice. */
import { canonicalKey } from '../../key/index.js'
import type { SnapshotEntry } from '../file/contract.js'
import { readSnapshotEntries } from '../file/inspect-file.js'
import type { FoundCheckpoint } from '../find/find-checkpoint.js'
import type { CheckpointStorage } from '../storage.js'

export interface ReadStateOptions {
  /** Only of these operators. */
  readonly operators?: readonly string[] | undefined
  readonly states?: readonly string[] | undefined
}

/** An entry as a line; its fields are plain JSON, what JSON cannot say is written as text. */
export type StateLine =
  | {
      readonly operator: string
      readonly state: string
      readonly group: number
      readonly namespace?: number
      readonly key: unknown
      readonly value: Readonly<Record<string, unknown>>
    }
  | {
      readonly operator: string
      readonly state: string
      readonly group: number
      readonly namespace: number
      readonly key: unknown
      readonly timer: number
    }
  | { readonly operator: string; readonly section: string; readonly subtask: number; readonly value: unknown }
  | { readonly edge: string; readonly from: number; readonly to: number; readonly bytes: number }

/** Everything in a checkpoint, file by file. */
export async function* readState(
  storage: CheckpointStorage,
  { files }: Pick<FoundCheckpoint, 'files'>,
  { operators, states }: ReadStateOptions = {},
): AsyncGenerator<StateLine> {
  for await (const entry of readEntries(storage, files)) {
    if (operators !== undefined && (entry.type === 'slice' || !operators.includes(entry.operator))) continue
    if (states !== undefined && (!('state' in entry) || !states.includes(entry.state))) continue
    yield lineOf(entry)
  }
}

export async function* readEntries(storage: CheckpointStorage, files: FoundCheckpoint['files']): AsyncGenerator<SnapshotEntry> {
  for (const file of files) yield* readSnapshotEntries(storage, file)
}

export function lineOf(entry: SnapshotEntry): StateLine {
  switch (entry.type) {
    case 'row': {
      const { operator, state, group, namespace, key, columns } = entry
      const value = plain(columns) as Readonly<Record<string, unknown>>
      return { operator, state, group, ...(namespace === undefined ? {} : { namespace }), key: plain(key), value }
    }
    case 'timer': {
      const { operator, state, group, namespace, key, time } = entry
      return { operator, state, group, namespace, key: plain(key), timer: time }
    }
    case 'section':
      return { operator: entry.operator, section: entry.name, subtask: entry.index, value: plain(entry.value) }
    case 'slice':
      return { edge: entry.edge, from: entry.fromIndex, to: entry.toIndex, bytes: entry.bytes }
  }
}

/** What tells an entry from all others of its checkpoint; undefined for what has no identity. */
export function identityOf(entry: SnapshotEntry): string | undefined {
  switch (entry.type) {
    case 'row':
      return JSON.stringify([entry.operator, entry.state, entry.namespace ?? null, keyText(entry.key)])
    case 'timer':
      return JSON.stringify([entry.operator, entry.state, entry.namespace, keyText(entry.key), entry.time])
    case 'section':
      return entry.name === 'part' ? undefined : JSON.stringify([entry.operator, 'section', entry.name, entry.index])
    case 'slice':
      return undefined
  }
}

function keyText(key: unknown): string {
  const canonical = canonicalKey(key)
  return `${typeof canonical} ${String(canonical)}`
}

/** A value that JSON can say. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : String(Object.is(value, -0) ? '-0' : value)
  if (value === undefined) return undefined
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain)
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Set) return [...value].map(plain)
  if (value instanceof Map) return [...value].map(([key, item]) => [plain(key), plain(item)])
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]))
}
