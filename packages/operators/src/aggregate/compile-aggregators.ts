/**
 * A set of aggregators as one update function per operator. The generated form gives every user function a call site of its own, which
 * is what lets it be inlined; the interpreted form does the same where code may not be generated from strings. Runs per record.
 * Generated text holds no text from outside but names, written by JSON.stringify.
 */
import { canonicalKey } from '@sluice/engine'
import type { Aggregator, Aggregators } from './aggregator.js'

/** The accumulators of one key: `key`, `changed`, and `a0`, `a1`, ... in the order of the names. Plain data. */
export interface AggregateRow {
  readonly key: unknown
  /** Whether it changed since it was emitted last; kept by whoever emits. */
  changed: boolean
}

export type RowTable = Map<unknown, AggregateRow>

export interface CompiledAggregators {
  /** Feeds one record to the row of its key, which is made where it is missing; gives back the row. */
  readonly update: (rows: RowTable, record: unknown) => AggregateRow
  /** A fresh result: `{ key, ...aggregates }`. */
  readonly result: (row: AggregateRow) => unknown
}

type Loose = { readonly [P in keyof Aggregator<never, unknown>]: unknown }
type AnyFunction = (...args: unknown[]) => unknown
type LooseRow = { key: unknown; changed: boolean; [accumulator: string]: unknown }

/** @param generate false: interpret; default: generate where the process allows it */
export function compileAggregators(
  keyOf: (record: never) => unknown,
  aggregators: Aggregators<never>,
  generate: boolean = mayGenerate(),
): CompiledAggregators {
  return generate ? generated(keyOf, aggregators) : interpreted(keyOf, aggregators)
}

let allowed: boolean | undefined

function mayGenerate(): boolean {
  if (allowed === undefined) {
    try {
      allowed = new Function('return true')() === true
    } catch {
      allowed = false
    }
  }
  return allowed
}

function generated(keyOf: (record: never) => unknown, aggregators: Aggregators<never>): CompiledAggregators {
  const entries = Object.entries(aggregators)
  const each = (write: (index: number, name: string, aggregator: Loose) => string, separator: string): string =>
    entries.map(([name, aggregator], index) => write(index, name, aggregator)).join(separator)
  const value = (index: number, { select }: Loose): string => (select === undefined ? 'record' : `select${index}(record)`)
  const source = `'use strict'
${each((index) => `const { create: create${index}, add: add${index}, result: result${index}, select: select${index} } = aggregators[${index}]`, '\n')}
return {
  update(rows, record) {
    const given = keyOf(record)
    const key = canonicalKey(given)
    let row = rows.get(key)
    if (row === undefined) {
      row = { key: given, changed: false, ${each((index) => `a${index}: create${index}()`, ', ')} }
      rows.set(key, row)
    }
    ${each((index, _name, aggregator) => `row.a${index} = add${index}(row.a${index}, ${value(index, aggregator)})`, '\n    ')}
    return row
  },
  result(row) {
    return { key: row.key, ${each((index, name) => `[${JSON.stringify(name)}]: result${index}(row.a${index})`, ', ')} }
  },
}`
  const make = new Function('keyOf', 'canonicalKey', 'aggregators', source) as (...args: unknown[]) => CompiledAggregators
  return make(keyOf, canonicalKey, Object.values(aggregators))
}

function interpreted(keyOf: (record: never) => unknown, aggregators: Aggregators<never>): CompiledAggregators {
  const names = Object.keys(aggregators)
  const fields = names.map((_name, index) => `a${index}`)
  const parts = Object.values(aggregators) as unknown as readonly Record<'create' | 'add' | 'result' | 'select', AnyFunction | undefined>[]
  return {
    update(rows, record) {
      const given = keyOf(record as never)
      const key = canonicalKey(given)
      let row = rows.get(key) as LooseRow | undefined
      if (row === undefined) {
        row = { key: given, changed: false }
        for (const [index, part] of parts.entries()) row[`a${index}`] = part.create?.()
        rows.set(key, row)
      }
      for (let index = 0; index < parts.length; index++) {
        const part = parts[index] as (typeof parts)[number]
        const field = fields[index] as string
        row[field] = part.add?.(row[field], part.select === undefined ? record : part.select(record))
      }
      return row
    },
    result(row) {
      const result: Record<string, unknown> = { key: row.key }
      for (const [index, name] of names.entries()) {
        const value = parts[index]?.result?.((row as unknown as LooseRow)[`a${index}`])
        // A name that means something to objects would set it rather than a field.
        if (name === '__proto__') Object.defineProperty(result, name, { value, writable: true, enumerable: true, configurable: true })
        else result[name] = value
      }
      return result
    },
  }
}
