/** Value and reducing state as handlers get them. */
import { checkStateValue, SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { KeyedRows } from './keyed-rows.js'
import type { ReducingState, ValueState } from './state-types.js'
import type { TimeToLive } from './time-to-live.js'
import { ValueCells } from './value-cells.js'

export class ValueHandle extends ValueCells implements ValueState<unknown> {
  readonly #default: unknown
  readonly #schema: StandardSchemaV1 | undefined
  readonly fitAt: ((slot: number) => void) | undefined

  constructor(
    rows: KeyedRows,
    name: string,
    ttl: TimeToLive | undefined,
    firstColumn: number,
    { default: value, schema }: { readonly default?: unknown; readonly schema?: StandardSchemaV1 | undefined },
  ) {
    super(rows, name, ttl, firstColumn)
    this.#default = typeof value === 'object' && value !== null ? freeze(structuredClone(value)) : value
    this.#schema = schema
    this.fitAt = schema === undefined ? undefined : (slot) => this.#fitAt(slot, schema)
  }

  get(): unknown {
    const value = this.read()
    return value === undefined ? this.#default : value
  }

  set(value: unknown): void {
    if (this.#schema !== undefined) this.#check(value, this.#schema)
    this.write(value)
  }

  #check(value: unknown, schema: StandardSchemaV1): void {
    const checked = this.#validate(value, schema)
    if (checked.issues === undefined) return
    const { operator } = this.rows
    const why = textOf(checked.issues)
    throw new SluiceError('SLUICE_STATE_VALUE', `state ${this.name} of ${operator} does not fit its schema: ${why}`, { operator })
  }

  /** Fields that are new get their defaults, those that are gone go, as the schema says. */
  #fitAt(slot: number, schema: StandardSchemaV1): void {
    const value = this.heldAt(slot)
    if (value === undefined) return
    const checked = this.#validate(value, schema)
    if (checked.issues !== undefined) {
      const { operator, table } = this.rows
      const key = explainValue(table.keyAt(slot))
      const why = textOf(checked.issues)
      throw new SluiceError(
        'SLUICE_STATE_INCOMPATIBLE',
        `state ${this.name} of ${operator} for key ${key} does not fit its schema: ${why}`,
        {
          operator,
        },
      )
    }
    if (checked.value === value) return
    checkStateValue(checked.value, this.name, this.rows.operator)
    this.putAt(slot, checked.value)
  }

  #validate(value: unknown, schema: StandardSchemaV1): StandardSchemaV1.Result<unknown> {
    const checked = schema['~standard'].validate(value)
    if (!(checked instanceof Promise)) return checked
    const { operator } = this.rows
    throw new SluiceError('SLUICE_STATE_VALUE', `the schema of state ${this.name} of ${operator} checks asynchronously`, { operator })
  }
}

export class ReducingHandle extends ValueCells implements ReducingState<unknown> {
  readonly #reduce: (left: unknown, right: unknown) => unknown

  constructor(
    rows: KeyedRows,
    name: string,
    ttl: TimeToLive | undefined,
    firstColumn: number,
    reduce: (left: unknown, right: unknown) => unknown,
  ) {
    super(rows, name, ttl, firstColumn)
    this.#reduce = reduce
  }

  add(value: unknown): void {
    const held = this.read()
    this.write(held === undefined ? value : this.#reduce(held, value))
  }

  get(): unknown {
    return this.read()
  }
}

function textOf(issues: readonly StandardSchemaV1.Issue[]): string {
  const texts = issues.map(({ message, path = [] }) => {
    const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
    return place === '' ? message : `${place}: ${message}`
  })
  return texts.join('; ')
}

function explainValue(key: unknown): string {
  return typeof key === 'object' && key !== null ? JSON.stringify(key) : String(key)
}

/** A default stands in for every key: whoever changes what `get` gave changes it for none. */
function freeze<V extends object>(value: V): V {
  if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value)) return value
  for (const each of Object.values(value)) if (typeof each === 'object' && each !== null) freeze(each)
  return Object.freeze(value)
}
