/** HTTP requests as a sink. */
import { createHash } from 'node:crypto'
import { type AsyncContext, SluiceError } from '@sluice/engine'
import type { CallOptions } from '../call/call-options.js'
import { CALL_OPTIONS } from '../call/plan-calls.js'
import { parseRetryAfter, post, type PostAnswer, requestHeaders } from '../call/post.js'
import type { Duration } from '../duration/duration.js'
import { checkChoice, checkOptions } from '../options/check-options.js'
import { batchSink } from './for-each-batch.js'
import { JsonText } from './json-text.js'
import type { Sink, SinkWithLetters } from './sink.js'
import { countNonFinite } from './to-json-lines.js'

export interface ToWebhookOptions extends CallOptions {
  /** Default 'POST'. */
  readonly method?: 'POST' | 'PUT' | 'PATCH' | undefined
  /** Sent with every request; `content-type` is `application/json` unless it is named here. They may hold secrets and are not shown with the plan. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Records of a request: with 1 the body is the record, otherwise a JSON array of at most so many. Default 1. */
  readonly records?: number | undefined
  /** How long the first record of a batch waits for others at most. Default '1s'. */
  readonly time?: Duration | undefined
  /** How long one request may take. Default '30s'. */
  readonly timeout?: Duration | undefined
  /** Requests under way at once, over all subtasks. Default: one per subtask. */
  readonly concurrency?: number | undefined
}

const OPTIONS = ['method', 'headers', 'records', 'time', ...CALL_OPTIONS]
const METHODS = ['POST', 'PUT', 'PATCH'] as const
const TIMEOUT_MS_DEFAULT = 30_000

/**
 * Sends records as JSON to a URL. A status of 200 to 299 takes them. Requests are made again, as `retry` says, where there was no answer in time, no connection, or a status
 * of 408, 425, 429 or 500 to 599; no sooner than a `Retry-After` asks for. A redirect is not followed: give the URL that it leads to. Any other status, and what has failed in its last attempt, is left to `onError`: the job fails, by
 * default. `retry: false` makes one attempt.
 *
 * At least once: after a restore, what was sent behind the checkpoint is sent again. Each request carries a header `Idempotency-Key`, made of the
 * job, the run (where checkpoints are on), the sink, the subtask, the number of the request and a hash of its body; it is the same in each attempt. The receiver may drop a
 * request whose key it has seen: that loses nothing, and it drops every repetition where the records of a subtask come in the same order again (a replayable source, parallelism 1
 * or no exchange in between, `records: 1` or batches that fill before their time). Otherwise some repetitions bear another key.
 *
 * @throws SLUICE_SINK_FAILED with status and answer where a request is refused, or its cause; SLUICE_TIMEOUT; SLUICE_JSON_UNSUPPORTED as `toJsonLines`.
 * @example
 * stream.sink('notify', toWebhook('https://example.org/orders', { headers: { authorization: 'Bearer ...' }, timeout: '5s', concurrency: 8 }))
 * @example
 * stream.sink('notify', toWebhook('https://example.org/orders', {
 *   retry: { attempts: 'unlimited' },
 *   circuitBreaker: { failures: 5, openFor: '10s' },
 * }))
 */
export function toWebhook<T, const O extends ToWebhookOptions = ToWebhookOptions>(
  url: string | URL,
  options?: O,
): SinkWithLetters<O, Sink<T>>
export function toWebhook<T>(url: string | URL, options: ToWebhookOptions = {}): Sink<T> {
  checkOptions('toWebhook', options, OPTIONS)
  const { method = 'POST', headers = {}, records = 1, timeout = TIMEOUT_MS_DEFAULT, retry = {}, ...others } = options
  checkChoice('toWebhook: method', method, METHODS)
  const { target, authorization } = parseUrl(url)
  const all = requestHeaders('toWebhook', headers, { 'content-type': 'application/json', ...authorization })
  const request: WebhookRequest = { target, method, headers: all, single: records === 1, json: new JsonText() }
  // A limit of time for all attempts is one for each of them too.
  const limits = options.timeout === undefined && typeof retry === 'object' && retry.within !== undefined ? {} : { timeout }
  return batchSink<T>(
    'toWebhook',
    (batch: readonly unknown[], context: AsyncContext) => send(request, batch, context),
    { ...others, ...limits, records, retry },
    { type: 'webhook', url: `${target.origin}${target.pathname}`, method },
  )
}

interface WebhookRequest {
  readonly target: URL
  readonly method: 'POST' | 'PUT' | 'PATCH'
  readonly headers: Readonly<Record<string, string>>
  readonly single: boolean
  /** Of the thread. */
  readonly json: JsonText
}

/** Characters of an answer that an error shows, and bytes that are read of it: an answer may never end. */
const ANSWER_LENGTH = 200
const ANSWER_BYTES_MAX = 4 * ANSWER_LENGTH

/** What a request failed with, and what retries go by. */
class RequestError extends SluiceError {
  constructor(
    message: string,
    operator: string,
    readonly status: number | undefined,
    readonly retryAfterMs: number | undefined,
    cause?: unknown,
  ) {
    super('SLUICE_SINK_FAILED', message, { operator, cause })
  }
}

async function send(request: WebhookRequest, batch: readonly unknown[], context: AsyncContext): Promise<void> {
  const { target, method, headers } = request
  const { operator, signal } = context
  const body = bodyOf(request, batch, context)
  let answer: PostAnswer
  try {
    answer = await post(target, { method, body, headers: { ...headers, 'idempotency-key': keyOf(body, context) }, signal })
  } catch (error) {
    signal.throwIfAborted()
    throw new RequestError(`${operator} ${(error as Error).message}`, operator, undefined, undefined, error)
  }
  if (answer.ok) {
    answer.leave()
    return
  }
  const { status } = answer
  const retryAfterMs = parseRetryAfter(answer.header('retry-after'), context.now())
  const text = isRedirect(status) ? redirectOf(answer, target) : await beginningOf(answer)
  throw new RequestError(`${target.origin} refused a request of ${operator} with status ${status}: ${text}`, operator, status, retryAfterMs)
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400
}

/** Where to, without a query, which may be secret. */
function redirectOf(answer: PostAnswer, target: URL): string {
  answer.leave()
  const location = answer.header('location') ?? ''
  if (!URL.canParse(location, target.href)) return 'a redirect, which is not followed'
  const { origin, pathname } = new URL(location, target.href)
  return `a redirect to ${origin}${pathname}, which is not followed`
}

/** What comes in no time is not shown: the status counts. */
async function beginningOf(answer: PostAnswer): Promise<string> {
  const bytes = await answer.read(ANSWER_BYTES_MAX).catch(() => '')
  return bytes.toString().slice(0, ANSWER_LENGTH)
}

function bodyOf({ json, single }: WebhookRequest, batch: readonly unknown[], context: AsyncContext): string {
  const before = json.nonFinite
  const texts: string[] = []
  let error: unknown
  for (const record of batch) {
    try {
      texts.push(json.stringify(record))
    } catch (unwritable) {
      context.deadLetter(record, unwritable)
      error = unwritable
    }
  }
  // Nothing is left to be sent.
  if (texts.length === 0) throw error
  // Once per batch, however often it is sent.
  if (json.nonFinite !== before && context.attempt === 1) countNonFinite(context, json.nonFinite, before)
  return single ? (texts[0] as string) : `[${texts.join(',')}]`
}

/** The hash keeps two requests apart that have the same number in two attempts of the job and are not the same. */
function keyOf(body: string, { job, run, recordId }: AsyncContext): string {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const name = run === undefined ? job : `${job}/${run.id}`
  return `${name}/${recordId}-${hash}`.replaceAll(/[^\x21-\x7e]/g, '_')
}

/** User and password of a URL are sent as a header: nothing else reads them there. */
function parseUrl(url: string | URL): { readonly target: URL; readonly authorization: Readonly<Record<string, string>> } {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'toWebhook was given something that is no URL.', {
      hint: 'Write the whole of it: https://host/path.',
    })
  }
  const { protocol, username, password } = parsed
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `toWebhook takes an http or https URL, and was given ${protocol}//.`, {
      hint: 'Write the whole of it: https://host/path.',
    })
  if (username === '' && password === '') return { target: parsed, authorization: {} }
  parsed.username = ''
  parsed.password = ''
  const token = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  return { target: parsed, authorization: { authorization: `Basic ${token}` } }
}
