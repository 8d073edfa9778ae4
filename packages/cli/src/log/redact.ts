/**
 * Secrets never leave: every text that is printed goes through a redactor, which knows the values of the params that the job declared
 * secret and puts `***` in their place, wherever they turn up (a URL in an error message, an option in a plan). Pure.
 */

export const HIDDEN = '***'

/** A value shorter than this is hidden only where it stands alone: in longer text it would hide ordinary words. */
const EMBEDDED_LENGTH_MIN = 4
const DEPTH_MAX = 16

export class Redactor {
  readonly #secrets: readonly string[]

  constructor(secrets: readonly string[] = []) {
    // The longest first: one secret may be part of another.
    this.#secrets = [...new Set(secrets.filter((secret) => secret !== ''))].toSorted((left, right) => right.length - left.length)
  }

  text(text: string): string {
    let hidden = text
    for (const secret of this.#secrets) {
      if (hidden === secret) return HIDDEN
      if (secret.length < EMBEDDED_LENGTH_MIN) continue
      hidden = hidden.replaceAll(secret, HIDDEN)
      const escaped = JSON.stringify(secret).slice(1, -1)
      if (escaped !== secret) hidden = hidden.replaceAll(escaped, HIDDEN)
    }
    return hidden
  }

  /** A copy of plain data with every text redacted, in keys of objects too. */
  value(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return this.text(value)
    if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX || this.#secrets.length === 0) return value
    if (Array.isArray(value)) return value.map((element) => this.value(element, depth + 1))
    if (value.constructor !== Object && value.constructor !== undefined) return value
    return Object.fromEntries(Object.entries(value).map(([key, element]) => [this.text(key), this.value(element, depth + 1)]))
  }
}
