/** What a checkpoint has of a queue behind its front: the blocks on disk, read one by one when they are asked for, and the records behind them. Their files stay until then. */
import type { SpilledBlock, SpillFiles } from './spill-files.js'

export interface HeldRecord {
  readonly value: unknown
  readonly timestamp: number
}

export type SpilledPart =
  | ({ readonly block: Uint8Array } & Pick<SpilledBlock, 'records' | 'memoryBytes'>)
  | { readonly behind: readonly HeldRecord[] }

export class SpilledParts implements Iterator<SpilledPart, undefined> {
  readonly #files: SpillFiles
  readonly #blocks: SpilledBlock[]
  #behind: readonly HeldRecord[] | undefined

  constructor(files: SpillFiles, blocks: readonly SpilledBlock[], behind: readonly HeldRecord[]) {
    this.#files = files
    this.#blocks = [...blocks]
    this.#behind = behind
    for (const { path } of blocks) files.keep(path)
  }

  next(): IteratorResult<SpilledPart, undefined> {
    const [first] = this.#blocks
    if (first !== undefined) {
      const { path, records, memoryBytes } = first
      const block = this.#files.readBlock(path)
      this.#blocks.shift()
      this.#files.letGo(path)
      return { done: false, value: { block, records, memoryBytes } }
    }
    const behind = this.#behind
    this.#behind = undefined
    return behind === undefined ? { done: true, value: undefined } : { done: false, value: { behind } }
  }

  return(): IteratorResult<SpilledPart, undefined> {
    for (const { path } of this.#blocks.splice(0)) this.#files.letGo(path)
    this.#behind = undefined
    return { done: true, value: undefined }
  }
}
