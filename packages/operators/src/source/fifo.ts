/** First in, first out, without moving what waits; what has left is cut off now and then. */
const CUT_OFF_AFTER = 64

export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The first; undefined where there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head]
    this.#leave(1)
    return item
  }

  /** The first so many, or as many as there are. */
  take(max: number): readonly T[] {
    const taken = this.#items.slice(this.#head, this.#head + max) as T[]
    this.#leave(taken.length)
    return taken
  }

  /** What has left is nobody's any more, also before it is cut off. */
  #leave(count: number): void {
    this.#items.fill(undefined, this.#head, this.#head + count)
    this.#head += count
    if (this.#head < CUT_OFF_AFTER || this.#head * 2 < this.#items.length) return
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
