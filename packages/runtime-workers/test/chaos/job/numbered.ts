/** The records of the chaos job, as functions of their number. Records of a lane come from one place, in order of their numbers. */

export interface Numbered {
  readonly source: string
  readonly n: number
  readonly lane: number
  readonly key: number
  readonly time: number
}

/** A subtask of `generate` has whole lanes; at another parallelism they move. */
export const LANES = 128
const BASE_MS = Date.UTC(2026, 0, 1)

export function indexedRecord(n: number, keys: number): Numbered {
  return { source: 'generated', n, lane: n % LANES, key: (n * 31) % keys, time: BASE_MS + n * 3 }
}

/** Row `at` of file `file` of a source that reads files. */
export function filedRecord(source: string, file: number, at: number, keys: number): Numbered {
  return { source, n: file * 100_000 + at, lane: file, key: (file + at * 17) % keys, time: BASE_MS + at * 5 }
}
