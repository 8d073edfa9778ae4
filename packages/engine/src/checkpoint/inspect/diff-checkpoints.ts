/** What became different from one checkpoint to another, entry by entry. Holds the entries of the first one in memory, as text. */
import { canonicalJson } from '../../graph/summarise-graph.js'
import type { FoundCheckpoint } from '../find/find-checkpoint.js'
import type { CheckpointStorage } from '../storage.js'
import { identityOf, lineOf, readEntries, type StateLine } from './read-state.js'

export interface DiffSide {
  readonly storage: CheckpointStorage
  readonly checkpoint: Pick<FoundCheckpoint, 'files'>
}

export type StateDifference =
  | { readonly change: 'added'; readonly after: StateLine }
  | { readonly change: 'removed'; readonly before: StateLine }
  | { readonly change: 'changed'; readonly before: StateLine; readonly after: StateLine }

/** Records of channels, and parts of large state, are left out: they have no identity. */
export async function* diffCheckpoints(before: DiffSide, after: DiffSide): AsyncGenerator<StateDifference> {
  const entries = new Map<string, string>()
  for await (const entry of readEntries(before.storage, before.checkpoint.files)) {
    const identity = identityOf(entry)
    if (identity !== undefined) entries.set(identity, canonicalJson(lineOf(entry)))
  }
  for await (const entry of readEntries(after.storage, after.checkpoint.files)) {
    const identity = identityOf(entry)
    if (identity === undefined) continue
    const line = lineOf(entry)
    const was = entries.get(identity)
    entries.delete(identity)
    if (was === undefined) yield { change: 'added', after: line }
    else if (was !== canonicalJson(line)) yield { change: 'changed', before: JSON.parse(was) as StateLine, after: line }
  }
  for (const was of entries.values()) yield { change: 'removed', before: JSON.parse(was) as StateLine }
}
