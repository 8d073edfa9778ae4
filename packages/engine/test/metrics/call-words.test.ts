/** Words of guarded calls: written as a guard writes them, read as the coordinator reads them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Gate } from '../../src/channel/gate.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import { callInterval } from '../../src/metrics/call-interval.js'
import { CALL_WORDS, CallWords, readCallCounts } from '../../src/metrics/call-words.js'
import { layoutMetrics } from '../../src/metrics/metric-layout.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { AsyncTable } from '../../src/task/async-table.js'
import type { AsyncCallContext } from '../../src/task/operator-contexts.js'
import { async, GraphBuilder, guarded, sink, source } from '../support/graph-builder.js'

class Calls {
  nowMs = 1000
  readonly words = new Float64Array(new SharedArrayBuffer(3 * CALL_WORDS * 8))
  readonly calls: CallWords = new CallWords(this.words, CALL_WORDS, () => this.nowMs)

  read(): ReturnType<typeof readCallCounts> {
    return readCallCounts(this.words, CALL_WORDS, this.nowMs)
  }

  /** Whatever was written lies between the words of others. */
  get stray(): readonly number[] {
    return [...this.words.subarray(0, CALL_WORDS), ...this.words.subarray(2 * CALL_WORDS)].filter((word) => word !== 0)
  }
}

describe('words of guarded calls', () => {
  it('count attempts, and the time of those that are under way up to now', () => {
    const scene = new Calls()
    scene.calls.begin(1)
    scene.nowMs += 100
    scene.calls.begin(1)
    scene.nowMs += 50
    scene.calls.end(true, new Error('no'))
    scene.calls.begin(2)
    scene.nowMs += 10
    expect(scene.read()).toMatchObject({ calls: 2, attempts: 3, failures: 1, refused: 0, underWay: { now: 2, ms: 100 + 2 * 50 + 2 * 10 } })
    expect(scene.read()).toMatchObject({ lastError: 'no', stall: undefined, limit: undefined, breaker: 'closed', breakerForMs: undefined })
    expect(scene.stray).toEqual([])
  })

  it('tell apart what records wait for', () => {
    const scene = new Calls()
    scene.calls.backoff(1)
    scene.calls.backoff(1, 'budget')
    scene.calls.backoff(1, 'retryAfter')
    scene.calls.held(1)
    scene.calls.queued(1)
    scene.nowMs += 30
    scene.calls.backoff(-1, 'budget')
    scene.calls.held(-1)
    scene.nowMs += 20
    expect(scene.read()).toMatchObject({
      delayed: { now: 1, ms: 50 },
      budget: { now: 0, ms: 30 },
      retryAfter: { now: 1, ms: 50 },
      held: { now: 0, ms: 30 },
      queued: { now: 1, ms: 50 },
    })
  })

  it('add up to what each record was in, whatever comes in whatever order', () => {
    const waits = ['underWay', 'delayed', 'budget', 'retryAfter', 'held', 'queued'] as const
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...waits), fc.boolean(), fc.nat(50))), (steps) => {
        const scene = new Calls()
        const now = new Map(waits.map((wait) => [wait, 0]))
        const ms = new Map(waits.map((wait) => [wait, 0]))
        const change = (wait: (typeof waits)[number], by: 1 | -1): void => {
          if (wait === 'underWay') {
            if (by === 1) scene.calls.begin(1)
            else scene.calls.end(false)
          } else if (wait === 'held') scene.calls.held(by)
          else if (wait === 'queued') scene.calls.queued(by)
          else scene.calls.backoff(by, wait === 'delayed' ? 'delay' : wait)
        }
        for (const [wait, more, elapsedMs] of steps) {
          const by = more || now.get(wait) === 0 ? 1 : -1
          change(wait, by)
          now.set(wait, (now.get(wait) ?? 0) + by)
          scene.nowMs += elapsedMs
          for (const one of waits) ms.set(one, (ms.get(one) ?? 0) + (now.get(one) ?? 0) * elapsedMs)
        }
        const read = scene.read()
        for (const wait of waits) expect(read[wait]).toEqual({ now: now.get(wait), ms: ms.get(wait) })
      }),
    )
  })

  it('keep how long a circuit breaker was open and half-open, and how often it opened', () => {
    const scene = new Calls()
    scene.calls.breaker('closed')
    scene.nowMs += 500
    scene.calls.breaker('open')
    scene.nowMs += 1000
    scene.calls.breaker('open')
    scene.calls.breaker('half-open')
    scene.nowMs += 30
    scene.calls.breaker('open')
    scene.nowMs += 200
    const before = scene.read()
    expect(before).toMatchObject({ breaker: 'open', breakerForMs: 200, openMs: 1200, halfOpenMs: 30, opened: 1 })
    scene.nowMs += 50
    scene.calls.breaker('half-open')
    scene.nowMs += 7
    scene.calls.breaker('closed')
    scene.nowMs += 1000
    expect(scene.read()).toMatchObject({ breaker: 'closed', breakerForMs: 1000, openMs: 1250, halfOpenMs: 37, opened: 1 })
    expect(callInterval(before, scene.read())).toMatchObject({ openMs: 50, halfOpenMs: 7 })
  })

  it('keep the text of the last error, cut between characters, and that of its cause where fetch says no more than that it failed', () => {
    const textOf = (error: unknown): string | undefined => {
      const scene = new Calls()
      scene.calls.begin(1)
      scene.calls.end(true, error)
      expect(scene.stray).toEqual([])
      return scene.read().lastError
    }
    expect(textOf(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:80') }))).toBe(
      'connect ECONNREFUSED 127.0.0.1:80',
    )
    expect(textOf(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED')
    expect(textOf(new RangeError(''))).toBe('RangeError')
    expect(textOf(`x${'ü'.repeat(200)}`)).toBe(`x${'ü'.repeat(55)}`)
    expect(textOf({ no: 'text' })).toBeUndefined()
  })

  it('take the texts of errors that come by the thousand now and then', () => {
    const scene = new Calls()
    const fail = (text: string): void => {
      scene.calls.begin(1)
      scene.calls.end(true, new Error(text))
    }
    fail('first')
    scene.nowMs += 99
    fail('second')
    expect(scene.read().lastError).toBe('first')
    scene.nowMs += 1
    fail('third')
    expect(scene.read()).toMatchObject({ lastError: 'third', failures: 3 })
  })

  it('lie behind those of everybody else, for operators with a guard alone', () => {
    const plan = (spec: OperatorSpec) => {
      const graph = new GraphBuilder({ parallelism: 2 })
        .node('orders', source)
        .node('enrich', spec)
        .node('write', sink)
        .edge('orders', 'enrich')
        .edge('enrich', 'write')
        .build()
      return planJob(graph, resolveSettings(graph.settings, { cores: 2 }))
    }
    const [free, protectedPlan] = [plan(async()), plan(guarded())]
    expect(layoutMetrics(free).callsAt(2, 0)).toBeUndefined()
    const layout = layoutMetrics(protectedPlan)
    const task = protectedPlan.tasks.find(({ guarded: nodes }) => nodes !== undefined)
    const at = (task?.subtasks ?? []).map((id) => layout.callsAt(id, 0))
    expect(at).toEqual([layout.words - 2 * CALL_WORDS, layout.words - CALL_WORDS])
    expect(layout.words - layoutMetrics(free).words).toBeLessThan(2 * CALL_WORDS + 8)
  })
})

/** An ordered table whose calls are settled and retried by hand. */
class Table extends Calls {
  readonly out: unknown[] = []
  readonly contexts: { sequence: number; attempt: number }[] = []
  readonly #settle: ((value: unknown) => void)[] = []
  readonly table: AsyncTable

  constructor(ordered = true) {
    super()
    this.table = new AsyncTable({
      operator: 'enrich',
      sharesContext: false,
      limit: 8,
      ordered,
      timeoutMs: 1000,
      discardsResults: false,
      gate: new Gate(),
      monotonicMs: () => this.nowMs,
      contextOf: (sequence) => {
        const context = { sequence, attempt: 1 }
        this.contexts.push(context)
        return context as AsyncCallContext
      },
      call: () => undefined,
      wake: () => {},
      fail: (error) => {
        throw error
      },
      calls: this.calls,
    })
    this.table.connect((record) => this.out.push(record))
  }

  take(records: number): void {
    for (let record = 0; record < records; record++) {
      this.table.nextContext()
      // Settled in the same turn, by hand.
      // oxlint-disable-next-line unicorn/no-thenable
      this.table.take({ then: (settle: (value: unknown) => void) => this.#settle.push(settle) }, Number.NaN, this.#settle.length)
    }
  }

  settle(record: number): void {
    this.#settle[record]?.(record)
  }

  /** As a guard says it. */
  retry(record: number): void {
    const context = this.contexts[record]
    if (context === undefined) throw new Error(`no record ${record}`)
    context.attempt++
    this.calls.backoff(1)
  }
}

describe('an ordered stream that a retry stalls', () => {
  it('says behind which record finished results wait, in which attempt, since when and how many', () => {
    const scene = new Table()
    scene.take(4)
    scene.settle(1)
    scene.nowMs += 40
    // A first attempt that takes long is no retry.
    expect(scene.read()).toMatchObject({ stalledMs: 0, stall: undefined })
    scene.retry(0)
    scene.nowMs += 10
    scene.settle(3)
    expect(scene.read().stall).toEqual({ sequence: 0, attempt: 2, behind: 2, forMs: 10 })
    scene.retry(0)
    scene.nowMs += 5
    expect(scene.read().stall).toEqual({ sequence: 0, attempt: 3, behind: 2, forMs: 15 })
    expect(scene.table.drain()).toBe(0)
    scene.settle(0)
    scene.table.drain()
    expect(scene.out).toEqual([0, 1])
    scene.nowMs += 100
    expect(scene.read()).toMatchObject({ stalledMs: 15, stall: { sequence: 0, attempt: 3, forMs: undefined } })
  })

  it('begins when the first result waits, and goes on with the next record that is tried again', () => {
    const scene = new Table()
    scene.take(4)
    scene.retry(0)
    scene.nowMs += 100
    expect(scene.read().stalledMs).toBe(0)
    scene.retry(1)
    scene.settle(2)
    scene.nowMs += 10
    scene.settle(0)
    scene.nowMs += 3
    scene.table.drain()
    scene.nowMs += 7
    expect(scene.out).toEqual([0])
    expect(scene.read()).toMatchObject({ stalledMs: 17, stall: { sequence: 1, attempt: 2, behind: 1, forMs: 7 } })
    scene.settle(1)
    scene.table.drain()
    expect(scene.out).toEqual([0, 1, 2])
    expect(scene.read()).toMatchObject({ stalledMs: 17, stall: { forMs: undefined } })
  })

  it('does not happen where results leave as they are done', () => {
    const scene = new Table(false)
    scene.take(3)
    scene.retry(0)
    scene.settle(1)
    scene.nowMs += 50
    expect(scene.read()).toMatchObject({ stalledMs: 0, stall: undefined })
  })
})
