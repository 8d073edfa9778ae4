/**
 * Validation of records against any Standard Schema, fast where the schema is a zod object of plain fields: those are
 * checked directly, and only a record that does not fit meets the schema itself, which then says why.
 * Runs per record in the source's thread; a validator belongs to one reader and keeps the reason of its last refusal.
 */
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { fitsField, type ObjectFields, type KnownField, readObjectFields } from './known-fields.js'

/** What `check` returns for a record that does not fit. */
export const INVALID: unique symbol = Symbol('invalid')

export class RecordValidator {
  /** What is known of the fields; undefined where the schema is not a zod object. */
  readonly fields: ObjectFields | undefined
  /** Every field is plain and no check spans fields: columns may be checked one by one. */
  readonly isPlain: boolean
  /** Why the last record that `check` refused does not fit, field by field. */
  reason = ''
  readonly #schema: StandardSchemaV1
  readonly #plain: readonly KnownField[]

  constructor(schema: StandardSchemaV1) {
    this.#schema = schema
    this.fields = readObjectFields(schema)
    this.isPlain = this.fields?.isPlain === true
    this.#plain = [...(this.fields?.known.values() ?? [])]
  }

  /** The record as the schema gives it back, or `INVALID` with `reason` set. */
  check(record: unknown): unknown {
    if (!this.isPlain) return this.checkWithSchema(record)
    if (typeof record !== 'object' || record === null) return this.checkWithSchema(record)
    const fields = this.#plain
    let position = 0
    for (const key in record) {
      const field = fields[position]
      if (field === undefined || field.name !== key || !fitsField(field, (record as Record<string, unknown>)[key])) {
        return this.#rebuild(record as Record<string, unknown>)
      }
      position++
    }
    return position === fields.length ? record : this.#rebuild(record as Record<string, unknown>)
  }

  /** The same without the short way: for messages, and for what the short way does not know. */
  checkWithSchema(record: unknown): unknown {
    const result = this.#schema['~standard'].validate(record)
    if (result instanceof Promise) {
      result.catch(() => undefined)
      throw new SluiceError('SLUICE_OPTIONS_INVALID', 'The schema of a source validates asynchronously.', {
        hint: 'Give the source a schema without async refinements, and check what needs waiting in mapAsync.',
      })
    }
    if (result.issues === undefined) return result.value
    this.reason = describeIssues(result.issues, record)
    return INVALID
  }

  /** Keys in another order, keys that the schema does not name, keys that are missing: a record in the schema's own order. */
  #rebuild(record: Record<string, unknown>): unknown {
    const rebuilt: Record<string, unknown> = {}
    for (const field of this.#plain) {
      if (!Object.hasOwn(record, field.name)) {
        if (field.optional) continue
        return this.checkWithSchema(record)
      }
      const value = record[field.name]
      if (!fitsField(field, value)) return this.checkWithSchema(record)
      rebuilt[field.name] = value
    }
    return rebuilt
  }
}

const ISSUES_SHOWN_MAX = 8
const PREVIEW_LENGTH_MAX = 60

/** One clause per field: `amount ("12,5"): expected number`. */
function describeIssues(issues: readonly StandardSchemaV1.Issue[], record: unknown): string {
  const shown = issues.slice(0, ISSUES_SHOWN_MAX).map((issue) => {
    const path = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment))
    if (path.length === 0) return issue.message
    let value: unknown = record
    for (const key of path) value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined
    return `${path.map(String).join('.')} (${previewValue(value)}): ${issue.message}`
  })
  if (issues.length > shown.length) shown.push(`and ${issues.length - shown.length} more`)
  return shown.join('; ')
}

/** A value as it is shown in a message: short, quoted where it is text. */
export function previewValue(value: unknown): string {
  let text: string
  if (typeof value === 'bigint') text = `${value}n`
  else if (value instanceof Date) text = Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  else {
    try {
      text = JSON.stringify(value) ?? typeof value
    } catch {
      text = typeof value
    }
  }
  return text.length <= PREVIEW_LENGTH_MAX ? text : `${text.slice(0, PREVIEW_LENGTH_MAX)}...`
}
