/**
 * The JSON mapping of sinks: bigint as text of its digits, Date as ISO 8601 text, NaN and the infinities as null with a count;
 * Map, Set and other objects that JSON.stringify would silently empty are refused with the path of the property. One pass makes
 * the text and finds what does not fit; for flat records it is as fast as JSON.stringify without any check. One per writer.
 */
import { SluiceError } from '@sluice/engine'
import { previewValue } from '../source/compile-validator.js'

const DEPTH_MAX = 512
/** Longer strings are left to the native scanner. */
const SHORT_STRING = 24
/** What JSON.stringify escapes: quotes, backslashes, control characters, and lone surrogates. */
const NEEDS_ESCAPE = /["\\]|[^ -\ud7ff\ue000-\uffff]/

export class JsonText {
  /** Numbers that were written as null because JSON has no NaN and no infinities. */
  nonFinite = 0
  /** The keys of the last record and what stands in front of their values: records of one stream mostly look alike. */
  readonly #names: string[] = []
  readonly #prefixes: string[] = []
  /** Keys and indexes down to the value at hand. */
  readonly #path: (string | number)[] = []

  /** A record as JSON text on one line, without a line break. */
  stringify(record: unknown): string {
    if (typeof record === 'object' && record !== null && Object.getPrototypeOf(record) === Object.prototype) {
      const text = this.#flat(record as Record<string, unknown>)
      if (text !== undefined) return text
    }
    this.#path.length = 0
    return this.#value(record) ?? this.#refuse(record)
  }

  /** The text of a record of text, finite numbers, booleans and nulls; undefined for any other. */
  #flat(record: Record<string, unknown>): string | undefined {
    const names = this.#names
    const prefixes = this.#prefixes
    let text = ''
    let position = 0
    for (const key in record) {
      if (names[position] !== key) {
        names[position] = key
        prefixes[position] = `${position === 0 ? '{' : ','}${JSON.stringify(key)}:`
      }
      const prefix = prefixes[position++] as string
      const value = record[key]
      switch (typeof value) {
        case 'string':
          text += prefix + quoteString(value)
          break
        case 'number':
          if (value - value !== 0) return undefined
          text += prefix + value
          break
        case 'boolean':
          text += prefix + value
          break
        default:
          if (value !== null) return undefined
          text += `${prefix}null`
      }
    }
    return position === 0 ? '{}' : `${text}}`
  }

  /** undefined for undefined: a property that is left out, an element that becomes null. */
  #value(value: unknown): string | undefined {
    switch (typeof value) {
      case 'string':
        return quoteString(value)
      case 'boolean':
        return value ? 'true' : 'false'
      case 'number':
        if (value - value === 0) return `${value}`
        this.nonFinite++
        return 'null'
      case 'bigint':
        return `"${value}"`
      case 'undefined':
        return undefined
      case 'object':
        if (value === null) return 'null'
        return Array.isArray(value) ? this.#array(value) : this.#object(value)
      default:
        return this.#refuse(value)
    }
  }

  #array(values: readonly unknown[]): string {
    this.#checkDepth()
    let text = '['
    for (let index = 0; index < values.length; index++) {
      this.#path.push(index)
      text += `${index === 0 ? '' : ','}${this.#value(values[index]) ?? 'null'}`
      this.#path.pop()
    }
    return `${text}]`
  }

  #object(value: object): string {
    if (value instanceof Date) {
      if (!Number.isNaN(value.getTime())) return `"${value.toISOString()}"`
      this.nonFinite++
      return 'null'
    }
    this.#checkPlain(value)
    this.#checkDepth()
    let text = ''
    for (const key of Object.keys(value)) {
      this.#path.push(key)
      const part = this.#value((value as Record<string, unknown>)[key])
      this.#path.pop()
      if (part !== undefined) text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${part}`
    }
    return text === '' ? '{}' : `${text}}`
  }

  #checkPlain(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) this.#refuse(value)
  }

  #checkDepth(): void {
    if (this.#path.length <= DEPTH_MAX) return
    throw new SluiceError(
      'SLUICE_RECORD_CYCLE',
      `A record refers to itself, or is nested more than ${DEPTH_MAX} levels deep: ${this.#where(8)}...`,
    )
  }

  #refuse(value: unknown): never {
    const kind = typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'object') : typeof value
    const subject = this.#path.length === 0 ? 'The record' : `The property ${this.#where(this.#path.length)}`
    const shown = typeof value === 'object' ? ` (${previewValue(value)})` : ''
    throw new SluiceError('SLUICE_JSON_UNSUPPORTED', `${subject} is a ${kind}${shown}, which JSON cannot hold.`, { hint: hints[kind] })
  }

  /** The path as one writes it: `items[2].tags`. */
  #where(steps: number): string {
    const written = this.#path.slice(0, steps).map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    return written.join('').replace(/^\./, '')
  }
}

const hints: Readonly<Record<string, string>> = {
  Map: 'Map the record before the sink, for example with Object.fromEntries(map).',
  Set: 'Map the record before the sink, for example with [...set].',
}

function quoteString(text: string): string {
  if (text.length > SHORT_STRING) return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 32 || unit === 34 || unit === 92 || (unit >= 0xd800 && unit < 0xe000)) return JSON.stringify(text)
  }
  return `"${text}"`
}
