import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { collectInto, indexSource, map, range, readerOf, sink, splitSource } from '../support/specs.js'

describe('a source that reads splits', () => {
  it('gives every record of the last batch although the read ahead has found the end', async () => {
    const records: number[] = []
    const graph = graphOf(
      [
        {
          name: 'numbers',
          spec: splitSource([0], () =>
            readerOf([
              Promise.resolve({ records: range(100) }),
              Promise.resolve({ records: range(2000, 100) }),
              Promise.resolve({ records: range(2900, 2100) }),
            ]),
          ),
        },
        {
          name: 'slow',
          spec: map((record: number) => {
            simulation.spend(0.1)
            return record
          }),
        },
        { name: 'out', spec: collectInto(records) },
      ],
      [
        { from: 'numbers', to: 'slow' },
        { from: 'slow', to: 'out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0 })
    await simulation.run()
    expect(records).toEqual(range(5000))
  })

  it('reads on over batches without records', async () => {
    const records: number[] = []
    const batches = range(30_000).map((index) => ({ records: index % 10_000 === 0 ? [index] : [] }))
    const graph = graphOf(
      [
        { name: 'numbers', spec: splitSource([0], () => readerOf(batches)) },
        { name: 'out', spec: collectInto(records) },
      ],
      [{ from: 'numbers', to: 'out' }],
    )
    await new Simulation(graph, { workers: 0 }).run()
    expect(records).toEqual([0, 10_000, 20_000])
  })

  it('closes a reader that was being opened when the job stopped', async () => {
    let opened = 0
    let closed = 0
    const graph = graphOf(
      [
        {
          name: 'numbers',
          spec: splitSource([0], async () => {
            await simulation.delay(50)
            opened++
            return { next: () => ({ records: [opened] }), close: () => void closed++ }
          }),
        },
        { name: 'out', spec: collectInto([]) },
      ],
      [{ from: 'numbers', to: 'out' }],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0 })
    simulation.atStep(3, () => simulation.command(Command.stop))
    await simulation.run()
    await simulation.idle()
    expect({ opened, closed }).toEqual({ opened: 1, closed: 1 })
  })
})

describe('a source of indexes with a rate', () => {
  it.each([3, 7, 10, 30, 1000, 1234.5])('gives each index when it is due, at %d/s', async (rate) => {
    const times: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(50, (index) => index, rate) },
        {
          name: 'out',
          spec: sink(() => ({
            write: (batch) => {
              for (const _ of batch) times.push(simulation.nowMs)
            },
          })),
        },
      ],
      [{ from: 'numbers', to: 'out' }],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0, tickMsMax: 0 })
    await simulation.run()
    expect(times).toHaveLength(50)
    const firstMs = times[0] ?? 0
    expect(times.map((time) => time - firstMs)).toEqual(range(50).map((index) => expect.closeTo((index * 1000) / rate, 3) as unknown))
  })
})
