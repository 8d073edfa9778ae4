/** What happened in a simulation, as a hash of every choice and as the last of them for messages. Same seed, same hash. */
const KEPT = 60
const PRIME = 0x01000193

export class Trace {
  readonly #last: string[] = []
  readonly #numbers: Float64Array = new Float64Array(1)
  readonly #words: Uint32Array = new Uint32Array(this.#numbers.buffer)
  #low = 0x811c9dc5
  #high = 0x9747b28c

  /** `what` happened at a time of the virtual clock. */
  add(what: string, atMs: number): void {
    for (let at = 0; at < what.length; at++) this.#mix(what.charCodeAt(at))
    this.#numbers[0] = atMs
    this.#mix(this.#words[0] as number)
    this.#mix(this.#words[1] as number)
    if (this.#last.push(`${atMs.toFixed(3)} ${what}`) > 2 * KEPT) this.#last.splice(0, KEPT)
  }

  addBytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) this.#mix(bytes[at] as number)
  }

  /** The last things that happened, oldest first. */
  get last(): readonly string[] {
    return this.#last.slice(-KEPT)
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, PRIME)
    this.#high = Math.imul(this.#high ^ word ^ (this.#low >>> 13), 0x5bd1e995)
  }
}
