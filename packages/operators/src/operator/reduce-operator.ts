/**
 * Reduction per key as rows: one value column with the last result. Generated, so that the user's functions have call sites of their
 * own; interpreted where code may not be generated. Runs per record.
 */
import type { KeyTable } from '@sluice/engine'
import { ownColumn } from '../aggregate/column-names.js'
import { mayGenerate } from '../aggregate/compile-aggregators.js'
import type { CompiledRows } from './aggregate-operators.js'

type KeyOf = (record: never) => unknown
type Reduction = (left: never, right: never) => unknown

/** @param generate false: interpret; default: generate where the process allows it */
export function compileReduction(keyOf: KeyOf, fn: Reduction, generate: boolean = mayGenerate()): CompiledRows {
  return {
    columns: ['value'],
    names: [ownColumn('held')],
    update: generate ? generated(keyOf, fn) : interpreted(keyOf, fn),
    result: heldAt,
  }
}

function generated(keyOf: KeyOf, fn: Reduction): CompiledRows['update'] {
  const source = `'use strict'
return (table, record) => {
  const slot = table.slotOf(keyOf(record))
  const held = table.columns[0].values
  held[slot] = table.created ? record : fn(held[slot], record)
  return slot
}`
  return (new Function('keyOf', 'fn', source) as (keyOf: KeyOf, fn: Reduction) => CompiledRows['update'])(keyOf, fn)
}

function interpreted(keyOf: KeyOf, fn: Reduction): CompiledRows['update'] {
  return (table, record) => {
    const slot = table.slotOf(keyOf(record as never))
    const held = heldIn(table)
    held[slot] = table.created ? record : fn(held[slot] as never, record as never)
    return slot
  }
}

const heldIn = (table: KeyTable): unknown[] => table.columns[0]?.values as unknown[]
const heldAt = (table: KeyTable, slot: number): unknown => heldIn(table)[slot]
