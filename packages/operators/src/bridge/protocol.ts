/**
 * What a bridge says of the other side: where it fails, and where it does not keep to its own protocol. A side that is checked when the job has left it
 * already can only be told of in the log.
 */
import { type OperatorLog, SluiceError } from '@sluice/engine'

/** What a bridge needs of the context of its source or sink. */
export interface BridgeContext {
  readonly operator: string
  readonly log: OperatorLog
}

/** The other side broke its protocol. `what`: a sentence without its beginning ("gave a value after its end"). */
export function protocolBroken(context: BridgeContext, side: string, what: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_PROTOCOL_BROKEN', `The ${side} of ${context.operator} ${what}.`, { operator: context.operator, cause })
}

/** The other side failed. */
export function sideFailed(
  code: 'SLUICE_SOURCE_FAILED' | 'SLUICE_SINK_FAILED',
  context: BridgeContext,
  side: string,
  error: unknown,
): SluiceError {
  if (error instanceof SluiceError) return error
  return new SluiceError(code, `The ${side} of ${context.operator} failed: ${messageOf(error)}`, {
    operator: context.operator,
    cause: error,
  })
}

/** Errors by which Node's streams say that somebody broke the protocol. */
const BROKEN: Readonly<Record<string, string>> = {
  ERR_STREAM_PUSH_AFTER_EOF: 'gave a chunk after its end',
  ERR_STREAM_UNSHIFT_AFTER_END_EVENT: 'gave a chunk after its end',
  ERR_MULTIPLE_CALLBACK: 'called the callback of a write twice',
}

/** A failure of a Node stream. */
export function streamFailed(code: 'SLUICE_SOURCE_FAILED' | 'SLUICE_SINK_FAILED', context: BridgeContext, error: unknown): SluiceError {
  const what = error instanceof Error && 'code' in error ? BROKEN[String(error.code)] : undefined
  return what === undefined ? sideFailed(code, context, 'stream', error) : protocolBroken(context, 'stream', what, error)
}

/** What comes when the job has left the other side: nobody can fail any more, and nobody shall miss it. */
export function warnOf(context: BridgeContext, error: SluiceError): void {
  context.log.warn(error.message, { code: error.code })
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
