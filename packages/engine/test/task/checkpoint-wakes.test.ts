/** What sends a subtask to sleep, or keeps it awake, while a checkpoint is under way: readiness is asked for behind the last look, and must find what came in between. */
import { describe, expect, it } from 'vitest'
import { EndReason } from '../../src/channel/frame.js'
import { Input } from '../../src/channel/input-channel.js'
import type { CheckpointReport } from '../../src/checkpoint/protocol.js'
import { CheckpointWords } from '../../src/control/checkpoint-words.js'
import { controlBytes } from '../../src/control/control-layout.js'
import { SubtaskCheckpoints } from '../../src/task/subtask-checkpoints.js'
import { LocalHarness } from '../channel/local-harness.js'
import { RingHarness } from '../channel/ring-harness.js'
import { threadCheckpoints } from '../support/thread-checkpoints.js'

type Harness = RingHarness | LocalHarness

class Bench {
  readonly words: Int32Array = new Int32Array(new SharedArrayBuffer(controlBytes(1)))
  readonly reports: CheckpointReport[] = []
  readonly checkpoints: SubtaskCheckpoints
  settles = true

  constructor({ input, gate }: Harness) {
    this.checkpoints = new SubtaskCheckpoints({
      subtask: 0,
      control: this.words,
      checkpoints: threadCheckpoints((report) => this.reports.push(report)),
      clock: { nowMs: () => 1, monotonicMs: () => 1 },
      gate,
      inputs: [input],
      outputs: [],
      sinks: [],
      settle: () => this.settles,
      maySettle: () => this.settles,
      write: () => {},
      replaying: () => false,
      sayAhead: () => {},
      wake: () => {},
    })
  }

  trigger(id: number): void {
    new CheckpointWords(this.words.buffer as SharedArrayBuffer, () => {}).trigger(id, 'unaligned', 1, false)
  }
}

describe.each<[string, () => Harness]>([
  ['ring', () => new RingHarness()],
  ['local queue', () => new LocalHarness(true, true)],
])('a capture on a %s', (_, make) => {
  it('is ready when its barrier is there, also where nothing is read: the subtask may be backpressured', async () => {
    const harness = make()
    const bench = new Bench(harness)
    harness.emit({ text: 'in front of the barrier' }, 1)
    harness.output.flush()
    bench.trigger(1)
    bench.checkpoints.look(1)
    expect(bench.checkpoints.ready).toBe(false)
    harness.output.sendBarrier(1, true)
    expect(bench.checkpoints.ready).toBe(true)
    bench.checkpoints.look(1)
    expect(bench.checkpoints.ready).toBe(false)
    await expect.poll(() => bench.reports).toMatchObject([{ type: 'acknowledged', id: 1 }])
  })

  it('is ready when its barrier is there behind the end, which was read before', () => {
    const harness = make()
    const bench = new Bench(harness)
    bench.trigger(1)
    bench.checkpoints.look(1)
    harness.output.sendEnd(EndReason.exhausted)
    expect(harness.input.next()).toBe(Input.end)
    bench.checkpoints.look(1)
    expect(bench.checkpoints.ready).toBe(false)
    harness.output.sendBarrier(1, true)
    expect(bench.checkpoints.ready).toBe(true)
  })
})

it('a checkpoint is given up where too much comes in front of a barrier', () => {
  const harness = new LocalHarness(true, true)
  const bench = new Bench(harness)
  bench.trigger(1)
  bench.checkpoints.look(1)
  const text = 'x'.repeat(1 << 20)
  for (let sent = 0; sent <= 65; sent++) {
    if (sent < 64) expect(bench.reports).toEqual([])
    harness.emit({ text }, sent)
    harness.output.flush()
    expect(harness.input.next()).toBe(Input.records)
    harness.input.index = harness.input.count
    harness.input.release()
    bench.checkpoints.look(1)
  }
  expect(bench.reports).toMatchObject([{ type: 'declined', id: 1, error: { code: 'SLUICE_MEMORY_BUDGET' } }])
  // Nothing is kept any more.
  expect(harness.input.captureBytes).toBe(0)
})

it('a subtask sleeps while what is suspended has no room to run on', () => {
  const bench = new Bench(new RingHarness())
  bench.settles = false
  bench.trigger(1)
  bench.checkpoints.look(1)
  expect(bench.checkpoints.ready).toBe(false)
  bench.settles = true
  expect(bench.checkpoints.ready).toBe(true)
})
