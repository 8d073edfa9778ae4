/** Anything that was thrown, in a few words for a message. */
import { inspect } from 'node:util'

const LENGTH_MAX = 500

export function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
  const text = typeof thrown === 'string' ? thrown : inspect(thrown, { breakLength: Number.POSITIVE_INFINITY, depth: 2 })
  return text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}...` : text
}
