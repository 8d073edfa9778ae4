/**
 * The blocks of records that a subtask has on disk: one file each, written and read as a whole and removed when it was read, or when a checkpoint that needs it has it. A file is named by job, operator, subtask and
 * process, so that what a process left behind that is no more is known, and removed.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { fileSafe, type OperatorContext, SluiceError } from '@sluice/engine'

export interface SpilledBlock {
  readonly path: string
  readonly bytes: number
  /** How many, and what they take in memory. */
  readonly records: number
  readonly memoryBytes: number
}

const SUFFIX = '.spill'

export class SpillFiles {
  readonly #operator: string
  readonly #directory: string
  /** Of all subtasks and processes. */
  readonly #prefix: string
  readonly #subtask: number
  readonly #parallelism: number
  #files = 0
  /** What a checkpoint still reads, and what of it was to be removed meanwhile. */
  readonly #kept = new Set<string>()
  readonly #doomed = new Set<string>()

  constructor({ operator, job, subtask }: OperatorContext, directory: string) {
    this.#operator = operator
    this.#directory = directory
    this.#prefix = `${fileSafe(job)}.${fileSafe(operator)}.`
    this.#subtask = subtask.index
    this.#parallelism = subtask.parallelism
  }

  /** Makes the directory; removes what nobody will read any more. */
  open(): void {
    this.#guard('made ready', () => {
      mkdirSync(this.#directory, { recursive: true })
      for (const name of readdirSync(this.#directory)) if (this.#isLeftOver(name)) rmSync(join(this.#directory, name), { force: true })
    })
  }

  encode(records: readonly unknown[]): Uint8Array {
    return this.#guard('encoded', () => serialize(records))
  }

  decode(block: Uint8Array): readonly unknown[] {
    return this.#guard('decoded', () => deserialize(block) as readonly unknown[])
  }

  write(block: Uint8Array, { records, memoryBytes }: Pick<SpilledBlock, 'records' | 'memoryBytes'>): SpilledBlock {
    const path = join(this.#directory, `${this.#prefix}${this.#subtask}.${process.pid}.${this.#files++}${SUFFIX}`)
    return this.#guard('written', () => {
      writeFileSync(path, block, { flag: 'wx' })
      return { path, bytes: block.length, records, memoryBytes }
    })
  }

  read(path: string): readonly unknown[] {
    return this.#guard('read', () => deserialize(readFileSync(path)) as readonly unknown[])
  }

  readBlock(path: string): Uint8Array {
    return this.#guard('read', () => {
      const bytes = readFileSync(path)
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    })
  }

  remove(path: string): void {
    if (this.#kept.has(path)) this.#doomed.add(path)
    else this.#guard('removed', () => rmSync(path, { force: true }))
  }

  /** It stays until it is let go. */
  keep(path: string): void {
    this.#kept.add(path)
  }

  letGo(path: string): void {
    this.#kept.delete(path)
    if (this.#doomed.delete(path)) this.remove(path)
  }

  /** Of an attempt of this subtask that is over, or of a process that is. */
  #isLeftOver(name: string): boolean {
    if (!name.startsWith(this.#prefix) || !name.endsWith(SUFFIX)) return false
    const parts = name.slice(this.#prefix.length, -SUFFIX.length).split('.').map(Number)
    const [subtask = -1, pid = -1] = parts
    if (parts.length !== 3 || !parts.every(Number.isSafeInteger) || pid <= 0) return false
    return pid === process.pid ? subtask === this.#subtask || subtask >= this.#parallelism : !isAlive(pid)
  }

  #guard<T>(what: string, action: () => T): T {
    try {
      return action()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new SluiceError(
        'SLUICE_SPILL_FAILED',
        `records that ${this.#operator} spills to ${this.#directory} cannot be ${what}: ${reason}`,
        {
          operator: this.#operator,
          cause: error,
        },
      )
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It is there, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
