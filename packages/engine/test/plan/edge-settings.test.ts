/** What is set for single edges: who wins, what is refused, and how the plan says it. */
import { describe, expect, it } from 'vitest'
import { describePlan } from '../../src/plan/describe-plan.js'
import { mergeEdgeSettings, windowTargetOf } from '../../src/plan/edge-settings.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { GraphBuilder, map, sink, source } from '../support/graph-builder.js'

const graph = new GraphBuilder()
  .node('numbers', source)
  .node('parse', map)
  .node('write', sink)
  .edge('numbers', 'parse', { partitioning: 'hash' })
  .edge('parse', 'write', { partitioning: 'rebalance' })
  .build()

describe('settings of edges', () => {
  it('of the runner win over those of the job, option by option', () => {
    expect(
      mergeEdgeSettings({ a: { weight: 3, windowTargetMs: 20 }, b: { prefetch: 2 } }, { a: { weight: 4 }, c: { priority: 1 } }),
    ).toEqual({
      a: { weight: 4, windowTargetMs: 20 },
      b: { prefetch: 2 },
      c: { priority: 1 },
    })
  })

  it('of the runner take the place of the window by a prefetch, and the other way round', () => {
    const job = { a: { windowTargetMs: 20, weight: 3 }, b: { prefetch: 2, priority: 1 } }
    expect(mergeEdgeSettings(job, { a: { prefetch: 1 }, b: { windowTargetMs: false } })).toEqual({
      a: { prefetch: 1, weight: 3, priority: undefined },
      b: { windowTargetMs: false, priority: 1, weight: undefined },
    })
  })

  it('name the edges that are called alike first', () => {
    const settings = resolveSettings({ edges: { 'parse->wite': { prefetch: 1 } } }, { cores: 2 })
    expect(() => planJob(graph, settings)).toThrow(
      expect.objectContaining({ code: 'SLUICE_EDGE_UNKNOWN', hint: 'Its edges are "parse -> write", "numbers -> parse".' }),
    )
  })

  it('are printed with the plan', () => {
    const settings = resolveSettings(
      { edges: { 'numbers -> parse': { windowTargetMs: 20, weight: 2 } } },
      { cores: 2, edges: { 'parse -> write': { prefetch: 1, priority: -1 } } },
    )
    const plan = planJob(graph, settings)
    const text = describePlan(graph, plan, 'text', settings)
    expect(text).toMatch(/numbers -> parse +hash .* window of 20 ms, weight 2 +holds at most/)
    expect(text).toMatch(/parse -> write +rebalance .* prefetch 1, priority -1 +holds at most/)
    expect(JSON.parse(describePlan(graph, plan, 'json', settings)).edges[1].flow).toEqual({ prefetch: 1, priority: -1 })
  })
})

describe('the window of an edge', () => {
  const job = { adaptiveWindow: true, windowTargetMs: 100 }
  it.each([
    ['is what the job says', job, undefined, 100],
    ['is what the edge says', job, { windowTargetMs: 20 }, 20],
    ['is fixed where the edge says so', job, { windowTargetMs: false as const }, false],
    ['is fixed where the job says so', { ...job, adaptiveWindow: false }, undefined, false],
    ['follows the edge where the job has it fixed', { ...job, adaptiveWindow: false }, { windowTargetMs: 20 }, 20],
    ['is fixed on a pull edge', job, { prefetch: 3 }, false],
    ['is not touched by a weight', job, { weight: 3 }, 100],
  ])('%s', (_what, settings, edge, expected) => {
    expect(windowTargetOf(settings, edge)).toBe(expected)
  })
})
