/**
 * What every bridge into a job owes, after the rules of Reactive Streams (https://github.com/reactive-streams/reactive-streams-jvm#specification), checked with an
 * instrumented other side in real jobs on the calling thread. Rules are cited by number.
 */
import { defineJob, forEach, run, type Source, SluiceError } from 'sluice'
import { expect, onTestFinished, test } from 'vitest'

/** What the other side is to do. */
export interface SourceScript {
  /** Values 0, 1, 2, ... before the end; Infinity: there is none. */
  readonly values: number
  /** Fails instead of giving this value. */
  readonly failsAt?: number
  /** Gives nothing from this value on, and does not end. */
  readonly silentAt?: number
  /** Every value is there as soon as it is asked for; otherwise every 16th takes a turn of the event loop. */
  readonly atOnce?: boolean
}

/** What the other side saw. */
export class SourceProbe {
  /** Values that were taken from it. */
  pulled = 0
  /** How often it was released: returned, destroyed, cancelled, unsubscribed. */
  released = 0
  /** Requests while another was under way, requests behind the end or the release. */
  readonly violations: string[] = []
  readonly failure: Error = new Error('the other side failed')
  /** Called with each value that is taken. */
  onPull: () => void = () => undefined

  pull(): number {
    this.onPull()
    return this.pulled++
  }
}

export interface SourceBridge {
  readonly name: string
  /** Values that may be out of the other side, and not in the job. */
  readonly aheadMax: number
  /** Values of one batch. */
  readonly batch: number
  readonly open: (script: SourceScript, probe: SourceProbe) => Source<number>
}

interface Options {
  /** Values in the job so far, as the first operator sees them. */
  readonly onRecord?: (value: number) => void
  readonly write?: (value: number) => Promise<void> | void
  /** This value fills all that the sink takes by itself: the job stands right behind it. */
  readonly fillsSinkAt?: number
}

/** A write of 256 and what gathers meanwhile, with more to come. */
const SINK_RECORDS = 600

function start(bridge: SourceBridge, script: SourceScript, probe: SourceProbe, options: Options = {}) {
  const taken: number[] = []
  const written: number[] = []
  const job = defineJob({ name: 'bridge' }, (builder) => {
    builder
      .source('input', bridge.open(script, probe))
      .map((value) => {
        options.onRecord?.(value)
        taken.push(value)
        return { value }
      })
      .flatMap((record) => (record.value === options.fillsSinkAt ? Array.from({ length: SINK_RECORDS }, () => record) : [record]))
      .sink(
        'output',
        forEach(async ({ value }) => {
          await options.write?.(value)
          written.push(value)
        }),
      )
  })
  return { handle: run(job), taken, written }
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Waits for something that has to come; the test's own timeout says where it does not. */
export async function until(holds: () => boolean): Promise<void> {
  let over = false
  onTestFinished(() => void (over = true))
  while (!holds() && !over) await turn()
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, value) => value)

export function checkSourceBridge(bridge: SourceBridge): void {
  const { name, aheadMax } = bridge

  test(`${name}: every value once and in order, and nothing is asked for behind the end (1.2, 1.7, 2.4)`, async () => {
    const probe = new SourceProbe()
    const { handle, written } = start(bridge, { values: 1_000 }, probe)
    await handle.finished
    await turn()
    expect(written).toEqual(upTo(1_000))
    expect(probe.pulled).toBe(1_000)
    expect(probe.violations).toEqual([])
  })

  test(`${name}: an empty one ends (1.5)`, async () => {
    const probe = new SourceProbe()
    const { handle, written } = start(bridge, { values: 0 }, probe)
    await handle.finished
    expect(written).toEqual([])
    expect(probe.violations).toEqual([])
  })

  test(`${name}: never more than was asked for, whatever the sink does (1.1, 2.7, 3.8)`, async () => {
    const probe = new SourceProbe()
    let ahead = 0
    let resume: (() => void) | undefined
    const { handle, taken, written } = start(bridge, { values: Number.POSITIVE_INFINITY }, probe, {
      // Slow, then at a stand, then slow again.
      write: (value) => (value === 300 ? new Promise((resolve) => (resume = resolve)) : value % 16 === 0 ? turn() : undefined),
    })
    probe.onPull = () => {
      ahead = Math.max(ahead, probe.pulled + 1 - taken.length)
    }
    await until(() => resume !== undefined)
    let before = -1
    // The job fills up to its credit; then nothing moves any more.
    while (before !== probe.pulled) {
      before = probe.pulled
      for (let count = 0; count < 50; count++) await turn()
    }
    const standing = probe.pulled
    for (let count = 0; count < 50; count++) await turn()
    expect(probe.pulled).toBe(standing)
    resume?.()
    await until(() => written.length > 2_000)
    await handle.stop()
    await handle.finished
    expect(ahead).toBeGreaterThan(0)
    expect(ahead).toBeLessThanOrEqual(aheadMax)
    expect(probe.violations).toEqual([])
  })

  test(`${name}: no more either where values are there at once, wherever in a batch the job stands (1.1, 3.8)`, async () => {
    let aheadMost = 0
    // Not in the first batches: what is read ahead of them is less.
    const first = 3 * bridge.batch
    const step = Math.max(1, bridge.batch / 16)
    for (let at = first; at < first + bridge.batch; at += step) {
      const probe = new SourceProbe()
      let resume: (() => void) | undefined
      const { handle, taken } = start(bridge, { values: Number.POSITIVE_INFINITY, atOnce: true }, probe, {
        fillsSinkAt: at,
        write: (value) => (value === at && resume === undefined ? new Promise((resolve) => (resume = resolve)) : undefined),
      })
      probe.onPull = () => {
        aheadMost = Math.max(aheadMost, probe.pulled + 1 - taken.length)
      }
      await until(() => resume !== undefined)
      let before = -1
      while (before !== probe.pulled) {
        before = probe.pulled
        for (let count = 0; count < 5; count++) await turn()
      }
      const stopped = handle.stop()
      resume?.()
      await stopped
      await handle.finished
      expect(taken).toEqual(upTo(taken.length))
      expect(probe.violations).toEqual([])
    }
    expect(aheadMost).toBeLessThanOrEqual(aheadMax)
    // And it is reached, but for a value or two: what was said to be the bound is not far too large.
    expect(aheadMost).toBeGreaterThanOrEqual(aheadMax - 2)
  })

  test(`${name}: its failure is the cause, behind the values before it (1.4, 2.4)`, async () => {
    const probe = new SourceProbe()
    const { handle, taken } = start(bridge, { values: 1_000, failsAt: 300 }, probe)
    const error: unknown = await handle.finished.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SluiceError)
    expect(error).toMatchObject({ code: 'SLUICE_SOURCE_FAILED', coordinates: { operator: 'input' } })
    expect((error as Error).cause).toMatchObject({ message: probe.failure.message })
    expect(taken).toEqual(upTo(taken.length))
    expect(taken.length).toBeLessThanOrEqual(300)
    expect(probe.violations).toEqual([])
  })

  test(`${name}: a stop releases it once, and what was taken flows out (1.8, 3.5, 3.12, 3.13)`, async () => {
    const probe = new SourceProbe()
    const { handle, taken, written } = start(bridge, { values: Number.POSITIVE_INFINITY }, probe)
    await until(() => written.length > 500)
    await handle.stop()
    await handle.finished
    const { pulled } = probe
    for (let count = 0; count < 10; count++) await turn()
    expect(probe.released).toBe(1)
    expect(probe.pulled).toBe(pulled)
    expect(written).toEqual(upTo(written.length))
    expect(written).toEqual(taken)
    expect(probe.violations).toEqual([])
  })

  test(`${name}: a stop does not wait for one that is silent (3.5)`, async () => {
    const probe = new SourceProbe()
    const { handle, written } = start(bridge, { values: Number.POSITIVE_INFINITY, silentAt: 10 }, probe)
    await until(() => written.length === 10)
    await handle.stop()
    await handle.finished
    expect(written).toEqual(upTo(10))
    expect(probe.released).toBe(1)
    expect(probe.violations).toEqual([])
  })

  test(`${name}: one that was opened and gave nothing is released too (3.12)`, async () => {
    const probe = new SourceProbe()
    const { handle } = start(bridge, { values: Number.POSITIVE_INFINITY, silentAt: 0 }, probe)
    for (let count = 0; count < 20; count++) await turn()
    await handle.stop()
    await handle.finished
    expect(probe.released).toBe(1)
    expect(probe.violations).toEqual([])
  })

  test(`${name}: the failure of another operator releases it once (3.12, 3.13)`, async () => {
    const probe = new SourceProbe()
    const { handle } = start(bridge, { values: Number.POSITIVE_INFINITY }, probe, {
      onRecord: (value) => {
        if (value === 400) throw new Error('no 400')
      },
    })
    await expect(handle.finished).rejects.toMatchObject({ code: 'SLUICE_OPERATOR_FAILED' })
    expect(probe.released).toBe(1)
    expect(probe.violations).toEqual([])
  })
}
