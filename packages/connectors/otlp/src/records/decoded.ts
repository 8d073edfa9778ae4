/** What a request was decoded to. */
export interface Decoded<T> {
  readonly records: T[]
  /** Records that were left out because they break the specification, and why the first of them was. */
  readonly rejected: number
  readonly reason: string
}
