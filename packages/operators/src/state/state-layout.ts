/** From declarations to the columns of a table and the handles over them: checked while a job is declared, made in every subtask. */
import { checkStateValue, type ColumnKind, type ColumnName, type KeyTable, type NumberColumn, SluiceError } from '@sluice/engine'
import { checkOptions } from '../options/check-options.js'
import type { AnyFunction } from '../job/graph-draft.js'
import { aggregatingColumns, AggregatingHandle } from './aggregating-handle.js'
import { KeyedRows, type StateCells } from './keyed-rows.js'
import { listColumns, ListHandle } from './list-handle.js'
import { mapColumns, MapHandle } from './map-handle.js'
import type { LooseStateDeclaration } from './state-types.js'
import { compileTtl, type TimeToLive } from './time-to-live.js'
import { valueColumns } from './value-cells.js'
import { ReducingHandle, ValueHandle } from './value-handles.js'

export type Declarations = Readonly<Record<string, LooseStateDeclaration>>

interface PlannedState {
  readonly name: string
  readonly declaration: LooseStateDeclaration
  readonly ttl: TimeToLive | undefined
  readonly firstColumn: number
}

export interface StateLayout {
  readonly states: readonly PlannedState[]
  readonly columns: readonly ColumnKind[]
  /** What columns are called in checkpoints: states come and go from run to run. */
  readonly names: readonly ColumnName[]
  /** Column of how many timers of a key wait; undefined: there are none. */
  readonly timersColumn: number | undefined
}

const kinds: readonly string[] = ['value', 'list', 'map', 'reducing', 'aggregating'] satisfies LooseStateDeclaration['kind'][]

/** Fails where a declaration is none, or expires by event time that is not there. `what` is the operator, for messages. */
export function layOutState(what: string, declarations: Declarations, timed: boolean, hasTimers: boolean): StateLayout {
  const columns: ColumnKind[] = []
  const names: ColumnName[] = []
  const states: PlannedState[] = []
  for (const [name, declaration] of Object.entries(declarations)) {
    const state = `state ${name} of ${what}`
    checkDeclaration(state, declaration)
    checkOptions(state, declaration.options, declaration.kind === 'value' ? ['ttl', 'default', 'schema'] : ['ttl'])
    checkStateValue(declaration.options.default, name, what)
    const ttl = compileTtl(state, declaration.options.ttl)
    if (ttl?.byEvent === true && !timed) {
      throw new SluiceError('SLUICE_TIMESTAMPS_MISSING', `${state} expires by event time, and its records have no timestamps`)
    }
    states.push({ name, declaration, ttl, firstColumn: columns.length })
    columns.push(...columnsOf(declaration, ttl))
    while (names.length < columns.length) {
      const column = names.length - (states.at(-1)?.firstColumn ?? 0)
      names.push(column === 0 ? name : `${name}:${column}`)
    }
  }
  const timersColumn = hasTimers ? columns.length : undefined
  if (hasTimers) {
    columns.push('number')
    names.push({ name: ':timers', initial: 0 })
  }
  return { states, columns, names, timersColumn }
}

/** The rows of a subtask, and the handles over them by name. */
export function createRows(
  layout: StateLayout,
  table: KeyTable,
  operator: string,
  clock: { now(): number },
): { readonly rows: KeyedRows; readonly handles: Readonly<Record<string, unknown>>; readonly cells: readonly StateCells[] } {
  const { states, timersColumn } = layout
  const timers = timersColumn === undefined ? undefined : (table.columns[timersColumn] as NumberColumn)
  const rows = new KeyedRows(table, operator, clock, timers)
  const handles = states.map((state) => [state.name, createHandle(rows, state)] as const)
  const cells = handles.map(([, handle]) => handle)
  rows.hold(cells)
  return { rows, handles: Object.freeze(Object.fromEntries(handles)), cells }
}

/** The user's functions in declarations. */
export function functionsOf(declarations: Declarations): readonly AnyFunction[] {
  return Object.values(declarations).flatMap(({ reduce, aggregator }) => [
    ...(reduce === undefined ? [] : [reduce]),
    ...(aggregator?.functions ?? []),
  ])
}

/** Declarations as the plan shows them. */
export function describeStates(declarations: Declarations): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(declarations).map(([name, { kind, options, aggregator }]) => {
      const facts = { kind, ...(aggregator === undefined ? {} : { aggregator: aggregator.kind }) }
      return [name, options.ttl === undefined ? facts : { ...facts, ttl: options.ttl }]
    }),
  )
}

function checkDeclaration(state: string, declaration: unknown): void {
  const { kind, reduce, aggregator } = (
    typeof declaration === 'object' && declaration !== null ? declaration : {}
  ) as Partial<LooseStateDeclaration>
  if (kind === undefined || !kinds.includes(kind)) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${state} is not a declaration of state`, {
      hint: 'Declare it with valueState(), listState(), mapState(), reducingState(fn) or aggregatingState(aggregator).',
    })
  }
  if (kind === 'reducing' && typeof reduce !== 'function') {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${state} needs a function that reduces two values to one`)
  }
  if (kind === 'aggregating' && typeof aggregator?.add !== 'function') {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${state} needs an aggregator such as count() or mean(...)`)
  }
}

function columnsOf({ kind, aggregator }: LooseStateDeclaration, ttl: TimeToLive | undefined): readonly ColumnKind[] {
  switch (kind) {
    case 'value':
    case 'reducing':
      return valueColumns(ttl)
    case 'list':
      return listColumns(ttl)
    case 'map':
      return mapColumns
    case 'aggregating':
      return aggregatingColumns(aggregator as NonNullable<typeof aggregator>)
  }
}

function createHandle(rows: KeyedRows, { name, declaration, ttl, firstColumn }: PlannedState): StateCells {
  const { kind, options, reduce, aggregator } = declaration
  switch (kind) {
    case 'value':
      return new ValueHandle(rows, name, ttl, firstColumn, options)
    case 'reducing':
      return new ReducingHandle(rows, name, ttl, firstColumn, reduce as (left: unknown, right: unknown) => unknown)
    case 'list':
      return new ListHandle(rows, name, ttl, firstColumn)
    case 'map':
      return new MapHandle(rows, name, ttl, firstColumn)
    case 'aggregating':
      return new AggregatingHandle(rows, name, ttl, firstColumn, aggregator as NonNullable<typeof aggregator>)
  }
}
