/**
 * What every bridge out of a job owes, after the rules of Reactive Streams (https://github.com/reactive-streams/reactive-streams-jvm#specification), checked with an
 * instrumented other side in real jobs on the calling thread. Rules are cited by number.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineJob, fromAsyncIterable, run, type RunOptions, type Sink, SluiceError } from 'sluice'
import { expect, onTestFinished, test } from 'vitest'
import { turn, until } from './source-contract.js'

/** What the other side is to do. */
export interface SinkScript {
  /** Waits before it takes this value, until `probe.resume` is called. */
  readonly standsAt?: number
  /** Fails at this value. */
  readonly failsAt?: number
  /** Wants no more behind this value; where a side can say so. */
  readonly leavesAt?: number
}

/** What the other side saw. */
export class SinkProbe {
  readonly received: number[] = []
  /** How it was ended, in order: 'complete', 'error'. */
  readonly ends: string[] = []
  /** Signals that overlap, that nobody asked for, or that come behind the end. */
  readonly violations: string[] = []
  readonly failure: Error = new Error('the other side failed')
  resume: (() => void) | undefined

  receive(value: number): void {
    if (this.ends.at(-1) === 'complete') this.violations.push(`${value} behind the end`)
    this.received.push(value)
  }

  /** Every eighth value takes a turn. */
  async take(value: number, script: SinkScript): Promise<void> {
    if (value === script.standsAt) await new Promise<void>((resolve) => (this.resume = resolve))
    else if (value % 8 === 0) await turn()
    if (value === script.failsAt) throw this.failure
  }
}

export interface SinkBridge {
  readonly name: string
  /** Values that may have left the operator in front of the sink and not be received: one batch and what the other side holds. */
  readonly aheadMax: number
  /** The other side can stop reading early. */
  readonly leaves: boolean
  readonly open: (script: SinkScript, probe: SinkProbe) => Sink<number>
}

interface Options {
  readonly onRecord?: (value: number) => void
  readonly restarts?: RunOptions
}

/** The engine gathers up to a batch while one is written. */
const BATCH_RECORDS = 256

function start(bridge: SinkBridge, values: number, script: SinkScript, probe: SinkProbe, options: Options = {}) {
  const counted = { given: 0 }
  async function* numbers(): AsyncGenerator<number> {
    for (let value = 0; value < values; value++) {
      if (value % 50 === 0) await turn()
      yield value
    }
  }
  const job = defineJob({ name: 'bridge' }, (builder) => {
    builder
      .source('input', fromAsyncIterable(numbers, { replayable: true }))
      .map((value) => {
        options.onRecord?.(value)
        counted.given++
        return value
      })
      .sink('output', bridge.open(script, probe))
  })
  return { handle: run(job, options.restarts ?? {}), counted }
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, value) => value)

export function checkSinkBridge(bridge: SinkBridge): void {
  const { name, aheadMax } = bridge

  test(`${name}: every record once and in order, then the end, once (1.2, 1.3, 1.5, 1.7)`, async () => {
    const probe = new SinkProbe()
    await start(bridge, 1_000, {}, probe).handle.finished
    await turn()
    expect(probe.received).toEqual(upTo(1_000))
    expect(probe.ends).toEqual(['complete'])
    expect(probe.violations).toEqual([])
  })

  test(`${name}: the end of an empty stream (1.5)`, async () => {
    const probe = new SinkProbe()
    await start(bridge, 0, {}, probe).handle.finished
    expect(probe.received).toEqual([])
    expect(probe.ends).toEqual(['complete'])
    expect(probe.violations).toEqual([])
  })

  test(`${name}: never more than was asked for, while the other side stands (1.1, 3.8)`, async () => {
    const probe = new SinkProbe()
    const { handle, counted } = start(bridge, 3_000, { standsAt: 300 }, probe)
    await until(() => probe.resume !== undefined)
    for (let count = 0; count < 100; count++) await turn()
    const { given } = counted
    expect(given - probe.received.length).toBeLessThanOrEqual(aheadMax + BATCH_RECORDS)
    for (let count = 0; count < 50; count++) await turn()
    expect(counted.given).toBe(given)
    expect(probe.ends).toEqual([])
    probe.resume?.()
    await handle.finished
    expect(probe.received).toEqual(upTo(3_000))
    expect(probe.violations).toEqual([])
  })

  test(`${name}: its failure fails the job with the cause, and it hears nothing more (2.13)`, async () => {
    const probe = new SinkProbe()
    const error: unknown = await start(bridge, 1_000, { failsAt: 300 }, probe).handle.finished.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SluiceError)
    expect(error).toMatchObject({ code: 'SLUICE_SINK_FAILED', coordinates: { operator: 'output' } })
    expect((error as Error).cause).toBe(probe.failure)
    const { length } = probe.received
    await turn()
    expect(probe.received).toEqual(upTo(length))
    expect(probe.ends).not.toContain('complete')
    expect(probe.violations).toEqual([])
  })

  test(`${name}: hears of the failure of another operator, once (1.4, 1.7)`, async () => {
    const probe = new SinkProbe()
    const { handle } = start(bridge, 2_000, {}, probe, {
      onRecord: (value) => {
        if (value === 1_500) throw new Error('no 1,500')
      },
    })
    await expect(handle.finished).rejects.toMatchObject({ code: 'SLUICE_OPERATOR_FAILED' })
    await turn()
    expect(probe.ends).toEqual(['error'])
    expect(probe.received).toEqual(upTo(probe.received.length))
    expect(probe.violations).toEqual([])
  })

  test(`${name}: hears of a failure while it stands (1.4, 3.5)`, async () => {
    const probe = new SinkProbe()
    const { handle } = start(bridge, 2_000, { standsAt: 100 }, probe, {
      onRecord: (value) => {
        if (value === 130) throw new Error('no 130')
      },
    })
    // Whether it stands already or has nothing yet, it is released.
    await expect(handle.finished).rejects.toMatchObject({ code: 'SLUICE_OPERATOR_FAILED' })
    probe.resume?.()
    await turn()
    await turn()
    expect(probe.ends).toEqual(['error'])
    expect(probe.violations).toEqual([])
  })

  test(`${name}: a stop lets what is under way arrive, and ends it (1.5, 3.12)`, async () => {
    const probe = new SinkProbe()
    const { handle, counted } = start(bridge, Number.POSITIVE_INFINITY, {}, probe)
    await until(() => probe.received.length > 500)
    await handle.stop()
    await handle.finished
    await turn()
    expect(probe.received).toEqual(upTo(counted.given))
    expect(probe.ends).toEqual(['complete'])
    expect(probe.violations).toEqual([])
  })

  test(`${name}: nothing is lost over a restart from a checkpoint`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-bridge-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const probe = new SinkProbe()
    let left = 2
    let checkpoints = 0
    const { handle } = start(bridge, 4_000, {}, probe, {
      onRecord: (value) => {
        if (left > 0 && checkpoints > 0 && value > 500) {
          left--
          checkpoints = 0
          throw new Error('crash')
        }
      },
      restarts: { checkpoint: { interval: 5, directory }, restart: { strategy: 'fixed', attempts: 3, delay: 1 } },
    })
    handle.events.on('checkpoint', () => checkpoints++)
    await handle.finished
    expect(left).toBeLessThan(2)
    expect([...new Set(probe.received)].toSorted((one, other) => one - other)).toEqual(upTo(4_000))
  })

  if (!bridge.leaves) return
  test(`${name}: stopping to read before the end fails the job (2.8, 3.12)`, async () => {
    const probe = new SinkProbe()
    const { handle } = start(bridge, 1_000, { leavesAt: 300 }, probe)
    await expect(handle.finished).rejects.toMatchObject({ code: 'SLUICE_SINK_FAILED', coordinates: { operator: 'output' } })
    expect(probe.received).toEqual(upTo(301))
    expect(probe.violations).toEqual([])
  })
}
