/** Words of records and the numbers that the definitions have for them. */
import type { Temporality } from './metric-point.js'
import type { SpanKind, SpanStatus } from './span.js'

const kinds: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const codes: readonly SpanStatus['code'][] = ['unset', 'ok', 'error']
const temporalities: readonly Temporality[] = ['unspecified', 'delta', 'cumulative']

export const kindOf = (number: number): SpanKind => kinds[number] ?? 'unspecified'
export const numberOfKind = (kind: SpanKind): number => numberOf(kinds, kind)
export const codeOf = (number: number): SpanStatus['code'] => codes[number] ?? 'unset'
export const numberOfCode = (code: SpanStatus['code']): number => numberOf(codes, code)
export const temporalityOf = (number: number): Temporality => temporalities[number] ?? 'unspecified'
export const numberOfTemporality = (temporality: Temporality): number => numberOf(temporalities, temporality)

/** What is no word of the list is sent as what is unspecified. */
function numberOf<T>(words: readonly T[], word: T): number {
  const number = words.indexOf(word)
  return number < 0 ? 0 : number
}
