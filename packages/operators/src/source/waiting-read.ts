/** The one read that waits in a reader whose values come from elsewhere, and what wakes it. */
export class WaitingRead {
  #resume: (() => void) | undefined
  #wakeScheduled = false

  /** Settles when it is woken next. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  wake(): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }

  /** Wakes behind this turn of the event loop: what comes within one turn travels together. */
  wakeSoon(): void {
    if (this.#wakeScheduled || this.#resume === undefined) return
    this.#wakeScheduled = true
    setImmediate(() => {
      this.#wakeScheduled = false
      this.wake()
    })
  }
}
