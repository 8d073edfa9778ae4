/** What a job that was stopped waits for: calls that are not made for now, and nothing else. */
import { expect, test } from 'vitest'
import { onlyCallsWait } from '../../src/metrics/waiting-calls.js'
import type { MetricsSnapshot } from '../../src/metrics/read-metrics.js'

const time = (now: number) => ({ now, ms: 0 })

interface Given {
  readonly inFlight?: number
  readonly recordsIn?: number
  readonly waits?: Partial<Record<'delayed' | 'budget' | 'retryAfter' | 'held' | 'queued' | 'underWay', number>>
}

/** One subtask that calls, behind one that holds records. */
function reading({ inFlight = 0, recordsIn = 10, waits = {} }: Given): MetricsSnapshot {
  const { delayed = 0, budget = 0, retryAfter = 0, held = 0, queued = 0, underWay = 0 } = waits
  const calls = { delayed, budget, retryAfter, held, queued, underWay }
  return {
    atMs: 0,
    subtasks: [
      { asyncInFlight: 0, heldRecords: 70, recordsIn: 100, recordsOut: 30 },
      { asyncInFlight: inFlight, heldRecords: 0, recordsIn, recordsOut: 5 },
    ],
    channels: [],
    operators: [[{}], [{ calls: Object.fromEntries(Object.entries(calls).map(([name, now]) => [name, time(now)])) }]],
  } as unknown as MetricsSnapshot
}

const waiting = reading({ inFlight: 4, waits: { delayed: 1, held: 2, queued: 1 } })

test.each([
  ['all of them wait, and nothing moves', waiting, waiting, true],
  ['one was being made before', reading({ inFlight: 4, waits: { held: 3, underWay: 1 } }), waiting, false],
  ['one is being made', waiting, reading({ inFlight: 4, waits: { held: 3, underWay: 1 } }), false],
  ['one is being made that nothing guards', waiting, reading({ inFlight: 5, waits: { held: 4 } }), false],
  ['records moved', waiting, reading({ inFlight: 4, recordsIn: 11, waits: { held: 4 } }), false],
  ['there is no call', reading({}), reading({}), false],
])('%s', (_what, before, now, only) => {
  expect(onlyCallsWait(before, now)).toBe(only)
})
