/** The engine's outside over a real thread: its clock, its sleep, its randomness, its timers. One per thread that runs a loop. */
import { setMaxListeners } from 'node:events'
import type { Environment, LogEntry } from '@sluice/engine'
import { ThreadClock } from './thread-clock.js'
import { ThreadSleeper } from './thread-sleeper.js'

/** Waking a parked thread costs 20-45 us: spinning longer than that never pays. */
const SPIN_MICROSECONDS = 30

export interface ThreadEnvironmentOptions {
  readonly log: (entry: LogEntry) => void
  /** Threads of the job that run a loop, this one included. */
  readonly threads: number
  readonly cores: number
  /** The thread belongs to the job alone (a worker). */
  readonly ownThread: boolean
}

export interface ThreadEnvironment extends Environment {
  /** Ends its timers and its wait, after the loop has ended. */
  close(): Promise<void>
}

export function createThreadEnvironment(options: ThreadEnvironmentOptions): ThreadEnvironment {
  const clock = new ThreadClock()
  const sleeper = new ThreadSleeper({ clock, mayBlock: options.ownThread })
  return {
    clock,
    sleeper,
    random: Math.random,
    log: options.log,
    spinMicroseconds: options.cores >= options.threads ? SPIN_MICROSECONDS : 0,
    codeGeneration: mayGenerateCode(),
    // The calling thread does other things too, which are no work of the job.
    ...(options.ownThread ? { activeMs: () => performance.eventLoopUtilization().active - sleeper.blockedMs } : {}),
    residentBytes: () => process.memoryUsage.rss(),
    newAbortController,
    setTimer,
    close: () => sleeper.close(),
  }
}

/** Every operator of a thread may watch for its end, and Node warns of more than ten. */
function newAbortController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** Referenced: work in flight keeps its thread alive. */
function setTimer(delayMs: number, fire: () => void): { cancel(): void } {
  const timer = setTimeout(fire, delayMs)
  return { cancel: () => clearTimeout(timer) }
}

/** False under `--disallow-code-generation-from-strings`. */
function mayGenerateCode(): boolean {
  try {
    return new Function('return true')() === true
  } catch {
    return false
  }
}
