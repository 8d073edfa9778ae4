/** A binary heap of records by rank, the oldest first among equals; any one can be taken out, because each knows where it stands. */
import type { HeldRecord } from './held-records.js'

export class PriorityHeap {
  readonly #records: HeldRecord[] = []

  get least(): HeldRecord | undefined {
    return this.#records[0]
  }

  add(record: HeldRecord): void {
    this.#records.push(record)
    this.#rise(record, this.#records.length - 1)
  }

  remove(record: HeldRecord): void {
    const at = record.heapAt
    const last = this.#records.pop() as HeldRecord
    record.heapAt = -1
    if (last === record) return
    this.#rise(last, at)
    this.#sink(last, last.heapAt)
  }

  #rise(record: HeldRecord, from: number): void {
    const records = this.#records
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = records[above] as HeldRecord
      if (!comesBefore(record, parent)) break
      records[at] = parent
      parent.heapAt = at
      at = above
    }
    records[at] = record
    record.heapAt = at
  }

  #sink(record: HeldRecord, from: number): void {
    const records = this.#records
    const { length } = records
    let at = from
    for (;;) {
      let below = 2 * at + 1
      if (below >= length) break
      const right = below + 1
      if (right < length && comesBefore(records[right] as HeldRecord, records[below] as HeldRecord)) below = right
      const child = records[below] as HeldRecord
      if (!comesBefore(child, record)) break
      records[at] = child
      child.heapAt = at
      at = below
    }
    records[at] = record
    record.heapAt = at
  }
}

function comesBefore(left: HeldRecord, right: HeldRecord): boolean {
  return left.rank < right.rank || (left.rank === right.rank && left.number < right.number)
}
