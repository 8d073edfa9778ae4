import { describe, expect, it } from 'vitest'
import type { SubtaskWord } from '../../src/metrics/metric-layout.js'
import { lateRecords } from '../../src/metrics/late-records.js'
import { TimeWatch } from '../../src/metrics/watch-time.js'
import type { PhysicalPlan } from '../../src/plan/physical-plan.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { layoutMetrics, OperatorWord } from '../../src/metrics/metric-layout.js'
import { GraphBuilder, sink } from '../support/graph-builder.js'
import { MetricsBoard } from '../support/metrics-board.js'
import { general } from '../support/specs.js'
import { splits, timestamps } from '../support/time-specs.js'

const files = splits(8, () => ({ next: () => undefined }), { bounded: true })
const window = general(() => ({ process: () => {} }))

/** Two sources of two subtasks each -> (hash) window -> (hash) second window -> out. */
const graph = new GraphBuilder()
  .node('flights', files)
  .node('flight times', timestamps())
  .node('ships', files)
  .node('ship times', timestamps())
  .node('windows', window)
  .node('totals', window)
  .node('out', sink)
  .edge('flights', 'flight times')
  .edge('ships', 'ship times')
  .edge('flight times', 'windows', { partitioning: 'hash', timed: true })
  .edge('ship times', 'windows', { partitioning: 'hash', timed: true })
  .edge('windows', 'totals', { partitioning: 'hash', timed: true })
  .edge('totals', 'out', { timed: true })
  .build()
const plan: PhysicalPlan = planJob(graph, resolveSettings(graph.settings, { workers: 2, parallelism: 2, cores: 2 }))

const LIMIT_MS = 1000

class Scene {
  readonly board = new MetricsBoard(plan)
  readonly watch = new TimeWatch({ graph, plan, stalledAfterMs: LIMIT_MS })

  constructor() {
    for (const { task, index } of plan.subtasks) this.set(plan.tasks[task]?.name.split(' ')[0] ?? '', index, { stateSinceMs: 1 })
    for (const edge of plan.edges) edge.channels.forEach((_, at) => this.board.channel(edge.name, at, { consumerWatermark: 900 }))
  }

  set(task: string, index: number, values: Partial<Record<keyof typeof SubtaskWord, number>>): this {
    this.board.subtask(task, index, values)
    return this
  }

  look(nowMs: number) {
    return this.watch.look(this.board.read(nowMs))
  }
}

describe('inputs that fall silent', () => {
  it('are told once, with the split, and once more when they come back', () => {
    const scene = new Scene().set('flights', 1, { split: 5, unopenedSplits: 1 })
    expect(scene.look(1000).idle).toEqual([])
    scene.set('flights', 1, { idleSinceMs: 1500 })
    expect(scene.look(2000)).toMatchObject({
      idle: [{ operator: 'flights', subtask: 1, split: 5, unopenedSplits: 1, idleMs: 500 }],
      active: [],
    })
    expect(scene.look(3000)).toEqual({ idle: [], active: [], stalled: [] })
    scene.set('flights', 1, { idleSinceMs: 0 })
    expect(scene.look(4000)).toMatchObject({ idle: [], active: [{ operator: 'flights', subtask: 1, idleMs: 2500 }] })
  })

  it('that came back and fell silent again between two looks are told as both', () => {
    const scene = new Scene().set('ships', 0, { idleSinceMs: 1500 })
    scene.look(2000)
    scene.set('ships', 0, { idleSinceMs: 2700 })
    expect(scene.look(3000)).toMatchObject({ active: [{ operator: 'ships', idleMs: 1200 }], idle: [{ operator: 'ships', idleMs: 300 }] })
  })

  it('are no longer idle at their end; operators behind them are never told', () => {
    const scene = new Scene().set('ships', 0, { idleSinceMs: 1500 }).set('windows', 0, { idleSinceMs: 1600 })
    expect(scene.look(2000).idle.map(({ operator }) => operator)).toEqual(['ships'])
    scene.set('ships', 0, { finished: 1 })
    expect(scene.look(3000)).toMatchObject({ idle: [], active: [{ operator: 'ships' }] })
  })
})

describe('a watermark that stands still', () => {
  /** totals 0 got records and stands. */
  const stalling = (): Scene => {
    const scene = new Scene()
    for (const { task, index } of plan.subtasks)
      scene.set(plan.tasks[task]?.name.split(' ')[0] ?? '', index, { watermark: 900, split: index })
    scene.look(1000)
    return scene.set('totals', 0, { recordsIn: 5 })
  }

  it('is told after the limit, with the way to the input that holds it back', () => {
    const scene = stalling()
    scene.board
      .channel('windows -> totals', 2, { consumerWatermark: 100 })
      .channel('ship times -> windows', 1, { consumerWatermark: 100 })
      // The lowest of all, but of another way.
      .channel('flight times -> windows', 0, { consumerWatermark: 5 })
    expect(scene.look(1900).stalled).toEqual([])
    expect(scene.look(2100).stalled).toEqual([
      {
        operator: 'totals',
        subtask: 0,
        watermark: 900,
        forMs: 1100,
        heldBy: { operator: 'ships', subtask: 0, split: 0, unopenedSplits: 0 },
        through: ['ship times -> windows', 'windows -> totals'],
      },
    ])
    expect(scene.look(3000).stalled).toEqual([])
    scene.set('ships', 0, { split: 2 })
    expect(scene.look(4000).stalled).toMatchObject([{ heldBy: { operator: 'ships', split: 2 } }])
  })

  it('is not held back by who is idle or has ended', () => {
    const scene = stalling()
    scene.board
      .channel('windows -> totals', 0, { consumerWatermark: 200 })
      .channel('flight times -> windows', 0, { consumerWatermark: 1 })
      .channel('ship times -> windows', 0, { consumerWatermark: 2 })
      .channel('ship times -> windows', 2, { consumerWatermark: 3 })
    scene.set('flights', 0, { idleSinceMs: 500 }).set('ships', 0, { finished: 1 })
    expect(scene.look(2100).stalled).toMatchObject([{ heldBy: { operator: 'ships', subtask: 1 } }])
    for (const name of ['flights', 'ships']) for (const index of [0, 1]) scene.set(name, index, { finished: 1 })
    expect(scene.look(3000).stalled).toMatchObject([{ heldBy: undefined }])
  })

  it('is not told while it moves, without records, or behind the end', () => {
    const scene = stalling().set('totals', 0, { watermark: 901 })
    scene.look(2500)
    expect(scene.look(3400).stalled).toEqual([])
    expect(scene.look(9000).stalled).toEqual([])
    scene.set('totals', 0, { recordsIn: 6, finished: 1 })
    expect(scene.look(10_000).stalled).toEqual([])
  })
})

it('late records are counted per operator over its subtasks', () => {
  const board = new MetricsBoard(plan)
  const before = board.read(0)
  const late = (task: string, index: number, count: number): void => {
    board.words[layoutMetrics(plan).operatorAt(board.id(task, index), 0) + OperatorWord.lateRecords] = count
  }
  late('windows', 0, 3)
  late('windows', 1, 4)
  const middle = board.read(1)
  late('windows', 1, 6)
  late('totals', 0, 1)
  expect(lateRecords(graph, plan, before, middle)).toEqual([{ operator: 'windows', lateRecords: 7, added: 7 }])
  expect(lateRecords(graph, plan, middle, board.read(2))).toEqual([
    { operator: 'windows', lateRecords: 9, added: 2 },
    { operator: 'totals', lateRecords: 1, added: 1 },
  ])
})
