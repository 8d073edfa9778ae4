/** A binary heap of what is due, the earliest first; whoever is in it knows its place, and may move or leave. */
export interface Due {
  due: number
  /** Index in the heap, -1: it is not there. */
  place: number
}

export class DueHeap<D extends Due> {
  readonly #items: D[] = []

  get first(): D | undefined {
    return this.#items[0]
  }

  /** Puts it in, or where it belongs now that `due` has changed. */
  put(item: D): void {
    if (item.place < 0) item.place = this.#items.push(item) - 1
    this.#rise(item)
    this.#sink(item)
  }

  remove(item: D): void {
    const { place } = item
    if (place < 0) return
    item.place = -1
    const last = this.#items.pop() as D
    if (last === item) return
    this.#items[place] = last
    last.place = place
    this.put(last)
  }

  #rise(item: D): void {
    const items = this.#items
    let place = item.place
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = items[above] as D
      if (other.due <= item.due) break
      items[place] = other
      other.place = place
      place = above
    }
    items[place] = item
    item.place = place
  }

  #sink(item: D): void {
    const items = this.#items
    let place = item.place
    for (;;) {
      let below = 2 * place + 1
      if (below >= items.length) break
      if (below + 1 < items.length && (items[below + 1] as D).due < (items[below] as D).due) below++
      const other = items[below] as D
      if (other.due >= item.due) break
      items[place] = other
      other.place = place
      place = below
    }
    items[place] = item
    item.place = place
  }
}
