/** Resources and scopes as texts in records, and back. */
import { nameWholeDoubles, withWholeDoubles } from '../wire/whole-double.js'
import { fromExactText, toExactText } from './exact-text.js'
import type { FromResource, Resource, Scope } from './resource.js'

/** Texts that were read before; so many at most. */
const KNOWN_MAX = 256
const resources = new Map<string, Resource>()
const scopes = new Map<string, Scope>()

/**
 * The resource of a span, a record of a log or a point of a metric. It is read once per resource and thread, as long as there are not many.
 *
 * @example
 * spans.filter((span) => resourceOf(span).attributes['deployment.environment.name'] === 'production')
 */
export function resourceOf(record: Pick<FromResource, 'resource'>): Resource {
  return remember(resources, record.resource, (text) => nameWholeDoubles(readResourceText(text), []))
}

/** The scope of a record: the library that made it. */
export function scopeOf(record: Pick<FromResource, 'scope'>): Scope {
  return remember(scopes, record.scope, (text) => nameWholeDoubles(readScopeText(text), []))
}

/**
 * A resource as the text that records have; what is left out has its default.
 *
 * @throws NotTelemetry for values that attributes cannot have
 * @example
 * const resource = resourceText({ attributes: { 'service.name': 'checkout' } })
 */
export function resourceText(resource: Partial<Resource>): string {
  const { attributes = {}, droppedAttributesCount = 0, entityRefs = [], schemaUrl = '' } = withWholeDoubles(resource)
  return toExactText({
    attributes,
    ...(droppedAttributesCount === 0 ? {} : { droppedAttributesCount }),
    ...(entityRefs.length === 0 ? {} : { entityRefs }),
    ...(schemaUrl === '' ? {} : { schemaUrl }),
  })
}

/** A scope as the text that records have; what is left out has its default. */
export function scopeText(scope: Partial<Scope>): string {
  const { name = '', version = '', attributes = {}, droppedAttributesCount = 0, schemaUrl = '' } = withWholeDoubles(scope)
  return toExactText({
    name,
    ...(version === '' ? {} : { version }),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...(droppedAttributesCount === 0 ? {} : { droppedAttributesCount }),
    ...(schemaUrl === '' ? {} : { schemaUrl }),
  })
}

/** With whole doubles as `WholeDouble`. @throws NotTelemetry */
export function readResourceText(text: string): Resource {
  const { attributes = {}, droppedAttributesCount = 0, entityRefs = [], schemaUrl = '' } = fromExactText(text) as Partial<Resource>
  return { attributes, droppedAttributesCount, entityRefs, schemaUrl }
}

/** With whole doubles as `WholeDouble`. @throws NotTelemetry */
export function readScopeText(text: string): Scope {
  const parsed = fromExactText(text) as Partial<Scope>
  const { name = '', version = '', attributes = {}, droppedAttributesCount = 0, schemaUrl = '' } = parsed
  return { name, version, attributes, droppedAttributesCount, schemaUrl }
}

/** What the records of a resource and scope share. `resource` and `scope` have whole doubles as `WholeDouble`. */
export function originOf(resource: Resource): Pick<FromResource, 'serviceName' | 'resource'> {
  const name = resource.attributes['service.name']
  return { serviceName: typeof name === 'string' ? name : '', resource: resourceText(resource) }
}

function remember<T>(known: Map<string, T>, text: string, read: (text: string) => T): T {
  const found = known.get(text)
  if (found !== undefined) return found
  if (known.size >= KNOWN_MAX) known.clear()
  const value = read(text)
  known.set(text, value)
  return value
}
