/** HTTP requests as a sink. */
import { createHash } from 'node:crypto'
import { SluiceError } from '@sluice/engine'
import { type Duration, parseDuration } from '../duration/duration.js'
import { checkInteger } from '../source/check-options.js'
import { defineSink, type SinkWriteContext } from './define-sink.js'
import { JsonText } from './json-text.js'
import { RecordBatcher } from './record-batcher.js'
import type { Sink } from './sink.js'
import { countNonFinite } from './to-json-lines.js'

export interface ToWebhookOptions {
  /** Default 'POST'. */
  readonly method?: 'POST' | 'PUT' | 'PATCH' | undefined
  /** Sent with every request; `content-type` is `application/json` unless it is named here. They may hold secrets and are not shown with the plan. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Records of a request: with 1 the body is the record, otherwise a JSON array of at most so many. Default 1. */
  readonly records?: number | undefined
  /** How long the first record of a batch waits for others at most. Default '1s'. */
  readonly time?: Duration | undefined
  /** After how long a request that has no answer fails the job. Default '30s'. */
  readonly timeout?: Duration | undefined
}

/**
 * Sends records as JSON to a URL, one request at a time per subtask. A status of 200 to 299 takes the record; any other, a timeout or a lost
 * connection fails the job.
 *
 * At least once: after a restore, what was sent behind the checkpoint is sent again. Each request carries a header `Idempotency-Key`, made of the
 * job, the run (where checkpoints are on), the sink, the subtask, the number of its first record and a hash of its body. The receiver may drop a request whose key it
 * has seen: that loses nothing, and it drops every repetition where the records of a subtask come in the same order again (a replayable source, parallelism 1
 * or no exchange in between, `records: 1` or batches that fill before their time). Otherwise some repetitions bear another key.
 *
 * @throws SLUICE_SINK_FAILED with status and answer where a request is refused, or its cause; SLUICE_TIMEOUT; SLUICE_JSON_UNSUPPORTED as `toJsonLines`.
 * @example
 * stream.sink('notify', toWebhook('https://example.org/orders', { headers: { authorization: 'Bearer ...' }, timeout: '5s' }))
 */
export function toWebhook<T>(url: string | URL, options: ToWebhookOptions = {}): Sink<T> {
  const { method = 'POST', headers = {}, records = 1, time = 1_000, timeout = 30_000 } = options
  const target = parseUrl(url)
  checkInteger('toWebhook: records', records, 1)
  const timeMs = parseDuration(time, 'time of toWebhook')
  const timeoutMs = parseDuration(timeout, 'timeout of toWebhook')
  const request = { target, method, headers, single: records === 1, timeoutMs }
  return defineSink<T>({
    open: (context) => {
      const webhook = new Webhook(request, context)
      return new RecordBatcher<T>((batch, first) => webhook.send(batch, first), { recordsMax: records, timeMs }, context)
    },
    options: { type: 'webhook', url: `${target.origin}${target.pathname}`, method, records, timeMs, timeoutMs },
  })
}

interface WebhookRequest {
  readonly target: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly single: boolean
  readonly timeoutMs: number
}

/** Characters of an answer that an error shows. */
const ANSWER_LENGTH = 200

class Webhook {
  readonly #request: WebhookRequest
  readonly #context: SinkWriteContext
  readonly #json = new JsonText()
  #counted = 0

  constructor(request: WebhookRequest, context: SinkWriteContext) {
    this.#request = request
    this.#context = context
  }

  async send(batch: readonly unknown[], first: number): Promise<void> {
    const { target, method, headers, timeoutMs } = this.#request
    const body = this.#body(batch)
    const { operator, signal } = this.#context
    const timer = AbortSignal.timeout(timeoutMs)
    let response: Response
    try {
      response = await fetch(target, {
        method,
        body,
        headers: { 'content-type': 'application/json', ...headers, 'idempotency-key': this.#key(body, first) },
        signal: AbortSignal.any([signal, timer]),
      })
      if (response.ok) {
        // An answer that is not read holds its connection.
        await response.body?.cancel()
        return
      }
    } catch (error) {
      if (timer.aborted)
        throw new SluiceError('SLUICE_TIMEOUT', `${operator} had no answer from ${target.origin} within ${timeoutMs} ms.`, { operator })
      const reason = error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : String(error)
      throw new SluiceError('SLUICE_SINK_FAILED', `${operator} cannot send to ${target.origin}: ${reason}`, { operator, cause: error })
    }
    const answer = (await response.text().catch(() => '')).slice(0, ANSWER_LENGTH)
    throw new SluiceError(
      'SLUICE_SINK_FAILED',
      `${target.origin} refused a request of ${operator} with status ${response.status}: ${answer}`,
      { operator },
    )
  }

  #body(batch: readonly unknown[]): string {
    const json = this.#json
    const texts = batch.map((record) => json.stringify(record))
    if (json.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, json.nonFinite, this.#counted)
    return this.#request.single ? (texts[0] as string) : `[${texts.join(',')}]`
  }

  /** The hash keeps two requests apart that have the same number in two attempts and are not the same. */
  #key(body: string, first: number): string {
    const { job, run, operator, subtask } = this.#context
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
    const name = run === undefined ? job : `${job}/${run.id}`
    return `${name}/${operator}/${subtask.index}/${first}-${hash}`.replaceAll(/[^\x21-\x7e]/g, '_')
  }
}

function parseUrl(url: string | URL): URL {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `toWebhook: ${JSON.stringify(String(url))} is no URL.`)
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `toWebhook takes an http or https URL, and was given ${parsed.protocol}//.`)
  return parsed
}
