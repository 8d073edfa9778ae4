/**
 * A disk in memory that outlives the processes of a simulation. What was not finished when a process crashes is torn: a part of it survives, or
 * nothing. Every operation happens in two choices of the scheduler, its effect and its answer, so a crash may lie before, between and after.
 */
import { type CheckpointStorage, SluiceError, type StorageFile } from '@sluice/engine'
import type { Life } from '../schedule/life.js'
import type { Scheduler } from '../schedule/scheduler.js'

export interface DiskFaults {
  /** Largest time an operation takes, in ms. */
  readonly slowMs: number
  /** Share of operations that fail; some of them have happened all the same. */
  readonly failures: number
}

/** Share of failures whose effect is there although they failed. */
const HAPPENED_ALL_THE_SAME = 0.4

interface DiskFile {
  bytes: Uint8Array
  /** Durable, and never written again. */
  finished: boolean
}

export class SimulatedDisk {
  readonly files: Map<string, DiskFile> = new Map()
  /** Set while the disk is full: whatever writes fails. */
  full = false
  /** Operations that failed on purpose. */
  failed = 0
  readonly #scheduler: Scheduler
  #faults: DiskFaults

  constructor(scheduler: Scheduler, faults: DiskFaults) {
    this.#scheduler = scheduler
    this.#faults = faults
  }

  /** From here on nothing fails and everything is quick. */
  heal(): void {
    this.full = false
    this.#faults = { slowMs: 1, failures: 0 }
  }

  /** The storage as one thread has it; `onStep` hears what is about to happen and what has happened. */
  open(life: Life, onStep: (step: string) => void): CheckpointStorage {
    return new SimulatedStorage(this, life, onStep)
  }

  /** The process that wrote is gone: of what was not finished a prefix is left, or nothing. */
  tear(): void {
    const random = this.#scheduler.random
    for (const [path, file] of this.files) {
      if (file.finished) continue
      if (random.chance(0.4)) this.files.delete(path)
      else file.bytes = file.bytes.slice(0, random.below(file.bytes.length + 1))
      file.finished = true
    }
  }

  /** Changes one bit of a finished file whose path has `part`; answers which one. */
  flip(part: string): string | undefined {
    const random = this.#scheduler.random
    const paths = [...this.files.keys()].filter((path) => path.includes(part) && (this.files.get(path)?.bytes.length ?? 0) > 0)
    if (paths.length === 0) return undefined
    const path = random.pick(paths)
    const bytes = (this.files.get(path) as DiskFile).bytes.slice()
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
    this.files.set(path, { bytes, finished: true })
    return path
  }

  /** One operation: `effect` happens at one choice, what it gave is told at a later one. A life that ends meanwhile never hears of it. */
  operate<T>(life: Life, what: string, writes: boolean, effect: () => T): Promise<T> {
    const scheduler = this.#scheduler
    const random = scheduler.random
    const latencyMs = random.next() * random.next() * this.#faults.slowMs
    return new Promise((resolve, reject) => {
      if (!life.alive) return
      const happen = (): void => {
        const full = writes && this.full
        if (full || random.chance(this.#faults.failures)) {
          this.failed++
          // Renamed, and the folder could not be made durable: whoever is told so cannot know what is there.
          if (!full && random.chance(HAPPENED_ALL_THE_SAME)) attempt(effect)
          const error = new SluiceError(
            'SLUICE_CHECKPOINT_STORAGE',
            `${what} failed: the simulated disk ${full ? 'is full' : 'had an error'}`,
          )
          this.#answer(life, `${what} fails`, () => reject(error))
          return
        }
        let result: T
        try {
          result = effect()
        } catch (error) {
          this.#answer(life, `${what} is refused`, () => reject(error instanceof Error ? error : new Error(String(error))))
          return
        }
        this.#answer(life, `${what} answers`, () => resolve(result))
      }
      scheduler.await({ life, what, atMs: scheduler.nowMs + latencyMs, happen })
    })
  }

  #answer(life: Life, what: string, happen: () => void): void {
    if (this.#scheduler.random.chance(0.5)) happen()
    else this.#scheduler.await({ life, what, atMs: Number.NEGATIVE_INFINITY, happen })
  }
}

function attempt(effect: () => unknown): void {
  try {
    effect()
  } catch {
    // It fails one way or the other.
  }
}

class SimulatedStorage implements CheckpointStorage {
  readonly description = 'the simulated disk'
  readonly #disk: SimulatedDisk
  readonly #life: Life
  readonly #onStep: (step: string) => void

  constructor(disk: SimulatedDisk, life: Life, onStep: (step: string) => void) {
    this.#disk = disk
    this.#life = life
    this.#onStep = onStep
  }

  async create(path: string): Promise<StorageFile> {
    const { files } = this.#disk
    await this.#operate('storage-create', path, true, () => {
      if (files.has(path)) throw new SluiceError('SLUICE_CHECKPOINT_STORAGE', `${path} is there already`)
      files.set(path, { bytes: new Uint8Array(0), finished: false })
    })
    return {
      append: (bytes) =>
        this.#operate('storage-append', path, true, () => {
          const file = files.get(path)
          if (file === undefined) throw new SluiceError('SLUICE_CHECKPOINT_STORAGE', `${path} is gone`)
          const joined = new Uint8Array(file.bytes.length + bytes.length)
          joined.set(file.bytes)
          joined.set(bytes, file.bytes.length)
          file.bytes = joined
        }),
      finish: () =>
        this.#operate('storage-finish', path, true, () => {
          const file = files.get(path)
          if (file === undefined) throw new SluiceError('SLUICE_CHECKPOINT_STORAGE', `${path} is gone`)
          file.finished = true
        }),
      discard: () => this.#operate('storage-discard', path, false, () => void files.delete(path)).catch(() => {}),
    }
  }

  async publish(path: string, bytes: Uint8Array): Promise<void> {
    const { files } = this.#disk
    const temporary = `${path}.tmp`
    await this.#operate('storage-publish-write', path, true, () => files.set(temporary, { bytes: bytes.slice(), finished: false }))
    await this.#operate('storage-publish-rename', path, true, () => {
      files.delete(temporary)
      files.set(path, { bytes: bytes.slice(), finished: true })
    })
  }

  read(path: string, offset = 0, length?: number): Promise<Uint8Array> {
    return this.#operate('storage-read', path, false, () => {
      const file = this.#disk.files.get(path)
      if (file === undefined) throw new SluiceError('SLUICE_CHECKPOINT_FILE_MISSING', `there is no ${path}`)
      return file.bytes.slice(offset, length === undefined ? undefined : offset + length)
    })
  }

  list(folder: string): Promise<readonly string[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    return this.#operate('storage-list', folder, false, () => {
      const names = new Set<string>()
      for (const path of this.#disk.files.keys()) if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0] as string)
      return [...names].sort()
    })
  }

  remove(path: string): Promise<void> {
    return this.#operate('storage-remove', path, true, () => {
      for (const one of this.#disk.files.keys()) if (one === path || one.startsWith(`${path}/`)) this.#disk.files.delete(one)
    })
  }

  async #operate<T>(step: string, path: string, writes: boolean, effect: () => T): Promise<T> {
    this.#onStep(`before ${step}`)
    const result = await this.#disk.operate(this.#life, `${step} ${path}`, writes, effect)
    this.#onStep(`after ${step}`)
    return result
  }
}
