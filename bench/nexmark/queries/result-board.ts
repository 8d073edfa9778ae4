/** What the sinks of a job that is measured or checked leave in shared memory: how many results, a checksum, and when the last sink ended. */

const ROWS = 0
const CHECKSUM = 1
const END_AT = 16
const BYTES = 24

export const createResultBoard = (): SharedArrayBuffer => new SharedArrayBuffer(BYTES)

export interface ResultReading {
  /** Of an updating result: changes. */
  readonly rows: number
  /** Sum over all rows of the final result, in any order; 0 where nobody asked for it. */
  readonly checksum: number
  /** In ms since the epoch; 0 where no sink has ended. */
  readonly endMs: number
}

export function readResults(board: SharedArrayBuffer): ResultReading {
  const words = new Int32Array(board)
  return {
    rows: words[ROWS] as number,
    checksum: (words[CHECKSUM] as number) >>> 0,
    endMs: new Float64Array(board, END_AT, 1)[0] as number,
  }
}

/** The side of a sink. */
export class ResultWriter {
  readonly #words: Int32Array
  readonly #end: Float64Array

  constructor(board: SharedArrayBuffer) {
    this.#words = new Int32Array(board)
    this.#end = new Float64Array(board, END_AT, 1)
  }

  add(rows: number, checksum: number): void {
    Atomics.add(this.#words, ROWS, rows)
    if (checksum !== 0) Atomics.add(this.#words, CHECKSUM, checksum)
  }

  /** Two sinks may end at once and write nearly the same time: either is right. */
  end(): void {
    this.#end[0] = performance.timeOrigin + performance.now()
  }
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a over the characters of a line; sums of it wrap at 32 bits. */
export function hashLine(line: string): number {
  let hash = FNV_OFFSET
  for (let index = 0; index < line.length; index++) hash = Math.imul(hash ^ line.charCodeAt(index), FNV_PRIME)
  return hash | 0
}
