/**
 * Generates the decoder of one shape: fixed fields are read at constant offsets into an object literal with constant keys, so that every record has the same
 * hidden class at once. Names enter the text through `JSON.stringify` alone. Reads the same bytes as `interpreted-decoder.ts`.
 */
import { readAny } from './any-reader.js'
import type { DecodeFunction } from './contract.js'
import { corrupt } from './corrupt.js'
import { type FieldType, Kind, type ObjectType } from './field-type.js'
import { elementSize, fixedSize, Presence, presentSize } from './layout.js'
import { createStringSite } from './string-cache.js'
import { readString } from './string-codec.js'

const tools = { readString, readAny, corrupt, createStringSite }

export type DecoderFactory = (other: DecodeFunction) => DecodeFunction

/** A factory: `other` is asked where the record has another shape id. */
export function generateDecoder(id: number, type: FieldType): DecoderFactory {
  const text = new DecoderText()
  text.line('const at = cursor.at')
  text.line(`if (view.getUint8(at) !== ${id}) return other(view, bytes, cursor)`)
  text.line(`cursor.at = at + ${1 + fixedSize(type)}`)
  text.line(`return ${text.value(type, 'at', 1)}`)
  const sites = Array.from({ length: text.sites }, (_, index) => `const site${index} = createStringSite()`).join('\n')
  const body = `'use strict'\n${sites}\nreturn function decodeShape${id}(view, bytes, cursor) {\n${text.lines.join('\n')}\n}`
  const make = new Function(...Object.keys(tools), 'other', body)
  return (other) => make(...Object.values(tools), other) as DecodeFunction
}

class DecoderText {
  readonly lines: string[] = []
  /** Places that read strings: constants `site0`, `site1`, ... around the function. */
  sites = 0
  #count = 0

  line(text: string): void {
    this.lines.push(text)
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#count++}`
  }

  /** The expression for a value whose fixed part lies at `base + offset`; what it has in the variable part is read into a local first. */
  value(type: FieldType, base: string, offset: number): string {
    const place = `${base} + ${offset}`
    if (!type.nullable || type.kind === Kind.nullish) return this.#present(type, base, offset)
    const absent = `view.getUint8(${place}) === ${Presence.null} ? null : undefined`
    const local = this.#fresh('n')
    this.line(`let ${local}`)
    this.line(`if (view.getUint8(${place}) === ${Presence.value}) {`)
    if (type.kind === Kind.object) {
      const block = this.#block(presentSize(type))
      this.line(`${local} = ${this.#present(type, block, 0)}`)
    } else this.line(`${local} = ${this.#present(type, base, offset + 1)}`)
    this.line(`} else ${local} = ${absent}`)
    return local
  }

  #present(type: FieldType, base: string, offset: number): string {
    const place = `${base} + ${offset}`
    switch (type.kind) {
      case Kind.never:
        return `corrupt('an element where there can be none')`
      case Kind.nullish:
        return `(view.getUint8(${place}) === ${Presence.null} ? null : undefined)`
      case Kind.int32:
        return `view.getInt32(${place}, true)`
      case Kind.float64:
        return `view.getFloat64(${place}, true)`
      case Kind.boolean:
        return `view.getUint8(${place}) === 1`
      case Kind.date:
        return `new Date(view.getFloat64(${place}, true))`
      case Kind.bigint64:
        return `view.getBigInt64(${place}, true)`
      case Kind.string:
        return this.#local(`readString(view, bytes, cursor, site${this.sites++})`)
      case Kind.any:
        return this.#local('readAny(view, bytes, cursor)')
      case Kind.array:
        return this.#array(type.element)
      case Kind.object:
        return this.#literal(type, base, offset)
    }
  }

  #local(expression: string): string {
    const local = this.#fresh('s')
    this.line(`const ${local} = ${expression}`)
    return local
  }

  #array(element: FieldType): string {
    const size = elementSize(element)
    const count = this.#local('view.getUint32(cursor.at, true)')
    const index = this.#fresh('i')
    this.line('cursor.at += 4')
    this.line(`if (${count} * ${size} > bytes.length - cursor.at) corrupt('elements do not fit into what is left')`)
    const items = this.#local(`new Array(${count})`)
    this.line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`)
    const block = this.#block(size)
    this.line(`${items}[${index}] = ${this.value(element, block, 0)}`)
    this.line('}')
    return items
  }

  #literal(type: ObjectType, base: string, offset: number): string {
    const parts: string[] = []
    let place = offset
    for (const [index, name] of type.names.entries()) {
      const field = type.types[index] as FieldType
      const value = this.value(field, base, place)
      place += fixedSize(field)
      // A literal __proto__ would set the prototype.
      parts.push(`${name === '__proto__' ? '["__proto__"]' : JSON.stringify(name)}: ${value}`)
    }
    return `{ ${parts.join(', ')} }`
  }

  #block(size: number): string {
    const block = this.#fresh('b')
    this.line(`const ${block} = cursor.at`)
    this.line(`cursor.at = ${block} + ${size}`)
    return block
  }
}
