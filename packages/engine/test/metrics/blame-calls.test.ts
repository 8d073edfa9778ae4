/** Why calls are slow: every reason on its own, and which one counts where there are several. */
import { describe, expect, it } from 'vitest'
import type { LogicalGraph, LogicalNode } from '../../src/graph/logical-graph.js'
import type { AsyncSpec } from '../../src/graph/operator-spec.js'
import type { CallBlame } from '../../src/metrics/blame-calls.js'
import { BreakerState } from '../../src/metrics/call-words.js'
import { callBlameInWords } from '../../src/metrics/call-blame-in-words.js'
import type { Bottleneck } from '../../src/metrics/find-bottleneck.js'
import { pressureGraph } from '../../src/metrics/pressure-graph.js'
import { type MetricsSnapshot, zeroMetrics } from '../../src/metrics/read-metrics.js'
import { reportInterval } from '../../src/metrics/report-interval.js'
import type { PhysicalPlan } from '../../src/plan/physical-plan.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { async, GraphBuilder, guarded, sink, source } from '../support/graph-builder.js'
import { MetricsBoard } from '../support/metrics-board.js'

const HELD = ', holds source orders back 97 % of the time through orders -> enrich'
/** Words count from 1,000,000 on: 0 would mean that nothing has begun. */
const START_MS = 1_000_000

/** 20 s in which `enrich` was waited for by a source. */
class Scene {
  readonly board: MetricsBoard
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan

  constructor(spec: AsyncSpec = guarded({ concurrency: 8 }), options: Partial<Pick<LogicalNode, 'dependency'>> = {}, also?: string) {
    const builder = new GraphBuilder({ parallelism: 1 }).node('orders', source).node('enrich', spec, options).node('write', sink)
    builder.edge('orders', 'enrich').edge('enrich', 'write')
    if (also !== undefined) builder.node(also, spec, options).node('end', sink).edge('orders', also).edge(also, 'end')
    this.graph = builder.build()
    this.plan = planJob(this.graph, resolveSettings(this.graph.settings, { cores: 2, chaining: false }))
    this.board = new MetricsBoard(this.plan)
    this.board
      .subtask('orders', 0, { backpressuredMs: 19_400, busyMs: 600 })
      .channel('orders -> enrich', 0, { blockedMs: 19_400 })
      .subtask('enrich', 0, { busyMs: 20_000, awaitingMs: 19_000, recordsIn: 40, inFlightMs: 160_000 })
  }

  read(): { readonly before: MetricsSnapshot; readonly after: MetricsSnapshot } {
    return { before: zeroMetrics(this.plan, START_MS), after: this.board.read(START_MS + 20_000) }
  }

  bottleneck(): Bottleneck | undefined {
    const { before, after } = this.read()
    return reportInterval(this.graph, this.plan, before, after).bottleneck
  }

  /** The sentence without who is held back. */
  get reason(): string {
    const { message = '' } = this.bottleneck() ?? {}
    expect(message).toMatch(/^enrich \(subtask 0\) is the bottleneck: /)
    expect(message.endsWith(HELD)).toBe(true)
    return message.slice('enrich (subtask 0) is the bottleneck: '.length, -HELD.length)
  }
}

describe('a slow dependency', () => {
  it('has as many calls under way as may be', () => {
    const scene = new Scene()
    scene.board.calls('enrich', 0, { calls: 84, attempts: 84, underWay: 8, underWayMs: 160_000, underWaySinceMs: START_MS + 20_000 })
    expect(scene.reason).toBe('8 of 8 calls under way, 2.1 s each')
    expect(scene.bottleneck()).toMatchObject({
      kind: 'calls',
      calls: { underWay: 8, limit: 8, waiting: 0, meanMs: expect.closeTo(2105, 0) },
    })
  })

  it('is told also where no call ended, and with what it is called', () => {
    const scene = new Scene(guarded({ concurrency: 8 }), { dependency: 'payments' })
    scene.board.calls('enrich', 0, { calls: 8, attempts: 8, underWay: 8, underWaySinceMs: START_MS })
    expect(scene.reason).toBe('8 of 8 calls of payments under way, none has ended')
  })

  it('may have calls that fail and are tried again, while most of the time goes into calls', () => {
    const scene = new Scene()
    scene.board.calls(
      'enrich',
      0,
      { calls: 80, attempts: 100, failures: 20, underWay: 0, underWayMs: 150_000, delayedMs: 10_000 },
      'socket hang up',
    )
    expect(scene.reason).toMatch(/^8 of 8 calls under way, 1\.5 s each, some fail \(socket hang up\)$/)
  })

  it('is told of operators without a guard too', () => {
    const scene = new Scene(async({ concurrency: 8 }))
    expect(scene.reason).toBe('8 of 8 calls under way, 4.0 s each')
    expect(scene.bottleneck()?.kind).toBe('calls')
  })

  it('is not it where the operator itself works', () => {
    const scene = new Scene(async({ concurrency: 8 }))
    scene.board.subtask('enrich', 0, { busyMs: 20_000, awaitingMs: 9_000 })
    expect(scene.bottleneck()).toMatchObject({ kind: 'operator', message: `enrich (subtask 0) is the bottleneck: busy 100 %${HELD}` })
    expect(scene.bottleneck()).not.toHaveProperty('calls')
  })
})

describe('an open circuit breaker', () => {
  const open = (state: keyof typeof BreakerState, sinceMs: number, options: Partial<Pick<LogicalNode, 'dependency'>> = {}): Scene => {
    const scene = new Scene(guarded({ concurrency: 8 }), options)
    scene.board.calls(
      'enrich',
      0,
      {
        breaker: BreakerState[state],
        breakerSinceMs: START_MS + sinceMs,
        openMs: 7_000,
        held: 8,
        heldSinceMs: START_MS + 1_000,
        failures: 5,
      },
      'connect ECONNREFUSED',
    )
    return scene
  }

  it('is named with what it protects, since when, and why', () => {
    const scene = open('open', 8_000, { dependency: 'payments' })
    expect(scene.reason).toBe('the circuit breaker of payments has been open for 12 s (connect ECONNREFUSED)')
    expect(scene.bottleneck()).toMatchObject({
      kind: 'breaker',
      calls: { dependency: 'payments', waiting: 7.6, breaker: { state: 'open', forMs: 12_000 }, error: 'connect ECONNREFUSED' },
    })
    expect(open('open', 8_000).reason).toBe('its circuit breaker has been open for 12 s (connect ECONNREFUSED)')
  })

  it('may try again just now, or let calls through bit by bit', () => {
    const probing = open('half-open', 19_100)
    probing.board.calls('enrich', 0, { openMs: 18_000 })
    expect(probing.reason).toBe('its circuit breaker has been half-open for 900 ms (connect ECONNREFUSED)')
    expect(open('closed', 18_000).reason).toBe(
      'its circuit breaker closed 2.0 s ago and lets 8 records through bit by bit (connect ECONNREFUSED)',
    )
  })

  it('is the reason also where ordered results wait behind a record that it holds, and where refused attempts are in backoff', () => {
    const scene = open('open', 2_000)
    scene.board.calls('enrich', 0, { stallSinceMs: START_MS + 1_000, stallAttempt: 2, stallBehind: 7 })
    expect(scene.bottleneck()?.kind).toBe('breaker')
    const refusing = new Scene()
    refusing.board.calls('enrich', 0, {
      breaker: BreakerState.open,
      breakerSinceMs: START_MS,
      delayed: 8,
      delayedSinceMs: START_MS,
      refused: 50,
    })
    expect(refusing.bottleneck()?.kind).toBe('breaker')
  })

  it('is not the reason where it was open for a moment only', () => {
    const scene = new Scene()
    scene.board.calls('enrich', 0, { openMs: 1_000, heldMs: 8_000, underWayMs: 100_000, attempts: 50, calls: 50, opened: 1 })
    expect(scene.reason).toBe('5 of 8 calls under way, 2.0 s each')
  })
})

describe('a retry', () => {
  it('stalls ordered results: the record, its attempt, how many wait and since when', () => {
    const scene = new Scene(guarded({ concurrency: 32 }))
    scene.board.calls(
      'enrich',
      0,
      {
        stallSinceMs: START_MS + 11_800,
        stalledMs: 9_000,
        stallSequence: 4711,
        stallAttempt: 6,
        stallBehind: 31,
        delayedMs: 15_000,
        underWayMs: 3_000,
      },
      '503 Service Unavailable',
    )
    expect(scene.reason).toBe(
      'record enrich/0/4711 is in its 6th attempt (503 Service Unavailable), and 31 finished results wait behind it since 8.2 s',
    )
    expect(scene.bottleneck()).toMatchObject({
      kind: 'retry',
      calls: { record: { id: 'enrich/0/4711', attempt: 6, behind: 31, forMs: 8_200 } },
    })
    scene.board.calls('enrich', 0, { stallSinceMs: 0, stalledMs: 17_000, stallAttempt: 22 })
    expect(scene.reason).toBe(
      'results waited behind retries, last behind record enrich/0/4711 in its 22nd attempt (503 Service Unavailable)',
    )
  })

  it('is told where records wait for their next attempt, results in order or not', () => {
    const scene = new Scene(guarded({ concurrency: 16, ordered: false }))
    scene.board.calls('enrich', 0, { delayed: 13, delayedSinceMs: START_MS, underWayMs: 60_000, attempts: 99, failures: 90 }, 'no')
    expect(scene.reason).toBe('13 records wait for another attempt (no)')
    expect(scene.bottleneck()).toMatchObject({ kind: 'retry', calls: { waiting: 13 } })
    expect(scene.bottleneck()?.calls?.record).toBeUndefined()
  })

  it('may wait for the budget, or for as long as what is called asked for', () => {
    const budget = new Scene()
    budget.board.calls('enrich', 0, { budget: 6, budgetSinceMs: START_MS, delayedMs: 20_000, failures: 9 }, 'no')
    expect(budget.reason).toBe('its retry budget is used up, 6 records wait for it (no)')
    const pause = new Scene(guarded(), { dependency: 'payments' })
    pause.board.calls('enrich', 0, { retryAfter: 1, retryAfterSinceMs: START_MS, failures: 1 }, '429 Too Many Requests')
    expect(pause.reason).toBe('payments asked for a pause, 1 record waits for its end (429 Too Many Requests)')
    expect([budget, pause].map((scene) => scene.bottleneck()?.kind)).toEqual(['budget', 'retryAfter'])
  })
})

describe('a dependency without a place', () => {
  it('names who has the places', () => {
    const scene = new Scene(guarded({ concurrency: 8 }), { dependency: 'payments' }, 'charge')
    scene.board
      .calls('enrich', 0, { queued: 7, queuedSinceMs: START_MS, underWay: 1, underWaySinceMs: START_MS })
      .calls('charge', 0, { underWay: 15, underWaySinceMs: START_MS })
    expect(scene.reason).toBe('7 records wait for a place among the calls of payments: 1 of its own is under way, 15 of charge')
    expect(scene.bottleneck()).toMatchObject({ kind: 'bulkhead', calls: { waiting: 7, others: [{ operator: 'charge', underWay: 15 }] } })
  })

  it('may be a limit of its own', () => {
    const scene = new Scene()
    scene.board.calls('enrich', 0, { queued: 6, queuedSinceMs: START_MS, underWay: 2, underWaySinceMs: START_MS, limit: 2 })
    expect(scene.reason).toBe('6 records wait for a place among its calls: 2 of its own are under way')
    expect(scene.bottleneck()?.calls).toMatchObject({ limit: 2, others: undefined })
  })
})

describe('the pressure graph', () => {
  it('tells the same reason, with what is called', () => {
    const scene = new Scene(guarded({ concurrency: 8 }), { dependency: 'payments' })
    scene.board.calls('enrich', 0, { breaker: BreakerState.open, breakerSinceMs: START_MS, held: 8, heldSinceMs: START_MS })
    const { before, after } = scene.read()
    const { edges, sources } = pressureGraph(scene.graph, scene.plan, before, after)
    const cause = { kind: 'breaker', operator: 'enrich', dependency: 'payments', workers: [expect.any(Number) as number] }
    expect(edges[0]?.flow?.causes).toEqual([{ ...cause, share: 1 }])
    expect(sources).toEqual([{ source: 'orders', heldBack: 0.97, on: [{ ...cause, share: expect.closeTo(0.97) as number }] }])
  })
})

describe('the report of calls', () => {
  it('has what was done in the interval, by operator over its subtasks, and where the breaker is worst', () => {
    const graph = new GraphBuilder({ parallelism: 2 })
      .node('orders', source)
      .node('enrich', guarded(), { dependency: 'payments' })
      .node('write', sink)
      .edge('orders', 'enrich')
      .edge('enrich', 'write')
      .build()
    const plan = planJob(graph, resolveSettings(graph.settings, { cores: 2, chaining: false }))
    const board = new MetricsBoard(plan)
    const calls = (at: number) =>
      board.calls('enrich', at, { calls: 10, attempts: 12, failures: 3, underWay: 0, underWayMs: 120, refused: 1 })
    calls(0).deadLetters('enrich', 0, 0, { SLUICE_TIMEOUT: 2 })
    calls(1)
    const reportOf = (before: MetricsSnapshot, nowMs: number) => reportInterval(graph, plan, before, board.read(nowMs)).calls
    const whole = {
      operator: 'enrich',
      dependency: 'payments',
      calls: 20,
      attempts: 24,
      failures: 6,
      retries: 4,
      refused: 2,
      deadLetters: 2,
    }
    expect(reportOf(zeroMetrics(plan, START_MS), START_MS + 1_000)).toEqual([
      { ...whole, meanMs: 10, underWay: 0, breaker: undefined, breakerOpenMs: 0 },
    ])
    const before = board.read(START_MS + 1_000)
    board
      .calls('enrich', 0, {
        attempts: 16,
        calls: 11,
        failures: 4,
        breaker: BreakerState.open,
        breakerSinceMs: START_MS + 1_600,
        openMs: 100,
      })
      .calls('enrich', 1, { breaker: BreakerState['half-open'], breakerSinceMs: START_MS + 1_900 })
      .deadLetters('enrich', 1, 0, { ECONNREFUSED: 3 })
    expect(reportOf(before, START_MS + 2_000)).toEqual([
      {
        ...whole,
        calls: 1,
        attempts: 4,
        failures: 1,
        retries: 3,
        refused: 0,
        deadLetters: 3,
        meanMs: 0,
        underWay: 0,
        breaker: 'open',
        breakerOpenMs: 500,
      },
    ])
    expect(reportOf(board.read(START_MS + 2_000), START_MS + 2_000)).toMatchObject([{ calls: 0, meanMs: undefined, breaker: 'open' }])
  })
})

describe('words for calls', () => {
  const blame: CallBlame = { kind: 'calls', underWay: 0.42, limit: 1, waiting: 0, meanMs: 0.04 }

  it.each([
    [{ ...blame }, '0.4 of 1 calls under way, 0.0 ms each'],
    [{ ...blame, underWay: 12.6, limit: 12, meanMs: 999.4 }, '12 of 12 calls under way, 999 ms each'],
    [{ ...blame, meanMs: 9_949 }, '0.4 of 1 calls under way, 9.9 s each'],
    [{ ...blame, meanMs: 119_000 }, '0.4 of 1 calls under way, 119 s each'],
    [{ ...blame, meanMs: 180_000 }, '0.4 of 1 calls under way, 3 min each'],
    [{ ...blame, kind: 'breaker', waiting: 1 } as const, 'its circuit breaker holds 1 record'],
  ])('%j', (given, words) => {
    expect(callBlameInWords(given)).toBe(words)
  })

  it.each([
    [1, '1st'],
    [2, '2nd'],
    [3, '3rd'],
    [11, '11th'],
    [112, '112th'],
    [1_003, '1003rd'],
  ])('count attempt %i as %s', (attempt, words) => {
    const record = { id: 'a/0/1', attempt, behind: 1, forMs: 1 }
    expect(callBlameInWords({ ...blame, kind: 'retry', record })).toBe(
      `record a/0/1 is in its ${words} attempt, and 1 finished result waits behind it since 1.0 ms`,
    )
  })
})
