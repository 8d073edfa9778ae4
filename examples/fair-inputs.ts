import { defineJob, forEach, generate } from 'sluice'

const LIVE_PER_SECOND = 200
const LIVE_EVENTS = 1_000
const STORED_EVENTS = 30_000
/** What scoring an event costs, in ms. */
const COST_MS = 0.2

/** Live events and a backfill of old ones go through the same expensive step: live ones first, the backfill takes what time is left. */
export default defineJob(
  {
    name: 'fair-inputs',
    workers: 2,
    parallelism: 1,
    edges: { 'live -> score': { priority: 1 } },
  },
  (job) => {
    const live = job.source(
      'live',
      generate((index) => ({ index, live: true, madeAtMs: Date.now() }), { count: LIVE_EVENTS, rate: LIVE_PER_SECOND }),
    )
    const stored = job.source(
      'stored',
      generate((index) => ({ index, live: false, madeAtMs: 0 }), { count: STORED_EVENTS }),
    )
    const waitedMs: number[] = []
    let storedSoFar = 0
    live
      .union(stored)
      .map(
        (event) => {
          const fromMs = performance.now()
          while (performance.now() - fromMs < COST_MS);
          return event
        },
        { name: 'score' },
      )
      .sink(
        'report',
        forEach((event) => {
          if (!event.live) {
            storedSoFar++
            return
          }
          waitedMs.push(Date.now() - event.madeAtMs)
          if (waitedMs.length % LIVE_PER_SECOND !== 0) return
          const sorted = waitedMs.toSorted((a, b) => a - b)
          const [half, most] = [0.5, 0.99].map((share) => sorted[Math.floor(share * sorted.length)])
          console.log(
            `${event.index + 1} live events: half waited up to ${half} ms, 99 % up to ${most} ms; ${storedSoFar} stored ones so far`,
          )
          waitedMs.length = 0
        }),
      )
  },
)
