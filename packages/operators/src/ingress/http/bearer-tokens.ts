/** Who may send. Tokens are compared by their hashes in a time that does not depend on where they differ, and all of them each time, so that nobody can find one out by measuring. */
import { createHash, timingSafeEqual } from 'node:crypto'

export class BearerTokens {
  readonly #hashes: readonly Buffer[]

  constructor(tokens: readonly string[]) {
    this.#hashes = tokens.map(hashOf)
  }

  /** Whether a header `authorization` carries one of them; without any token everybody may send. */
  allows(authorization: string | undefined): boolean {
    if (this.#hashes.length === 0) return true
    const [, given = ''] = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '') ?? []
    const hash = hashOf(given)
    let found = false
    for (const known of this.#hashes) if (timingSafeEqual(known, hash)) found = true
    return found
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
