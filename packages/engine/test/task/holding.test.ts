/** Operators that hold records back: they take records while their outputs have no credit, and give them on by themselves. */
import { describe, expect, it } from 'vitest'
import type { OperatorContext } from '../../src/graph/operator-context.js'
import type { HoldingOperator, OperatorSpec } from '../../src/graph/operator-spec.js'
import { readMetrics } from '../../src/metrics/read-metrics.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { asyncMap, collectInto, indexSource, range } from '../support/specs.js'
import { type Seen, type Timed, timestamps, watch } from '../support/time-specs.js'

interface Held {
  readonly value: unknown
  readonly timestamp: number
}

/** A queue of so many records; with a gap between any two that leave where `everyMs` says so. */
class Queue implements HoldingOperator {
  holdingMax = 0
  readonly #context: OperatorContext
  readonly #limit: number
  readonly #everyMs: number
  readonly #held: (Held | { readonly watermark: number; readonly idle: boolean })[] = []
  #records = 0
  #nextMs = 0

  constructor(context: OperatorContext, limit: number, everyMs: number) {
    this.#context = context
    this.#limit = limit
    this.#everyMs = everyMs
  }

  process(value: unknown, timestamp: number): void {
    this.#held.push({ value, timestamp })
    this.#records++
    this.holdingMax = Math.max(this.holdingMax, this.#records)
    if (this.#records >= this.#limit) this.#context.holdInput(true)
    this.#await()
  }

  onDeadline(): void {}

  get holding(): number {
    return this.#records
  }

  get releasable(): boolean {
    return this.#held.length > 0 && this.#context.hasCredit() && this.#context.now() >= this.#nextMs
  }

  release(): boolean {
    if (!this.releasable) {
      this.#await()
      return false
    }
    const next = this.#held.shift() as Held
    this.#nextMs = this.#context.now() + this.#everyMs
    this.#records--
    this.#context.holdInput(false)
    this.#context.emit(next.value, next.timestamp)
    const behind = this.#held[0]
    if (behind !== undefined && 'watermark' in behind) {
      this.#held.shift()
      this.#context.passWatermark(behind.watermark, behind.idle)
    }
    return true
  }

  holdWatermark(watermark: number, idle: boolean): void {
    const last = this.#held.at(-1)
    if (last !== undefined && 'watermark' in last) this.#held.pop()
    this.#held.push({ watermark, idle })
  }

  #await(): void {
    if (this.#records > 0 && this.#everyMs > 0) this.#context.setDeadline(this.#nextMs)
  }
}

const holds = (limit: number, everyMs = 0, made: Queue[] = []): OperatorSpec => ({
  kind: 'general',
  holds: true,
  create: (context) => {
    const queue = new Queue(context, limit, everyMs)
    made.push(queue)
    return queue
  },
})

const places: [string, SimulationOptions][] = [
  ['on one thread', { workers: 0, parallelism: 1 }],
  ['interpreted', { workers: 0, parallelism: 1, codeGeneration: false }],
  ['on two threads', { workers: 2, parallelism: 1, ringBytes: 4096 }],
  ['two subtasks', { workers: 2, parallelism: 2, ringBytes: 4096 }],
]

describe.each(places)('an operator that holds records back, %s', (_name, options) => {
  it('is a task of its own', () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(10, (index) => ({ t: index })) },
        { name: 'queue', spec: holds(5) },
        { name: 'out', spec: collectInto([]), ports: [] },
      ],
      [
        { from: 'numbers', to: 'queue' },
        { from: 'queue', to: 'out' },
      ],
    )
    const simulation = new Simulation(graph, options)
    expect(simulation.plan.tasks.map(({ name }) => name)).toEqual(['numbers', 'queue', 'out'])
    expect(simulation.plan.chaining.map(({ because }) => because)).toEqual([
      expect.stringContaining('queue holds records back'),
      expect.stringContaining('queue holds records back'),
    ])
  })

  it.each([
    ['a slow consumer', 0, 0.4],
    ['a gap between records', 0.3, 0],
    ['both', 0.2, 0.3],
  ])('gives every record on in order, none while there is no credit, and ends behind the last: %s', async (_what, everyMs, workMs) => {
    const count = 300
    for (let seed = 1; seed <= 8; seed++) {
      const out: Timed[] = []
      const seen: Seen[] = []
      const made: Queue[] = []
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(count, (index) => ({ t: index })) },
          { name: 'time', spec: timestamps({ perRecord: true }) },
          { name: 'queue', spec: holds(20, everyMs, made) },
          { name: 'watch', spec: watch(seen) },
          {
            name: 'out',
            spec: asyncMap((record: Timed) => simulation.delay(workMs).then(() => out.push(record)), {
              discardsResults: true,
              concurrency: 1,
            }),
            ports: [],
          },
        ],
        [
          { from: 'numbers', to: 'time' },
          { from: 'time', to: 'queue', timed: true },
          { from: 'queue', to: 'watch', timed: true },
          { from: 'watch', to: 'out', timed: true },
        ],
      )
      const simulation: Simulation = new Simulation(graph, { ...options, seed, windowTargetMs: 0.01 })
      await simulation.run()
      expect(out.map(({ t }) => t).sort((left, right) => left - right)).toEqual(range(count))
      for (const subtask of new Set(seen.map((each) => each.subtask))) {
        const mine = seen.filter((each) => each.subtask === subtask)
        const values = mine.flatMap(({ value }) => (value === undefined ? [] : [value.t]))
        expect(values).toEqual([...values].sort((left, right) => left - right))
        // No watermark passed a record that it stood behind.
        for (const { value, at } of mine) if (value !== undefined) expect(value.t).toBeGreaterThan(at as number)
      }
      for (const queue of made) {
        expect(queue.holdingMax).toBeLessThanOrEqual(20)
        expect(queue.holding).toBe(0)
      }
    }
  })

  it('tells how many it holds', async () => {
    const held: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(1_000, (index) => ({ t: index })) },
        { name: 'queue', spec: holds(20) },
        {
          name: 'out',
          spec: asyncMap(() => simulation.delay(1).then(() => held.push(heldNow())), { discardsResults: true, concurrency: 1 }),
          ports: [],
        },
      ],
      [
        { from: 'numbers', to: 'queue' },
        { from: 'queue', to: 'out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { ...options, windowTargetMs: 0.01 })
    const heldNow = (): number =>
      Math.max(...readMetrics(simulation.plan, simulation.metrics, simulation.nowMs).subtasks.map(({ heldRecords }) => heldRecords))
    await simulation.run()
    expect(Math.max(...held)).toBeGreaterThan(0)
    expect(Math.max(...held)).toBeLessThanOrEqual(20)
    expect(heldNow()).toBe(0)
  })
})
