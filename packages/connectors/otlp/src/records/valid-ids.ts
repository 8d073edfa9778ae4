/** Ids as W3C Trace Context has them: of full length, and not all zeros. What breaks this rule is refused by the specification. */
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)

function isTraceId(id: string): boolean {
  return id.length === 32 && id !== NO_TRACE
}

function isSpanId(id: string): boolean {
  return id.length === 16 && id !== NO_SPAN
}

/** Why a span is refused; undefined: it is not. */
export function refusalOf(traceId: string, spanId: string): string | undefined {
  if (!isTraceId(traceId)) return 'a span without a valid trace id'
  return isSpanId(spanId) ? undefined : 'a span without a valid span id'
}
