/** Deadlines of several operators in one chain that pass at the same time. */
import { expect, it } from 'vitest'
import type { OperatorContext } from '../../src/graph/operator-context.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { collectInto, general, indexSource } from '../support/specs.js'

it.each([
  ['cancelled', undefined],
  ['put off', 50],
])('a deadline that is %s by what another one lets go does not pass', async (_how, againMs) => {
  const passed: number[] = []
  const dueMs = (context: OperatorContext): number => Math.ceil(context.now() / 100) * 100
  let second: number | undefined
  const graph = graphOf(
    [
      // The next record comes in a second.
      { name: 'numbers', spec: indexSource(2, (index) => ({ index }), 1) },
      {
        name: 'first',
        spec: general((context) => ({
          process(value) {
            context.setDeadline(dueMs(context))
            context.emit(value, Number.NaN)
          },
          onDeadline: () => context.emit({ index: -1 }, Number.NaN),
        })),
      },
      {
        name: 'second',
        spec: general((context) => ({
          process(value) {
            const { index } = value as { index: number }
            if (index === 0) context.setDeadline(dueMs(context))
            if (index === -1) {
              second = againMs === undefined ? undefined : context.now() + againMs
              context.setDeadline(second)
            }
            context.emit(value, Number.NaN)
          },
          onDeadline: (nowMs) => void passed.push(nowMs),
        })),
      },
      { name: 'out', spec: collectInto([]) },
    ],
    [
      { from: 'numbers', to: 'first' },
      { from: 'first', to: 'second' },
      { from: 'second', to: 'out' },
    ],
  )
  const simulation = new Simulation(graph, { workers: 0, parallelism: 1, tickMsMax: 0.01 })
  await simulation.run()
  expect(passed).toHaveLength(againMs === undefined ? 0 : 1)
  for (const nowMs of passed) expect(nowMs).toBeGreaterThanOrEqual(second as number)
})

it('a sink that has finished hears of no deadline, although another one of its chain takes its time to finish', async () => {
  const calls: string[] = []
  const graph = graphOf(
    [
      { name: 'numbers', spec: indexSource(1, (index) => ({ index })) },
      {
        name: 'early',
        spec: {
          kind: 'sink',
          create: (context) => ({
            write: () => context.setDeadline(context.now() + 10),
            onDeadline: () => void calls.push('deadline'),
            finish: () => void calls.push('finish'),
          }),
        },
      },
      { name: 'slow', spec: { kind: 'sink', create: () => ({ write: () => {}, finish: () => simulation.delay(100) }) } },
    ],
    [
      { from: 'numbers', to: 'early' },
      { from: 'numbers', to: 'slow' },
    ],
  )
  const simulation = new Simulation(graph, { workers: 0, parallelism: 1, tickMsMax: 0.01 })
  await simulation.run()
  expect(calls).toEqual(['finish'])
})
