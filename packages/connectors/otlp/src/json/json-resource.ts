/** How requests are laid out in OTLP/JSON: resources, scopes within them, records within these. */
import type { FromResource, Resource, Scope } from '../records/resource.js'
import { originOf, readResourceText, readScopeText, scopeText } from '../records/origin.js'
import { groupRecords } from '../records/group-records.js'
import { attributesFrom, attributesTo } from './json-attributes.js'
import { type Fields, integer, list, message, objectOf, text } from './json-fields.js'

/** What the parts of a request are called. */
export interface LayoutNames {
  readonly resources: string
  readonly scopes: string
  readonly records: string
}

export function readLayout(request: unknown, names: LayoutNames, read: (fields: Fields, origin: FromResource) => void): void {
  for (const ofResource of list(objectOf(request, 'the request'), names.resources)) {
    const fields = objectOf(ofResource, `an item of ${names.resources}`)
    const resource = originOf(resourceFrom(message(fields, 'resource') ?? {}, text(fields, 'schemaUrl')))
    for (const ofScope of list(fields, names.scopes)) {
      const inner = objectOf(ofScope, `an item of ${names.scopes}`)
      const scope = scopeFrom(message(inner, 'scope') ?? {}, text(inner, 'schemaUrl'))
      const origin: FromResource = { ...resource, scopeName: scope.name, scope: scopeText(scope) }
      for (const record of list(inner, names.records)) read(objectOf(record, `an item of ${names.records}`), origin)
    }
  }
}

export function writeLayout<T extends FromResource>(
  records: readonly T[],
  names: LayoutNames,
  write: (records: readonly T[]) => readonly object[],
): object {
  const resources = Array.from(groupRecords(records), (group) => {
    const resource = readResourceText(group.resource)
    return {
      resource: resourceTo(resource),
      [names.scopes]: group.scopes.map((inner) => {
        const scope = readScopeText(inner.scope)
        return {
          scope: scopeTo(scope),
          [names.records]: write(inner.records),
          ...(scope.schemaUrl === '' ? {} : { schemaUrl: scope.schemaUrl }),
        }
      }),
      ...(resource.schemaUrl === '' ? {} : { schemaUrl: resource.schemaUrl }),
    }
  })
  return { [names.resources]: resources }
}

function resourceFrom(fields: Fields, schemaUrl: string): Resource {
  return {
    attributes: attributesFrom(fields, 'attributes'),
    droppedAttributesCount: integer(fields, 'droppedAttributesCount'),
    entityRefs: list(fields, 'entityRefs').map((item) => {
      const entity = objectOf(item, 'an item of entityRefs')
      return {
        schemaUrl: text(entity, 'schemaUrl'),
        type: text(entity, 'type'),
        idKeys: list(entity, 'idKeys').map(String),
        descriptionKeys: list(entity, 'descriptionKeys').map(String),
      }
    }),
    schemaUrl,
  }
}

function resourceTo(resource: Resource): object {
  const { attributes, droppedAttributesCount, entityRefs } = resource
  return { attributes: attributesTo(attributes), droppedAttributesCount, ...(entityRefs.length === 0 ? {} : { entityRefs }) }
}

function scopeFrom(fields: Fields, schemaUrl: string): Scope {
  return {
    name: text(fields, 'name'),
    version: text(fields, 'version'),
    attributes: attributesFrom(fields, 'attributes'),
    droppedAttributesCount: integer(fields, 'droppedAttributesCount'),
    schemaUrl,
  }
}

function scopeTo(scope: Scope): object {
  const { name, version, attributes, droppedAttributesCount } = scope
  return { name, version, attributes: attributesTo(attributes), droppedAttributesCount }
}
