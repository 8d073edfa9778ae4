/** The handlers of `process`, as types. */
import type { Emitted } from '../stream/rules.js'

/** Handlers of a `process` operator with the context `X`. What they return, or yield as generators, flows on. */
export interface ProcessHandlers<T, X, R1, R2> {
  /** Once per subtask, before its first record; whenever the job starts, so after a restore too. */
  onStart?(context: X): void
  /** For every record. */
  onRecord(record: T, context: X): Emitted<R1>
  /**
   * Once per subtask, after its last record at the end of the input; not when the job is stopped or fails. What it gives is as late as the
   * latest record of the subtask, and ahead of the watermark.
   */
  onEnd?(context: X): Emitted<R2>
}
