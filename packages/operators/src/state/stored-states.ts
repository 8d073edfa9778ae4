/**
 * What a checkpoint knows of declared state, and what becomes of rows that were written under other declarations: a state may get a ttl or
 * lose it, get another schema, be new or be gone. What does not fit fails before the first record.
 */
import { SluiceError } from '@sluice/engine'
import { jsonSchemaOf } from '../schema/json-schema.js'
import type { KeyedRows, StateCells } from './keyed-rows.js'
import type { StateLayout } from './state-layout.js'

interface StoredState {
  readonly kind: string
  readonly ttl: boolean
  /** Kind of the aggregator. */
  readonly aggregator?: string | undefined
  /** JSON Schema as text, where the library of the schema can give it. */
  readonly schema?: string | undefined
}

/** By name. */
export type StoredStates = Readonly<Record<string, StoredState>>

export function storedStatesOf({ states }: StateLayout): StoredStates {
  const stored = states.map(({ name, declaration, ttl }): [string, StoredState] => {
    const { kind, options, aggregator } = declaration
    const schema = jsonSchemaOf(options.schema)
    const aggregated = aggregator === undefined ? {} : { aggregator: aggregator.kind }
    return [name, { kind, ttl: ttl !== undefined, ...aggregated, ...(schema === undefined ? {} : { schema: JSON.stringify(schema) }) }]
  })
  return Object.fromEntries(stored)
}

/**
 * Makes restored rows what is declared now. `cells` are those of the states of the layout, in order.
 *
 * Fails with `SLUICE_STATE_INCOMPATIBLE`, naming operator, state and field.
 */
export function adaptRows(rows: KeyedRows, { states }: StateLayout, cells: readonly StateCells[], written: StoredStates): void {
  const adapt: ((slot: number) => void)[] = []
  for (const [index, { name, declaration, ttl }] of states.entries()) {
    const before = Object.hasOwn(written, name) ? written[name] : undefined
    if (before === undefined) continue
    const { kind, aggregator, options } = declaration
    const was = before.aggregator === undefined ? before.kind : `${before.kind} (${before.aggregator})`
    const is = aggregator === undefined ? kind : `${kind} (${aggregator.kind})`
    // A reduction is kept like a value.
    if (was !== is && !(isValue(before.kind) && isValue(kind))) {
      throw new SluiceError('SLUICE_STATE_INCOMPATIBLE', `state ${name} of ${rows.operator} was ${was} and is ${is} now`, {
        operator: rows.operator,
      })
    }
    const each = cells[index] as StateCells
    if (before.ttl !== (ttl !== undefined)) adapt.push((slot) => each.adoptAt(slot, before.ttl))
    if (options.schema === undefined || each.fitAt === undefined) continue
    const schema = jsonSchemaOf(options.schema)
    if (schema === undefined || before.schema !== JSON.stringify(schema)) adapt.push((slot) => each.fitAt?.(slot))
  }
  const names = new Set(states.map(({ name }) => name))
  const someGone = Object.keys(written).some((name) => !names.has(name))
  if (adapt.length === 0 && !someGone) return
  const { table } = rows
  for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
    for (const change of adapt) change(slot)
    if (someGone) rows.tidy(slot)
  }
}

const isValue = (kind: string): boolean => kind === 'value' || kind === 'reducing'
