/**
 * Everything of the outside that the engine needs, injected: clock, sleep, randomness, log. The runtime implements it over
 * real threads, the simulator over virtual time.
 */
import type { Doorbell } from '../control/control-layout.js'

export interface Clock {
  /** Processing time: ms since the epoch. */
  nowMs(): number
  /** Ms of one monotonic base shared by all threads of the process; stamps of different threads compare. */
  monotonicMs(): number
}

export interface Sleeper {
  /**
   * Resolves when the bell no longer holds `seen`, or at `deadlineMs` (monotonic; undefined: no deadline), whichever is first. At most
   * one call is pending per thread. Keeps the thread alive while it waits.
   */
  park(bell: Doorbell, seen: number, deadlineMs: number | undefined): Promise<void>
  /** Lets I/O, timers and settled promises of this thread run. */
  yieldToEventLoop(): Promise<void>
}

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly operator?: string | undefined
  readonly subtask?: number | undefined
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  /** Where the line is an event of the engine's own and no line of user code: its name in the job log. */
  readonly event?: 'source.listening' | 'breaker.changed' | undefined
}

export interface Environment {
  readonly clock: Clock
  readonly sleeper: Sleeper
  /** Uniform in [0, 1). */
  random(): number
  log(entry: LogEntry): void
  /** How long to spin before parking, in microseconds; 0 on a machine with fewer cores than threads or in a simulator. */
  readonly spinMicroseconds: number
  /** Whether code may be generated from strings. */
  readonly codeGeneration: boolean
  /**
   * Ms in which this thread ran code, as opposed to sleeping; undefined where that cannot be told. What exceeds the loop's own time is spent in
   * callbacks of promises: a reader that decodes there is busy.
   */
  readonly activeMs?: (() => number) | undefined
  /** Resident memory of the process; undefined where that cannot be told. */
  readonly residentBytes?: (() => number) | undefined
  /** Makes what tells everybody on a thread of its end: any number of listeners is no leak. Default: a plain one. */
  readonly newAbortController?: (() => AbortController) | undefined
  /** Timers for timeouts of asynchronous user code. */
  setTimer(delayMs: number, fire: () => void): { cancel(): void }
}
