/** Reads a source with the engine's own drivers: some subtasks read for a while and stop where they are, others go on from what they say. */
import { Gate, IndexSource, NOTHING_TAKEN, type SourceDriver, type SourceState, SplitSource } from '@sluice/engine'
import type { Source } from '../../src/source/source.js'
import { sourceContext } from './read-source.js'

/** A cut: at this parallelism, each subtask takes so many records in all, in turns of so many. */
export interface Cut {
  readonly parallelism: number
  readonly records: readonly number[]
  readonly turn: number
}

export interface Resumed<T> {
  readonly records: T[]
  /** Where in the input the letters say that they stood, with what they held. */
  readonly letters: string[]
  dropped: number
}

type Chain = ConstructorParameters<typeof SplitSource>[0]['drivers']

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Takes up to `records`, without an end in mind where it is infinite. */
async function takeSome(driver: SourceDriver, records: number, perTurn: number): Promise<void> {
  let left = records
  while (left > 0 && !driver.exhausted) {
    const taken = driver.take(Math.min(left, perTurn), 0)
    if (taken > 0) left -= taken
    if (taken === NOTHING_TAKEN || driver.pending) await turn()
  }
}

/** Reads through all cuts, then to the end with `last` subtasks; `onCut` may look at, or change, what the states lead to. */
export async function resumeSource<T>(
  source: Source<T>,
  cuts: readonly Cut[],
  last: number,
  onCut: (states: readonly SourceState[]) => void | Promise<void> = () => undefined,
): Promise<Resumed<T>> {
  const { spec } = source
  if (spec.kind !== 'source') throw new Error('not a source')
  const read: Resumed<T> = { records: [], letters: [], dropped: 0 }
  const collect = (record: unknown): void => void read.records.push(record as T)
  const chain = {
    index: (cursor, limit) => {
      for (let left = limit; left > 0; left--) {
        if (spec.reads === 'index') collect(spec.fn(cursor.base + (cursor.offsets[cursor.offset] as number)))
        if (++cursor.offset === cursor.offsets.length) {
          cursor.offset = 0
          cursor.base += cursor.stride
        }
        cursor.done++
      }
    },
    batch: (cursor, end) => {
      while (cursor.index < end) collect(cursor.records[cursor.index++])
    },
  } satisfies Partial<Chain>
  let states: readonly SourceState[] = []
  for (const { parallelism, records, turn: perTurn } of [
    ...cuts,
    { parallelism: last, records: [Number.POSITIVE_INFINITY], turn: 1_000 },
  ]) {
    const drivers = Array.from({ length: parallelism }, (_, subtask): SourceDriver => {
      const drivers = chain as unknown as Chain
      if (spec.reads === 'index') return new IndexSource(spec, drivers, subtask, parallelism)
      return new SplitSource({
        spec,
        context: sourceContext(),
        drivers,
        gate: new Gate(),
        subtask,
        parallelism,
        deadLetter: ({ position, input }) => read.letters.push(`${position}: ${String(input)}`),
        countDropped: (count) => {
          read.dropped += count
        },
        onSplit: () => undefined,
        wake: () => undefined,
        checkpoints: false,
        fail: (error) => {
          throw error
        },
      })
    })
    for (const driver of drivers) driver.restore(states)
    await Promise.all(drivers.map((driver, subtask) => takeSome(driver, records[subtask % records.length] as number, perTurn)))
    states = drivers.map((driver) => structuredClone(driver.snapshot())).filter((state) => state !== undefined)
    await Promise.all(drivers.map((driver) => driver.close()))
    await onCut(states)
  }
  return read
}
