/**
 * The shapes that one encoder knows: at most 64. A shape is widened in place (same id, new definition); a new one beyond the limit takes the id of the one
 * that was not asked for longest. The order is the order in which they are tried.
 */
import { type EncodeFunction, MISFIT } from './contract.js'
import { SHAPES_MAX, writeDefinition } from './definition.js'
import { type FieldType, Kind, sameNames } from './field-type.js'
import { generateEncoder } from './generated-encoder.js'
import { interpretEncoder } from './interpreted-encoder.js'

export interface Shape {
  readonly id: number
  readonly type: FieldType
  readonly definition: Uint8Array
  /** Answers `MISFIT` where the value does not fit. */
  readonly encode: EncodeFunction
  /** The same, but asks the other shapes first. */
  readonly encodeOrOther: EncodeFunction
  /** When it was last asked for, in the count of the table. */
  usedAt: number
}

/** Shapes further back in the order come to the front when they are used. */
const SETTLED = 4

const misfit: EncodeFunction = () => MISFIT

export class ShapeTable {
  readonly order: Shape[] = []
  readonly #generate: boolean
  readonly #other: EncodeFunction
  #uses = 0

  constructor(generate: boolean, other: EncodeFunction) {
    this.#generate = generate
    this.#other = other
  }

  /** The shape that `type` would widen: the same keys for objects, the same kind of value otherwise. */
  findRelated(type: FieldType): Shape | undefined {
    return this.order.find((shape) => areRelated(shape.type, type))
  }

  /** Adds a shape in the place of `instead`; where the table is full, in the place of the least recently used one except `current`. */
  define(type: FieldType, instead: Shape | undefined, current: Shape | undefined): Shape {
    const replaced = instead ?? (this.order.length < SHAPES_MAX ? undefined : this.#leastUsed(current))
    const id = replaced === undefined ? this.order.length : replaced.id
    const make = this.#generate ? generateEncoder(id, type) : (other: EncodeFunction): EncodeFunction => interpretEncoder(id, type, other)
    const usedAt = ++this.#uses
    const shape: Shape = { id, type, definition: writeDefinition(id, type), encode: make(misfit), encodeOrOther: make(this.#other), usedAt }
    if (replaced !== undefined) this.order.splice(this.order.indexOf(replaced), 1)
    this.order.unshift(shape)
    return shape
  }

  use(position: number): void {
    const shape = this.order[position]
    if (shape === undefined) return
    shape.usedAt = ++this.#uses
    if (position < SETTLED) return
    this.order.copyWithin(1, 0, position)
    this.order[0] = shape
  }

  #leastUsed(current: Shape | undefined): Shape | undefined {
    let least: Shape | undefined
    for (const shape of this.order) if (shape !== current && (least === undefined || shape.usedAt < least.usedAt)) least = shape
    return least
  }
}

function areRelated(known: FieldType, type: FieldType): boolean {
  if (type.kind === Kind.object) return known.kind === Kind.object && sameNames(known.names, type.names)
  if (type.kind === Kind.array) return known.kind === Kind.array
  return known.kind === type.kind || (isNumber(known) && isNumber(type))
}

const isNumber = (type: FieldType): boolean => type.kind === Kind.int32 || type.kind === Kind.float64
