/** What may send a loop to sleep for ever, or keep it from ever sleeping. */
import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { asyncMap, collectInto, flatMap, general, indexSource, map, range, sink } from '../support/specs.js'

const pass = map((record: unknown) => record)

describe('parking', () => {
  it('sees a command that comes while the loop is about to park', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const records: number[] = []
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(undefined, (index) => index, 0.001) },
          { name: 'out', spec: collectInto(records) },
        ],
        [{ from: 'numbers', to: 'out' }],
      )
      const simulation = new Simulation(graph, { workers: 0, seed })
      let sentAtMs = Number.NaN
      simulation.onClock((reading) => {
        if (reading !== seed) return
        sentAtMs = simulation.nowMs
        simulation.command(Command.stop)
      })
      await simulation.run()
      expect(simulation.nowMs - sentAtMs).toBeLessThan(1000)
    }
  })

  it('awaits what is in flight when the input has ended', async () => {
    for (const ordered of [true, false]) {
      const records: number[] = []
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(10, (index) => index) },
          {
            name: 'ask',
            spec: asyncMap(
              async (record: number) => {
                await simulation.delay(100)
                return record
              },
              { ordered, concurrency: 64 },
            ),
          },
          { name: 'out', spec: collectInto(records) },
        ],
        [
          { from: 'numbers', to: 'ask' },
          { from: 'ask', to: 'out' },
        ],
      )
      const simulation: Simulation = new Simulation(graph, { workers: 0 })
      await simulation.run()
      expect(records.toSorted((left, right) => left - right)).toEqual(range(10))
      expect(simulation.steps).toBeLessThan(500)
    }
  })

  it('lets a slow sink settle while results wait behind it', async () => {
    const records: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(200, (index) => index) },
        {
          name: 'ask',
          spec: asyncMap(async (record: number) => {
            await simulation.delay(1)
            return record
          }),
        },
        {
          name: 'out',
          spec: sink(() => ({
            write: async (batch) => {
              const copy = [...batch] as number[]
              await simulation.delay(30)
              records.push(...copy)
            },
          })),
        },
      ],
      [
        { from: 'numbers', to: 'ask' },
        { from: 'ask', to: 'out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0 })
    await simulation.run()
    expect(records).toEqual(range(200))
    expect(simulation.steps).toBeLessThan(3000)
  })

  it('sleeps while a deadline is due but a sink is being written', async () => {
    let fired = 0
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(3, (index) => index) },
        {
          name: 'timed',
          spec: general((context) => ({
            process(value, timestamp) {
              context.setDeadline(context.now() + 5)
              context.emit(value, timestamp)
            },
            onDeadline() {
              fired++
            },
          })),
        },
        {
          name: 'out',
          spec: sink(() => ({
            write: () => simulation.delay(1000),
            finish: () => simulation.delay(1000),
          })),
        },
      ],
      [
        { from: 'numbers', to: 'timed' },
        { from: 'timed', to: 'out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0 })
    await simulation.run()
    expect(simulation.nowMs).toBeGreaterThan(3000)
    expect(simulation.steps).toBeLessThan(100)
    expect(fired).toBeLessThanOrEqual(1)
  })

  it('fires the deadlines of operators, again and again', async () => {
    const times: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(2, (index) => index, 0.1) },
        {
          name: 'timed',
          spec: general((context) => {
            let left = 5
            return {
              process() {
                context.setDeadline(context.now() + 7)
              },
              onDeadline(nowMs) {
                times.push(nowMs)
                if (--left > 0) context.setDeadline(nowMs + 7)
              },
            }
          }),
        },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'timed' },
        { from: 'timed', to: 'out' },
      ],
    )
    const simulation = new Simulation(graph, { workers: 0, tickMsMax: 0.01 })
    await simulation.run()
    expect(times).toHaveLength(5)
    for (const [index, time] of times.entries()) if (index > 0) expect(time - (times[index - 1] ?? 0)).toBeCloseTo(7, 0)
    expect(simulation.steps).toBeLessThan(100)
  })

  it('takes input between deadlines that are always due', async () => {
    const records: number[] = []
    let fired = 0
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(1000, (index) => index) },
        {
          name: 'restless',
          spec: general((context) => ({
            process(value, timestamp) {
              simulation.spend(0.3)
              context.setDeadline(context.now())
              context.emit(value, timestamp)
            },
            onDeadline(nowMs) {
              if (++fired > 10_000) throw new Error('nothing but deadlines')
              context.setDeadline(nowMs)
            },
          })),
        },
        { name: 'out', spec: collectInto(records) },
      ],
      [
        { from: 'numbers', to: 'restless' },
        { from: 'restless', to: 'out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0, tickMsMax: 0 })
    await simulation.run()
    expect(records).toEqual(range(1000))
    expect(fired).toBeGreaterThan(1)
  })

  it('sleeps while there is no credit, whatever part of it the consumer gives back', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      let written = 0
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(3000, (index) => ({ index, text: 'x'.repeat((index * 7) % 90) })) },
          { name: 'many', spec: flatMap((record: unknown) => [record, record]) },
          {
            name: 'out',
            spec: sink(() => ({
              write: async (batch) => {
                written += batch.length
                await simulation.delay(20)
              },
            })),
          },
        ],
        [
          { from: 'numbers', to: 'many' },
          { from: 'many', to: 'out' },
        ],
      )
      const simulation: Simulation = new Simulation(graph, {
        workers: 2,
        parallelism: 1,
        chaining: false,
        ringBytes: 4096,
        windowTargetMs: 1,
        seed,
      })
      await simulation.run()
      expect(written).toBe(6000)
      // Steps of the scheduler follow the work, not the time that is waited for.
      expect(simulation.steps).toBeLessThan(12_000)
    }
  })

  it('works through an exchange at every interleaving', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const records: number[] = []
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(2000, (index) => index) },
          { name: 'pass', spec: pass },
          { name: 'out', spec: collectInto(records) },
        ],
        [
          { from: 'numbers', to: 'pass', partitioning: 'hash', keyOf: (record: number) => record % 13 },
          { from: 'pass', to: 'out', partitioning: 'rebalance' },
        ],
      )
      await new Simulation(graph, { workers: 3, parallelism: 3, ringBytes: 4096, seed, tickMsMax: 1.5 }).run()
      expect(records.toSorted((left, right) => left - right)).toEqual(range(2000))
    }
  })
})
