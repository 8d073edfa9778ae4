/**
 * Where the drivers of sources stand. Plain fields, read and written by generated code.
 *
 * After a restore at another parallelism the index-splits of a subtask stand at different places. Its indexes are then a sequence of phases, each
 * a cursor over the splits that take part by then: ascending, and nothing of it is seen by the code that runs per record.
 */

/** How many splits an indexed source has: index i belongs to split i mod INDEX_SPLITS, a split to subtask split mod parallelism. */
export const INDEX_SPLITS = 128

/** Indexes of one subtask of an indexed source, in ascending order: base + offsets[j], base a multiple of the stride. */
export interface IndexCursor {
  base: number
  offset: number
  readonly offsets: readonly number[]
  readonly stride: number
  /** How many indexes of these offsets are below the next one. */
  done: number
}

/** Some of the splits of a subtask, up to where the next of them joins. */
export interface IndexPhase {
  readonly cursor: IndexCursor
  /** Its indexes are below; infinite in the last one. */
  readonly end: number
}

/** The index-splits of a subtask. */
export function indexSplitsOf(subtask: number, parallelism: number): number[] {
  const splits: number[] = []
  for (let split = subtask; split < INDEX_SPLITS; split += parallelism) splits.push(split)
  return splits
}

/** The first index of a split that is not below a number. */
export function firstIndexFrom(index: number, split: number): number {
  const ahead = (split - index) % INDEX_SPLITS
  return index + (ahead < 0 ? ahead + INDEX_SPLITS : ahead)
}

/** `next`: the next index of every split that is not at its beginning. Never empty. */
export function createIndexPhases(subtask: number, parallelism: number, next?: readonly (number | undefined)[]): IndexPhase[] {
  const splits = indexSplitsOf(subtask, parallelism)
  const bases = splits.map((split) => (next?.[split] ?? split) - split)
  const starts = [...new Set(bases)].sort((left, right) => left - right)
  if (starts.length === 0) starts.push(0)
  return starts.map((base, phase) => {
    const offsets = splits.filter((_, position) => (bases[position] as number) <= base)
    const done = (base / INDEX_SPLITS) * offsets.length
    return { cursor: { base, offset: 0, offsets, stride: INDEX_SPLITS, done }, end: starts[phase + 1] ?? Number.POSITIVE_INFINITY }
  })
}

/** How many indexes below `count` belong to the offsets of a cursor. */
export function indexesBelow(cursor: IndexCursor, count: number): number {
  if (cursor.offsets.length === 0) return 0
  if (count === Number.POSITIVE_INFINITY) return count
  const blocks = Math.floor(count / cursor.stride)
  const rest = count - blocks * cursor.stride
  return blocks * cursor.offsets.length + cursor.offsets.filter((offset) => offset < rest).length
}

/** The current batch of a source that reads splits. */
export interface BatchCursor {
  records: readonly unknown[]
  index: number
}
