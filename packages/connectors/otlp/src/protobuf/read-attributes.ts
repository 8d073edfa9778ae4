/** Attributes and other values, from the messages `KeyValue` and `AnyValue` of opentelemetry/proto/common/v1/common.proto. */
import type { Attributes, AttributeValue } from '../records/attributes.js'
import { createStringSite, type StringSite } from '../wire/string-memory.js'
import { isWhole, WholeDouble } from '../wire/whole-double.js'
import type { WireReader } from '../wire/wire-reader.js'

const sharedSite: StringSite = createStringSite()

/** Reads one `KeyValue` into `attributes`. */
export function readAttribute(reader: WireReader, attributes: Record<string, AttributeValue>): void {
  const outer = reader.enter()
  let key = ''
  let value: AttributeValue = null
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) key = reader.key()
    else if (tag === 18) value = readValue(reader, reader.siteOfKey())
    else reader.skip(tag)
  }
  reader.leave(outer)
  if (key === '__proto__') Object.defineProperty(attributes, key, { value, writable: true, enumerable: true, configurable: true })
  else attributes[key] = value
}

/** Reads one `AnyValue`. */
export function readValue(reader: WireReader, site: StringSite = sharedSite): AttributeValue {
  const outer = reader.enter()
  let value: AttributeValue = null
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    switch (tag) {
      case 10:
        value = reader.string(site)
        break
      case 16:
        value = reader.bool()
        break
      case 24:
        value = reader.int64()
        break
      case 33:
        value = readDouble(reader)
        break
      case 42:
        value = readArray(reader)
        break
      case 50:
        value = readList(reader)
        break
      case 58:
        value = reader.bytes()
        break
      default:
        reader.skip(tag)
    }
  }
  reader.leave(outer)
  return value
}

function readDouble(reader: WireReader): number {
  const value = reader.double()
  if (!isWhole(value)) return value
  reader.sawWholeDouble = true
  return reader.marksWholeDoubles ? (new WholeDouble(value) as unknown as number) : value
}

/** `ArrayValue`. */
function readArray(reader: WireReader): AttributeValue {
  reader.deeper()
  const outer = reader.enter()
  const values: AttributeValue[] = []
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) values.push(readValue(reader))
    else reader.skip(tag)
  }
  reader.leave(outer)
  reader.depth--
  return values
}

/** `KeyValueList`. */
function readList(reader: WireReader): Attributes {
  reader.deeper()
  const outer = reader.enter()
  const values: Record<string, AttributeValue> = {}
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) readAttribute(reader, values)
    else reader.skip(tag)
  }
  reader.leave(outer)
  reader.depth--
  return values
}
