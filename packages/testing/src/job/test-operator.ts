/** One operator, or a few, fed by hand: records, watermarks and time, with everything in between as it runs in a job. */
import { defineJob, type Duration, fromArray, parseDuration, type Stream } from '@sluice/operators'
import type { SourceBatch, SplitSourceSpec } from '@sluice/engine'
import { Scheduler } from '../schedule/scheduler.js'
import { EPOCH_MS } from '../schedule/virtual-environment.js'
import { rewriteGraph } from './rewrite-graph.js'
import { Simulation } from './simulation.js'

export interface TestOperatorOptions {
  /** Decides every interleaving. Default 1. */
  readonly seed?: number | undefined
  /** Subtasks of the operator. Default 1. */
  readonly parallelism?: number | undefined
}

/** A harness around an operator. */
export interface OperatorHarness<in T, out R> {
  /** Everything given so far. */
  readonly outputs: readonly R[]
  /** What was given since the last call. */
  take(): readonly R[]
  /** Processing time in ms since the epoch. */
  readonly nowMs: number
  /** Feeds a record; settles when all that follows from it has happened. `timestamp`: ms since the epoch. Default: processing time. */
  push(record: T, timestamp?: number): Promise<void>
  /** Event time has come to here: timers and windows up to it fire. */
  watermark(time: number): Promise<void>
  /** Processing time goes on. */
  advance(by: Duration): Promise<void>
  /** The input ends: what is open fires. */
  end(): Promise<void>
}

type Fed<T> = { readonly kind: 'record'; readonly record: T; readonly time: number } | { readonly kind: 'watermark'; readonly time: number }

/** Virtual time for what was fed to be read, worked off and written. */
const SETTLE_MS = 5
/** Name of the stream that is collected. */
const OUTPUT = 'result'

/**
 * Runs what `build` declares over a stream that is fed by hand, on this thread and in virtual time. Call `end` when done: until then Date and timers are
 * virtual for the test too. Every call fails with what the operator failed with.
 *
 * @throws SluiceError what the operator threw
 * @example
 * const harness = testOperator((orders: Stream<Order, never>) => orders.keyBy((order) => order.customer).process('running-total', runningTotal))
 * await harness.push({ customer: 'ann', amount: 5 })
 * await harness.advance('1h')
 * expect(harness.take()).toEqual([{ customer: 'ann', total: 5 }])
 * await harness.end()
 */
export function testOperator<T, R>(
  build: (input: Stream<T, never>) => Stream<R>,
  options: TestOperatorOptions = {},
): OperatorHarness<T, R> {
  return new Harness(build, options)
}

class Harness<T, R> implements OperatorHarness<T, R> {
  readonly #scheduler: Scheduler
  readonly #simulation: Simulation
  readonly #queue: Fed<T>[] = []
  #asked: ((batch: SourceBatch | undefined) => void) | undefined
  #ended = false
  #taken = 0
  #stepping: (() => void) | undefined
  #untilMs = 0
  #failure: { readonly error: unknown } | undefined
  #over = false
  readonly #running: Promise<void>

  constructor(build: (input: Stream<T, never>) => Stream<R>, { seed = 1, parallelism = 1 }: TestOperatorOptions) {
    const job = defineJob({ name: 'test-operator' }, (builder) => {
      const fed = builder
        .source('input', fromArray<Fed<T>>([]))
        .withTimestamps(({ time }) => time, { watermark: handSet, perRecord: true, idleAfter: false })
      const records = fed.flatMap((one) => (one.kind === 'record' ? [one.record] : []))
      return { [OUTPUT]: build(records) }
    })
    this.#scheduler = new Scheduler({ seed })
    this.#simulation = new Simulation({
      scheduler: this.#scheduler,
      settings: () => ({ workers: 1, parallelism }),
      globals: true,
      declare: () =>
        rewriteGraph(job.declare({}, { collect: true }), {
          source: () => this.#source,
          sink: ({ name }) => this.#simulation.recorder.sink(name),
        }),
      pace: () => this.#pace(),
    })
    this.#running = this.#simulation.run().then(
      () => this.#finish(),
      (error: unknown) => {
        this.#failure = { error }
        this.#finish()
      },
    )
  }

  get outputs(): readonly R[] {
    return this.#simulation.recorder.recordsOf(`collect:${OUTPUT}`) as readonly R[]
  }

  get nowMs(): number {
    return Math.floor(EPOCH_MS + this.#scheduler.nowMs)
  }

  take(): readonly R[] {
    const taken = this.outputs.slice(this.#taken)
    this.#taken = this.outputs.length
    return taken
  }

  push(record: T, timestamp: number = this.nowMs): Promise<void> {
    return this.#feed({ kind: 'record', record, time: timestamp })
  }

  watermark(time: number): Promise<void> {
    return this.#feed({ kind: 'watermark', time })
  }

  advance(by: Duration): Promise<void> {
    return this.#go(parseDuration(by, 'the time to advance by'))
  }

  async end(): Promise<void> {
    this.#ended = true
    this.#answer()
    this.#untilMs = Number.POSITIVE_INFINITY
    this.#stepping?.()
    await this.#running
    this.#check()
  }

  readonly #source: SplitSourceSpec = {
    kind: 'source',
    reads: 'splits',
    splits: () => [0],
    open: () => ({
      next: () =>
        new Promise((resolve) => {
          this.#asked = resolve
          this.#answer()
        }),
    }),
    replayable: false,
  }

  #answer(): void {
    const asked = this.#asked
    if (asked === undefined || (this.#queue.length === 0 && !this.#ended)) return
    this.#asked = undefined
    asked(this.#queue.length > 0 ? { records: this.#queue.splice(0) } : undefined)
  }

  #feed(one: Fed<T>): Promise<void> {
    this.#queue.push(one)
    this.#answer()
    return this.#go(SETTLE_MS)
  }

  /** Lets virtual time go on by so much. */
  async #go(byMs: number): Promise<void> {
    this.#check()
    await this.#simulation.begun
    this.#untilMs = this.#scheduler.nowMs + byMs
    const arrived = new Promise<void>((resolve) => {
      this.#arrived = resolve
    })
    this.#stepping?.()
    await Promise.race([arrived, this.#running])
    this.#check()
  }

  #arrived: () => void = () => {}

  /** In front of every choice: waits for the test where time has come as far as it may. */
  #pace(): Promise<void> | undefined {
    if (!this.#scheduler.quietUntil(this.#untilMs)) return undefined
    this.#scheduler.nowMs = Math.max(this.#scheduler.nowMs, this.#untilMs)
    this.#arrived()
    return new Promise((resolve) => {
      this.#stepping = resolve
    })
  }

  #finish(): void {
    this.#over = true
    this.#arrived()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#over && !this.#ended) throw new Error('the operator has ended')
  }
}

function handSet(): { onRecord(record: Fed<unknown>): void; watermark(): number } {
  let watermark = Number.NEGATIVE_INFINITY
  return {
    onRecord: (one) => {
      if (one.kind === 'watermark') watermark = Math.max(watermark, one.time)
    },
    watermark: () => watermark,
  }
}
