/**
 * From the values of a body to records: what JSON lacks is converted, the schema is asked, and what nobody could process is refused, because one client must not be able to fail the job
 * of all. Belongs to one source.
 */
import { isUtf8 } from 'node:buffer'
import type { DeadLetter } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { INVALID, RecordValidator } from '../../source/compile-validator.js'
import { convertJsonFields, type JsonConversions, jsonConversionsOf } from '../../source/convert-text.js'
import { HttpRefusal } from './http-refusal.js'
import type { HttpInvalidPolicy } from './http-types.js'

/** Levels of arrays and objects in a record. */
const NESTING_MAX = 100

export interface DecoderOptions {
  readonly schema: StandardSchemaV1 | undefined
  readonly policy: HttpInvalidPolicy
  readonly operator: string
  /** Who sends, as the beginning of a message. */
  readonly sender: string
  /** The job fails, where the policy says so. */
  readonly fail: (code: 'SLUICE_RECORD_INVALID' | 'SLUICE_INPUT_MALFORMED', message: string) => void
}

/** The records of a body, or of a part of it. */
export interface DecodedPart {
  readonly records: unknown[]
  readonly deadLetters: DeadLetter[]
  dropped: number
}

export function emptyPart(): DecodedPart {
  return { records: [], deadLetters: [], dropped: 0 }
}

export class RecordDecoder {
  /** Stands in front of positions: whose record it is. */
  place = ''
  readonly #options: DecoderOptions
  readonly #validator: RecordValidator | undefined
  readonly #conversions: JsonConversions

  constructor(options: DecoderOptions) {
    this.#options = options
    this.#validator = options.schema === undefined ? undefined : new RecordValidator(options.schema)
    this.#conversions = jsonConversionsOf(this.#validator)
  }

  /** A JSON body: a record, or a list of records. @throws HttpRefusal */
  json(body: Uint8Array, part: DecodedPart): void {
    const value = this.#parse(body, part, 'body', undefined)
    if (value === MALFORMED) return
    if (!Array.isArray(value)) {
      this.#admitJson(value, part, 'body', undefined)
      return
    }
    value.forEach((item: unknown, index) => this.#admitJson(item, part, `record ${index + 1}`, undefined))
  }

  /** A line of JSON; a blank one is none. @throws HttpRefusal */
  jsonLine(bytes: Uint8Array, line: number, part: DecodedPart): void {
    if (isBlank(bytes)) return
    const value = this.#parse(bytes, part, `line ${line}`, line)
    if (value !== MALFORMED) this.#admitJson(value, part, `line ${line}`, line)
  }

  /** A line of text. @throws HttpRefusal */
  textLine(bytes: Uint8Array, line: number, part: DecodedPart): void {
    if (isUtf8(bytes)) this.#admit(textOf(bytes), part, `line ${line}`, line)
    else this.#reject('BODY_MALFORMED', part, textOf(bytes), 'not UTF-8', `line ${line}`, line)
  }

  /** A record that a format of the user's own gave. @throws HttpRefusal */
  record(record: unknown, index: number, part: DecodedPart): void {
    this.#admit(record, part, `record ${index + 1}`, undefined)
  }

  /** What a format of the user's own cannot read. @throws HttpRefusal */
  unreadable(input: Uint8Array, reason: string, position: string, part: DecodedPart): void {
    this.#reject('BODY_MALFORMED', part, input, reason, position, undefined)
  }

  #parse(bytes: Uint8Array, part: DecodedPart, position: string, line: number | undefined): unknown {
    // A text of other bytes would not be what was sent.
    if (!isUtf8(bytes)) return this.#malformed(bytes, part, 'not UTF-8', position, line)
    try {
      return JSON.parse(textOf(bytes))
    } catch (error) {
      return this.#malformed(bytes, part, `not JSON: ${error instanceof Error ? error.message : String(error)}`, position, line)
    }
  }

  #malformed(bytes: Uint8Array, part: DecodedPart, reason: string, position: string, line: number | undefined): typeof MALFORMED {
    this.#reject('BODY_MALFORMED', part, textOf(bytes), reason, position, line)
    return MALFORMED
  }

  #admitJson(value: unknown, part: DecodedPart, position: string, line: number | undefined): void {
    if (isTooDeep(value)) this.#reject('RECORD_INVALID', part, null, `nested deeper than ${NESTING_MAX} levels`, position, line)
    else this.#admit(convertJsonFields(value, this.#conversions), part, position, line)
  }

  #admit(value: unknown, part: DecodedPart, position: string, line: number | undefined): void {
    const validator = this.#validator
    const checked = validator === undefined ? value : validator.check(value)
    if (checked === INVALID) this.#reject('RECORD_INVALID', part, value, validator?.reason ?? '', position, line)
    else part.records.push(checked)
  }

  #reject(
    code: 'BODY_MALFORMED' | 'RECORD_INVALID',
    part: DecodedPart,
    input: unknown,
    reason: string,
    position: string,
    line: number | undefined,
  ): void {
    const { policy, operator, sender, fail } = this.#options
    switch (policy) {
      case 'drop':
        part.dropped++
        return
      case 'deadLetter':
        part.deadLetters.push({ operator, input, reason, position: `${this.place}${position}` })
        return
      case 'fail':
        fail(
          code === 'RECORD_INVALID' ? 'SLUICE_RECORD_INVALID' : 'SLUICE_INPUT_MALFORMED',
          `${sender} ${operator}, ${this.place}${position}: ${reason}`,
        )
        break
      case 'reject':
    }
    throw new HttpRefusal(400, code, `${position}: ${reason}`, line === undefined ? {} : { line })
  }
}

const MALFORMED: unique symbol = Symbol('malformed')
const SPACES: ReadonlySet<number> = new Set([9, 13, 32])

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (!SPACES.has(byte)) return false
  return true
}

function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** Without recursion: that is what a client would use against it. */
function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const below: unknown[] = []
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue
      if (depth === NESTING_MAX) return true
      for (const inner of Array.isArray(item) ? item : Object.values(item))
        if (typeof inner === 'object' && inner !== null) below.push(inner)
    }
    level = below
  }
  return false
}
