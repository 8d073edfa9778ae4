/**
 * The one error class that users see. It carries its code, a hint and the coordinates of what failed, and keeps
 * all of them when it crosses threads (see `serialise-error.ts`).
 */
import { type ErrorCode, errorCatalogue } from './catalogue.js'

/** Where an error happened, as far as it is known. */
export interface ErrorCoordinates {
  readonly job?: string | undefined
  readonly operator?: string | undefined
  readonly subtask?: number | undefined
  /** Where the user declared the operator: `file:line:column`. */
  readonly declaredAt?: string | undefined
  /** Where in the input the record stood, for example `flights.csv line 12`. */
  readonly position?: string | undefined
  /** The edge as `from -> to`. */
  readonly edge?: string | undefined
}

export interface SluiceErrorOptions extends ErrorCoordinates {
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** An error that says what happened (`message`), which one it is (`code`), where (`coordinates`) and what to do (`hint`). */
export class SluiceError extends Error {
  override readonly name: string = 'SluiceError'
  readonly code: ErrorCode
  readonly hint: string
  readonly coordinates: ErrorCoordinates
  readonly retriable: boolean

  constructor(code: ErrorCode, message: string, options: SluiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    const { hint, cause: _cause, ...coordinates } = options
    this.code = code
    this.hint = hint ?? errorCatalogue[code].hint
    this.coordinates = Object.fromEntries(Object.entries(coordinates).filter(([, value]) => value !== undefined))
    this.retriable = errorCatalogue[code].retriable
  }

  /** Exit status of the command line for this error. */
  get exitStatus(): 1 | 2 {
    return errorCatalogue[this.code].exitStatus
  }

  /** The same error with coordinates added where they were not known before. */
  at(coordinates: ErrorCoordinates): SluiceError {
    const located = new SluiceError(this.code, this.message, { ...coordinates, ...this.coordinates, hint: this.hint, cause: this.cause })
    if (this.stack !== undefined) located.stack = this.stack
    return located
  }
}

/** Fails with `SLUICE_ASSERTION` where an invariant does not hold; cheap enough to stay on. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new SluiceError('SLUICE_ASSERTION', message)
}

/** An error in a sentence: `TypeError: x is not a function`, or the thrown value. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
