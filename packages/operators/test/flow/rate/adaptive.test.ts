/** Adaptive limits: decisions as pure functions, and in a loop with a model of a server that has a knee. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AimdSettings, type AimdState, decideAimd } from '../../../src/flow/rate/adaptive/aimd.js'
import { decideGradient, type GradientSettings, type GradientState, startGradient } from '../../../src/flow/rate/adaptive/gradient.js'
import { type Observation, Observer } from '../../../src/flow/rate/adaptive/observation.js'
import { fromArray, print } from '../../../src/index.js'
import { declare, nodeOf } from '../../support/graphs.js'

const PERIOD_MS = 100
const nothing = { latencyMs: undefined, queueMs: undefined, errorRate: undefined }
const seen = (more: Partial<Observation> = {}): Observation => ({
  elapsedMs: PERIOD_MS,
  latencyMs: 5,
  queueMs: 0,
  errorRate: 0,
  limited: 1,
  ...more,
})

/** Answers in `workMs` up to its capacity; what comes beyond queues up in front of it. */
class Server {
  queued = 0

  constructor(
    public perSecond: number,
    private readonly workMs: number,
  ) {}

  /** A period with that rate: what a limiter sees of it. */
  serve(rate: number): Observation {
    const mayDo = (this.perSecond * PERIOD_MS) / 1000
    const arrived = (rate * PERIOD_MS) / 1000
    const done = Math.min(mayDo, this.queued + arrived)
    this.queued += arrived - done
    const queueMs = this.queued === 0 ? 0 : this.perSecond > 0 ? (this.queued / this.perSecond) * 1000 : 10_000
    return seen({ latencyMs: done > 0 ? this.workMs : Number.NaN, queueMs })
  }
}

const observation: fc.Arbitrary<Observation> = fc.record({
  elapsedMs: fc.double({ min: 0, max: 1000, noNaN: true }),
  latencyMs: fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 1e5, noNaN: true })),
  queueMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
  errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
  limited: fc.double({ min: 0, max: 1, noNaN: true }),
})

const aimd: AimdSettings = { min: 10, max: 2000, increase: 20, decrease: 0.7, target: { ...nothing, queueMs: 50 } }
const gradient: GradientSettings = { min: 10, max: 2000, tolerance: 1.5, target: nothing }

/** Rates of the periods, over a server. */
function runAimd(server: Server, periods: number, start: AimdState = { rate: 10, restMs: 0 }): number[] {
  let state = start
  return Array.from({ length: periods }, () => {
    state = decideAimd(state, server.serve(state.rate), aimd)
    return state.rate
  })
}

function runGradient(server: Server, periods: number, start: GradientState = startGradient(10)): number[] {
  let state = start
  return Array.from({ length: periods }, () => {
    state = decideGradient(state, server.serve(state.rate), gradient)
    return state.rate
  })
}

describe('additive increase, multiplicative decrease', () => {
  it('stays between min and max, whatever it sees, and goes up by one increase and down by one factor at most', () => {
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 200 }), (observations) => {
        let state: AimdState = { rate: aimd.min, restMs: 0 }
        for (const each of observations) {
          const next = decideAimd(state, each, aimd)
          expect(next.rate).toBeGreaterThanOrEqual(aimd.min)
          expect(next.rate).toBeLessThanOrEqual(aimd.max)
          expect(next.rate).toBeLessThanOrEqual(state.rate + aimd.increase)
          expect(next.rate).toBeGreaterThanOrEqual(state.rate * aimd.decrease - 1e-9)
          state = next
        }
      }),
    )
  })

  it('decreases once per round trip', () => {
    const slow = seen({ latencyMs: 150, queueMs: 100 })
    const rates: number[] = []
    let state: AimdState = { rate: 1000, restMs: 0 }
    for (let period = 0; period < 7; period++) {
      state = decideAimd(state, slow, aimd)
      rates.push(Math.round(state.rate))
    }
    expect(rates).toEqual([700, 700, 700, 490, 490, 490, 343])
  })

  it('does not grow while it is not used', () => {
    expect(decideAimd({ rate: 100, restMs: 0 }, seen({ limited: 0.05 }), aimd).rate).toBe(100)
    expect(decideAimd({ rate: 100, restMs: 0 }, seen({ limited: 0.5 }), aimd).rate).toBe(120)
  })

  it.each([
    [{ latencyMs: 50 }, seen({ latencyMs: 51 })],
    [{ queueMs: 50 }, seen({ queueMs: 51 })],
    [{ errorRate: 0.01 }, seen({ errorRate: 0.02 })],
  ])('goes down where %o is not met', (target, observed) => {
    const settings = { ...aimd, target: { ...nothing, ...target } }
    expect(decideAimd({ rate: 100, restMs: 0 }, observed, settings).rate).toBeCloseTo(70)
    expect(decideAimd({ rate: 100, restMs: 0 }, seen(), settings).rate).toBe(120)
  })

  it('finds the knee of a server, and swings around it by no more than its factors say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1500 }), fc.double({ min: 1, max: 40, noNaN: true }), (perSecond, workMs) => {
        const rates = runAimd(new Server(perSecond, workMs), 1000).slice(300)
        const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
        expect(mean).toBeGreaterThan(0.7 * perSecond)
        expect(mean).toBeLessThan(1.15 * perSecond)
        // From the queue's being too long until that is seen some increases pass.
        expect(Math.max(...rates)).toBeLessThan(1.1 * perSecond + 8 * aimd.increase)
        expect(Math.min(...rates)).toBeGreaterThan(0.3 * perSecond)
      }),
      { numRuns: 50 },
    )
  })

  it('comes back after an outage', () => {
    const server = new Server(1000, 5)
    runAimd(server, 400)
    server.perSecond = 0
    const during = runAimd(server, 100, { rate: 1000, restMs: 0 })
    expect(during.at(-1)).toBeLessThan(100)
    server.perSecond = 1000
    const after = runAimd(server, 150, { rate: during.at(-1) as number, restMs: 0 })
    expect(Math.max(...after)).toBeGreaterThan(800)
  })
})

describe('the gradient of latency', () => {
  it('stays between min and max, whatever it sees, and never becomes NaN', () => {
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 400 }), (observations) => {
        let state = startGradient(gradient.min)
        for (const each of observations) {
          state = decideGradient(state, each, gradient)
          expect(state.rate).toBeGreaterThanOrEqual(gradient.min)
          expect(state.rate).toBeLessThanOrEqual(gradient.max)
        }
      }),
    )
  })

  it('finds the knee of a server without a target, and stays near it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1500 }), fc.double({ min: 2, max: 60, noNaN: true }), (perSecond, workMs) => {
        const rates = runGradient(new Server(perSecond, workMs), 800).slice(200)
        const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
        expect(mean).toBeGreaterThan(0.8 * perSecond)
        expect(mean).toBeLessThan(1.1 * perSecond)
        // What is tried beyond the knee is a share of the largest rate too.
        expect(Math.max(...rates)).toBeLessThan(1.4 * perSecond + 0.02 * gradient.max)
        expect(Math.min(...rates)).toBeGreaterThan(0.4 * perSecond)
      }),
      { numRuns: 50 },
    )
  })

  it('follows a server that becomes slower and recovers', () => {
    const server = new Server(1000, 10)
    let state = startGradient(10)
    const run = (periods: number): number => {
      for (let period = 0; period < periods; period++) state = decideGradient(state, server.serve(state.rate), gradient)
      return state.rate
    }
    expect(run(200)).toBeGreaterThan(700)
    server.perSecond = 100
    expect(run(150)).toBeLessThan(160)
    server.perSecond = 1000
    expect(run(150)).toBeGreaterThan(700)
  })

  it('takes a latency that stays larger for the new least one, after a while', () => {
    let state = startGradient(1000)
    for (let period = 0; period < 300; period++) state = decideGradient(state, seen({ latencyMs: 5 }), gradient)
    expect(state.rate).toBe(2000)
    for (let period = 0; period < 250; period++) state = decideGradient(state, seen({ latencyMs: 50 }), gradient)
    expect(state.rate).toBeLessThan(200)
    for (let period = 0; period < 700; period++) state = decideGradient(state, seen({ latencyMs: 50 }), gradient)
    expect(state.rate).toBe(2000)
  })

  it('takes no notice of latencies that are finer than timers', () => {
    let state = startGradient(1000)
    state = decideGradient(state, seen({ latencyMs: 0.5 }), gradient)
    for (let period = 0; period < 100; period++) state = decideGradient(state, seen({ latencyMs: 6 }), gradient)
    expect(state.rate).toBe(gradient.max)
  })

  it('does not grow while it is not used, nor where nothing is known', () => {
    const state = startGradient(100)
    expect(decideGradient(state, seen({ limited: 0 }), gradient).rate).toBe(100)
    expect(decideGradient(state, seen({ latencyMs: Number.NaN }), gradient).rate).toBe(100)
    expect(decideGradient(state, seen(), gradient).rate).toBeGreaterThan(100)
  })
})

describe('what is seen of an operator', () => {
  const idle = { completed: 0, latencyMs: 0, errors: 0, taken: 0, queued: 0, inFlight: 0 }

  it('is the mean of a period', () => {
    const counters = { ...idle, completed: 10, latencyMs: 1000, taken: 10 }
    const observer = new Observer(counters, 0)
    Object.assign(counters, { completed: 30, latencyMs: 1100, errors: 5, taken: 30, queued: 40 })
    expect(observer.observe(100, 0.5)).toEqual({ elapsedMs: 100, latencyMs: 5, queueMs: 200, errorRate: 0.25, limited: 0.5 })
    expect(observer.observe(200, 0)).toMatchObject({ latencyMs: Number.NaN, queueMs: 100, errorRate: 0 })
  })

  it('is how long nothing was done, where there was something to do', () => {
    const counters = { ...idle }
    const observer = new Observer(counters, 0)
    expect(observer.observe(100, 0)).toMatchObject({ latencyMs: Number.NaN, queueMs: 0 })
    Object.assign(counters, { queued: 5, inFlight: 3 })
    expect(observer.observe(200, 0)).toMatchObject({ latencyMs: 100, queueMs: 100 })
    expect(observer.observe(500, 0)).toMatchObject({ latencyMs: 400, queueMs: 400 })
    Object.assign(counters, { completed: 1, latencyMs: 450, taken: 1 })
    expect(observer.observe(600, 0)).toMatchObject({ latencyMs: 450, queueMs: 500 })
  })
})

describe('the options of adaptive limits', () => {
  const graphOf = (options: object) =>
    declare((job) => {
      const given = { observe: 'out', min: 1, max: 10, ...options } as {
        readonly algorithm: 'gradient'
        readonly observe: string
        min: number
        max: number
      }
      job
        .source('in', fromArray([1]))
        .rateLimit('limit', given)
        .sink('out', print())
    })
  const target = { latency: '10ms' }

  it.each([
    [{ algorithm: 'aimd' }, 'target of rateLimit limit is undefined'],
    [{ algorithm: 'aimd', target: {} }, 'target of rateLimit limit is {}'],
    [{ algorithm: 'aimd', target: { latency: 0 } }, 'target.latency'],
    [{ algorithm: 'aimd', target: { errorRate: 1 } }, 'errorRate'],
    [{ algorithm: 'aimd', target, min: 0 }, 'min of rateLimit limit is 0'],
    [{ algorithm: 'aimd', target, min: 20 }, 'max of rateLimit limit is 10'],
    [{ algorithm: 'aimd', target, max: Number.POSITIVE_INFINITY }, 'max of rateLimit limit is Infinity'],
    [{ algorithm: 'aimd', target, initial: 11 }, 'initial of rateLimit limit is 11'],
    [{ algorithm: 'aimd', target, period: '1ms' }, 'period of rateLimit limit is 1ms'],
    [{ algorithm: 'aimd', target, decrease: 1 }, 'decrease of rateLimit limit is 1'],
    [{ algorithm: 'aimd', target, increase: 0 }, 'increase of rateLimit limit is 0'],
    [{ algorithm: 'aimd', target, tolerance: 2 }, 'tolerance of rateLimit limit'],
    [{ algorithm: 'gradient', tolerance: 0.5 }, 'tolerance of rateLimit limit is 0.5'],
    [{ algorithm: 'gradient', decrease: 0.5 }, 'decrease of rateLimit limit'],
    [{ algorithm: 'gradient', rate: 5 }, 'rate of rateLimit limit'],
    [{ algorithm: 'gradient', key: (n: number) => n }, 'key of rateLimit limit'],
    [{ algorithm: 'gradient', observe: '' }, 'observe of rateLimit limit'],
    [{ rate: 5 }, 'observe of rateLimit limit goes with'],
  ])('refuse %o', (options, message) => {
    expect(() => graphOf(options)).toThrow(
      expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) }),
    )
  })

  it('run at one subtask, and look at the operator', () => {
    expect(nodeOf(graphOf({ algorithm: 'gradient' }), 'limit')).toMatchObject({
      parallelismMax: { value: 1 },
      spec: { observes: 'out' },
      limit: 'rate, between 1 and 10/s after out,',
    })
  })
})
