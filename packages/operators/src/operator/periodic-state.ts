/** State of operators that send what has changed after a time: what is not with the rows. For specs whose state goes to all (`union`). */
import type { RestoredOperator } from '@sluice/engine'
import { type BeforeEnd, watermarkBeforeEnd } from './before-end.js'

export interface PeriodicState extends BeforeEnd {
  /** Event time of the latest record of the subtask; NaN: there is none. */
  readonly newest: number
  /** When what has changed goes out; -Infinity: it is going out, Infinity: nothing waits. */
  readonly dueAt: number
}

/** Of several subtasks: what one is sending, all send. */
export function restorePeriod(restored: RestoredOperator): PeriodicState {
  const states = restored.states as readonly PeriodicState[]
  const times = states.map(({ newest }) => newest).filter((time) => time === time)
  return {
    newest: times.length === 0 ? Number.NaN : Math.max(...times),
    watermark: watermarkBeforeEnd(restored),
    dueAt: Math.min(Number.POSITIVE_INFINITY, ...states.map(({ dueAt }) => dueAt)),
  }
}
