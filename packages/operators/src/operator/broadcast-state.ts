/**
 * Broadcast state of an operator: made, written into snapshots and read again. Every subtask writes what it has, because subtasks need not have
 * come equally far: at the same parallelism each gets its own back, at another one all get that of the first, behind which the records of
 * the broadcast stream that it had not read are given to all.
 */
import type { OperatorContext } from '@sluice/engine'
import { BroadcastMap, type WriteGate } from '../state/broadcast-map.js'

export interface BroadcastState {
  /** Of the subtask that wrote it. */
  readonly index: number
  readonly maps: Readonly<Record<string, readonly (readonly [unknown, unknown])[]>>
}

/** Broadcast state by name, each map a part of the operator's state. */
export function createBroadcast(
  context: OperatorContext,
  names: readonly string[],
  gate: WriteGate,
): Readonly<Record<string, BroadcastMap>> {
  const maps = names.map(
    (name) => [name, context.registerState(`broadcast.${name}`, new BroadcastMap(name, context.operator, gate))] as const,
  )
  return Object.freeze(Object.fromEntries(maps))
}

export function dumpBroadcast({ subtask }: OperatorContext, maps: Readonly<Record<string, BroadcastMap>>): BroadcastState {
  const entries = Object.entries(maps).map(([name, map]) => [name, map.entries()] as const)
  return { index: subtask.index, maps: Object.fromEntries(entries) }
}

/** Maps that are new stay empty, those that are declared no more are left out. */
export function loadBroadcast(maps: Readonly<Record<string, BroadcastMap>>, written: readonly BroadcastState[]): void {
  const first = written.reduce<BroadcastState | undefined>(
    (before, state) => (before === undefined || state.index < before.index ? state : before),
    undefined,
  )
  for (const [name, map] of Object.entries(maps)) map.load(first?.maps[name] ?? [])
}
