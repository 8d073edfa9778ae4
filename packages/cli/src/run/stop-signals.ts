/**
 * Ctrl-C and SIGTERM: the first one asks the job to stop, the second one ends the process. A terminal sends SIGINT to npx and to us, and
 * npx passes it on: what follows within a moment is the same key press. Main thread.
 */

export type StopSignal = 'SIGINT' | 'SIGTERM'

export interface StopSignalHandlers {
  readonly onFirst: (signal: StopSignal) => void
  readonly onSecond: (signal: StopSignal) => void
  readonly monotonicMs: () => number
}

/** A second signal counts after this long. */
export const SAME_PRESS_MS = 300

/** What a signal means; pure but for the clock that it is given. */
export class StopSignals {
  readonly #handlers: StopSignalHandlers
  #firstAtMs: number | undefined

  constructor(handlers: StopSignalHandlers) {
    this.#handlers = handlers
  }

  receive(signal: StopSignal): void {
    const nowMs = this.#handlers.monotonicMs()
    if (this.#firstAtMs === undefined) {
      this.#firstAtMs = nowMs
      this.#handlers.onFirst(signal)
    } else if (nowMs - this.#firstAtMs >= SAME_PRESS_MS) this.#handlers.onSecond(signal)
  }
}

/** Listens until the returned function is called. */
export function listenForStop(handlers: StopSignalHandlers): () => void {
  const signals = new StopSignals(handlers)
  const onInterrupt = (): void => signals.receive('SIGINT')
  const onTerminate = (): void => signals.receive('SIGTERM')
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  return () => {
    process.off('SIGINT', onInterrupt)
    process.off('SIGTERM', onTerminate)
  }
}
