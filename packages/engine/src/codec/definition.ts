/**
 * A shape definition: the bytes that tell a decoder what a shape id means. Version, id, then the type tree: kind byte (bit 7: nullable); an object adds the
 * count of fields and each name and type; an array adds its element. It arrives from another thread and is validated like any input.
 */
import { Buffer } from 'node:buffer'
import { corrupt } from './corrupt.js'
import { countFields, FIELDS_MAX, type FieldType, Kind, NESTING_MAX, type ScalarFieldKind } from './field-type.js'

const VERSION = 1
const NULLABLE = 0x80
/** Shape ids are below this. */
export const SHAPES_MAX = 64
/** The shape id of a self-describing record; it is never defined. */
export const GENERIC_ID = 255

export interface Definition {
  readonly id: number
  readonly type: FieldType
}

export function writeDefinition(id: number, type: FieldType): Uint8Array {
  const parts: Buffer[] = [Buffer.of(VERSION, id)]
  writeType(type, parts)
  return Uint8Array.from(Buffer.concat(parts))
}

function writeType(type: FieldType, parts: Buffer[]): void {
  parts.push(Buffer.of(type.kind | (type.nullable ? NULLABLE : 0)))
  if (type.kind === Kind.array) writeType(type.element, parts)
  if (type.kind !== Kind.object) return
  parts.push(uint32(type.names.length))
  for (const [index, name] of type.names.entries()) {
    const field = type.types[index]
    if (field === undefined) throw new RangeError('an object type has as many types as names')
    parts.push(uint32(name.length), Buffer.from(name, 'utf16le'))
    writeType(field, parts)
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** The shape id that a definition defines; it takes the place of an older one. */
export function shapeIdOf(definition: Uint8Array): number {
  return definition[1] as number
}

/** @throws SluiceError `SLUICE_CODEC_CORRUPT`. */
export function readDefinition(definition: Uint8Array): Definition {
  const reader = new DefinitionReader(definition)
  if (reader.byte() !== VERSION) corrupt('a shape definition has an unknown version')
  const id = reader.byte()
  if (id >= SHAPES_MAX) corrupt(`a shape definition has id ${id}`)
  const type = readType(reader, 0)
  if (!reader.isAtEnd()) corrupt('a shape definition goes on behind its end')
  if (countFields(type) > FIELDS_MAX + 1) corrupt(`a shape definition has more than ${FIELDS_MAX} fields`)
  return { id, type }
}

function readType(reader: DefinitionReader, depth: number): FieldType {
  const head = reader.byte()
  const nullable = (head & NULLABLE) !== 0
  const kind = head & ~NULLABLE
  if (kind > Kind.array) corrupt(`a shape definition has the unknown kind ${kind}`)
  if (kind < Kind.object) return { kind: kind as ScalarFieldKind, nullable }
  if (depth >= NESTING_MAX) corrupt(`a shape definition is nested deeper than ${NESTING_MAX}`)
  if (kind === Kind.array) return { kind: Kind.array, nullable, element: readType(reader, depth + 1) }
  const count = reader.uint32()
  if (count > FIELDS_MAX) corrupt(`a shape definition has ${count} fields`)
  const names: string[] = []
  const types: FieldType[] = []
  for (let index = 0; index < count; index++) {
    names.push(reader.text())
    types.push(readType(reader, depth + 1))
  }
  if (new Set(names).size !== names.length) corrupt('a shape definition names a field twice')
  return { kind: Kind.object, nullable, names, types }
}

class DefinitionReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(definition: Uint8Array) {
    // A copy: the definition may lie in shared memory, and is read once.
    this.#bytes = Buffer.from(definition)
  }

  byte(): number {
    this.#need(1)
    return this.#bytes.readUInt8(this.#at++)
  }

  uint32(): number {
    this.#need(4)
    this.#at += 4
    return this.#bytes.readUInt32LE(this.#at - 4)
  }

  text(): string {
    const length = this.uint32()
    this.#need(2 * length)
    this.#at += 2 * length
    return this.#bytes.toString('utf16le', this.#at - 2 * length, this.#at)
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) corrupt('a shape definition ends in the middle')
  }
}
