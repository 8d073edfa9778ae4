/**
 * Log lines on their way from a worker to the coordinator: sent together once per turn of the event loop, and limited per
 * second, so that a line per record neither floods the coordinator nor fills the memory. Runs in a worker.
 */
import type { LogEntry } from '@sluice/engine'

export const LINES_PER_SECOND_MAX = 5_000
const SECOND_MS = 1_000

export interface LogQueueOptions {
  readonly send: (entries: readonly LogEntry[]) => void
  readonly monotonicMs: () => number
}

export class LogQueue {
  readonly #send: LogQueueOptions['send']
  readonly #monotonicMs: () => number
  #entries: LogEntry[] = []
  #secondBeganMs = Number.NEGATIVE_INFINITY
  #inThisSecond = 0
  #suppressed = 0
  #scheduled: NodeJS.Immediate | undefined

  constructor(options: LogQueueOptions) {
    this.#send = options.send
    this.#monotonicMs = options.monotonicMs
  }

  push(entry: LogEntry): void {
    // What the engine says itself is rare, and never lost among the lines of user code.
    if (entry.event !== undefined) {
      this.#add(entry)
      return
    }
    const nowMs = this.#monotonicMs()
    if (nowMs - this.#secondBeganMs >= SECOND_MS) {
      this.#secondBeganMs = nowMs
      this.#inThisSecond = 0
      this.#reportSuppressed()
    }
    if (this.#inThisSecond >= LINES_PER_SECOND_MAX) {
      this.#suppressed++
      return
    }
    this.#inThisSecond++
    this.#add(entry)
  }

  #add(entry: LogEntry): void {
    this.#entries.push(entry)
    this.#scheduled ??= setImmediate(() => this.flush())
  }

  flush(): void {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    if (this.#entries.length === 0) return
    const entries = this.#entries
    this.#entries = []
    this.#send(entries)
  }

  /** The last lines, with the number of those that were left out. */
  close(): void {
    this.#reportSuppressed()
    this.flush()
  }

  #reportSuppressed(): void {
    if (this.#suppressed === 0) return
    const message = `${this.#suppressed} log lines were left out: more than ${LINES_PER_SECOND_MAX} in a second`
    this.#entries.push({ level: 'warn', message })
    this.#suppressed = 0
  }
}
