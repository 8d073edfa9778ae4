/** What readers are told of their records: what the job has taken, and what a complete checkpoint covers. */
import { expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import type { OperatorSpec, SplitReader } from '../../src/graph/operator-spec.js'
import { UNCOVERED_READERS_MAX } from '../../src/task/source-acknowledgements.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { general, map, range, sink } from '../support/specs.js'
import { threadCheckpoints } from '../support/thread-checkpoints.js'

interface Source {
  readonly batches: readonly (readonly number[])[]
  /** What is told, in order. */
  readonly told: string[]
  readonly reader?: Partial<SplitReader>
  readonly splits?: number
}

/** A source that writes down what it is told; `never`: its last batch does not come. */
function source({ batches, told, reader, splits = 1 }: Source, never = false): OperatorSpec {
  return {
    kind: 'source',
    reads: 'splits',
    splits: () => range(splits),
    open: (split) => {
      let next = 0
      const name = splits === 1 ? '' : `${String(split)}: `
      return {
        next: () => {
          const records = batches[next++]
          if (records === undefined && never) return new Promise(() => {})
          return records === undefined ? undefined : { records }
        },
        taken: (records) => void told.push(`${name}taken ${records}`),
        covered: (records) => void told.push(`${name}covered ${records}`),
        close: () => void told.push(`${name}closed`),
        ...reader,
      }
    },
    replayable: false,
  }
}

function job(spec: OperatorSpec, onRecord: (record: number) => void = () => {}, write: () => void | Promise<void> = () => {}) {
  const each = map((record: number) => {
    onRecord(record)
    return record
  })
  return graphOf(
    [
      { name: 'in', spec },
      { name: 'each', spec: each },
      { name: 'out', spec: sink(() => ({ write })) },
    ],
    [
      { from: 'in', to: 'each' },
      { from: 'each', to: 'out' },
    ],
  )
}

/** Answers reports: a checkpoint that all acknowledge is complete, the one behind the end is the last; those in `givenUp` are not. */
function simulate(
  graph: ReturnType<typeof job>,
  told: string[],
  options: SimulationOptions = {},
  givenUp: readonly number[] = [],
): Simulation {
  const acknowledged = new Map<number, number>()
  let ended = 0
  let last = 0
  const simulation: Simulation = new Simulation(graph, {
    workers: 0,
    ...options,
    checkpoints: threadCheckpoints((report) => {
      const subtasks = simulation.plan.subtasks.length
      if (report.type === 'declined') throw report.error
      if (report.type === 'ended') {
        if (++ended === subtasks) simulation.trigger((last = 100))
        return
      }
      const count = (acknowledged.get(report.id) ?? 0) + 1
      acknowledged.set(report.id, count)
      if (count < subtasks) return
      told.push(`checkpoint ${report.id} ${givenUp.includes(report.id) ? 'is given up' : 'is complete'}`)
      if (givenUp.includes(report.id)) simulation.giveUp(report.id)
      else simulation.complete(report.id, report.id === last)
    }),
  })
  return simulation
}

it('tells what was taken behind each step, and what a checkpoint covers when it is complete', async () => {
  const told: string[] = []
  const graph = job(source({ batches: [range(10), range(30, 10)], told }), (record) => {
    if (record === 5) simulation.trigger(1)
    simulation.spend(0.3)
  })
  const simulation: Simulation = simulate(graph, told)
  await simulation.run()
  const counts = told.filter((line) => line.startsWith('taken')).map((line) => Number(line.slice('taken '.length)))
  expect(counts).toEqual([...counts].sort((left, right) => left - right))
  expect(counts.length).toBeGreaterThan(3)
  expect(counts.at(-1)).toBe(40)
  const covered = told.flatMap((line, at) => (line.startsWith('covered') ? [{ line, before: told.slice(0, at) }] : []))
  expect(covered).toHaveLength(2)
  expect(covered[0]?.before).toContain('checkpoint 1 is complete')
  expect(covered[0]?.before).not.toContain('checkpoint 100 is complete')
  // What was taken behind the snapshot is not covered by it.
  expect(Number(covered[0]?.line.slice('covered '.length))).toBeLessThan(40)
  expect(covered[1]?.line).toBe('covered 40')
  expect(told.slice(-4)).toEqual(['checkpoint 100 is complete', 'covered 40', 'taken 40', 'closed'])
})

it('takes nothing behind the cut of the last checkpoint, where a stop does not wait: it would be told as taken, and be in no checkpoint', async () => {
  const told: string[] = []
  let seen = 0
  const graph = job(source({ batches: [range(100)], told }), (record) => {
    seen++
    if (record === 5) {
      simulation.command(Command.stop)
      simulation.trigger(1, 'unaligned', true)
    }
    simulation.spend(0.3)
  })
  const simulation: Simulation = simulate(graph, told)
  await simulation.run()
  expect(seen).toBeLessThan(100)
  expect(told.slice(-4)).toEqual(['checkpoint 1 is complete', `covered ${seen}`, `taken ${seen}`, 'closed'])
})

it('a checkpoint that was given up covers nothing', async () => {
  const told: string[] = []
  const graph = job(source({ batches: [range(10), range(10, 10)], told }), (record) => {
    if (record === 5) simulation.trigger(1)
    simulation.spend(0.3)
  })
  const simulation: Simulation = simulate(graph, told, {}, [1])
  await simulation.run()
  expect(told).toContain('checkpoint 1 is given up')
  expect(told.filter((line) => line.startsWith('covered'))).toEqual(['covered 20'])
})

it('tells what is covered while the subtask has no credit', async () => {
  const told: string[] = []
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const graph = job(
    source({
      batches: [range(3)],
      told,
      reader: { covered: (records) => (told.push(`covered ${records}`), void (records < 3 || release())) },
    }),
    (record) => {
      if (record === 1) simulation.trigger(1)
    },
    // The sink returns when the queue has heard of its records.
    () => held,
  )
  const simulation: Simulation = simulate(graph, told, { tickMsMax: 1 })
  await simulation.run()
  expect(told.indexOf('covered 3')).toBeGreaterThan(told.indexOf('checkpoint 1 is complete'))
  expect(told.indexOf('covered 3')).toBeLessThan(told.indexOf('checkpoint 100 is complete'))
})

it.each([
  ['stopped', Command.stop],
  ['drained', Command.drain],
])('a job that is %s takes what it began whole and covers it before it closes the reader, and begins nothing more', async (_, command) => {
  const told: string[] = []
  let processed = 0
  let read = 0
  const graph = job(
    source({
      batches: [],
      told,
      // It reads ahead: the second batch is there, and not begun; the third is the end.
      reader: { next: () => Promise.resolve(++read < 3 ? { records: range(1_000) } : undefined) },
    }),
    () => {
      processed++
      simulation.spend(0.5)
      if (processed === 20) simulation.command(command)
    },
  )
  const simulation: Simulation = simulate(graph, told)
  await simulation.run()
  expect(processed).toBe(1_000)
  expect(told.slice(-4)).toEqual(['checkpoint 100 is complete', 'covered 1000', 'taken 1000', 'closed'])
})

it('a job that is stopped in its last batch has not come to the end of its input', async () => {
  const reasons: string[] = []
  let reads = 0
  let processed = 0
  const reader = { next: () => Promise.resolve(++reads === 1 ? { records: range(100) } : undefined) }
  const end = general((context) => ({
    process: (value, timestamp) => {
      simulation.spend(0.5)
      if (++processed === 20) simulation.command(Command.stop)
      context.emit(value, timestamp)
    },
    onEnd: () => void reasons.push('end'),
    onStop: () => void reasons.push('stop'),
  }))
  const graph = graphOf(
    [
      { name: 'in', spec: source({ batches: [], told: [], reader }) },
      { name: 'end', spec: end },
      { name: 'out', spec: sink(() => ({ write: () => {} })) },
    ],
    [
      { from: 'in', to: 'end' },
      { from: 'end', to: 'out' },
    ],
  )
  const simulation: Simulation = new Simulation(graph, { workers: 0 })
  await simulation.run()
  expect([processed, reasons]).toEqual([100, ['stop']])
})

it('a reader at its end stays open until its records are covered, and no more than some do', async () => {
  const told: string[] = []
  const splits = UNCOVERED_READERS_MAX + 5
  const graph = job(source({ batches: [[1], [2]], told, splits }))
  const simulation: Simulation = simulate(graph, told, { parallelism: 1 })
  simulation.onStall(() => simulation.trigger(1))
  await simulation.run()
  const closed = told.filter((line) => line.endsWith('closed'))
  expect(closed).toEqual(range(splits).map((split) => `${split}: closed`))
  const first = told.indexOf('checkpoint 1 is complete')
  const opened = new Set(told.slice(0, first).map((line) => line.split(':')[0]))
  expect(opened.size).toBe(UNCOVERED_READERS_MAX)
  for (let split = 0; split < splits; split++) {
    expect(told.filter((line) => line === `${split}: covered 2`)).toHaveLength(1)
    expect(told.indexOf(`${split}: covered 2`)).toBeLessThan(told.indexOf(`${split}: closed`))
  }
})

it('without checkpoints a reader is closed when its last batch was taken, also where it was read ahead', async () => {
  const told: string[] = []
  let next = 0
  const graph = job(
    source({ batches: [], told, reader: { next: () => Promise.resolve(next++ < 2 ? { records: range(50) } : undefined) } }),
    () => simulation.spend(0.2),
  )
  const simulation: Simulation = new Simulation(graph, { workers: 0 })
  await simulation.run()
  expect(told.filter((line) => line.startsWith('covered'))).toEqual([])
  expect(told.slice(-3)).toEqual(['taken 100', 'taken 100', 'closed'])
})

it('a failure in the middle of a step takes nothing', async () => {
  const told: string[] = []
  const graph = job(source({ batches: [range(10), range(10, 10)], told }), (record) => {
    if (record === 14) throw new Error('14 is one too many')
  })
  const simulation = new Simulation(graph, { workers: 0, tickMsMax: 3 })
  await expect(simulation.run()).rejects.toThrow('14 is one too many')
  expect(told.at(-1)).toBe('closed')
  for (const line of told.slice(0, -1)) expect(Number(line.slice('taken '.length))).toBeLessThanOrEqual(14)
})

it.each<[string, Partial<SplitReader>]>([
  ['taken throws', { taken: () => expect.fail('the queue is gone') }],
  ['covered throws', { covered: () => expect.fail('the queue is gone') }],
  ['covered rejects', { covered: () => Promise.reject(new Error('the queue is gone')) }],
])('the job fails where %s', async (_, reader) => {
  const told: string[] = []
  const graph = job(source({ batches: [range(10), range(10, 10)], told, reader }, true), (record) => {
    if (record === 5) simulation.trigger(1)
    simulation.spend(0.3)
  })
  const simulation: Simulation = simulate(graph, told)
  await expect(simulation.run()).rejects.toMatchObject({ code: 'SLUICE_SOURCE_FAILED', coordinates: { operator: 'in' } })
})

it('an answer to covered is awaited before the next is told, and before close', async () => {
  const told: string[] = []
  let answering = false
  const covered = async (records: number): Promise<void> => {
    expect(answering).toBe(false)
    answering = true
    await simulation.delay(40)
    answering = false
    told.push(`covered ${records}`)
  }
  const close = (): void => void told.push(answering ? 'closed too early' : 'closed')
  const graph = job(source({ batches: [range(10), range(10, 10)], told, reader: { covered, close } }), (record) => {
    if (record % 5 === 4) simulation.trigger(1 + record)
    simulation.spend(1)
  })
  const simulation: Simulation = simulate(graph, told)
  const run = simulation.run()
  await run
  expect(told.filter((line) => line.startsWith('c') && !line.startsWith('checkpoint')).slice(-2)).toEqual(['covered 20', 'closed'])
})
