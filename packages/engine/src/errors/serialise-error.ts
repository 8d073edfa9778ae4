/**
 * Errors as plain data and back. Structured clone drops `code`, `hint` and every other own property of an error, so
 * what crosses threads is made here: the cause chain, own enumerable properties that can be cloned, and the stack.
 */
import { errorCatalogue, type ErrorCode } from './catalogue.js'
import { type ErrorCoordinates, SluiceError } from './sluice-error.js'

export interface SerialisedError {
  readonly name: string
  readonly message: string
  readonly stack?: string | undefined
  readonly code?: string | undefined
  readonly hint?: string | undefined
  readonly coordinates?: ErrorCoordinates | undefined
  readonly properties?: Readonly<Record<string, string | number | boolean | null>> | undefined
  readonly cause?: SerialisedError | undefined
}

const CAUSES_MAX = 16
const KNOWN = new Set(['name', 'message', 'stack', 'code', 'hint', 'coordinates', 'retriable', 'cause'])

export function serialiseError(error: unknown, depth = 0): SerialisedError {
  if (!(error instanceof Error)) return { name: 'Error', message: `thrown value: ${describeThrown(error)}` }
  const own = error as Error & { code?: unknown }
  const properties: Record<string, string | number | boolean | null> = {}
  for (const [key, value] of Object.entries(error)) {
    if (KNOWN.has(key)) continue
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') properties[key] = value
  }
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    code: typeof own.code === 'string' ? own.code : undefined,
    hint: error instanceof SluiceError ? error.hint : undefined,
    coordinates: error instanceof SluiceError ? error.coordinates : undefined,
    properties: Object.keys(properties).length === 0 ? undefined : properties,
    cause: error.cause === undefined || depth >= CAUSES_MAX ? undefined : serialiseError(error.cause, depth + 1),
  }
}

export function deserialiseError(serialised: SerialisedError): Error {
  const cause = serialised.cause === undefined ? undefined : deserialiseError(serialised.cause)
  const error =
    serialised.name === 'SluiceError' && serialised.code !== undefined && Object.hasOwn(errorCatalogue, serialised.code)
      ? new SluiceError(serialised.code as ErrorCode, serialised.message, { ...serialised.coordinates, hint: serialised.hint, cause })
      : Object.assign(new Error(serialised.message, cause === undefined ? undefined : { cause }), { name: serialised.name })
  if (!(error instanceof SluiceError) && serialised.code !== undefined) Object.assign(error, { code: serialised.code })
  if (serialised.properties !== undefined) Object.assign(error, serialised.properties)
  if (serialised.stack !== undefined) error.stack = serialised.stack
  return error
}

function describeThrown(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
