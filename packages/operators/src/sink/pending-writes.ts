/** What was given to a stream and has not left its buffer: what a checkpoint waits for. */
import type { SluiceError } from '@sluice/engine'

interface Waiter {
  readonly until: number
  readonly resolve: () => void
  readonly reject: (error: SluiceError) => void
}

export class PendingWrites {
  #given = 0
  #taken = 0
  #waiters: Waiter[] = []

  give(): void {
    this.#given++
  }

  /** Writes are taken in their order. */
  take(): void {
    this.#taken++
    if (this.#waiters.length === 0) return
    this.#waiters = this.#waiters.filter(({ until, resolve }) => {
      if (this.#taken < until) return true
      resolve()
      return false
    })
  }

  fail(error: SluiceError): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error)
  }

  /** Settles when all that was given up to now is taken. */
  settled(): void | Promise<void> {
    const until = this.#given
    if (this.#taken >= until) return undefined
    return new Promise((resolve, reject) => {
      this.#waiters.push({ until, resolve, reject })
    })
  }
}
