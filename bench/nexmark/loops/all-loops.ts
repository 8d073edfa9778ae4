/** The hand-written loop of every query: one thread, no engine, the same answers. What an engine can at best come near to. */
import type { OpenedEvents } from '../events/opened-events.js'
import type { ComparedQuery } from '../queries/result-columns.js'
import type { ResultRows } from '../queries/result-rows.js'
import { q3, q4, q6, q9, q20, q23 } from './joins.js'
import { type Loop, LoopInput } from './loop-input.js'
import { q0, q1, q2, q13, q14, q21, q22 } from './stateless.js'
import { q15, q16, q17, q18, q19 } from './tables.js'
import { q5, q7, q8, q11 } from './windows.js'

const loops: { readonly [Q in ComparedQuery]: Loop<ResultRows[Q]> } = {
  q0,
  q1,
  q2,
  q3,
  q4,
  q5,
  q6,
  q7,
  q8,
  q9,
  q11,
  q13,
  q14,
  q15,
  q16,
  q17,
  q18,
  q19,
  q20,
  q21,
  q22,
  q23,
}

/** Runs the loop of a query over all events; `half` is told when half of the events have been read. */
export function runLoop<Q extends ComparedQuery>(
  query: Q,
  events: OpenedEvents,
  emit: (row: ResultRows[Q]) => void,
  half: () => void = () => {},
): void {
  const input = new LoopInput(events)
  const finish = (loops[query] as Loop<ResultRows[Q]>)(input, emit)
  const middle = events.blocks >> 1
  input.read(0, middle)
  half()
  input.read(middle, events.blocks)
  finish?.()
}
