/** What a user's function throws where it knows more of a failure than its message. */

export interface CallErrorOptions {
  /** Whether another attempt may help. Default: by the status, or yes. */
  readonly retriable?: boolean | undefined
  /** What was asked for before another attempt, in ms: `Retry-After`. */
  readonly retryAfterMs?: number | undefined
  /** The HTTP status that was answered. */
  readonly status?: number | undefined
  readonly cause?: unknown
}

/**
 * A call that failed, with what retries and circuit breakers go by.
 *
 * @example
 * orders.mapAsync('enrich', async (order, { signal }) => {
 *   const response = await fetch(`https://example.org/customers/${order.customer}`, { signal })
 *   if (!response.ok) throw new CallError(`customers answered ${response.status}`, { status: response.status })
 *   return order
 * }, { retry: {} })
 */
export class CallError extends Error {
  override readonly name: string = 'CallError'
  readonly retriable: boolean | undefined
  readonly retryAfterMs: number | undefined
  readonly status: number | undefined

  constructor(message: string, { retriable, retryAfterMs, status, cause }: CallErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.retriable = retriable
    this.retryAfterMs = retryAfterMs
    this.status = status
  }
}
