/** Where the drivers of sources stand. Plain fields, read and written by generated code. */

/** How many splits an indexed source has: index i belongs to split i mod INDEX_SPLITS, a split to subtask split mod parallelism. */
const INDEX_SPLITS = 128

/** The indexes of one subtask of an indexed source, in ascending order: base + offsets[j], base a multiple of the stride. */
export interface IndexCursor {
  base: number
  offset: number
  readonly offsets: readonly number[]
  readonly stride: number
  /** Records made so far. */
  done: number
}

export function createIndexCursor(subtask: number, parallelism: number): IndexCursor {
  const offsets: number[] = []
  for (let split = subtask; split < INDEX_SPLITS; split += parallelism) offsets.push(split)
  return { base: 0, offset: 0, offsets, stride: INDEX_SPLITS, done: 0 }
}

/** How many indexes below `count` belong to the cursor's subtask. */
export function indexesBelow(cursor: IndexCursor, count: number): number {
  const blocks = Math.floor(count / cursor.stride)
  const rest = count - blocks * cursor.stride
  return blocks * cursor.offsets.length + cursor.offsets.filter((offset) => offset < rest).length
}

/** The current batch of a source that reads splits. */
export interface BatchCursor {
  records: readonly unknown[]
  index: number
}
