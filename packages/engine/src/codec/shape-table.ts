/**
 * The shapes that one encoder knows: at most 64. A shape is widened in place (same id, new definition); a new one beyond the limit takes the id of the one
 * that was not asked for longest. Few shapes are tried one after the other, newest first; many are looked up by their first and
 * last key.
 */
import { type EncodeFunction, MISFIT } from './contract.js'
import { SHAPES_MAX, writeDefinition } from './definition.js'
import { type FieldType, Kind, sameNames } from './field-type.js'
import { generateEncoder } from './generated-encoder.js'
import { interpretEncoder } from './interpreted-encoder.js'
import { fixedSize } from './layout.js'
import { isPlain } from './value-checks.js'

export interface Shape {
  readonly id: number
  readonly type: FieldType
  /** Bytes of a record with its variable parts empty. */
  readonly leastBytes: number
  readonly definition: Uint8Array
  /** Answers `MISFIT` where the value does not fit. */
  readonly encode: EncodeFunction
  /** The same, but asks the other shapes first. */
  readonly encodeOrOther: EncodeFunction
  /** When it was last asked for, in the count of the table. */
  usedAt: number
}

/** Up to so many shapes are simply tried one after the other. */
const SETTLED = 4

const misfit: EncodeFunction = () => MISFIT

export class ShapeTable {
  readonly order: Shape[] = []
  /** The shapes of objects by their first key and their last one. */
  readonly #byEnds = new Map<string, Map<string, Shape[]>>()
  /** All others. */
  readonly #unnamed: Shape[] = []
  readonly #generate: boolean
  readonly #other: EncodeFunction
  readonly #knownKeys: readonly string[] | undefined
  #uses = 0

  constructor(generate: boolean, other: EncodeFunction, knownKeys: readonly string[] | undefined) {
    this.#knownKeys = knownKeys
    this.#generate = generate
    this.#other = other
  }

  /** The shape that `type` would widen: the same keys for objects, the same kind of value otherwise. */
  findRelated(type: FieldType): Shape | undefined {
    return this.order.find((shape) => areRelated(shape.type, type))
  }

  isFull(): boolean {
    return this.order.length === SHAPES_MAX
  }

  /** Adds a shape in the place of `instead`; where the table is full, in the place of the least recently used one except `current`. */
  define(type: FieldType, instead: Shape | undefined, current: Shape | undefined): Shape {
    const replaced = instead ?? (this.order.length < SHAPES_MAX ? undefined : this.#leastUsed(current))
    const id = replaced === undefined ? this.order.length : replaced.id
    const make = this.#generate
      ? generateEncoder(id, type, this.#hasKnownKeys(type))
      : (other: EncodeFunction): EncodeFunction => interpretEncoder(id, type, other)
    const usedAt = ++this.#uses
    const leastBytes = 1 + fixedSize(type)
    const shape: Shape = {
      id,
      type,
      leastBytes,
      definition: writeDefinition(id, type),
      encode: make(misfit),
      encodeOrOther: make(this.#other),
      usedAt,
    }
    if (replaced !== undefined) this.#remove(replaced)
    this.order.unshift(shape)
    this.#add(shape)
    return shape
  }

  #hasKnownKeys(type: FieldType): boolean {
    return this.#knownKeys !== undefined && type.kind === Kind.object && sameNames(type.names, this.#knownKeys)
  }

  /** The shapes to try for `value`: a few at most where the shapes differ in their keys. */
  candidates(value: unknown): readonly Shape[] {
    if (this.order.length <= SETTLED) return this.order
    let first: string | undefined
    let last = ''
    // Of others the keys say nothing, and those of an array or a buffer are as many as its elements.
    if (isPlain(value)) {
      for (const name in value) {
        first ??= name
        last = name
      }
    }
    return first === undefined ? this.#unnamed : (this.#byEnds.get(first)?.get(last) ?? this.#unnamed)
  }

  use(shape: Shape): void {
    shape.usedAt = ++this.#uses
  }

  #add(shape: Shape): void {
    const ends = endsOf(shape.type)
    if (ends === undefined) {
      this.#unnamed.unshift(shape)
      return
    }
    const byLast = this.#byEnds.get(ends.first) ?? new Map<string, Shape[]>()
    this.#byEnds.set(ends.first, byLast)
    byLast.set(ends.last, [shape, ...(byLast.get(ends.last) ?? [])])
  }

  #remove(shape: Shape): void {
    this.order.splice(this.order.indexOf(shape), 1)
    const ends = endsOf(shape.type)
    if (ends === undefined) {
      this.#unnamed.splice(this.#unnamed.indexOf(shape), 1)
      return
    }
    const byLast = this.#byEnds.get(ends.first)
    const left = byLast?.get(ends.last)?.filter((other) => other !== shape) ?? []
    if (left.length > 0) byLast?.set(ends.last, left)
    else byLast?.delete(ends.last)
    if (byLast?.size === 0) this.#byEnds.delete(ends.first)
  }

  #leastUsed(current: Shape | undefined): Shape | undefined {
    let least: Shape | undefined
    for (const shape of this.order) if (shape !== current && (least === undefined || shape.usedAt < least.usedAt)) least = shape
    return least
  }
}

/** The first and the last key of the objects of a type; undefined for what is no object, or has no keys, or can be null. */
function endsOf(type: FieldType): { readonly first: string; readonly last: string } | undefined {
  if (type.kind !== Kind.object || type.nullable) return undefined
  const first = type.names[0]
  const last = type.names.at(-1)
  return first === undefined || last === undefined ? undefined : { first, last }
}

function areRelated(known: FieldType, type: FieldType): boolean {
  if (type.kind === Kind.object) return known.kind === Kind.object && sameNames(known.names, type.names)
  if (type.kind === Kind.array) return known.kind === Kind.array
  return known.kind === type.kind || (isNumber(known) && isNumber(type))
}

const isNumber = (type: FieldType): boolean => type.kind === Kind.int32 || type.kind === Kind.float64
