/** `Resource` and `InstrumentationScope`, and how they stand in front of the records: opentelemetry/proto/{resource,common}/v1. */
import type { AttributeValue } from '../records/attributes.js'
import { originOf, scopeText } from '../records/origin.js'
import type { EntityRef, FromResource, Resource, Scope } from '../records/resource.js'
import { createStringSite } from '../wire/string-memory.js'
import { nameWholeDoubles } from '../wire/whole-double.js'
import type { WireReader } from '../wire/wire-reader.js'
import { readAttribute } from './read-attributes.js'

const site = createStringSite()

/** Reads the records of one scope: field 2 of `ScopeSpans`, `ScopeLogs` and `ScopeMetrics`. */
export type ReadRecord = (reader: WireReader, origin: FromResource) => void

/** A whole request: `resource_spans`, `resource_logs` or `resource_metrics`, which are alike in form. */
export function readRequest(reader: WireReader, read: ReadRecord): void {
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) readOfResource(reader, read)
    else reader.skip(tag)
  }
}

/** Fields come in any order: what all records share is read first. */
function readOfResource(reader: WireReader, read: ReadRecord): void {
  const outer = reader.enter()
  const start = reader.at
  const { at, schemaUrl } = readHead(reader)
  const resource = originOf(readResource(reader, at, schemaUrl))
  reader.at = start
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 18) readOfScope(reader, resource, read)
    else reader.skip(tag)
  }
  reader.leave(outer)
}

function readOfScope(reader: WireReader, resource: Pick<FromResource, 'serviceName' | 'resource'>, read: ReadRecord): void {
  const outer = reader.enter()
  const start = reader.at
  const { at, schemaUrl } = readHead(reader)
  const scope = readScope(reader, at, schemaUrl)
  const origin: FromResource = { ...resource, scopeName: scope.name, scope: scopeText(scope) }
  reader.at = start
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 18) read(reader, origin)
    else reader.skip(tag)
  }
  reader.leave(outer)
}

/** What a group has in front of, between or behind its members, in either level: where its own message begins (-1: it has none), and its schema. */
function readHead(reader: WireReader): { readonly at: number; readonly schemaUrl: string } {
  let at = -1
  let schemaUrl = ''
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) at = skipFrom(reader, tag)
    else if (tag === 26) schemaUrl = reader.string(site)
    else reader.skip(tag)
  }
  return { at, schemaUrl }
}

/** Passes a field by and answers where it began. */
function skipFrom(reader: WireReader, tag: number): number {
  const at = reader.at
  reader.skip(tag)
  return at
}

function readResource(reader: WireReader, at: number, schemaUrl: string): Resource {
  if (at < 0) return { attributes: {}, droppedAttributesCount: 0, entityRefs: [], schemaUrl }
  return marked(reader, at, () => {
    const outer = reader.enter()
    const attributes: Record<string, AttributeValue> = {}
    const entityRefs: EntityRef[] = []
    let droppedAttributesCount = 0
    while (reader.at < reader.limit) {
      const tag = reader.uint32()
      if (tag === 10) readAttribute(reader, attributes)
      else if (tag === 16) droppedAttributesCount = reader.uint32()
      else if (tag === 26) entityRefs.push(readEntityRef(reader))
      else reader.skip(tag)
    }
    reader.leave(outer)
    return { attributes, droppedAttributesCount, entityRefs, schemaUrl }
  })
}

function readEntityRef(reader: WireReader): EntityRef {
  const outer = reader.enter()
  let schemaUrl = ''
  let type = ''
  const idKeys: string[] = []
  const descriptionKeys: string[] = []
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) schemaUrl = reader.string(site)
    else if (tag === 18) type = reader.string(site)
    else if (tag === 26) idKeys.push(reader.key())
    else if (tag === 34) descriptionKeys.push(reader.key())
    else reader.skip(tag)
  }
  reader.leave(outer)
  return { schemaUrl, type, idKeys, descriptionKeys }
}

function readScope(reader: WireReader, at: number, schemaUrl: string): Scope {
  if (at < 0) return { name: '', version: '', attributes: {}, droppedAttributesCount: 0, schemaUrl }
  return marked(reader, at, () => {
    const outer = reader.enter()
    const attributes: Record<string, AttributeValue> = {}
    let name = ''
    let version = ''
    let droppedAttributesCount = 0
    while (reader.at < reader.limit) {
      const tag = reader.uint32()
      if (tag === 10) name = reader.string(site)
      else if (tag === 18) version = reader.string(site)
      else if (tag === 26) readAttribute(reader, attributes)
      else if (tag === 32) droppedAttributesCount = reader.uint32()
      else reader.skip(tag)
    }
    reader.leave(outer)
    return { name, version, attributes, droppedAttributesCount, schemaUrl }
  })
}

/** Reads what begins at `at`, with whole doubles as `WholeDouble`. */
function marked<T>(reader: WireReader, at: number, read: () => T): T {
  reader.at = at
  reader.marksWholeDoubles = true
  const value = read()
  reader.marksWholeDoubles = false
  return value
}

/** Reads again what begins at `at`, and names the doubles in it that are whole. `shared`: fields that are not its own. */
export function readMarked<T extends object>(reader: WireReader, at: number, read: () => T, shared: readonly string[]): T {
  reader.at = at
  reader.marksWholeDoubles = true
  const value = nameWholeDoubles(read(), shared)
  reader.marksWholeDoubles = false
  reader.sawWholeDouble = false
  return value
}
