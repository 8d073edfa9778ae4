/** What a shed without triggers has to do, said as plainly as possible. */
import type { Item } from './shed-bench.js'

interface Waiting {
  readonly item: Item
  readonly bytes: number
}

export class ShedModel {
  readonly out: number[] = []
  readonly dropped: number[] = []
  readonly #policy: 'drop-newest' | 'drop-oldest' | 'priority' | 'latest'
  readonly #records: number
  readonly #bytes: number
  #queue: Waiting[] = []
  credit = true

  constructor(policy: 'drop-newest' | 'drop-oldest' | 'priority' | 'latest', records: number, bytes: number) {
    this.#policy = policy
    this.#records = records
    this.#bytes = bytes
  }

  get waiting(): number {
    return this.#queue.length
  }

  get bytes(): number {
    return sum(this.#queue)
  }

  push(item: Item, bytes: number): void {
    if (this.credit && this.#queue.length === 0) {
      this.out.push(item.id)
      return
    }
    const one = { item, bytes }
    // The list as it would be with the record: at its place, and over its bounds perhaps.
    const at = this.#policy === 'latest' ? this.#queue.findIndex((other) => other.item.key === item.key) : -1
    const older = this.#queue[at]
    if (older === undefined) this.#queue.push(one)
    else this.#queue[at] = one
    while (this.#queue.length > this.#records || sum(this.#queue) > this.#bytes) {
      const victim = this.#victim(one)
      this.#queue = this.#queue.filter((other) => other !== victim)
      this.dropped.push(victim.item.id)
    }
    if (older !== undefined) this.dropped.push(older.item.id)
  }

  release(records: number): void {
    this.out.push(...this.#queue.splice(0, records).map(({ item }) => item.id))
  }

  #victim(newest: Waiting): Waiting {
    switch (this.#policy) {
      case 'drop-newest':
        return newest
      case 'drop-oldest':
        return this.#queue[0] as Waiting
      case 'latest':
        return this.#queue.find((one) => one !== newest) as Waiting
      case 'priority':
        return this.#queue.reduce((least, one) => ((one.item.weight as number) < (least.item.weight as number) ? one : least))
    }
  }
}

function sum(queue: readonly Waiting[]): number {
  return queue.reduce((total, { bytes }) => total + bytes, 0)
}
