/** Slots by a time, the least first: a binary heap in typed arrays. Entries may be out of date; whoever takes one asks the row. */

const CAPACITY_MIN = 64

export class SlotHeap {
  size = 0
  #times: Float64Array = new Float64Array(CAPACITY_MIN)
  #slots: Int32Array = new Int32Array(CAPACITY_MIN)

  /** The least time; ask only where there are entries. */
  get least(): number {
    return this.#times[0] as number
  }

  push(time: number, slot: number): void {
    if (this.size === this.#times.length) this.#grow()
    const times = this.#times
    const slots = this.#slots
    let at = this.size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = times[parent] as number
      if (above <= time) break
      times[at] = above
      slots[at] = slots[parent] as number
      at = parent
    }
    times[at] = time
    slots[at] = slot
  }

  /** Takes the entry with the least time; gives back its slot. */
  pop(): number {
    const times = this.#times
    const slots = this.#slots
    const slot = slots[0] as number
    const size = --this.size
    const time = times[size] as number
    const moved = slots[size] as number
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && (times[child + 1] as number) < (times[child] as number)) child++
      if ((times[child] as number) >= time) break
      times[at] = times[child] as number
      slots[at] = slots[child] as number
      at = child
    }
    times[at] = time
    slots[at] = moved
    return slot
  }

  #grow(): void {
    const capacity = 2 * this.#times.length
    const times = new Float64Array(capacity)
    times.set(this.#times)
    this.#times = times
    const slots = new Int32Array(capacity)
    slots.set(this.#slots)
    this.#slots = slots
  }
}
