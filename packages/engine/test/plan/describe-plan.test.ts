import { describe, expect, it } from 'vitest'
import { describePlan } from '../../src/plan/describe-plan.js'
import type { CheckpointSettings, RestartStrategy } from '../../src/graph/logical-graph.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { async, GraphBuilder, map, sink, source } from '../support/graph-builder.js'

const paced = { ...source, ratePerSecond: 1_000 } as typeof source
const graph = {
  ...new GraphBuilder()
    .node('numbers', paced, { declaredAt: 'job.ts:3:5', delivery: 'exactly-once', options: { count: 10, big: 5n } })
    .node('say "hi" <b>', map)
    .node('sum', map, { declaredAt: 'job.ts:5:5' })
    .node('slow', async({ concurrency: 5, discardsResults: true }), { delivery: 'at-least-once', resources: ['pool'] })
    .node('out', sink, { pinnedToHost: true, resources: [] })
    .edge('numbers', 'say "hi" <b>')
    .edge('say "hi" <b>', 'sum', { partitioning: 'hash' })
    .edge('sum', 'slow')
    .edge('sum', 'out')
    .build(),
  resources: [{ name: 'pool', open: () => 1, close: undefined, declaredAt: 'job.ts:1:1' }],
}
const plan = planJob(graph, resolveSettings({}, { cores: 2 }))

describe('describePlan', () => {
  it('as text answers what runs where, what is chained and why not, and what it costs', () => {
    expect(describePlan(graph, plan, 'text')).toMatchInlineSnapshot(`
      "Job test: 4 tasks, 7 subtasks on 2 workers, 3 edges, 8 channels

      Tasks
        numbers -> say "hi" <b>
          2 subtasks on workers 0, 1
          numbers       source  1000 records/s (500 per subtask), {"big":"5n","count":10}  at job.ts:3:5
          say "hi" <b>  map
        sum
          2 subtasks on workers 0, 1
          sum  map  at job.ts:5:5
        slow
          2 subtasks on workers 0, 1
          slow  sink  concurrency 5 (2 to 3 per subtask)
        out
          1 subtask on the calling thread
          out  sink

      Edges between tasks
        say "hi" <b> -> sum  hash       2 x 2  2 rings, 2 local  holds at most 1.2 MiB (65.2 MiB with records larger than a frame)
        sum -> slow          forward    2 x 2  2 local           holds at most 688 KiB
        sum -> out           rebalance  2 x 1  2 rings           holds at most 608 KiB (64.6 MiB with records larger than a frame)

      Chaining
        numbers -> say "hi" <b>  chained
        say "hi" <b> -> sum      not chained: records are dealt out by key
        sum -> slow              not chained: slow does asynchronous work
        sum -> out               not chained: parallelism 2 and 1 differ, out is bound to the calling thread

      Resources
        pool  opened in 2 threads  at job.ts:1:1

      Delivery
        numbers  source  exactly-once
        slow     sink    at-least-once

      Memory
        2.6 MiB planned of a budget of 256 MiB
          rings          1 MiB    4 of 256 KiB
          local windows  1 MiB    4 of at most 256 KiB
          staging        256 KiB  frames of at most 16 KiB
          overdraft      256 KiB  what one call emits beyond its credit
          async          80 KiB   asynchronous work in flight
        records larger than a frame take up to 128 MiB on top (at most 16 MiB each)

      Notes
        - out runs at parallelism 1 instead of 2: it is bound to the calling thread"
    `)
  })

  it('as text is short for a job of one task', () => {
    const small = new GraphBuilder().node('in', source).node('out', sink).edge('in', 'out').build()
    const planned = planJob(small, resolveSettings({}, { cores: 2, workers: 0 }))
    expect(describePlan(small, planned, 'text')).toMatchInlineSnapshot(`
      "Job test: 1 task, 1 subtask on the calling thread, 0 edges, 0 channels

      Tasks
        in -> out
          1 subtask on the calling thread
          in   source
          out  sink

      Chaining
        in -> out  chained

      Memory
        0 B planned of a budget of 256 MiB"
    `)
  })

  it('as text says when checkpoints are taken and what that guarantees, in words', () => {
    const tasks = new GraphBuilder()
      .node('in', source, { delivery: 'exactly-once' })
      .node('socket', source, { delivery: 'at-most-once' })
      .node('file', sink, { delivery: 'exactly-once' })
      .node('hook', sink, { delivery: 'at-least-once' })
      .edge('in', 'file')
      .edge('socket', 'hook')
      .build()
    const lines = (checkpoint: CheckpointSettings | undefined, restart?: RestartStrategy): readonly string[] => {
      const settings = resolveSettings({ checkpoint, restart }, { cores: 2, workers: 0 })
      const text = describePlan(tasks, planJob(tasks, settings), 'text', settings)
      return text.slice(text.indexOf('Checkpoints'), text.indexOf('Memory') - 2).split('\n')
    }
    expect(lines(undefined)).toMatchInlineSnapshot(`
      [
        "Checkpoints",
        "  none: after a failure the job ends, and its state is gone",
        "",
        "Delivery",
        "  in      source  without checkpoints a failure ends the job; run again, it is read from its beginning",
        "  socket  source  at-most-once: it cannot be read again",
        "  file    sink    without checkpoints a failure ends the job and leaves what was written; with checkpoints it is exactly-once",
        "  hook    sink    without checkpoints a failure ends the job and leaves what was written",
      ]
    `)
    expect(lines({ intervalMs: 90_000, alignedTimeoutMs: 500 })).toMatchInlineSnapshot(`
      [
        "Checkpoints",
        "  every 1.50 min, aligned, unaligned after 500 ms, in checkpoints; the last 3 are kept",
        "  after a failure the job starts again from the last one, 1 s later, which doubles up to 1 min",
        "",
        "Delivery",
        "  in      source  exactly-once: after a failure it is read again from its position in the last checkpoint",
        "  socket  source  at-most-once: it cannot be read again, and what it gave since the last checkpoint is lost at a failure",
        "  file    sink    exactly-once: what was written since the last checkpoint is taken back after a failure",
        "  hook    sink    at-least-once: after a failure what hook was given since the last checkpoint comes again",
      ]
    `)
    const atLeastOnce = { intervalMs: 500, directory: 'state', mode: 'at-least-once', retain: 1 } as const
    expect(lines(atLeastOnce, { kind: 'fixed', attempts: 1, delayMs: 1_500 })).toMatchInlineSnapshot(`
      [
        "Checkpoints",
        "  every 500 ms, at-least-once, in state; the last one is kept",
        "  after a failure the job starts again from the last one, 1.50 s later, at most 1 time",
        "",
        "Delivery",
        "  in      source  at-least-once: after a failure it is read again from its position in the last checkpoint; records may count twice",
        "  socket  source  at-most-once: it cannot be read again, and what it gave since the last checkpoint is lost at a failure",
        "  file    sink    at-least-once: the checkpoint mode is at-least-once",
        "  hook    sink    at-least-once: after a failure what hook was given since the last checkpoint comes again",
      ]
    `)
    expect(lines(atLeastOnce, { kind: 'failure-rate', failures: 3, windowMs: 300_000, delayMs: 1_000 })[2]).toMatchInlineSnapshot(
      `"  after a failure the job starts again from the last one, 1 s later, unless it failed more than 3 times within 5 min"`,
    )
    expect(lines(atLeastOnce, { kind: 'none' })[2]).toMatchInlineSnapshot(`"  after a failure the job ends; --restore latest goes on"`)
  })

  it('as Mermaid draws a box per task and escapes names', () => {
    expect(describePlan(graph, plan, 'mermaid')).toMatchInlineSnapshot(`
      "flowchart LR
        subgraph t0["1 x2"]
          n0(["numbers"])
          n1["say &quot;hi&quot; &lt;b&gt;"]
        end
        subgraph t1["2 x2"]
          n2["sum"]
        end
        subgraph t2["3 x2"]
          n3[["slow"]]
        end
        subgraph t3["4 x1"]
          n4[["out"]]
        end
        n0 --- n1
        n1 -->|hash| n2
        n2 -->|forward| n3
        n2 -->|rebalance| n4"
    `)
  })

  it('as Graphviz draws a cluster per task and escapes names', () => {
    expect(describePlan(graph, plan, 'dot')).toMatchInlineSnapshot(`
      "digraph "test" {
        rankdir=LR
        node [shape=box]
        subgraph cluster_0 {
          label="1 x2"
          n0 [label="numbers", shape=ellipse]
          n1 [label="say \\"hi\\" <b>"]
        }
        subgraph cluster_1 {
          label="2 x2"
          n2 [label="sum"]
        }
        subgraph cluster_2 {
          label="3 x2"
          n3 [label="slow", shape=box3d]
        }
        subgraph cluster_3 {
          label="4 x1"
          n4 [label="out", shape=box3d]
        }
        n0 -> n1 [arrowhead=none]
        n1 -> n2 [label=hash]
        n2 -> n3 [label=forward]
        n2 -> n4 [label=rebalance]
      }"
    `)
  })

  it('as JSON has the same facts, in a stable order, without functions', () => {
    const text = describePlan(graph, plan, 'json')
    expect(describePlan({ ...graph }, { ...plan }, 'json')).toBe(text)
    const description = JSON.parse(text)
    expect(Object.keys(description)).toEqual(['job', 'workers', 'keyGroups', 'tasks', 'edges', 'chaining', 'resources', 'memory', 'notes'])
    expect(description.tasks[0]).toEqual({
      id: 0,
      name: 'numbers -> say "hi" <b>',
      parallelism: 2,
      workers: [0, 1],
      operators: [
        {
          name: 'numbers',
          role: 'source',
          kind: 'source',
          ports: ['out'],
          declaredAt: 'job.ts:3:5',
          delivery: 'exactly-once',
          options: { big: '5n', count: 10 },
          numbers: [{ name: 'ratePerSecond', total: 1_000, perSubtaskMin: 500, perSubtaskMax: 500 }],
        },
        { name: 'say "hi" <b>', role: 'map', kind: 'map', ports: ['out'], options: {}, numbers: [] },
      ],
      inputs: [],
      outputs: [0],
    })
    expect(description.edges[0]).toMatchObject({
      name: 'say "hi" <b> -> sum',
      from: 'say "hi" <b>',
      to: 'sum',
      partitioning: 'hash',
      rings: 2,
      locals: 2,
    })
    expect(description.chaining[1]).toEqual({ edge: 'say "hi" <b> -> sum', chained: false, because: 'records are dealt out by key' })
    expect(description.memory).toEqual(plan.memory)
  })
})

it('says what holds of a source that acknowledges', () => {
  const spec = { kind: 'source', reads: 'splits', splits: () => [0], open: () => ({ next: () => undefined }), replayable: false } as const
  const acknowledging = new GraphBuilder().node('queue', spec, { delivery: 'at-least-once' }).node('out', sink).edge('queue', 'out').build()
  const checkpointed = resolveSettings({ checkpoint: {} }, { cores: 2 })
  const text = describePlan(acknowledging, planJob(acknowledging, checkpointed), 'text', checkpointed)
  expect(text).toContain('what no checkpoint covers is not acknowledged and is given again; records may count twice')
  expect(text).not.toContain('cannot be read again')
  const without = resolveSettings({}, { cores: 2 })
  expect(describePlan(acknowledging, planJob(acknowledging, without), 'text', without)).toContain(
    'without checkpoints nothing is acknowledged',
  )
})
