/** `Resource` and `InstrumentationScope`. */
import type { Resource, Scope } from '../records/resource.js'
import type { WireWriter } from '../wire/wire-writer.js'
import { writeAttributes } from './write-attributes.js'

/** As field 1; whole doubles are `WholeDouble` in it. */
export function writeResource(writer: WireWriter, resource: Resource): void {
  const { attributes, droppedAttributesCount, entityRefs } = resource
  const start = writer.begin(10, 2)
  writeAttributes(writer, 10, attributes)
  if (droppedAttributesCount !== 0) writer.uint32(16, droppedAttributesCount)
  for (const { schemaUrl, type, idKeys, descriptionKeys } of entityRefs) {
    const entity = writer.begin(26, 1)
    if (schemaUrl !== '') writer.string(10, schemaUrl)
    if (type !== '') writer.string(18, type)
    for (const key of idKeys) writer.string(26, key)
    for (const key of descriptionKeys) writer.string(34, key)
    writer.end(entity, 1)
  }
  writer.end(start, 2)
}

/** As field 1; whole doubles are `WholeDouble` in it. */
export function writeScope(writer: WireWriter, scope: Scope): void {
  const { name, version, attributes, droppedAttributesCount } = scope
  const start = writer.begin(10, 1)
  if (name !== '') writer.string(10, name)
  if (version !== '') writer.string(18, version)
  writeAttributes(writer, 26, attributes)
  if (droppedAttributesCount !== 0) writer.uint32(32, droppedAttributesCount)
  writer.end(start, 1)
}
