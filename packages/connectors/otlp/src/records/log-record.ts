/** A line of a log. */
import type { Attributes, AttributeValue, HoldsAttributes } from './attributes.js'
import type { FromResource } from './resource.js'

/** One record of a log. Every field is there in every record; what was not set is '', 0, null (the body) or an empty object. Times are as in `Span`. */
export interface LogRecord extends FromResource, HoldsAttributes {
  /** When it happened; 0 where that is not known. */
  readonly timeMs: number
  readonly timeNanos: number
  /** When a collector or library saw it. */
  readonly observedTimeMs: number
  readonly observedTimeNanos: number
  /** 0 unspecified, 1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal. */
  readonly severityNumber: number
  readonly severityText: string
  /** Text most often; may have structure. */
  readonly body: AttributeValue
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  /** '' where the record belongs to no trace. */
  readonly traceId: string
  readonly spanId: string
  readonly flags: number
  /** Names the kind of event that this is one of; '' for others. */
  readonly eventName: string
}
