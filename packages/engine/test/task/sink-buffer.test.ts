import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SinkWriter } from '../../src/graph/operator-spec.js'
import { Gate } from '../../src/channel/gate.js'
import { SinkBuffer } from '../../src/task/sink-buffer.js'
import type { SinkState } from '../../src/task/sink-state.js'

/** A writer whose every call settles when the test says so; complains about calls that overlap. */
class StepWriter implements SinkWriter {
  readonly calls: string[] = []
  readonly waiting: { readonly name: string; readonly settle: (error?: Error) => void }[] = []
  slow: ReadonlySet<string> = new Set(['write', 'prepare', 'durable', 'commit'])
  gathered: unknown[] = []
  prepared = 0
  #busy: string | undefined

  write(records: readonly unknown[]): void | Promise<void> {
    this.gathered.push(...records)
    return this.#call('write', records.join())
  }

  prepare(checkpoint: number): unknown {
    const transaction = this.gathered
    this.gathered = []
    this.prepared++
    const value = { checkpoint, records: transaction }
    return this.#call('prepare', `${checkpoint}`)?.then(() => value) ?? value
  }

  durable(): void | Promise<void> {
    return this.#call('durable', '')
  }

  commit(prepared: unknown): void | Promise<void> {
    return this.#call('commit', (prepared as { records: unknown[] }).records.join())
  }

  async settle(name: string, error?: Error): Promise<void> {
    const index = this.waiting.findIndex((call) => call.name === name)
    if (index < 0) throw new Error(`no ${name} is under way`)
    this.waiting.splice(index, 1)[0]?.settle(error)
    await turn()
  }

  #call(name: string, detail: string): undefined | Promise<void> {
    this.calls.push(`${name} ${detail}`.trim())
    const exclusive = name !== 'durable'
    if (exclusive && this.#busy !== undefined) throw new Error(`${name} while ${this.#busy} is under way`)
    if (!this.slow.has(name)) return undefined
    if (exclusive) this.#busy = name
    return new Promise((resolve, reject) => {
      this.waiting.push({
        name,
        settle: (error) => {
          if (exclusive) this.#busy = undefined
          if (error === undefined) resolve()
          else reject(error)
        },
      })
    })
  }
}

async function turn(): Promise<void> {
  for (let index = 0; index < 8; index++) await Promise.resolve()
}

function buffer(writer: SinkWriter): { sink: SinkBuffer; gate: Gate; errors: unknown[] } {
  const gate = new Gate()
  const errors: unknown[] = []
  const sink = new SinkBuffer(writer, gate, (error) => {
    if (error !== undefined) errors.push(error)
  })
  return { sink, gate, errors }
}

describe('a writer with transactions', () => {
  test('what lies before the cut is written, then prepared, then comes what lies behind', async () => {
    const writer = new StepWriter()
    const { sink, gate } = buffer(writer)
    sink.accept(1)
    sink.flush()
    sink.accept(2)
    sink.beginCheckpoint(7)
    sink.accept(3)
    expect(sink.checkpointState()).toBeUndefined()
    await writer.settle('write')
    await writer.settle('write')
    expect(gate.closed).toBe(1)
    sink.flush()
    await writer.settle('prepare')
    expect(gate.closed).toBe(0)
    sink.flush()
    // Durability does not hold what lies behind.
    await writer.settle('write')
    expect(sink.checkpointState()).toBeUndefined()
    await writer.settle('durable')
    expect(writer.calls).toEqual(['write 1', 'write 2', 'prepare 7', 'durable', 'write 3'])
    expect(sink.checkpointState()).toEqual({
      pending: [{ checkpoint: 7, prepared: { checkpoint: 7, records: [1, 2] } }],
      records: [],
      firstRecord: 2,
    })
  })

  test('commits in order what was prepared, no other call beside it; one that was given up goes with the next', async () => {
    const writer = new StepWriter()
    writer.slow = new Set(['commit'])
    const { sink } = buffer(writer)
    for (const id of [1, 2, 3]) {
      sink.accept(id)
      sink.beginCheckpoint(id)
    }
    expect(sink.committed).toBe(true)
    sink.commit(2)
    sink.accept(4)
    sink.flush()
    expect(sink.committed).toBe(false)
    await writer.settle('commit')
    await writer.settle('commit')
    expect(sink.committed).toBe(true)
    sink.flush()
    expect(writer.calls.filter((call) => !call.startsWith('durable'))).toEqual([
      'write 1',
      'prepare 1',
      'write 2',
      'prepare 2',
      'write 3',
      'prepare 3',
      'commit 1',
      'commit 2',
      'write 4',
    ])
    sink.beginCheckpoint(5)
    expect(sink.checkpointState()?.pending.map(({ checkpoint }) => checkpoint)).toEqual([3, 5])
  })

  test('commits beside writes where the writer allows it', async () => {
    const writer = Object.assign(new StepWriter(), { commitOverlapsWrites: true })
    const commits: (() => void)[] = []
    writer.commit = () => new Promise<void>((resolve) => commits.push(resolve))
    writer.slow = new Set()
    const { sink, gate } = buffer(writer)
    sink.accept(1)
    sink.beginCheckpoint(1)
    sink.commit(1)
    sink.accept(2)
    sink.flush()
    expect(gate.closed).toBe(0)
    expect(writer.calls).toContain('write 2')
    expect(sink.committed).toBe(false)
    commits.shift()?.()
    await turn()
    expect(sink.committed).toBe(true)
  })

  test('a checkpoint that was given up before its turn moves its cut', async () => {
    const writer = new StepWriter()
    const { sink } = buffer(writer)
    sink.accept(1)
    sink.flush()
    sink.beginCheckpoint(1)
    sink.accept(2)
    sink.beginCheckpoint(2)
    writer.slow = new Set()
    await writer.settle('write')
    expect(sink.checkpointState()).toMatchObject({ pending: [{ checkpoint: 2, prepared: { records: [1, 2] } }] })
    expect(writer.prepared).toBe(1)
  })

  test('durability that was asked for an older one does not stand for the newer', async () => {
    const writer = new StepWriter()
    writer.slow = new Set(['durable'])
    const { sink } = buffer(writer)
    sink.accept(1)
    sink.beginCheckpoint(1)
    sink.accept(2)
    sink.beginCheckpoint(2)
    await writer.settle('durable')
    expect(sink.checkpointState()).toBeUndefined()
    await writer.settle('durable')
    expect(sink.checkpointState()?.pending).toHaveLength(2)
  })

  test('a restored one commits behind open, and tells what was prepared', async () => {
    const writer = new StepWriter()
    writer.slow = new Set()
    const { sink } = buffer(writer)
    const entry = (checkpoint: number): SinkState['pending'][number] => ({ checkpoint, prepared: { checkpoint, records: [checkpoint] } })
    const restored = sink.restore([
      { pending: [entry(2), entry(3)], records: [], firstRecord: 5 },
      { pending: [entry(1)], records: [], firstRecord: 9 },
    ])
    expect(restored.map((prepared) => (prepared as { checkpoint: number }).checkpoint)).toEqual([1, 2, 3])
    expect(sink.firstRecord).toBe(9)
    await sink.commitRestored()
    expect(writer.calls).toEqual(['commit 1', 'commit 2', 'commit 3'])
    expect(sink.committed).toBe(true)
    sink.beginCheckpoint(4)
    expect(sink.checkpointState()).toMatchObject({ pending: [{ checkpoint: 4 }], firstRecord: 9 })
  })

  test.each(['write', 'prepare', 'durable', 'commit'])('%s that fails, fails the subtask, and nothing is called any more', async (name) => {
    const writer = new StepWriter()
    writer.slow = new Set([name])
    const { sink, gate, errors } = buffer(writer)
    sink.accept(1)
    sink.beginCheckpoint(1)
    sink.commit(1)
    const error = new Error('no')
    await writer.settle(name, error)
    const { length } = writer.calls
    sink.accept(2)
    sink.flush()
    sink.commit(2)
    expect(errors).toEqual([error])
    expect(gate.closed).toBe(0)
    expect(writer.calls).toHaveLength(length)
  })

  test('abort comes before close where the job failed', async () => {
    const calls: string[] = []
    const writer: SinkWriter = { write: () => undefined, abort: () => void calls.push('abort'), close: () => void calls.push('close') }
    await buffer(writer).sink.close(true)
    await buffer(writer).sink.close(false)
    expect(calls).toEqual(['abort', 'close', 'close'])
  })
})

describe('a writer without transactions', () => {
  test('never holds a checkpoint: what is not written is state, and written first after a restore', async () => {
    const settle: (() => void)[] = []
    const writer: SinkWriter = { write: () => new Promise<void>((resolve) => settle.push(resolve)) }
    const { sink } = buffer(writer)
    sink.accept('a')
    sink.flush()
    settle.shift()?.()
    await turn()
    sink.accept('b')
    sink.flush()
    sink.accept('c')
    sink.beginCheckpoint(1)
    const state = sink.checkpointState()
    expect(state).toEqual({ pending: [], records: ['b', 'c'], firstRecord: 1 })
    // What comes later is not part of it.
    sink.accept('d')
    expect(state?.records).toEqual(['b', 'c'])

    const written: unknown[] = []
    const next = buffer({ write: (records) => void written.push(...records) }).sink
    expect(next.restore([state])).toEqual([])
    next.accept('e')
    next.flush()
    expect(written).toEqual(['b', 'c', 'e'])
    next.beginCheckpoint(2)
    expect(next.checkpointState()).toEqual({ pending: [], records: [], firstRecord: 4 })
  })

  test('that has written nothing has no state', () => {
    const { sink } = buffer({ write: () => undefined })
    sink.beginCheckpoint(1)
    expect(sink.checkpointState()).toBeNull()
  })

  test('says itself what it still holds', () => {
    const held: unknown[] = []
    const { sink } = buffer({ write: (records) => void held.push(...records), unwritten: () => held })
    sink.accept(1)
    sink.flush()
    sink.accept(2)
    sink.beginCheckpoint(1)
    expect(sink.checkpointState()).toEqual({ pending: [], records: [1, 2], firstRecord: 0 })
  })
})

test('whatever the order of records, checkpoints, completions and crashes: committed is every record once, in order', async () => {
  const action = fc.oneof(
    { arbitrary: fc.constant('accept'), weight: 6 },
    ...['flush', 'begin', 'complete', 'settle', 'crash'].map((name) => ({
      arbitrary: fc.constant(name),
      weight: name === 'crash' ? 1 : 3,
    })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), fc.subarray(['write', 'prepare', 'durable', 'commit']), async (actions, slow) => {
      // The world outside: what commits made visible, by transaction.
      const visible = new Map<string, readonly number[]>()
      let complete: { id: number; state: SinkState | null; accepted: number } = { id: 0, state: null, accepted: 0 }
      let checkpoint = 0
      let accepted = 0
      let cut = 0
      const make = (): { sink: SinkBuffer; writer: StepWriter; gate: Gate; errors: unknown[] } => {
        const writer = new StepWriter()
        writer.slow = new Set(slow)
        const commit = writer.commit.bind(writer)
        writer.commit = (prepared) => {
          const { checkpoint: id, records } = prepared as { checkpoint: number; records: number[] }
          if (records.length > 0) visible.set(`${id}`, records)
          return commit(prepared)
        }
        return { ...buffer(writer), writer }
      }
      let { sink, writer, gate, errors } = make()
      const crash = async (): Promise<void> => {
        ;({ sink, writer, gate, errors } = make())
        accepted = complete.accepted
        if (complete.state === null) return
        const { slow: kept } = writer
        writer.slow = new Set()
        sink.restore([complete.state])
        await sink.commitRestored()
        writer.slow = kept
      }
      const finish = async (): Promise<void> => {
        for (let index = 0; index < 20; index++) {
          while (writer.waiting.length > 0) await writer.settle(writer.waiting[0]?.name as string)
          sink.flush()
        }
      }
      for (const name of [...actions, 'end']) {
        if (name === 'accept' && gate.closed === 0) sink.accept(++accepted)
        if (name === 'flush') sink.flush()
        if (name === 'settle' && writer.waiting.length > 0) await writer.settle(writer.waiting[0]?.name as string)
        if (name === 'crash') await crash()
        if (name === 'end') await finish()
        if (name === 'begin' || name === 'end') {
          cut = accepted
          sink.beginCheckpoint(++checkpoint)
        }
        if (name === 'end') await finish()
        if (name !== 'complete' && name !== 'end') continue
        const state = sink.checkpointState()
        if (state === undefined || complete.id === checkpoint) continue
        complete = { id: checkpoint, state, accepted: cut }
        sink.commit(checkpoint)
        if (name === 'end') await finish()
      }
      expect(errors).toEqual([])
      expect(sink.committed).toBe(true)
      expect([...visible.values()].flat()).toEqual(Array.from({ length: accepted }, (_, index) => index + 1))
    }),
    { numRuns: 500 },
  )
})
