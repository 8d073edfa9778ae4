/**
 * Sends batches as requests. It knows nothing of retries: what it throws says whether another attempt may help. One per sink and thread; nothing is opened before
 * the first batch.
 */
import { Buffer } from 'node:buffer'
import { type BatchContext, CallError } from '@sluice/operators'
import { parseRetryAfter, post, type PostAnswer, requestHeaders } from '@sluice/operators/connector'
import { type PartialSuccess, readResponse, responseFrom, statusMessage } from '../signals/response.js'
import { JSON_TYPE, PROTOBUF, type SignalCodec } from '../signals/signals.js'
import { MalformedTelemetry } from '../wire/malformed.js'

export interface ExporterOptions<T> {
  readonly target: URL
  readonly codec: SignalCodec<T>
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'gzip' | 'none'
  readonly encoding: 'protobuf' | 'json'
}

/** Statuses that the specification calls retryable. */
const RETRIABLE = new Set([429, 502, 503, 504])
/** Bytes of an answer that are read. */
const ANSWER_BYTES_MAX = 64 << 10
/** Characters of an answer that an error or the log shows. */
const REASON_LENGTH = 200
/** Between two lines of the log about records that were refused. */
const LOG_EVERY_MS = 10_000

export class OtlpExporter<T> {
  readonly #options: ExporterOptions<T>
  readonly #headers: Readonly<Record<string, string>>
  #compress: ((bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>) | undefined
  #loggedMs = Number.NEGATIVE_INFINITY
  #unlogged = 0

  constructor(options: ExporterOptions<T>) {
    const { encoding, compression, headers } = options
    this.#options = options
    this.#headers = {
      ...requestHeaders('toOtlp', headers, {}),
      'content-type': encoding === 'json' ? JSON_TYPE : PROTOBUF,
      ...(compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
    }
  }

  /** @throws CallError */
  async send(batch: readonly T[], context: BatchContext): Promise<void> {
    const { target, compression } = this.#options
    const { records, encoded } = this.#encode(batch, context)
    let body = encoded
    if (compression === 'gzip') body = await (this.#compress ??= await loadGzip())(body)
    const response = await post(target, { method: 'POST', body, headers: this.#headers, signal: context.signal })
    const answer = await response.read(ANSWER_BYTES_MAX)
    const isJson = (response.header('content-type') ?? '').startsWith(JSON_TYPE)
    if (!response.ok) throw this.#refused(response, statusMessage(answer, isJson), context)
    const partial = this.#partialSuccess(answer, isJson, context)
    if (partial.rejected >= records && records > 0) {
      const reason = partial.message.slice(0, REASON_LENGTH)
      throw new CallError(`${this.#where()} refused all ${records} records of a request: ${reason}`, { retriable: false })
    }
    if (partial.rejected > 0 || partial.message !== '') this.#tellRejected(partial, context)
  }

  /** What OpenTelemetry does not have is looked for where there is any: then each record is written by itself, and those that can be are sent. */
  #encode(batch: readonly T[], context: BatchContext): { readonly records: number; readonly encoded: Uint8Array<ArrayBuffer> } {
    const { codec, encoding } = this.#options
    const write = (records: readonly T[]): Uint8Array<ArrayBuffer> =>
      encoding === 'json' ? encodeText(codec.writeJson(records)) : codec.writeProtobuf(records)
    try {
      return { records: batch.length, encoded: write(batch) }
    } catch (error) {
      const sendable = batch.filter((record) => {
        try {
          write([record])
          return true
        } catch (unwritable) {
          context.deadLetter(record, unwritable)
          return false
        }
      })
      if (sendable.length === 0) throw error
      return { records: sendable.length, encoded: write(sendable) }
    }
  }

  #refused(response: PostAnswer, message: string, context: BatchContext): CallError {
    const { status } = response
    const reason = message === '' ? '' : `: ${message.slice(0, REASON_LENGTH)}`
    const later = parseRetryAfter(response.header('retry-after'), context.now())
    return new CallError(`${this.#where()} answered ${status}${reason}`, {
      status,
      retriable: RETRIABLE.has(status),
      ...(later === undefined ? {} : { retryAfterMs: later }),
    })
  }

  /** An answer that cannot be read takes everything: its status says so. */
  #partialSuccess(answer: Uint8Array, isJson: boolean, { metrics }: BatchContext): PartialSuccess {
    if (answer.length === 0) return { rejected: 0, message: '' }
    try {
      return isJson ? responseFrom(answer, this.#options.codec.rejectedName) : readResponse(answer)
    } catch (error) {
      if (!(error instanceof MalformedTelemetry) && !(error instanceof SyntaxError)) throw error
      metrics.count('unreadableAnswers')
      return { rejected: 0, message: '' }
    }
  }

  #tellRejected({ rejected, message }: PartialSuccess, context: BatchContext): void {
    if (rejected > 0) context.metrics.count('rejected', rejected)
    this.#unlogged += rejected
    const nowMs = context.now()
    if (nowMs - this.#loggedMs < LOG_EVERY_MS) return
    context.log.warn('The receiver refused records', { rejected: this.#unlogged, reason: message.slice(0, REASON_LENGTH) })
    this.#loggedMs = nowMs
    this.#unlogged = 0
  }

  /** Without query and headers, which may be secret. */
  #where(): string {
    const { origin, pathname } = this.#options.target
    return `${origin}${pathname}`
  }
}

const encodeText = (value: object): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(JSON.stringify(value)))

async function loadGzip(): Promise<(bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>> {
  const { constants, gzip } = await import('node:zlib')
  return (bytes) =>
    new Promise((resolve, reject) => {
      gzip(bytes, { level: constants.Z_BEST_SPEED }, (error, compressed) => {
        if (error === null) resolve(new Uint8Array(compressed))
        else reject(error)
      })
    })
}
