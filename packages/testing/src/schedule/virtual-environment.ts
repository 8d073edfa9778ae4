/** The engine's outside in a simulation: one per loop, over the scheduler's clock. */
import type { Environment, LogEntry } from '@sluice/engine'
import type { Life } from './life.js'
import type { Scheduler } from './scheduler.js'

/** When virtual time begins: 2026-01-01T00:00:00Z, less the first second. */
export const EPOCH_MS: number = Date.UTC(2026, 0, 1) - 1000

export interface VirtualEnvironmentOptions {
  readonly scheduler: Scheduler
  readonly life: Life
  readonly codeGeneration: boolean
  readonly log: (entry: LogEntry) => void
}

export function createVirtualEnvironment({ scheduler, life, codeGeneration, log }: VirtualEnvironmentOptions): Environment {
  const random = scheduler.random.fork()
  return {
    clock: { nowMs: () => Math.floor(EPOCH_MS + scheduler.nowMs), monotonicMs: () => scheduler.readClock() },
    sleeper: {
      park: (doorbell, seen, deadlineMs = Number.POSITIVE_INFINITY) =>
        new Promise((resolve) => scheduler.await({ life, what: 'park', bell: { doorbell, seen }, atMs: deadlineMs, happen: resolve })),
      yieldToEventLoop: () =>
        new Promise((resolve) => scheduler.await({ life, what: 'yield', atMs: Number.NEGATIVE_INFINITY, happen: resolve })),
    },
    random: () => random.next(),
    log: (entry) => {
      if (life.alive) log(entry)
    },
    spinMicroseconds: 0,
    codeGeneration,
    setTimer: (delayMs, fire) => ({
      cancel: scheduler.await({ life, what: 'timer', atMs: scheduler.nowMs + delayMs, happen: fire, ordered: true }),
    }),
  }
}
