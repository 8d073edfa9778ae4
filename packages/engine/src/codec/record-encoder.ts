/**
 * The learning encoder of one output edge. The hot loop calls `encode`, the generated function of the current shape; what does not fit it goes through the
 * other known shapes, and what fits none comes to `prepare`, which widens or learns. Runs on the thread of the subtask that owns the edge.
 *
 * Everything that grows has a bound: shapes, compilations (refilled by records encoded without a shape), candidates, the private buffer.
 */
import type { Buffer } from 'node:buffer'
import { SluiceError } from '../errors/sluice-error.js'
import { writeAny } from './any-writer.js'
import { canGenerateCode } from './code-generation.js'
import { type EncodeFunction, MISFIT, NO_ROOM, type RecordEncoder, type RecordEncoderOptions } from './contract.js'
import { GENERIC_ID } from './definition.js'
import { explainMisfit } from './explain-misfit.js'
import { countFields, FIELDS_MAX, type FieldType, Kind, typeOf, typeOfShape, widen } from './field-type.js'
import { PrivateBuffer } from './private-buffer.js'
import { type Shape, ShapeTable } from './shape-table.js'

export const MAX_RECORD_BYTES_DEFAULT: number = 64 << 20
/** Compilations in stock; each run of `GENERIC_RUN_MAX` generic records adds one. */
const COMPILES_MAX = 256
/** The first shapes are learnt at sight; further ones when their keys came up `SIGHTINGS` times, so that a stream of dictionaries compiles nothing. */
const SHAPES_AT_SIGHT = 8
const SIGHTINGS = 4
const CANDIDATES_MAX = 256
/** Generic records until `prepare` looks again: few at first, twice as many after so many looks that found nothing familiar. */
const GENERIC_RUN_MAX = 4096
const LOOKS_PER_RUN = 32
/** Neighbouring records of one shape that make it the current one. */
const STREAK = 32

/** An encoder for one output edge; it learns the shapes of the records it is given. */
export function createRecordEncoder(options: RecordEncoderOptions): RecordEncoder {
  return new LearningEncoder(options)
}

class LearningEncoder implements RecordEncoder {
  encode: EncodeFunction
  leastBytes = 1
  readonly #options: RecordEncoderOptions
  readonly #maxRecordBytes: number
  readonly #table: ShapeTable
  readonly #buffer: PrivateBuffer
  readonly #candidates = new Map<string, number>()
  #current: Shape | undefined
  #compilesLeft = COMPILES_MAX
  #genericLeft = 0
  #genericRun = 1
  #looks = 0
  #streak = 0
  #streakShape: Shape | undefined
  #streakEnd = -1

  constructor(options: RecordEncoderOptions) {
    this.#options = options
    this.#maxRecordBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES_DEFAULT
    this.#buffer = new PrivateBuffer(this.#maxRecordBytes)
    const other: EncodeFunction = (value, view, bytes, at, limit) => this.#encodeOther(value, view, bytes, at, limit)
    this.encode = other
    this.#table = new ShapeTable((options.generate ?? true) && canGenerateCode(), other, options.knownKeys)
    if (options.seed === undefined) return
    const type = typeOfShape(options.seed)
    if (type.kind !== Kind.any && countFields(type) <= FIELDS_MAX) this.#define(type, undefined)
  }

  prepare(value: unknown): void {
    const type = typeOf(value)
    if (type.kind === Kind.any || countFields(type) > FIELDS_MAX) this.#encodeGeneric(value)
    else if (!this.#useKnown(value, type)) this.#learn(value, type)
  }

  encodeLarge(value: unknown): Uint8Array {
    const end = this.#encodeAlone(value)
    return this.#buffer.bytes.subarray(0, end)
  }

  sizeOf(value: unknown): number {
    return this.#encodeAlone(value)
  }

  /** Into the buffer of its own, which grows as it has to; answers where the record ends. */
  #encodeAlone(value: unknown): number {
    const buffer = this.#buffer
    buffer.reset()
    let end = this.encode(value, buffer.view, buffer.bytes, 0, buffer.bytes.length)
    while (end < 0) {
      if (end === MISFIT) {
        this.prepare(value)
        buffer.reset()
      } else if (!buffer.grow()) throw this.#tooLarge(value)
      end = this.encode(value, buffer.view, buffer.bytes, 0, buffer.bytes.length)
    }
    return end
  }

  definitions(): readonly Uint8Array[] {
    return this.#table.order.map((shape) => shape.definition).reverse()
  }

  #tooLarge(value: unknown): SluiceError {
    const message = `A record takes more than ${this.#maxRecordBytes} bytes when it is encoded`
    return explainMisfit(value) ?? new SluiceError('SLUICE_RECORD_TOO_LARGE', message)
  }

  /** Per record that is not of the current shape. */
  #encodeOther(value: unknown, view: DataView, bytes: Buffer, at: number, limit: number): number {
    const shapes = this.#table.candidates(value)
    for (let position = 0; position < shapes.length; position++) {
      const shape = shapes[position] as Shape
      if (shape === this.#current) continue
      const end = shape.encode(value, view, bytes, at, limit)
      if (end === MISFIT) continue
      if (end >= 0) this.#used(shape, at, end)
      return end
    }
    if (this.#genericLeft === 0) return MISFIT
    if (at >= limit) return NO_ROOM
    view.setUint8(at, GENERIC_ID)
    const end = writeAny(value, view, bytes, at + 1, limit)
    if (end >= 0) this.#genericLeft--
    return end
  }

  /** A shape that serves record after record becomes the current one; one that merely alternates with it does not. */
  #used(shape: Shape, at: number, end: number): void {
    this.#table.use(shape)
    if (shape !== this.#streakShape) {
      this.#streakShape = shape
      this.#streak = 0
    } else if (at !== this.#streakEnd) this.#streak = Math.max(0, this.#streak - 2)
    else if (++this.#streak >= STREAK) this.#setCurrent(shape)
    this.#streakEnd = end
  }

  #setCurrent(shape: Shape): void {
    this.#current = shape
    this.#streakShape = undefined
    this.leastBytes = shape.leastBytes
    this.encode = shape.encodeOrOther
  }

  #useKnown(value: unknown, type: FieldType): boolean {
    const shape = this.#table.order.find((known) => widen(known.type, type) === known.type)
    if (shape === undefined) return false
    if (this.#fits(shape, value)) this.#setCurrent(shape)
    else this.#encodeGeneric(value)
    return true
  }

  /** The type says yes; a value that cannot be encoded at all, or keys that a changed Object.prototype adds, say no. */
  #fits(shape: Shape, value: unknown): boolean {
    const buffer = this.#buffer
    buffer.reset()
    let end = shape.encode(value, buffer.view, buffer.bytes, 0, buffer.bytes.length)
    while (end === NO_ROOM && buffer.grow()) end = shape.encode(value, buffer.view, buffer.bytes, 0, buffer.bytes.length)
    return end !== MISFIT
  }

  #learn(value: unknown, type: FieldType): void {
    const related = this.#table.findRelated(type)
    const wider = related === undefined ? type : widen(related.type, type)
    const tooWide = wider.kind === Kind.any || countFields(wider) > FIELDS_MAX
    if (tooWide || this.#compilesLeft === 0 || (related === undefined && !this.#isFamiliar(type))) return this.#encodeGeneric(value)
    const refusal = explainMisfit(value)
    if (refusal !== undefined) throw refusal
    const shape = this.#define(wider, related)
    if (!this.#fits(shape, value)) this.#encodeGeneric(value)
  }

  #isFamiliar(type: FieldType): boolean {
    if (type.kind !== Kind.object || this.#table.order.length < SHAPES_AT_SIGHT) return true
    const signature = JSON.stringify(type.names)
    const sightings = (this.#candidates.get(signature) ?? 0) + 1
    if (sightings >= SIGHTINGS) return true
    if (this.#candidates.size >= CANDIDATES_MAX) this.#candidates.clear()
    this.#candidates.set(signature, sightings)
    // Keys that come back hold against looking less often, while there is a place for their shape.
    if (sightings > 1 && !this.#table.isFull()) this.#looks = Math.max(-1, this.#looks - 2)
    return false
  }

  #define(type: FieldType, instead: Shape | undefined): Shape {
    this.#compilesLeft--
    if (!this.#table.isFull()) this.#genericRun = 1
    this.#genericLeft = 0
    const shape = this.#table.define(type, instead, this.#current)
    this.#setCurrent(shape)
    this.#options.onDefine(shape.definition)
    return shape
  }

  /** Lets the next records without a shape be self-describing. */
  #encodeGeneric(value: unknown): void {
    const refusal = explainMisfit(value)
    if (refusal !== undefined) throw refusal
    this.#genericLeft = this.#genericRun
    if (this.#genericRun < GENERIC_RUN_MAX) {
      if (++this.#looks < LOOKS_PER_RUN) return
      this.#looks = 0
      this.#genericRun *= 2
    } else if (this.#compilesLeft < COMPILES_MAX) this.#compilesLeft++
  }
}
