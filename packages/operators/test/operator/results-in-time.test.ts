/** What operators give later than the records that it is made of: windows behind them take it. */
import { expect, test } from 'vitest'
import { Simulation } from '../../../engine/test/support/simulation.js'
import { count, defineJob, generate, type Stream, tumbling, valueState } from '../../src/index.js'

interface Event {
  readonly id: number
  readonly at: number
}

const COUNT = 500
const SIZE_MS = 100

/** Windows over what `declaration` gives, as `[start, count]`; fails where anything is late or has no timestamp. */
async function windowsOver(
  declaration: (events: Stream<Event, never>) => Stream<unknown, never>,
  parallelism: number,
): Promise<readonly (readonly [start: number, count: number])[]> {
  const graph = defineJob({ name: 'test' }, (job) => {
    const events = job
      .source(
        'events',
        generate((id) => ({ id, at: id * 10 }), { count: COUNT }),
      )
      .withTimestamps((event) => event.at, { monotonous: true, perRecord: true })
    const windows = declaration(events).windowAll(tumbling(SIZE_MS)).aggregate('windows', { results: count() })
    return { out: windows.map(({ window, results }) => [window.start, results] as const), late: windows.late }
  }).declare({}, { collect: true })
  const collected = new Map<string, unknown[]>()
  const host = {
    collect: (stream: string, records: readonly unknown[]) => void collected.set(stream, [...(collected.get(stream) ?? []), ...records]),
    writeOut: () => {},
  }
  await new Simulation(graph, { parallelism, seed: 1, host }).run()
  expect(collected.get('late') ?? []).toEqual([])
  return collected.get('out') as (readonly [number, number])[]
}

const total = (windows: readonly (readonly [number, number])[]): number => windows.reduce((sum, [, results]) => sum + results, 0)

const last = (COUNT - 1) * 10

test.each([1, 2])('what handlers give at the end of the input is not late, at parallelism %i', async (parallelism) => {
  const forms: Readonly<Record<string, (events: Stream<Event, never>) => Stream<unknown, never>>> = {
    process: (events) => events.process('p', { onRecord: (_event) => [], onEnd: () => ['end'] }),
    keyed: (events) => events.keyBy(({ id }) => id % 3).process('p', { onRecord: (_event) => [], onEnd: () => ['end'] }),
    stateful: (events) =>
      events
        .keyBy(({ id }) => id % 3)
        .process('p', { state: { last: valueState<number>() }, onRecord: (_event) => [], onEnd: () => ['end'] }),
  }
  for (const [form, declaration] of Object.entries(forms)) {
    const windows = await windowsOver(declaration, parallelism)
    expect([form, total(windows)]).toEqual([form, parallelism])
    for (const [start] of windows) expect(start).toBeLessThanOrEqual(last)
  }
})
