/** How writers and readers of state files are made, and what can be read of a file entry by entry. */
import type { SnapshotFileHandle } from '../protocol.js'
import type { SectionName } from '../snapshot.js'
import type { CheckpointStorage } from '../storage.js'

/** For `createSnapshotWriters`. */
export interface SnapshotWritersOptions {
  readonly storage: CheckpointStorage
  /** Folder of a checkpoint, relative to the root of the storage. */
  readonly folderOf: (id: number) => string
  readonly keyGroups: number
  /** Part of the names of files: nothing is written under a name twice. */
  readonly attempt: number
  /** Which subtask of its task one is. */
  readonly placeOf: (subtask: number) => { readonly index: number; readonly parallelism: number }
}

/** For `openSnapshot`. */
export interface OpenSnapshotOptions {
  readonly storage: CheckpointStorage
  readonly id: number
  readonly files: readonly SnapshotFileHandle[]
}

/** What a state file holds, for people: of `readEntries`. */
export type SnapshotEntry =
  | {
      readonly type: 'row'
      readonly operator: string
      readonly state: string
      readonly group: number
      /** Of a window; undefined: the state has none. */
      readonly namespace: number | undefined
      readonly key: unknown
      /** By name, or by position where columns have no names. */
      readonly columns: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'timer'
      readonly operator: string
      readonly state: string
      readonly group: number
      readonly namespace: number
      readonly key: unknown
      readonly time: number
    }
  | {
      readonly type: 'section'
      readonly operator: string
      readonly name: SectionName
      readonly index: number
      readonly parallelism: number
      readonly value: unknown
    }
  | { readonly type: 'slice'; readonly edge: string; readonly fromIndex: number; readonly toIndex: number; readonly bytes: number }
