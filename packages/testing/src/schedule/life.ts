/** What can crash: a process, or a thread in it. What belongs to a life that has ended is never resumed. */
export class Life {
  readonly name: string
  readonly #parent: Life | undefined
  #ended = false

  constructor(name: string, parent?: Life) {
    this.name = parent === undefined ? name : `${parent.name}/${name}`
    this.#parent = parent
  }

  get alive(): boolean {
    return !this.#ended && (this.#parent?.alive ?? true)
  }

  end(): void {
    this.#ended = true
  }
}
