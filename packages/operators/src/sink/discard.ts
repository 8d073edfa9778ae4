/** Nowhere: for benchmarks and for streams that are only watched. */
import type { Sink } from './sink.js'

const writer = { write: (): void => undefined }

/**
 * Takes every record and forgets it.
 *
 * @example
 * stream.sink('nowhere', discard())
 */
export function discard(): Sink<unknown> {
  return { spec: { kind: 'sink', create: () => writer }, options: { type: 'discard' }, delivery: 'exactly-once' }
}
