/** What the experiments of flow control make of their samples, on traces whose answer is known. */
import { expect, test } from 'vitest'
import { followsAfterMs, longestPauseMs, meanRate, peakRate, reachesAfterMs, type Trace } from '../../dist/harness/dynamics.js'
import { createHistogram, noteLatency, percentile } from '../../dist/records/latency-histogram.js'

const SAMPLE_MS = 10
const FOLLOW = { share: 0.05, slack: 10, horizonMs: 1_000 }

/** Records per ms of source and consumer by time. */
function traceOf(lengthMs: number, source: (atMs: number) => number, consumer: (atMs: number) => number): Trace {
  const trace = { timesMs: [0], made: [0], taken: [0] }
  for (let atMs = SAMPLE_MS; atMs <= lengthMs; atMs += SAMPLE_MS) {
    trace.timesMs.push(atMs)
    trace.made.push((trace.made.at(-1) as number) + source(atMs) * SAMPLE_MS)
    trace.taken.push((trace.taken.at(-1) as number) + consumer(atMs) * SAMPLE_MS)
  }
  return trace
}

test('a source that goes on for 300 ms, pauses for 700 and then follows has reacted after the pause', () => {
  const trace = traceOf(
    5_000,
    (atMs) => (atMs <= 1_300 ? 100 : atMs <= 2_000 ? 0 : 10),
    (atMs) => (atMs <= 1_000 ? 100 : 10),
  )
  expect(followsAfterMs(trace, 1_000, 5_000, FOLLOW)).toBe(1_000)
  expect(longestPauseMs(trace, 1_000, 5_000)).toBe(700)
})

test('one that follows at once has reacted at once, and one that is 10 % off never does', () => {
  const consumer = (atMs: number): number => (atMs <= 1_000 ? 100 : 10)
  expect(followsAfterMs(traceOf(3_000, consumer, consumer), 1_000, 3_000, FOLLOW)).toBe(0)
  const off = traceOf(3_000, (atMs) => consumer(atMs) * 1.1, consumer)
  expect(followsAfterMs(off, 1_000, 3_000, FOLLOW)).toBeNaN()
})

test('a source that comes back in steps is back when it begins a stretch at the rate', () => {
  const trace = traceOf(
    4_000,
    (atMs) => (atMs <= 1_000 ? 10 : atMs <= 1_500 ? 50 : atMs <= 2_000 ? 130 : 100),
    () => 100,
  )
  expect(reachesAfterMs(trace, 1_000, 4_000, 95_000, 200)).toBeGreaterThan(300)
  expect(reachesAfterMs(trace, 1_000, 4_000, 95_000, 200)).toBeLessThanOrEqual(500)
  expect(peakRate(trace, 1_000, 4_000, 200)).toBeCloseTo(130_000, 6)
  expect(reachesAfterMs(trace, 1_000, 4_000, 200_000, 200)).toBeNaN()
  expect(meanRate(trace, trace.made, 2_500, 3_500)).toBeCloseTo(100_000, 6)
})

test('percentiles are right to a twelfth of an octave, by seconds of the run', () => {
  const words = new Int32Array(createHistogram(3))
  for (let each = 1; each <= 1_000; each++) noteLatency(words, 1, each)
  noteLatency(words, 2, 1e9)
  // Beyond the run: not counted.
  noteLatency(words, 3, 5)
  const near = 2 ** (1 / 12)
  for (const [share, exact] of [
    [0.5, 500],
    [0.99, 990],
  ] as const) {
    expect(percentile(words, 0, 2, share) / exact).toBeGreaterThan(1 / near)
    expect(percentile(words, 0, 2, share) / exact).toBeLessThan(near)
  }
  expect(percentile(words, 0, 1, 0.5)).toBeNaN()
  expect(percentile(words, 2, 3, 0.5)).toBeGreaterThan(1e6)
})
