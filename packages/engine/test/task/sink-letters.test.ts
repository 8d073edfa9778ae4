/** Dead letters of a sink as state: those of records in front of a cut belong to the checkpoint, whatever left meanwhile. */
import { expect, test } from 'vitest'
import { Gate } from '../../src/channel/gate.js'
import type { DeadLetter, SinkWriter } from '../../src/graph/operator-spec.js'
import { SinkBuffer } from '../../src/task/sink-buffer.js'

const letter = (input: unknown): DeadLetter => ({ operator: 'out', input, reason: 'odd', position: undefined })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A sink that cannot write odd records; each write takes until the test says so. */
function oddSink(options: Partial<SinkWriter>): { readonly sink: SinkBuffer; readonly settle: () => Promise<void> } {
  const open: (() => void)[] = []
  const sink: SinkBuffer = new SinkBuffer(
    {
      write: (records) => {
        const taken = [...records]
        return new Promise((resolve) =>
          open.push(() => {
            for (const record of taken) if ((record as number) % 2 === 1) sink.addLetter(letter(record))
            resolve()
          }),
        )
      },
      ...options,
    },
    new Gate(),
    () => {},
  )
  return {
    sink,
    settle: async () => {
      open.shift()?.()
      await turn()
    },
  }
}

const sent = (sink: SinkBuffer): unknown[] => {
  const inputs: unknown[] = []
  for (let next = sink.takeLetter(); next !== undefined; next = sink.takeLetter()) inputs.push(next.input)
  return inputs
}

const transactional = { prepare: (checkpoint: number) => checkpoint, commit: () => {} }

test('of a transaction: what waits at the cut, and what records in front of it give behind it', async () => {
  const { sink, settle } = oddSink(transactional)
  for (const record of [1, 2]) sink.accept(record)
  sink.flush()
  await settle()
  // The letter of 1 waits; 3 is written behind the cut.
  for (const record of [3, 4]) sink.accept(record)
  sink.beginCheckpoint(1)
  sink.accept(5)
  expect(sent(sink)).toEqual([1])
  await settle()
  const state = sink.checkpointState()
  expect(state?.letters?.map(({ input }) => input)).toEqual([1, 3])
  // That of 5 belongs to the next one. These two have left by now, and do not come again with it.
  sink.flush()
  await settle()
  expect(sent(sink)).toEqual([3, 5])
  sink.beginCheckpoint(2)
  await turn()
  expect(sink.checkpointState()?.letters).toBeUndefined()

  const { sink: restored } = oddSink(transactional)
  restored.restore([structuredClone(state)])
  expect(restored.holdsLetters).toBe(true)
  expect(sent(restored)).toEqual([1, 3])
})

test('without transactions: not those of records that are written again', async () => {
  const { sink, settle } = oddSink({})
  for (const record of [1, 2]) sink.accept(record)
  sink.flush()
  await settle()
  for (const record of [3, 4]) sink.accept(record)
  sink.flush()
  // Said of a record whose write is under way.
  sink.addLetter(letter(3))
  sink.beginCheckpoint(1)
  const state = sink.checkpointState()
  expect(state?.letters?.map(({ input }) => input)).toEqual([1])
  expect(state?.records).toEqual([3, 4])
  await settle()
})

test('a checkpoint that is given up leaves its letters to the next one', async () => {
  const { sink, settle } = oddSink(transactional)
  for (const record of [1, 3]) sink.accept(record)
  sink.flush()
  sink.accept(5)
  sink.beginCheckpoint(1)
  await settle()
  // Before 5 is written and prepared: given up. What has left in front of the next cut is not in it.
  expect(sent(sink)).toEqual([1, 3])
  sink.beginCheckpoint(2)
  await settle()
  expect(sink.checkpointState()?.letters?.map(({ input }) => input)).toEqual([5])
})
