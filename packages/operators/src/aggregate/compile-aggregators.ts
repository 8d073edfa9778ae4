/**
 * A set of aggregators as functions over the rows of a table. The generated form gives every function a call site of its own, which is
 * what lets it be inlined; the interpreted form does the same where code may not be generated from strings. Runs per record.
 * Generated text holds no text from outside but names, written by JSON.stringify.
 */
import type { ColumnKind, ColumnName, KeyTable } from '@sluice/engine'
import type { TimeWindow } from '../window/window-types.js'
import type { Aggregator, Aggregators, ColumnarForm } from './aggregator.js'
import { columnNamesOf } from './column-names.js'
import { copyPlain } from './copy-plain.js'

export interface CompiledAggregators {
  /** The first columns that a table needs, in order; an operator's own may follow. */
  readonly columns: readonly ColumnKind[]
  /** What they are called in checkpoints. */
  readonly names: readonly ColumnName[]
  /** Adds a record to the row of its key, which is made where it is missing; gives back the slot (`table.created` tells whether it was made). */
  readonly update: (table: KeyTable, record: unknown) => number
  /** Sets the columns of a fresh slot. */
  readonly reset: (table: KeyTable, slot: number) => void
  readonly add: (table: KeyTable, slot: number, record: unknown) => void
  /** Adds row `from` of one table to row `into` of another or of the same; `from` stays as it is and may be used on. */
  readonly merge: (table: KeyTable, into: number, source: KeyTable, from: number) => void
  /** A fresh result: `{ key, ...aggregates }`, or `{ key, window, ...aggregates }` where `window` is given. */
  readonly result: (table: KeyTable, slot: number, window?: TimeWindow) => unknown
  /** Whether rows may be merged in any order; false: only in the order of their records (first, last, values). */
  readonly mergeable: boolean
}

type Functions = Pick<CompiledAggregators, 'update' | 'reset' | 'add' | 'merge' | 'result'>
type AnyFunction = (...args: unknown[]) => unknown
type KeyOf = (record: never) => unknown

/** An aggregator and where its columns are. */
interface Part {
  readonly name: string
  readonly aggregator: Aggregator<never, unknown>
  readonly firstColumn: number
  readonly columns: readonly ColumnKind[]
}

const ONE_VALUE: readonly ColumnKind[] = ['value']

/** @param generate false: interpret; default: generate where the process allows it */
export function compileAggregators(keyOf: KeyOf, aggregators: Aggregators<never>, generate: boolean = mayGenerate()): CompiledAggregators {
  const parts: Part[] = []
  const columns: ColumnKind[] = []
  const names: ColumnName[] = []
  let mergeable = true
  for (const [name, aggregator] of Object.entries(aggregators)) {
    const part = { name, aggregator, firstColumn: columns.length, columns: aggregator.columnar?.columns ?? ONE_VALUE }
    parts.push(part)
    columns.push(...part.columns)
    names.push(...columnNamesOf(name, aggregator))
    if (aggregator.inOrder === true) mergeable = false
  }
  return { columns, names, mergeable, ...(generate ? generated(keyOf, parts) : interpreted(keyOf, parts)) }
}

let allowed: boolean | undefined

export function mayGenerate(): boolean {
  if (allowed === undefined) {
    try {
      allowed = new Function('return true')() === true
    } catch {
      allowed = false
    }
  }
  return allowed
}

/** `c0` is the first column of the table, `f0` that of the row merged from. */
function generated(keyOf: KeyOf, parts: readonly Part[]): Functions {
  const each = (write: (part: Part, index: number) => string, separator = '\n    '): string => parts.map(write).join(separator)
  const cells = (part: Part, of = 'c'): string => part.columns.map((_kind, at) => `, ${of}${part.firstColumn + at}`).join('')
  const load = (of: string, table: string): string =>
    each((part) =>
      part.columns.map((_kind, at) => `const ${of}${part.firstColumn + at} = ${table}[${part.firstColumn + at}].values`).join('\n    '),
    )
  const value = ({ aggregator }: Part, index: number): string => (aggregator.select === undefined ? 'record' : `select${index}(record)`)
  const resetRow = each((part, index) =>
    part.aggregator.columnar === undefined ? `c${part.firstColumn}[slot] = create${index}()` : `reset${index}(slot${cells(part)})`,
  )
  const addRecord = each((part, index) => {
    const held = `c${part.firstColumn}[slot]`
    const condition = part.aggregator.where === undefined ? '' : `if (where${index}(record)) `
    if (part.aggregator.columnar === undefined) return `${condition}${held} = add${index}(${held}, ${value(part, index)})`
    return `${condition}add${index}(slot, ${value(part, index)}${cells(part)})`
  })
  const mergeRow = each((part, index) => {
    const held = `c${part.firstColumn}[into]`
    const source = `f${part.firstColumn}[from]`
    if (part.aggregator.columnar === undefined) {
      return `${held} = merge${index}(${held}, ${part.aggregator.leavesRight === true ? source : `copyPlain(${source})`})`
    }
    return `merge${index}(into, from${cells(part)}${cells(part, 'f')})`
  })
  const results = each((part, index) => {
    const held = part.aggregator.columnar === undefined ? `c${part.firstColumn}[slot]` : `slot${cells(part)}`
    // As a plain name it would set the prototype.
    const name = part.name === '__proto__' ? '["__proto__"]' : JSON.stringify(part.name)
    return `, ${name}: result${index}(${held})`
  }, '')
  const source = `'use strict'
${each((_part, index) => `const { create: create${index}, reset: reset${index}, add: add${index}, merge: merge${index}, result: result${index}, select: select${index}, where: where${index} } = forms[${index}]`, '\n')}
return {
  update(table, record) {
    const slot = table.slotOf(keyOf(record))
    const columns = table.columns
    ${load('c', 'columns')}
    if (table.created) {
    ${resetRow}
    }
    ${addRecord}
    return slot
  },
  reset(table, slot) {
    const columns = table.columns
    ${load('c', 'columns')}
    ${resetRow}
  },
  add(table, slot, record) {
    const columns = table.columns
    ${load('c', 'columns')}
    ${addRecord}
  },
  merge(table, into, source, from) {
    const columns = table.columns
    const sources = source.columns
    ${load('c', 'columns')}
    ${load('f', 'sources')}
    ${mergeRow}
  },
  result(table, slot, window) {
    const columns = table.columns
    ${load('c', 'columns')}
    if (window === undefined) return { key: table.keyAt(slot)${results} }
    return { key: table.keyAt(slot), window${results} }
  },
}`
  const make = new Function('keyOf', 'forms', 'copyPlain', source) as (...args: unknown[]) => Functions
  return make(
    keyOf,
    parts.map(({ aggregator }) => ({ ...(aggregator.columnar ?? aggregator), select: aggregator.select, where: aggregator.where })),
    copyPlain,
  )
}

function interpreted(keyOf: KeyOf, parts: readonly Part[]): Functions {
  const forms = parts.map(
    ({ aggregator }) => (aggregator.columnar ?? valueForm(aggregator)) as unknown as Record<keyof ColumnarForm, AnyFunction>,
  )
  const selects = parts.map(({ aggregator }) => aggregator.select as AnyFunction | undefined)
  const conditions = parts.map(({ aggregator }) => {
    const condition = aggregator.where as AnyFunction | undefined
    return condition === undefined ? undefined : (record: unknown): boolean => Boolean(condition(record))
  })
  const cellsOf = (table: KeyTable, { firstColumn, columns }: Part): unknown[] =>
    columns.map((_kind, at) => table.columns[firstColumn + at]?.values)
  const each = (run: (form: Record<keyof ColumnarForm, AnyFunction>, part: Part, index: number) => void): void => {
    for (const [index, part] of parts.entries()) run(forms[index] as Record<keyof ColumnarForm, AnyFunction>, part, index)
  }
  const functions: Functions = {
    update(table, record) {
      const slot = table.slotOf(keyOf(record as never))
      if (table.created) functions.reset(table, slot)
      functions.add(table, slot, record)
      return slot
    },
    reset(table, slot) {
      each((form, part) => form.reset(slot, ...cellsOf(table, part)))
    },
    add(table, slot, record) {
      each((form, part, index) => {
        if (conditions[index]?.(record) === false) return
        const select = selects[index]
        form.add(slot, select === undefined ? record : select(record), ...cellsOf(table, part))
      })
    },
    merge(table, into, source, from) {
      each((form, part) => form.merge(into, from, ...cellsOf(table, part), ...cellsOf(source, part)))
    },
    result(table, slot, window) {
      const result: Record<string, unknown> = window === undefined ? { key: table.keyAt(slot) } : { key: table.keyAt(slot), window }
      each((form, part) => {
        const value = form.result(slot, ...cellsOf(table, part))
        // A name that means something to objects would set it rather than a field.
        if (part.name === '__proto__')
          Object.defineProperty(result, part.name, { value, writable: true, enumerable: true, configurable: true })
        else result[part.name] = value
      })
      return result
    },
  }
  return functions
}

/** An accumulator in one value column. */
function valueForm(aggregator: Aggregator<never, unknown>): ColumnarForm {
  const { create, add, merge, result } = aggregator as unknown as Record<'create' | 'add' | 'merge' | 'result', AnyFunction>
  return {
    columns: ONE_VALUE,
    reset: (slot: number, held: unknown[]) => {
      held[slot] = create()
    },
    add: (slot: number, value: unknown, held: unknown[]) => {
      held[slot] = add(held[slot], value)
    },
    merge: (into: number, from: number, held: unknown[], source: readonly unknown[]) => {
      held[into] = merge(held[into], aggregator.leavesRight === true ? source[from] : copyPlain(source[from]))
    },
    result: (slot: number, held: readonly unknown[]) => result(held[slot]),
  }
}
