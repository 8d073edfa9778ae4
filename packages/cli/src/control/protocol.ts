/** What is said over the socket of a running job: one request and one answer, each a line of JSON. */
import type { CheckpointSummary, RunStatus } from '@sluice/runtime-workers'
import { type ErrorCode, type PressureGraph, SluiceError } from '@sluice/engine'

export type ControlRequest =
  | { readonly command: 'status' }
  /** Answered after so long: it is about that time. */
  | { readonly command: 'pressure'; readonly forMs: number }
  /** Answered when it is durable. */
  | { readonly command: 'savepoint'; readonly name?: string; readonly directory?: string }
  /** Answered when the job has ended. */
  | { readonly command: 'stop'; readonly drain: boolean; readonly savepoint: boolean; readonly name?: string; readonly directory?: string }

/** A running job, as it answers. */
export interface JobStatus extends Omit<RunStatus, 'heldRecords'> {
  /** A job that runs with an older version does not say. */
  readonly heldRecords?: number
  readonly job: string
  readonly pid: number
  /** Absolute path of its file. */
  readonly file: string
  readonly startedAt: string
  readonly checkpoints: CheckpointSummary | undefined
}

/** Who is held and by whom, in a job that runs. */
export interface LivePressure extends Pick<JobStatus, 'job' | 'pid' | 'state' | 'attempt'> {
  readonly pressure: PressureGraph
}

export interface ControlDone {
  /** Of a savepoint. */
  readonly path?: string | undefined
  /** What stopping came to: whether what was in flight had to be given up. */
  readonly aborted?: boolean | undefined
}

export type ControlAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string } }

export function refusal(error: unknown): ControlAnswer<never> {
  const coded = error instanceof SluiceError ? error : new SluiceError('SLUICE_ASSERTION', String(error))
  return { ok: false, error: { code: coded.code, message: coded.message, hint: coded.hint } }
}

/** The value of an answer; fails with the error that it carries. */
export function valueOf<T>(answer: ControlAnswer<T>): T {
  if (answer.ok) return answer.value
  throw new SluiceError(answer.error.code, answer.error.message, { hint: answer.error.hint })
}
