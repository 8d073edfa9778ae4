/** Tail samples in whole jobs under random interleavings, and with crashes: traces with an error are whole, nothing comes twice, a decision holds. */
import { defineJob, fromArray, keepIfAny, keepShare, keepWhen } from '@sluice/operators'
import { expect, test } from 'vitest'
import { at, simulate } from '../../src/index.js'

interface Span {
  readonly id: number
  readonly trace: string
  readonly failed: boolean
}

const TRACES = 60
const SPANS = 6
/** Longer than a thread stands still in a simulation. */
const DECIDE_AFTER_MS = 10_000

/** Six spans of each trace within 300 ms, mixed with those of others; every seventh trace has one that fails, anywhere. Then two late ones each. */
const spans: readonly { readonly atMs: number; readonly span: Span }[] = Array.from({ length: TRACES * (SPANS + 2) }, (_, id) => {
  const trace = id % TRACES
  const part = Math.floor(id / TRACES)
  const atMs = part < SPANS ? trace * 5 + part * 60 : 15_000 + part * 100 + trace
  return { atMs, span: { id, trace: `trace-${trace}`, failed: trace % 7 === 0 && part === trace % SPANS } }
}).toSorted((left, right) => left.atMs - right.atMs)
const input = spans.map(({ atMs, span }) => at(atMs, span))

const ids = (records: readonly Span[]): readonly number[] => records.map(({ id }) => id).toSorted((left, right) => left - right)
const all = ids(spans.map(({ span }) => span))

test.each([1, 3])('traces are decided once and whole, whatever crashes, at parallelism %i', { timeout: 120_000 }, async (parallelism) => {
  const job = defineJob({ name: 'tails' }, (builder) => {
    const sampled = builder
      .source('spans', fromArray<Span>([]))
      .keyBy(({ trace }) => trace)
      .tailSample('tail', {
        decideAfter: DECIDE_AFTER_MS,
        policies: [
          keepIfAny('errors', ({ failed }) => failed),
          keepShare('some', 0.2),
          keepWhen('never', (records) => records.length > SPANS),
        ],
      })
    return { kept: sampled, dropped: sampled.dropped }
  })
  let crashed = 0
  for (let seed = 1; seed <= 4; seed++) {
    const { outputs, crashes } = await simulate(job, { seed, parallelism, inputs: { spans: input }, crashes: seed % 2 === 0 ? 2 : 0 })
    const { kept, dropped } = outputs
    const keptTraces = new Set(kept.map(({ trace }) => trace))
    for (let trace = 0; trace < TRACES; trace += 7) expect(keptTraces).toContain(`trace-${trace}`)
    // A trace is on one side, with all of its spans, late ones too; what was dropped may have found no reader.
    expect(dropped.filter(({ trace }) => keptTraces.has(trace))).toEqual([])
    expect(ids(kept)).toEqual(all.filter((id) => keptTraces.has(`trace-${id % TRACES}`)))
    expect(new Set(ids(dropped)).size).toBe(dropped.length)
    expect(dropped.length).toBeLessThanOrEqual(all.length - kept.length)
    expect(keptTraces.size).toBeLessThan(TRACES)
    crashed += crashes
  }
  expect(crashed).toBeGreaterThan(0)
})

test('its memory stays within its bounds where everything comes at once, and then too every span is on one side', {
  timeout: 120_000,
}, async () => {
  const job = defineJob({ name: 'tails' }, (builder) => {
    const sampled = builder
      .source('spans', fromArray<Span>([]))
      .keyBy(({ trace }) => trace)
      .tailSample('tail', { decideAfter: '1h', policies: [keepIfAny('errors', ({ failed }) => failed)], traces: 10, records: 30 })
    return { kept: sampled, dropped: sampled.dropped }
  })
  for (let seed = 1; seed <= 6; seed++) {
    const { outputs } = await simulate(job, { seed, parallelism: 2, inputs: { spans: spans.map(({ span }) => span) }, crashes: seed % 2 })
    const { kept, dropped } = outputs
    const keptTraces = new Set(kept.map(({ trace }) => trace))
    expect(dropped.filter(({ trace }) => keptTraces.has(trace))).toEqual([])
    expect(new Set([...ids(kept), ...ids(dropped)]).size).toBe(kept.length + dropped.length)
    // Most of the errors are seen late, by traces that had to give way.
    expect(kept.length).toBeLessThan(all.length / 2)
  }
})
