/**
 * What becomes of the records on which an operator's code fails, where its policy is not 'fail': dropped and counted, or a dead letter. One per
 * operator and subtask, on the subtask's thread. Errors that are not the record's go on: those of the job itself, those of operators behind this
 * one, and whatever comes once the job is given up.
 */
import { isErrorOfJob } from '../errors/error-of-job.js'
import { describeError } from '../errors/sluice-error.js'
import type { DeadLetter, ErrorPolicy } from '../graph/operator-spec.js'

/** The name of the port that dead letters leave on. */
export const DEAD_LETTERS_PORT = 'deadLetters'
/** The reason under which a record is counted that `onError: 'drop'` dropped. */
const FAILED = 'failed'
/** Longest message in a dead letter. */
const REASON_CHARACTERS_MAX = 2_000
/** Longest text in place of a record that cannot be sent. */
const INPUT_CHARACTERS_MAX = 2_000

export interface RecordFailuresOptions {
  readonly policy: Exclude<ErrorPolicy, 'fail'>
  readonly operator: string
  readonly subtask: number
  readonly signal: AbortSignal
  /** Since the epoch. */
  readonly nowMs: () => number
  /** It has the coordinates of an operator already: it came from one behind this. */
  readonly isLocated: (error: unknown) => boolean
  readonly countDropped: (reason: string) => void
  readonly countLetter: (code: string) => void
  /** How many bytes it takes to be sent. Throws where it cannot be. */
  readonly sizeOf: (letter: DeadLetter) => number
  /** Sends a letter to the port of dead letters, where there is one. */
  readonly push: (letter: DeadLetter, timestamp: number) => void
}

/** What is known of a record that failed, besides itself. */
export interface FailedRecord {
  readonly timestamp: number
  readonly recordId?: string | undefined
  readonly attempts?: number | undefined
}

export class RecordFailures {
  readonly #options: RecordFailuresOptions

  constructor(options: RecordFailuresOptions) {
    this.#options = options
  }

  /** Whether the error is one for the policy; otherwise the job fails. */
  owns(error: unknown): boolean {
    const { signal, isLocated } = this.#options
    return !signal.aborted && !isLocated(error) && !isErrorOfJob(error)
  }

  /** Counts a failed record, and gives its letter; undefined: it is dropped. */
  letterOf(error: unknown, input: unknown, { timestamp, recordId, attempts }: FailedRecord): DeadLetter | undefined {
    const { policy, operator, subtask, nowMs, countDropped, countLetter } = this.#options
    if (policy === 'drop') {
      countDropped(FAILED)
      return undefined
    }
    const code = codeOf(error)
    countLetter(code ?? FAILED)
    const letter: DeadLetter = {
      operator,
      subtask,
      input,
      reason: reasonOf(error),
      code,
      position: undefined,
      recordId,
      attempts,
      timestamp: Number.isNaN(timestamp) ? undefined : timestamp,
      failedAtMs: nowMs(),
    }
    return this.#isSendable(letter) ? letter : { ...letter, input: textOf(input) }
  }

  /** A record need not be plain data where it comes from an operator of the same chain. */
  #isSendable(letter: DeadLetter): boolean {
    try {
      this.#options.sizeOf(letter)
      return true
    } catch {
      return false
    }
  }

  /** Of a synchronous function: the letter leaves at once. Throws what is not the record's. */
  settle(error: unknown, input: unknown, timestamp: number): void {
    if (!this.owns(error)) throw error
    const letter = this.letterOf(error, input, { timestamp })
    if (letter !== undefined) this.#options.push(letter, timestamp)
  }
}

/** Its code, or what it calls itself. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
  if (typeof code === 'string' && code !== '') return code
  return typeof name === 'string' && name !== '' ? name : undefined
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error && error.message !== '' ? error.message : describeError(error)
  return message.length > REASON_CHARACTERS_MAX ? `${message.slice(0, REASON_CHARACTERS_MAX - 1)}…` : message
}

/** Of a record that cannot be sent, what can be shown of it. */
function textOf(record: unknown): string {
  const shown = jsonOf(record) ?? Object.prototype.toString.call(record)
  return shown.length > INPUT_CHARACTERS_MAX ? `${shown.slice(0, INPUT_CHARACTERS_MAX - 1)}…` : shown
}

function jsonOf(record: unknown): string | undefined {
  try {
    return JSON.stringify(record, (_name, value: unknown) => {
      if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
      return typeof value === 'bigint' ? `${value}n` : value
    })
  } catch {
    // It goes in circles, or is more than a string can hold.
    return undefined
  }
}
