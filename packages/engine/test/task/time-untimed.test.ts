/** An input without timestamps beside one that has them: rules or settings that a stream of events reads. */
import { expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { collectInto, indexSource, range } from '../support/specs.js'
import { type Seen, timestamps, type Timed, watch } from '../support/time-specs.js'

const places: [string, SimulationOptions][] = [
  ['over local edges', { workers: 0, parallelism: 1 }],
  ['over rings', { workers: 2, parallelism: 2, ringBytes: 4096 }],
]

it.each(places)('does not hold event time back, while it lasts and when it ends, %s', async (_name, options) => {
  const seen: Seen[] = []
  const stopAt = 50
  const graph = graphOf(
    [
      {
        name: 'events',
        spec: indexSource(
          undefined,
          (index) => {
            if (index === stopAt) simulation.command(Command.stop)
            return { t: index }
          },
          1000,
        ),
        parallelism: 1,
      },
      { name: 'time', spec: timestamps({ perRecord: true }), parallelism: 1 },
      // One rule at once, the next one in half an hour.
      { name: 'rules', spec: indexSource(undefined, () => ({ t: -1 }), 1 / 1800), parallelism: 1 },
      { name: 'few rules', spec: indexSource(3, () => ({ t: -1 })), parallelism: 1 },
      { name: 'apply', spec: watch(seen) },
      { name: 'out', spec: collectInto([]) },
    ],
    [
      { from: 'events', to: 'time' },
      { from: 'time', to: 'apply', timed: true, partitioning: 'hash', keyOf: ({ t }: Timed) => t },
      { from: 'rules', to: 'apply', input: 1, partitioning: 'broadcast' },
      { from: 'few rules', to: 'apply', input: 1, partitioning: 'broadcast' },
      { from: 'apply', to: 'out', timed: true },
    ],
  )
  const simulation: Simulation = new Simulation(graph, options)
  await simulation.run()
  for (const subtask of range(options.parallelism ?? 1)) {
    const marks = seen.flatMap((one) => (one.subtask === subtask && one.watermark !== undefined ? one.watermark : []))
    expect(marks.at(-1)).toBeGreaterThanOrEqual(stopAt - 5)
    expect(marks).toEqual(marks.toSorted((left, right) => left - right))
  }
  expect(seen.filter(({ value }) => value?.t === -1)).toHaveLength(4 * (options.parallelism ?? 1))
})
