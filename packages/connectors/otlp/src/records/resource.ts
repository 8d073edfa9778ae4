/** What all records have: who made them, and with which library. */
import type { Attributes, HoldsAttributes } from './attributes.js'

/**
 * What a record came from. Resources are large and there are few of them: a record has its own as text, which costs little on the way from thread to thread. Equal resources
 * have equal texts. `resourceOf(record)` and `scopeOf(record)` read them, `resourceText` and `scopeText` make new ones.
 */
export interface FromResource {
  /** The attribute `service.name` of the resource; '' where it has none. For reading: the exporter sends `resource`. */
  readonly serviceName: string
  /** What the telemetry comes from, as text. */
  readonly resource: string
  /** The name of the scope. For reading: the exporter sends `scope`. */
  readonly scopeName: string
  /** The library that made it, as text. */
  readonly scope: string
}

/** What telemetry comes from: a service, a process, a host. */
export interface Resource extends HoldsAttributes {
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly entityRefs: readonly EntityRef[]
  /** Of the attributes; '' where none was said. */
  readonly schemaUrl: string
}

/** An entity that a resource belongs to; its values are among the attributes of the resource. */
export interface EntityRef {
  readonly schemaUrl: string
  readonly type: string
  readonly idKeys: readonly string[]
  readonly descriptionKeys: readonly string[]
}

/** The library that made the telemetry. */
export interface Scope extends HoldsAttributes {
  readonly name: string
  readonly version: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  /** Of what the library made: spans, logs or metrics; '' where none was said. */
  readonly schemaUrl: string
}
