/** Value and reducing state as handlers get them. */
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { KeyedRows } from './keyed-rows.js'
import type { ReducingState, ValueState } from './state-types.js'
import type { TimeToLive } from './time-to-live.js'
import { ValueCells } from './value-cells.js'

export class ValueHandle extends ValueCells implements ValueState<unknown> {
  readonly #default: unknown
  readonly #schema: StandardSchemaV1 | undefined

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
    const checked = schema['~standard'].validate(value)
    const { operator } = this.rows
    if (checked instanceof Promise) {
      throw new SluiceError('SLUICE_STATE_VALUE', `the schema of state ${this.name} of ${operator} checks asynchronously`, { operator })
    }
    if (checked.issues === undefined) return
    const issues = checked.issues.map(({ message, path = [] }) => {
      const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
      return place === '' ? message : `${place}: ${message}`
    })
    const why = issues.join('; ')
    throw new SluiceError('SLUICE_STATE_VALUE', `state ${this.name} of ${operator} does not fit its schema: ${why}`, { operator })
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

/** A default stands in for every key: whoever changes what `get` gave changes it for none. */
function freeze<V extends object>(value: V): V {
  if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value)) return value
  for (const each of Object.values(value)) if (typeof each === 'object' && each !== null) freeze(each)
  return Object.freeze(value)
}
