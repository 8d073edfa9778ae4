/** What all records have: who made them, and with which library. */
import type { Attributes, HoldsAttributes } from './attributes.js'

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

/** What a record came from. The records of a request share these objects until they leave their thread. */
export interface FromResource {
  readonly resource: Resource
  readonly scope: Scope
}
