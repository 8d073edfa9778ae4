/**
 * The values that OpenTelemetry lets attributes and bodies of logs have, as plain data.
 *
 * Integers and doubles are both numbers here. Of a double that is whole (3.0) nothing would tell that it is no integer: the record that holds it says so in
 * `wholeDoubles`, which the exporter reads.
 */
export type AttributeValue =
  | string
  | boolean
  /** An integer that a number holds exactly, or a double. */
  | number
  /** An integer beyond 2^53. */
  | bigint
  /** A value that was not set. */
  | null
  | Uint8Array
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue }

/** Attributes by their keys. Of a key that came twice the last value counts. */
export type Attributes = Readonly<Record<string, AttributeValue>>

/** What has attributes somewhere within. */
export interface HoldsAttributes {
  /**
   * Where the values are that came as doubles and are whole, as JSON Pointers: `/attributes/latency`, `/events/0/attributes/ratio`. Not there where there
   * are none. The exporter sends what stands there as a double, as long as it is a number.
   */
  readonly wholeDoubles?: readonly string[]
}
