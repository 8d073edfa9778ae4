/**
 * What is known of a failure, taken apart once: for the error block of the terminal and for `job.failed`. Any thrown value becomes a
 * coded error; what has no code is an internal one.
 */
import { type ErrorCode, errorCatalogue, SluiceError } from '@sluice/engine'
import { findUserFrame, formatLocation, parseLocation, type SourceLocation } from './source-excerpt.js'

const CAUSES_MAX = 8

export interface ErrorFacts {
  readonly error: SluiceError
  /** From the error itself down to the root. */
  readonly causes: readonly unknown[]
  /** The user's line at which it happened. */
  readonly source: SourceLocation | undefined
}

/** Anything thrown, as a coded error. */
export function toSluiceError(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  if (isForeignCopy(thrown)) {
    const copy = new SluiceError(thrown.code, thrown.message, { ...thrown.coordinates, hint: thrown.hint, cause: thrown.cause })
    if (thrown.stack !== undefined) copy.stack = thrown.stack
    return copy
  }
  return new SluiceError('SLUICE_ASSERTION', thrown instanceof Error ? thrown.message : `thrown value: ${String(thrown)}`, {
    cause: thrown,
  })
}

export function readErrorFacts(thrown: unknown): ErrorFacts {
  const error = toSluiceError(thrown)
  const causes: unknown[] = []
  for (
    let cause = error.cause;
    cause !== undefined && cause !== null && causes.length < CAUSES_MAX;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    causes.push(cause)
  }
  // The root cause knows best at which line it happened; the declaration is the next best place.
  const stacks = [...causes.toReversed(), error].map((one) => (one instanceof Error ? findUserFrame(one.stack) : undefined))
  const declaredAt = error.coordinates.declaredAt
  return {
    error,
    causes,
    source: stacks.find((found) => found !== undefined) ?? (declaredAt === undefined ? undefined : parseLocation(declaredAt)),
  }
}

/** The fields of `job.failed`. */
export function failureFields({ error, source }: ErrorFacts, durationMs: number, cwd: string): Readonly<Record<string, unknown>> {
  const { operator, subtask, edge, position, declaredAt } = error.coordinates
  const known = { operator, subtask, edge, position, source: source === undefined ? undefined : formatLocation(source, cwd), declaredAt }
  return {
    durationMs,
    code: error.code,
    hint: error.hint,
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
    error: plainError(error),
  }
}

/** An error as plain data, with its chain of causes. */
export function plainError(error: unknown, depth = 0): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { name: 'thrown value', message: String(error) }
  const { code } = error as { readonly code?: unknown }
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined || depth >= CAUSES_MAX ? {} : { cause: plainError(error.cause, depth + 1) }),
  }
}

/** A SluiceError of another copy of the engine: same shape, other class. */
function isForeignCopy(thrown: unknown): thrown is SluiceError {
  return (
    thrown instanceof Error && thrown.name === 'SluiceError' && Object.hasOwn(errorCatalogue, (thrown as { code?: ErrorCode }).code ?? '')
  )
}
