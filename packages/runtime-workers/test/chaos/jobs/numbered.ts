/** The records of the chaos job, as functions of their number. Records of a lane come from one place, in order of their numbers. */

export interface Numbered {
  readonly source: string
  readonly n: number
  readonly lane: number
  readonly key: number
  readonly time: number
}

/** A subtask of `generate` has whole lanes; at another parallelism they move. */
const LANES = 128
const BASE_MS = Date.UTC(2026, 0, 1)

export function indexedRecord(n: number, keys: number): Numbered {
  return { source: 'generated', n, lane: n % LANES, key: (n * 31) % keys, time: BASE_MS + n * 3 }
}

/** Rows per row group of the Parquet files, which are read beside each other. */
export const ROW_GROUP = 100

/** Row `at` of file `file` of a source that reads files. */
export function filedRecord(source: string, file: number, at: number, keys: number): Numbered {
  const lane = source === 'columns' ? file * 1_000 + Math.floor(at / ROW_GROUP) : file
  return { source, n: file * 100_000 + at, lane, key: (file + at * 17) % keys, time: BASE_MS + at * 5 }
}
