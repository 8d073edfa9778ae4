/** A span of a trace. */
import type { Attributes, HoldsAttributes } from './attributes.js'
import type { FromResource } from './resource.js'

/**
 * One operation of a trace. Every field is there in every span; what was not set is '', 0, an empty array or object.
 *
 * A time is exact to the nanosecond in two numbers: whole milliseconds since the epoch, and the nanoseconds beyond them (0 to 999,999).
 */
export interface Span extends FromResource, HoldsAttributes {
  /** 32 hexadecimal digits, lower case. */
  readonly traceId: string
  /** 16 hexadecimal digits, lower case. */
  readonly spanId: string
  /** '' for the root of a trace. */
  readonly parentSpanId: string
  readonly name: string
  readonly kind: SpanKind
  readonly startTimeMs: number
  readonly startTimeNanos: number
  readonly endTimeMs: number
  readonly endTimeNanos: number
  /** From start to end, in ms and fractions of them. For reading: the exporter sends start and end. */
  readonly durationMs: number
  readonly status: SpanStatus
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly events: readonly SpanEvent[]
  readonly droppedEventsCount: number
  readonly links: readonly SpanLink[]
  readonly droppedLinksCount: number
  /** As in the header `tracestate` of W3C Trace Context. */
  readonly traceState: string
  /** The lowest 8 bits are the trace flags of W3C, bits 8 and 9 say whether the parent is remote. */
  readonly flags: number
}

/** A kind that the definitions do not have is taken as 'unspecified'. */
export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface SpanStatus {
  /** A code that the definitions do not have is taken as 'unset'. */
  readonly code: 'unset' | 'ok' | 'error'
  readonly message: string
}

/** Something that happened at a moment of a span. */
export interface SpanEvent {
  readonly timeMs: number
  readonly timeNanos: number
  readonly name: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
}

/** A relation to another span, of this trace or another. */
export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly traceState: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly flags: number
}
