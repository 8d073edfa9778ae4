/** Whether stored state fits the state that an operator declares now, and which stored column goes where. A pure decision, made before anything is loaded. */
import { SluiceError } from '../../errors/sluice-error.js'
import { type ColumnKind, type ColumnName, nameOf, traitsOf } from '../../state/column.js'
import { KeyTable } from '../../state/key-table.js'
import type { StatePart, StateRegistry } from '../../state/state-registry.js'
import { TimerQueue } from '../../state/timer-queue.js'
import { WindowTables } from '../../state/window-tables.js'
import type { StateKind, StoredState } from './format.js'

/** By stored column, numbers first as in the rows: the column of the table; -1: it is not there any more. */
export interface ColumnMap {
  readonly numbers: readonly number[]
  readonly values: readonly number[]
  /** Number columns that were not stored, with what they hold. */
  readonly added: readonly (readonly [column: number, initial: number])[]
  /** Value columns that were not stored, with what makes the value of a row; without that they hold nothing. */
  readonly made: readonly (readonly [column: number, make: () => unknown])[]
}

/** Fails with `SLUICE_STATE_INCOMPATIBLE`; undefined where there is nothing to load. */
export function fitState(
  stored: StoredState,
  registry: StateRegistry,
): { readonly part: StatePart; readonly columns: ColumnMap } | undefined {
  if (stored.entries === 0) return undefined
  const part = registry.part(stored.state)
  const kind = part === undefined ? undefined : kindOf(part)
  if (part === undefined || kind === undefined) misfit(stored, 'the operator does not have it any more')
  if (kind !== stored.kind) misfit(stored, `it was ${describe(stored.kind)} and is ${describe(kind)} now`)
  if (part instanceof KeyTable || part instanceof WindowTables) return { part, columns: fitColumns(stored, part.kinds, part.names) }
  return { part, columns: { numbers: [], values: [], added: [], made: [] } }
}

function kindOf(part: StatePart): StateKind | undefined {
  if (part instanceof KeyTable) return 'table'
  if (part instanceof WindowTables) return 'windows'
  return part instanceof TimerQueue ? 'timers' : undefined
}

function fitColumns(stored: StoredState, kinds: readonly ColumnKind[], names: readonly ColumnName[] | undefined): ColumnMap {
  const named = names !== undefined && stored.columns.every(({ name }) => name !== undefined)
  if (!named && stored.columns.length !== kinds.length) {
    misfit(stored, `it had ${stored.columns.length} columns and has ${kinds.length} now`)
  }
  const columnOf = new Map(names?.map((name, index) => [nameOf(name), index]))
  const numbers: number[] = []
  const values: number[] = []
  const met = new Set<number>()
  for (const [index, { kind, name, holds, own }] of stored.columns.entries()) {
    const column = named ? (columnOf.get(name as string) ?? -1) : index
    const now = kinds[column]
    if (now === undefined && own === true) misfit(stored, `rows had ${name}, and are kept in another way now`)
    const holdsNow = traitsOf(names?.[column]).holds
    if (named && now !== undefined && holds !== holdsNow) {
      misfit(stored, `field ${name} was ${holds ?? 'something else'} and is ${holdsNow ?? 'something else'} now`)
    }
    // A number can be kept wherever anything can.
    if (now === 'number' && kind === 'value') misfit(stored, `field ${name ?? index} could be anything and is a number now`)
    met.add(column)
    if (kind === 'number') numbers.push(column)
    else values.push(column)
  }
  const added: [number, number][] = []
  const made: [number, () => unknown][] = []
  for (const [column, kind] of kinds.entries()) {
    if (met.has(column)) continue
    const { initial, own } = traitsOf(names?.[column])
    if (own === true && initial === undefined)
      misfit(stored, `rows have ${nameOf(names?.[column] ?? '')} now, and were kept in another way`)
    if (kind === 'number') added.push([column, typeof initial === 'number' ? initial : Number.NaN])
    else if (typeof initial === 'function') made.push([column, initial])
  }
  return { numbers, values, added, made }
}

function describe(kind: StateKind): string {
  return kind === 'table' ? 'kept by key' : kind === 'windows' ? 'kept by window and key' : 'timers'
}

function misfit({ state, operator }: StoredState, why: string): never {
  throw new SluiceError('SLUICE_STATE_INCOMPATIBLE', `state ${state} of ${operator} does not fit what the checkpoint holds: ${why}`, {
    operator,
  })
}
