/**
 * Generates the encoder of one shape as straight-line code: the keys checked before anything else (so that a record of another shape is told from one that
 * lacks room), one check for room, each kind checked, fixed fields at constant offsets, then the variable ones. Names enter the text through `JSON.stringify` alone. The same bytes and refusals as `interpreted-encoder.ts`.
 *
 * V8 inlines functions of up to 460 bytecodes, so the text avoids all that is not needed: refusals jump to one call of `other`.
 */
import { writeAny } from './any-writer.js'
import { hasProtoAccessor } from './code-generation.js'
import { type EncodeFunction, MISFIT, NO_ROOM } from './contract.js'
import { measureList } from './dense-array.js'
import { type FieldType, Kind, type ObjectType, type ScalarType } from './field-type.js'
import { elementSize, fixedSize, hasVariablePart, Presence, presentSize } from './layout.js'
import { createStringSite } from './string-cache.js'
import { writeString } from './string-codec.js'
import { isPlain, timeOf } from './value-checks.js'

const tools = {
  writeString,
  writeAny,
  timeOf,
  createStringSite,
  measureList,
  isPlain,
  plain: Object.prototype,
  isInt64: (value: bigint): boolean => BigInt.asIntN(64, value) === value,
}

export type EncoderFactory = (other: EncodeFunction) => EncodeFunction

/** A factory: `other` is asked where the value does not fit. `keysKnown`: a record is an object with just the keys of the shape, in their order. */
export function generateEncoder(id: number, type: FieldType, keysKnown: boolean): EncoderFactory {
  const text = new EncoderText()
  text.line(`let end = at + ${1 + fixedSize(type)}`)
  text.line('fit: {')
  if (type.kind === Kind.object && !type.nullable) {
    if (keysKnown) text.knownKeys(type, 'value')
    else text.keys(type, 'value')
  }
  text.line(`if (end > limit) return ${NO_ROOM}`)
  text.line(`view.setUint8(at, ${id})`)
  text.fixed(type, 'value', 'at', 1)
  text.variable(type, 'value', 'at', 1)
  text.line('return end')
  text.line('}')
  text.line('return other(value, view, bytes, at, limit)')
  const sites = Array.from({ length: text.sites }, (_, index) => `const site${index} = createStringSite()`).join('\n')
  const body = `'use strict'\n${sites}\nreturn function encodeShape${id}(value, view, bytes, at, limit) {\n${text.lines.join('\n')}\n}`
  const names = Object.keys(tools)
  const make = new Function(...names, ...text.tables.map((_, index) => `names${index}`), 'other', body)
  return (other) => make(...Object.values(tools), ...text.tables, other) as EncodeFunction
}

class EncoderText {
  readonly lines: string[] = []
  /** Key tables: the factory's parameters `names0`, `names1`, ... */
  readonly tables: (readonly string[])[] = []
  /** Places that write strings: constants `site0`, `site1`, ... around the function. */
  sites = 0
  readonly #locals = new Map<string, readonly string[]>()
  readonly #useProtoAccessor = hasProtoAccessor()
  #count = 0

  line(text: string): void {
    this.lines.push(text)
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#count++}`
  }

  /** Checks `value` and writes its part of the fixed block that begins at `base`. */
  fixed(type: FieldType, value: string, base: string, offset: number): void {
    if (type.nullable && type.kind !== Kind.nullish) {
      const place = `${base} + ${offset}`
      this.line(`if (${value} === null) view.setUint8(${place}, ${Presence.null})`)
      this.line(`else if (${value} === undefined) view.setUint8(${place}, ${Presence.undefined})`)
      this.line(`else {`)
      this.line(`view.setUint8(${place}, ${Presence.value})`)
      if (type.kind !== Kind.object && type.kind !== Kind.array) this.#scalar(type, value, base, offset + 1)
      this.line('}')
      return
    }
    if (type.kind === Kind.object) this.#object(type, value, base, offset)
    else if (type.kind !== Kind.array) this.#scalar(type, value, base, offset)
  }

  #scalar(type: ScalarType, value: string, base: string, offset: number): void {
    const place = `${base} + ${offset}`
    switch (type.kind) {
      case Kind.never:
        this.line('break fit')
        return
      case Kind.nullish:
        this.line(`if (${value} !== null && ${value} !== undefined) break fit`)
        this.line(`view.setUint8(${place}, ${value} === null ? ${Presence.null} : ${Presence.undefined})`)
        return
      case Kind.int32:
        // The last condition is for -0.
        this.line(`if (typeof ${value} !== 'number' || (${value} | 0) !== ${value} || (${value} === 0 && 1 / ${value} < 0)) break fit`)
        this.line(`view.setInt32(${place}, ${value}, true)`)
        return
      case Kind.float64:
        this.line(`if (typeof ${value} !== 'number') break fit`)
        this.line(`view.setFloat64(${place}, ${value}, true)`)
        return
      case Kind.boolean:
        this.line(`if (typeof ${value} !== 'boolean') break fit`)
        this.line(`view.setUint8(${place}, ${value} ? 1 : 0)`)
        return
      case Kind.date: {
        const time = this.#fresh('t')
        this.line(`const ${time} = timeOf(${value})`)
        this.line(`if (${time} === undefined) break fit`)
        this.line(`view.setFloat64(${place}, ${time}, true)`)
        return
      }
      case Kind.bigint64:
        this.line(`if (typeof ${value} !== 'bigint' || !isInt64(${value})) break fit`)
        this.line(`view.setBigInt64(${place}, ${value}, true)`)
        break
      case Kind.string:
      case Kind.any:
    }
  }

  /** Checks that `value` is a plain object with exactly these keys, and reads its fields into locals; it writes nothing. */
  keys(type: ObjectType, value: string): void {
    this.#plain(type, value)
    const table = this.tables.push(type.names) - 1
    const index = this.#fresh('i')
    this.line(`let ${index} = -1`)
    this.line(`for (const name in ${value}) if (name !== names${table}[++${index}]) break fit`)
    this.line(`if (${index} !== ${type.names.length - 1}) break fit`)
    this.#read(type, value)
  }

  /** Without the check, V8 can leave the record unmade where its fields are all that is used of it. */
  knownKeys(type: ObjectType, value: string): void {
    this.line(`if (${value} == null) break fit`)
    this.#read(type, value)
  }

  #read(type: ObjectType, value: string): void {
    const locals = type.names.map(() => this.#fresh('v'))
    this.#locals.set(value, locals)
    for (const [position, name] of type.names.entries()) this.line(`const ${locals[position]} = ${value}[${JSON.stringify(name)}]`)
  }

  #object(type: ObjectType, value: string, base: string, offset: number): void {
    if (!this.#locals.has(value)) this.keys(type, value)
    const locals = this.#locals.get(value) ?? []
    let place = offset
    for (const [position, field] of type.types.entries()) {
      this.fixed(field, locals[position] as string, base, place)
      place += fixedSize(field)
    }
  }

  /** Only plain objects pass. `__proto__` is a shortcut that V8 folds away; objects with an own key of that name have none. */
  #plain(type: ObjectType, value: string): void {
    if (this.#useProtoAccessor && !type.names.includes('__proto__')) {
      this.line(`if (${value} == null || (${value}.__proto__ !== plain && !isPlain(${value}))) break fit`)
    } else this.line(`if (!isPlain(${value})) break fit`)
  }

  /** Writes the variable part of `value` from `end` on; the fixed part is written. */
  variable(type: FieldType, value: string, base: string, offset: number): void {
    if (!hasVariablePart(type)) return
    if (type.nullable) {
      this.line(`if (${value} !== null && ${value} !== undefined) {`)
      if (type.kind === Kind.object) {
        const present: ObjectType = { ...type, nullable: false }
        const block = this.#block(presentSize(type))
        this.fixed(present, value, block, 0)
        this.variable(present, value, block, 0)
      } else this.#variableValue(type, value, base, offset)
      this.line('}')
      return
    }
    this.#variableValue(type, value, base, offset)
  }

  #variableValue(type: FieldType, value: string, base: string, offset: number): void {
    switch (type.kind) {
      case Kind.string:
        this.line(`if (typeof ${value} !== 'string') break fit`)
        this.line(`end = writeString(${value}, view, bytes, end, limit, site${this.sites++})`)
        this.line(`if (end < 0) return end`)
        return
      case Kind.any:
        this.line(`end = writeAny(${value}, view, bytes, end, limit)`)
        this.line(`if (end < 0) { if (end === ${MISFIT}) break fit; return end }`)
        return
      case Kind.array: {
        const index = this.#fresh('i')
        const item = this.#fresh('e')
        const length = this.#fresh('n')
        const size = elementSize(type.element)
        this.line(`const ${length} = measureList(${value}, (limit - end - 4)${size === 1 ? '' : ` / ${size}`})`)
        this.line(`if (${length} < 0) { if (${length} === ${MISFIT}) break fit; return ${NO_ROOM} }`)
        this.line(`view.setUint32(end, ${length}, true)`)
        this.line('end += 4')
        this.line(`for (let ${index} = 0; ${index} < ${length}; ${index}++) {`)
        this.line(`const ${item} = ${value}[${index}]`)
        const block = this.#block(size)
        if (fixedSize(type.element) === 0) this.line(`view.setUint8(${block}, 0)`)
        this.fixed(type.element, item, block, 0)
        this.variable(type.element, item, block, 0)
        this.line('}')
        return
      }
      case Kind.object: {
        const locals = this.#locals.get(value) ?? []
        for (const [position, field] of type.types.entries()) this.variable(field, locals[position] as string, base, offset)
        break
      }
      default:
    }
  }

  /** Reserves a fixed block at `end`; answers the variable that holds its start. */
  #block(size: number): string {
    const block = this.#fresh('b')
    this.line(`const ${block} = end`)
    this.line(`end += ${size}`)
    this.line(`if (end > limit) return ${NO_ROOM}`)
    return block
  }
}
