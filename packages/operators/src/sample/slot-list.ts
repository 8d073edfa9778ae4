/**
 * Rows of a table in an order of their own: a list over their slots. Any one can be taken out, and nothing is made per row.
 */
const CAPACITY_MIN = 16
const NOBODY = -1

export class SlotList {
  size = 0
  /** -1: the list is empty. */
  first: number = NOBODY
  last: number = NOBODY
  #before: Int32Array = new Int32Array(CAPACITY_MIN)
  #behind: Int32Array = new Int32Array(CAPACITY_MIN)

  append(slot: number): void {
    if (slot >= this.#before.length) this.#grow(slot + 1)
    const { last } = this
    this.#before[slot] = last
    this.#behind[slot] = NOBODY
    if (last < 0) this.first = slot
    else this.#behind[last] = slot
    this.last = slot
    this.size++
  }

  remove(slot: number): void {
    const before = this.#before[slot] as number
    const behind = this.#behind[slot] as number
    if (before < 0) this.first = behind
    else this.#behind[before] = behind
    if (behind < 0) this.last = before
    else this.#before[behind] = before
    this.size--
  }

  #grow(slots: number): void {
    let capacity = this.#before.length
    while (capacity < slots) capacity *= 2
    const before = new Int32Array(capacity)
    before.set(this.#before)
    this.#before = before
    const behind = new Int32Array(capacity)
    behind.set(this.#behind)
    this.#behind = behind
  }
}
