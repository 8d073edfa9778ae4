/**
 * The one who decides in a simulation: time is virtual, and one seeded choice after the other says who goes on (a loop, a timer, an answer of
 * storage) and how far time moves. Between two choices every settled promise has been heard, so what happens follows from the seed alone.
 *
 * Nobody to run and nothing to wait for is a deadlock; a loop that reads the clock without end and never yields, and a run without end,
 * are livelocks. All of them fail, and say who waits for what.
 */
import type { Doorbell } from '@sluice/engine'
import type { Life } from './life.js'
import { SeededRandom } from './seeded-random.js'
import { SimulationFailure } from './simulation-failure.js'
import { Trace } from './trace.js'

/** Something that may happen: when it is ready, and its life goes on. */
export interface Awaited {
  readonly life: Life
  /** Part of the trace: `park`, `timer`, `append chk-3/state-1.bin`. */
  readonly what: string
  /** Ready when the bell no longer holds `seen`, too. */
  readonly bell?: { readonly doorbell: Doorbell; readonly seen: number } | undefined
  /** Ready from here on; -Infinity: at once; Infinity: never by itself. */
  readonly atMs: number
  readonly happen: () => void
  /** Timers happen in the order of their time, and of their registration where that is the same. */
  readonly ordered?: boolean | undefined
}

export interface SchedulerOptions {
  readonly seed: number
  /** Choices that no healthy run needs. Default 1,000,000. */
  readonly choicesMax?: number | undefined
  /** Says more of a stall: who waits for what. */
  readonly explain?: (() => string) | undefined
}

const CHOICES_MAX = 1_000_000
/** Readings of the clock between two choices that no healthy loop needs. */
const READINGS_MAX = 50_000
/** How long time goes by between two readings of a clock, at most: as drawn for a run. */
const TICKS_MS = [0.02, 0.1, 0.4, 2]
/** How eager somebody is to run, as drawn for each and drawn again now and then. */
const WEIGHTS = [1, 1, 1, 0.05, 8]
const WEIGHTS_AGAIN = 0.002
/** Nobody runs for a while although somebody could. */
const PAUSE = 0.01
const PAUSE_MS = 3
/** A timer is late by up to so much. */
const OVERSHOOT = 0.2
const OVERSHOOT_MS = 5

/** Taken before anybody can replace it. */
const realImmediate: (then: () => void) => unknown = globalThis.setImmediate

export class Scheduler {
  readonly random: SeededRandom
  readonly trace: Trace = new Trace()
  readonly seed: number
  explain: () => string
  /** What must not be hurried: whoever tells time what it is worth. */
  nowMs = 1000
  choices = 0
  /** Whose code runs. */
  current: Life | undefined
  /** Called in front of every choice: where faults come in. True: one did. */
  onChoice: (choice: number) => boolean = () => false
  readonly #awaited: Awaited[] = []
  readonly #weights: Map<string, number> = new Map()
  readonly #clockRandom: SeededRandom
  readonly #tickMs: number
  readonly #choicesMax: number
  #readings = 0

  constructor({ seed, choicesMax, explain }: SchedulerOptions) {
    this.seed = seed
    this.random = new SeededRandom(seed)
    this.#clockRandom = this.random.fork()
    this.#tickMs = this.random.pick(TICKS_MS)
    this.#choicesMax = choicesMax ?? CHOICES_MAX
    this.explain = explain ?? (() => '')
  }

  /** A reading of the monotonic clock, which moves with every reading: steps end after different amounts of work. */
  readClock(): number {
    if (++this.#readings > READINGS_MAX) {
      throw new SimulationFailure(
        this.seed,
        `livelock: ${this.current?.name ?? 'a loop'} read the clock ${READINGS_MAX} times and never yielded`,
      )
    }
    this.nowMs += this.#clockRandom.next() * this.#tickMs
    return this.nowMs
  }

  /** Asks for something to happen; the answer takes it back. */
  await(awaited: Awaited): () => void {
    this.#awaited.push(awaited)
    return () => {
      const at = this.#awaited.indexOf(awaited)
      if (at >= 0) this.#awaited.splice(at, 1)
    }
  }

  /** A promise of something that happens after a time, as chance has it among all that is ready then. */
  after(life: Life, what: string, delayMs: number): Promise<void> {
    return new Promise((resolve) => this.await({ life, what, atMs: this.nowMs + delayMs, happen: resolve }))
  }

  /** Makes one choice after the other until `done`. `pace` is asked in front of each: what it gives is waited for, and nothing is chosen. */
  async runUntil(done: () => boolean, pace?: () => Promise<void> | undefined): Promise<void> {
    for (;;) {
      await settled()
      if (done()) return
      const wait = pace?.()
      if (wait === undefined) this.#choose()
      else await wait
    }
  }

  /** Nothing can happen now, and nothing will by itself up to a time. */
  quietUntil(untilMs: number): boolean {
    this.#bury()
    return this.#ready().length === 0 && this.nextMs > untilMs
  }

  /** When something happens by itself next, Infinity: never. */
  get nextMs(): number {
    this.#bury()
    return this.#awaited.reduce((least, { atMs }) => Math.min(least, atMs), Number.POSITIVE_INFINITY)
  }

  /** Counts as something that happened: part of the trace. */
  note(what: string): void {
    this.trace.add(what, this.nowMs)
  }

  #choose(): void {
    this.#count()
    // A process that crashed has nothing to wait for: whoever runs it looks first.
    if (this.onChoice(this.choices)) return
    this.#bury()
    this.#readings = 0
    const ready = this.#ready()
    if (ready.length > 0 && this.random.chance(PAUSE)) {
      this.nowMs += this.random.next() * PAUSE_MS
      return
    }
    const chosen = this.#draw(ready)
    if (chosen === undefined) {
      this.#skipTime()
      return
    }
    this.#awaited.splice(this.#awaited.indexOf(chosen), 1)
    this.trace.add(`${chosen.life.name} ${chosen.what}`, this.nowMs)
    this.current = chosen.life
    chosen.happen()
  }

  #count(): void {
    if (++this.choices <= this.#choicesMax) return
    throw new SimulationFailure(this.seed, `livelock: no end after ${this.#choicesMax} choices\n${this.#waiters()}\n${this.explain()}`)
  }

  #bury(): void {
    for (let at = this.#awaited.length - 1; at >= 0; at--) if (this.#awaited[at]?.life.alive === false) this.#awaited.splice(at, 1)
  }

  #ready(): Awaited[] {
    const ready: Awaited[] = []
    let timer: Awaited | undefined
    for (const awaited of this.#awaited) {
      const { bell, atMs, ordered } = awaited
      const rung = bell !== undefined && Atomics.load(bell.doorbell.words, bell.doorbell.bellAt) !== bell.seen
      if (!rung && atMs > this.nowMs) continue
      if (ordered !== true) ready.push(awaited)
      else if (timer === undefined || atMs < timer.atMs) timer = awaited
    }
    if (timer !== undefined) ready.push(timer)
    return ready
  }

  #draw(ready: readonly Awaited[]): Awaited | undefined {
    if (ready.length <= 1) return ready[0]
    if (this.random.chance(WEIGHTS_AGAIN)) this.#weights.clear()
    let total = 0
    for (const { life } of ready) total += this.#weightOf(life)
    let drawn = this.random.next() * total
    for (const awaited of ready) {
      drawn -= this.#weightOf(awaited.life)
      if (drawn < 0) return awaited
    }
    return ready.at(-1)
  }

  #weightOf(life: Life): number {
    let weight = this.#weights.get(life.name)
    if (weight === undefined) this.#weights.set(life.name, (weight = this.random.pick(WEIGHTS)))
    return weight
  }

  #skipTime(): void {
    const nextMs = this.nextMs
    if (nextMs === Number.POSITIVE_INFINITY) {
      throw new SimulationFailure(this.seed, `deadlock: nothing can happen any more\n${this.#waiters()}\n${this.explain()}`)
    }
    this.nowMs = Math.max(this.nowMs, nextMs)
    if (this.random.chance(OVERSHOOT)) this.nowMs += this.random.next() * OVERSHOOT_MS
  }

  #waiters(): string {
    return this.#awaited
      .map(
        ({ life, what, atMs }) => `  ${life.name} waits: ${what}${atMs === Number.POSITIVE_INFINITY ? '' : ` until ${atMs.toFixed(3)} ms`}`,
      )
      .join('\n')
  }
}

/** Everything that promises have to say has been said. */
function settled(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve))
}
