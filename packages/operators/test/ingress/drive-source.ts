/** Drives a source that listens the way a subtask does, with a hand on the tap: tests say when the job takes records, and when it stops. */
import type { DeadLetter, Listening, SourceContext, SplitReader } from '@sluice/engine'
import { onTestFinished } from 'vitest'
import type { Source } from '../../src/source/source.js'
import { sourceContext } from '../source/read-source.js'

export interface DrivenSource {
  readonly listening: Listening
  /** In the order in which the job took them. */
  readonly records: unknown[]
  readonly deadLetters: DeadLetter[]
  readonly counts: Record<string, number>
  readonly gauges: Record<string, number>
  /** Records that the source said it lost, by reason. */
  readonly drops: Record<string, number>
  readonly log: string[]
  readonly failure: () => unknown
  dropped: number
  /** The job takes nothing any more. */
  hold(): void
  flow(): void
  /** A checkpoint of everything that was taken is complete. */
  checkpoint(): void
  /** The job stops: what it has not taken is not taken any more. */
  stop(): Promise<void>
  /** Settles when so many records were taken. */
  took(records: number): Promise<void>
}

export interface DriveOptions {
  readonly controller?: AbortController
  readonly operator?: string
  /** Take nothing at first. */
  readonly held?: boolean
}

export async function driveSource(source: Source<unknown>, options: DriveOptions = {}): Promise<DrivenSource> {
  const { controller = new AbortController(), operator = 'input', held = false } = options
  const { spec } = source
  if (spec.kind !== 'source' || spec.reads !== 'splits') throw new Error('not a source of splits')
  const announced: Listening[] = []
  const counts: Record<string, number> = {}
  const gauges: Record<string, number> = {}
  const drops: Record<string, number> = {}
  const log: string[] = []
  const write = (message: string): void => void log.push(message)
  const context: SourceContext = {
    ...sourceContext(controller),
    operator,
    now: () => Date.now(),
    log: { debug: write, info: write, warn: write, error: write },
    metrics: {
      count: (name, by = 1) => void (counts[name] = (counts[name] ?? 0) + by),
      gauge: (name, value) => void (gauges[name] = value),
    },
    countDropped: (count, reason) => void (drops[reason] = (drops[reason] ?? 0) + count),
    announce: (listening) => void announced.push(listening),
  }
  const reader = await spec.open(undefined, context)
  const driven = new Driven(reader, controller, { counts, gauges, drops, log })
  if (held) driven.hold()
  driven.run()
  onTestFinished(() => driven.stop())
  const [listening] = announced
  if (listening === undefined) throw new Error('it announced nothing')
  return Object.assign(driven, { listening })
}

/** What the source says of itself. */
type Told = Pick<DrivenSource, 'counts' | 'gauges' | 'drops' | 'log'>

class Driven implements Told {
  readonly counts: Told['counts']
  readonly gauges: Told['gauges']
  readonly drops: Told['drops']
  readonly log: string[]
  readonly records: unknown[] = []
  readonly deadLetters: DeadLetter[] = []
  dropped = 0
  readonly #reader: SplitReader
  readonly #controller: AbortController
  #flowing: Promise<void> = Promise.resolve()
  #open: () => void = () => undefined
  #failed: unknown
  #stopped: Promise<void> | undefined
  #running: Promise<void> = Promise.resolve()
  #waiting: { readonly records: number; readonly resolve: () => void }[] = []

  constructor(reader: SplitReader, controller: AbortController, { counts, gauges, drops, log }: Told) {
    this.#reader = reader
    this.#controller = controller
    this.counts = counts
    this.gauges = gauges
    this.drops = drops
    this.log = log
  }

  readonly failure = (): unknown => this.#failed

  hold(): void {
    this.#flowing = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  flow(): void {
    this.#open()
    this.#flowing = Promise.resolve()
  }

  run(): void {
    this.#running = this.#loop().catch((error: unknown) => {
      this.#failed = error
      this.#controller.abort()
    })
  }

  checkpoint(): void {
    void this.#reader.covered?.(this.records.length, this.deadLetters.length)
  }

  stop(): Promise<void> {
    this.#controller.abort()
    this.#open()
    return (this.#stopped ??= this.#running.then(() => this.#reader.close?.()))
  }

  took(records: number): Promise<void> {
    if (this.records.length >= records) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ records, resolve }))
  }

  async #loop(): Promise<void> {
    const reader = this.#reader
    for (;;) {
      await this.#flowing
      const batch = await reader.next()
      if (batch === undefined) return
      await this.#flowing
      if (this.#controller.signal.aborted) return
      this.deadLetters.push(...(batch.deadLetters ?? []))
      this.dropped += batch.dropped ?? 0
      this.records.push(...batch.records)
      reader.taken?.(this.records.length, this.deadLetters.length)
      const due = this.#waiting.filter(({ records }) => records <= this.records.length)
      this.#waiting = this.#waiting.filter((one) => !due.includes(one))
      for (const { resolve } of due) resolve()
    }
  }
}
