/** A binary heap whose items know their place in it: any one may leave, or move when what it is ordered by has changed. */
export interface Placed {
  /** Index in the heap, -1: it is not there. */
  place: number
}

export class PlacedHeap<T extends Placed> {
  readonly #items: T[] = []
  readonly #comesBefore: (left: T, right: T) => boolean

  constructor(comesBefore: (left: T, right: T) => boolean) {
    this.#comesBefore = comesBefore
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  /** Puts it in, or where it belongs now. */
  put(item: T): void {
    if (item.place < 0) item.place = this.#items.push(item) - 1
    this.#rise(item)
    this.#sink(item)
  }

  remove(item: T): void {
    const { place } = item
    if (place < 0) return
    item.place = -1
    const last = this.#items.pop() as T
    if (last === item) return
    this.#items[place] = last
    last.place = place
    this.put(last)
  }

  #rise(item: T): void {
    const items = this.#items
    let place = item.place
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = items[above] as T
      if (!this.#comesBefore(item, other)) break
      items[place] = other
      other.place = place
      place = above
    }
    items[place] = item
    item.place = place
  }

  #sink(item: T): void {
    const items = this.#items
    let place = item.place
    for (;;) {
      let below = 2 * place + 1
      if (below >= items.length) break
      if (below + 1 < items.length && this.#comesBefore(items[below + 1] as T, items[below] as T)) below++
      const other = items[below] as T
      if (!this.#comesBefore(other, item)) break
      items[place] = other
      other.place = place
      place = below
    }
    items[place] = item
    item.place = place
  }
}
