/** Reads a source in legs: all subtasks read for a while, say where they stand, and others go on from there at another parallelism. */
import { Gate } from '../../src/channel/gate.js'
import type { SourceContext } from '../../src/graph/operator-context.js'
import type { SourceSpec } from '../../src/graph/operator-spec.js'
import type { ChainDrivers } from '../../src/task/chain-drivers.js'
import { IndexSource, NOTHING_TAKEN, type SourceDriver, type SourceState, SplitSource } from '../../src/task/source-driver.js'

export interface Leg {
  readonly parallelism: number
  /** Turns of taking: which subtask (modulo the parallelism), and how many records at most. */
  readonly takes: readonly { readonly subtask: number; readonly limit: number }[]
}

export interface ReadSoFar {
  /** In the order in which they left their subtask. */
  readonly records: unknown[]
  readonly letters: unknown[]
  dropped: number
}

/** What the generated loops of a chain do, with a chain that keeps every record. */
function collecting(spec: SourceSpec, records: unknown[]): ChainDrivers {
  return {
    ring: [],
    local: [],
    push: [],
    expand: [],
    index: (cursor, limit) => {
      for (let left = limit; left > 0; left--) {
        const index = cursor.base + (cursor.offsets[cursor.offset] as number)
        if (++cursor.offset === cursor.offsets.length) {
          cursor.offset = 0
          cursor.base += cursor.stride
        }
        cursor.done++
        records.push(spec.reads === 'index' ? spec.fn(index) : undefined)
      }
    },
    batch: (cursor, end) => {
      while (cursor.index < end) records.push(cursor.records[cursor.index++])
    },
  }
}

function sourceContext(signal: AbortSignal = new AbortController().signal): SourceContext {
  const ignore = (): void => undefined
  return {
    job: 'test',
    operator: 'input',
    subtask: { index: 0, parallelism: 1 },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    metrics: { count: ignore, gauge: ignore },
    now: () => 0,
    use: () => undefined,
    announce: () => {},
    countDropped: ignore,
    sizeOf: () => 1,
    signal,
  }
}

export function createDriver(spec: SourceSpec, subtask: number, parallelism: number, into: ReadSoFar, signal?: AbortSignal): SourceDriver {
  const drivers = collecting(spec, into.records)
  if (spec.reads === 'index') return new IndexSource(spec, drivers, subtask, parallelism)
  return new SplitSource({
    spec,
    context: sourceContext(signal),
    drivers,
    gate: new Gate(),
    subtask,
    parallelism,
    deadLetter: (letter) => into.letters.push(letter.input),
    countDropped: (count) => {
      into.dropped += count
    },
    onSplit: () => undefined,
    wake: () => undefined,
    checkpoints: false,
    fail: (error) => {
      throw error
    },
  })
}

/** Lets what is under way go on by one turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Takes until nothing is left. */
export async function readOn(driver: SourceDriver, limit = 1_000): Promise<void> {
  while (!driver.exhausted) if (driver.take(limit, 0) === NOTHING_TAKEN && driver.pending) await turn()
}

/** Reads through all legs and then to the end, at the parallelism of the last. `onLeg` sees the drivers of each, behind its takes. */
export async function readInLegs(
  spec: SourceSpec,
  legs: readonly Leg[],
  onLeg: (read: readonly ReadSoFar[], states: readonly (SourceState | undefined)[]) => void = () => undefined,
): Promise<ReadSoFar> {
  const all: ReadSoFar = { records: [], letters: [], dropped: 0 }
  let states: readonly SourceState[] = []
  for (const [position, { parallelism, takes }] of legs.entries()) {
    const reads = Array.from({ length: parallelism }, (): ReadSoFar => ({ records: [], letters: [], dropped: 0 }))
    const drivers = reads.map((read, subtask) => createDriver(spec, subtask, parallelism, read))
    for (const driver of drivers) driver.restore(states)
    for (const { subtask, limit } of takes) {
      const driver = drivers[subtask % parallelism] as SourceDriver
      if (driver.ready(0)) driver.take(limit, 0)
      else if (driver.pending) await turn()
    }
    if (position === legs.length - 1) await Promise.all(drivers.map((driver) => readOn(driver)))
    const given = drivers.map((driver) => structuredClone(driver.snapshot()))
    states = given.filter((state) => state !== undefined)
    onLeg(reads, given)
    await Promise.all(drivers.map((driver) => driver.close()))
    for (const { records, letters, dropped } of reads) {
      all.records.push(...records)
      all.letters.push(...letters)
      all.dropped += dropped
    }
  }
  return all
}
