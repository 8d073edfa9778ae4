/**
 * A source that is reached at a path of an HTTP server. It lets requests in where the queue has room, reads their bodies within bounds, and answers each when the queue says what became of it.
 * Nothing is read of a client for whom there is no room. Runs in the thread that listens, which is that of the subtask.
 */
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { SourceReadContext, SourceReader, TypedBatch } from '../../source/define-source.js'
import { type DeliveryOutcome, IngressQueue } from '../ingress-queue.js'
import type { RoomNeed } from '../ingress-room.js'
import { BearerTokens } from './bearer-tokens.js'
import { BodyReader } from './body-reader.js'
import { ByteGatherer } from './byte-gatherer.js'
import { checkEncoding, decompress } from './decompress.js'
import type { HttpExchange } from './http-exchange.js'
import type { HttpListener, HttpRoute } from './http-listener.js'
import { ClientGone, HttpRefusal } from './http-refusal.js'
import type { HttpSettings } from './http-settings.js'
import type { HttpFormat, HttpInvalidPolicy, HttpOutcome, HttpRequest } from './http-types.js'
import { LineSplitter } from './line-splitter.js'
import { type DecodedPart, emptyPart, RecordDecoder } from './record-decoder.js'
import { shareListener } from './shared-listeners.js'

export interface HttpSourceOptions {
  readonly settings: HttpSettings
  readonly format: 'json' | 'lines' | 'bytes' | HttpFormat<unknown>
  readonly schema: StandardSchemaV1 | undefined
  readonly policy: HttpInvalidPolicy
}

/** Records of one part of a stream of lines; fewer where the queue takes few, so that several streams have room at once. */
const PART_RECORDS = 256
const PARTS_IN_QUEUE_MIN = 4
/** Parts of one stream that are not acknowledged: it is not read on beyond them. */
const PARTS_MAX = 64
/** What a request takes of the room before its body is read; more is taken as it comes. */
const BODY_BYTES_FIRST = 4_096
const JSON_TYPE = /^application\/(?:[^;]+\+)?json$/
const JSON_LINES_TYPES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
])

/** How a request of some content type is read. */
type Reading = 'whole' | 'jsonLines' | 'textLines'

export class HttpSource implements SourceReader<unknown>, HttpRoute {
  readonly readsAhead = false
  readonly operator: string
  readonly method: string
  readonly path: string
  readonly #options: HttpSourceOptions
  readonly #settings: HttpSettings
  readonly #context: SourceReadContext
  readonly #queue: IngressQueue
  readonly #tokens: BearerTokens
  readonly #decoder: RecordDecoder
  readonly #partRecords: number
  #listener: HttpListener | undefined
  #release: (() => Promise<void>) | undefined
  /** Requests whose clients left before they were answered, although their records were taken. */
  #unanswered = 0

  private constructor(options: HttpSourceOptions, context: SourceReadContext) {
    const { settings, schema, policy } = options
    this.#options = options
    this.#settings = settings
    this.#context = context
    this.operator = context.operator
    this.method = settings.method
    this.path = settings.path
    this.#queue = new IngressQueue({ ...settings.queue, acknowledge: settings.acknowledge, signal: context.signal })
    this.#partRecords = Math.max(1, Math.min(PART_RECORDS, Math.floor(settings.queue.recordsMax / PARTS_IN_QUEUE_MIN)))
    this.#tokens = new BearerTokens(settings.tokens)
    this.#decoder = new RecordDecoder({
      schema,
      policy,
      operator: context.operator,
      sender: 'A request to',
      fail: (code, message) => this.#queue.fail(new SluiceError(code, message, { operator: context.operator })),
    })
  }

  static async open(options: HttpSourceOptions, context: SourceReadContext): Promise<HttpSource> {
    const source = new HttpSource(options, context)
    const { listener, release } = await shareListener(context.signal, options.settings.listener, context.operator)
    try {
      listener.add(source)
    } catch (error) {
      await release()
      throw error
    }
    source.#listener = listener
    source.#release = release
    const { host } = options.settings.listener
    context.announce({ url: `${listener.origin}${source.path}`, host, port: listener.port })
    return source
  }

  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    return this.#queue.next()
  }

  taken(records: number, deadLetters: number): void {
    this.#queue.taken(records, deadLetters)
  }

  covered(records: number, deadLetters: number): void {
    this.#queue.covered(records, deadLetters)
  }

  async close(): Promise<void> {
    this.#queue.close()
    // Requests that are under way have been refused; their answers leave before the server closes.
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#listener?.remove(this)
    await this.#release?.()
    if (this.#unanswered > 0)
      this.#context.log.warn(`${this.#unanswered} requests were taken whose clients had left before the answer`, {
        requests: this.#unanswered,
      })
  }

  handle(exchange: HttpExchange): void {
    const request = requestOf(exchange, this.#settings.tokens.length > 0)
    const progress: Progress = { accepted: 0, invalid: 0 }
    this.#take(exchange, request, progress).then(
      () => this.#answer(exchange, request, { status: 200, accepted: progress.accepted, invalid: progress.invalid }, {}),
      (error: unknown) => this.#refuse(exchange, request, progress, error),
    )
  }

  refusedConnection(): void {
    this.#context.metrics.count('connectionsRefused')
  }

  /** Settles when the records of a request are acknowledged. @throws HttpRefusal, ClientGone */
  async #take(exchange: HttpExchange, request: HttpRequest, progress: Progress): Promise<void> {
    if (!this.#tokens.allows(textOf(exchange.headers.authorization)))
      throw new HttpRefusal(401, 'UNAUTHORIZED', 'The token is missing or wrong.', { headers: { 'www-authenticate': 'Bearer' } })
    const reading = this.#readingOf(request)
    const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase()
    checkEncoding(encoding)
    const { bodyBytesMax } = this.#settings
    const length = request.headers['content-length'] === undefined ? undefined : Number(request.headers['content-length'])
    if (reading === 'whole' && length !== undefined && length > bodyBytesMax) throw this.#tooLarge()
    const admission = await this.#admit(exchange, reading === 'whole' ? Math.min(length ?? BODY_BYTES_FIRST, BODY_BYTES_FIRST) : 0)
    try {
      const decoder = await decompress(exchange.body, encoding, () => this.#overloaded())
      const body = new BodyReader(decoder ?? exchange.body, {
        timeoutMs: this.#settings.bodyTimeoutMs,
        now: () => this.#context.now(),
        isComplete: exchange.bodyIsComplete,
        decompresses: decoder !== undefined,
      })
      try {
        exchange.proceed()
        if (reading === 'whole') await this.#takeWhole(exchange, request, body, admission, progress)
        else await this.#takeLines(exchange, body, reading, admission, progress)
      } finally {
        body.release()
        decoder?.destroy()
      }
    } finally {
      this.#queue.room.give(admission)
    }
  }

  /** @throws HttpRefusal 415 */
  #readingOf({ contentType }: HttpRequest): Reading {
    const { format } = this.#options
    switch (format) {
      case 'json':
        if (JSON_LINES_TYPES.has(contentType)) return 'jsonLines'
        if (JSON_TYPE.test(contentType)) return 'whole'
        throw typeRefused('application/json or application/x-ndjson')
      case 'lines':
        if (contentType === 'text/plain') return 'textLines'
        throw typeRefused('text/plain')
      case 'bytes':
        return 'whole'
      default:
        if (format.types.includes(contentType)) return 'whole'
        throw typeRefused(format.types.join(' or '))
    }
  }

  /** Room for a request and its first record, whose holder gives back what is left of it. @throws HttpRefusal where there is none in time */
  async #admit(exchange: HttpExchange, bytes: number): Promise<Held> {
    const need = { records: 1, bytes, deliveries: 1 }
    await this.#room(exchange, need)
    return need
  }

  /** Takes room, and waits for it as long as a request may. @throws HttpRefusal, ClientGone */
  async #room(exchange: HttpExchange, need: RoomNeed): Promise<void> {
    const { waitMs } = this.#settings.overload
    const { room } = this.#queue
    if (room.closed) throw stopping()
    if (room.tryTake(need)) return
    // Who waits is bounded too: what Node has read ahead of him is held.
    if (waitMs === 0 || room.waiters >= room.bounds.deliveriesMax) throw this.#overloaded()
    await this.#wait(exchange, need, waitMs)
  }

  /** @throws HttpRefusal, ClientGone */
  #wait(exchange: HttpExchange, need: RoomNeed, waitMs: number | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (exchange.isOver) {
        reject(new ClientGone())
        return
      }
      const leave = this.#queue.room.wait(exchange.connection, need, (granted) => {
        done()
        if (granted) resolve()
        else reject(stopping())
      })
      const give = (error: Error): void => {
        done()
        leave()
        reject(error)
      }
      const timer = waitMs === undefined ? undefined : setTimeout(() => give(this.#overloaded()), waitMs)
      exchange.onGone = () => give(new ClientGone())
      const done = (): void => {
        clearTimeout(timer)
        exchange.onGone = undefined
      }
    })
  }

  /** A body that is taken whole or not at all. */
  async #takeWhole(exchange: HttpExchange, request: HttpRequest, body: BodyReader, held: Held, progress: Progress): Promise<void> {
    const { room } = this.#queue
    const { bodyBytesMax } = this.#settings
    const gathered = new ByteGatherer()
    for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
      const bytes = gathered.length + chunk.length
      if (bytes > bodyBytesMax) throw this.#tooLarge()
      if (bytes > held.bytes) {
        const more = { records: 0, bytes: bytes - held.bytes, deliveries: 0 }
        if (!room.tryExtend(more)) throw room.closed ? stopping() : this.#overloaded()
        held.bytes = bytes
      }
      gathered.append(chunk)
    }
    const part = this.#decode(gathered.bytes, request)
    const records = part.records.length
    if (records > held.records) {
      if (!room.holds({ records, bytes: 0, deliveries: 0 })) {
        throw new HttpRefusal(413, 'TOO_MANY_RECORDS', `The body has ${records} records, and at most ${room.bounds.recordsMax} can wait.`)
      }
      // Who holds records and waits for more might wait for another who does the same.
      room.give({ records: held.records, bytes: 0, deliveries: 0 })
      held.records = 0
      await this.#room(exchange, { records, bytes: 0, deliveries: 0 })
      held.records = records
    }
    room.give({ records: held.records - records, bytes: held.bytes - gathered.length, deliveries: 0 })
    const bytes = gathered.length
    held.records = held.bytes = held.deliveries = 0
    const outcome = await new Promise<DeliveryOutcome>((settle) => this.#queue.push({ ...part, bytes, settle }))
    progress.accepted += outcome.records
    if (!outcome.accepted) throw stopping()
    progress.invalid += part.dropped + part.deadLetters.length
  }

  #decode(body: Buffer, request: HttpRequest): DecodedPart {
    const { format } = this.#options
    const part = emptyPart()
    if (format === 'json') this.#decoder.json(body, part)
    // A view that is no Buffer: records are plain data. What was gathered is not used again.
    else if (format === 'bytes') part.records.push(new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice())
    else if (format !== 'lines') {
      let records: readonly unknown[]
      try {
        records = format.decode(body, request)
      } catch (error) {
        throw new HttpRefusal(400, 'BODY_MALFORMED', error instanceof Error ? error.message : String(error))
      }
      records.forEach((record, index) => this.#decoder.record(record, index, part))
    }
    return part
  }

  /** A body whose lines are taken as they come. Behind a line that is refused nothing is. */
  async #takeLines(exchange: HttpExchange, body: BodyReader, reading: Reading, held: Held, progress: Progress): Promise<void> {
    const stream = new LineStream(this.#queue, progress)
    // It holds its place as a request, and takes room for each part.
    const send = async (part: DecodedPart, bytes: number): Promise<void> => {
      const need = { records: part.records.length, bytes, deliveries: 0 }
      // Who holds some and waits for more might wait for another who does the same. What was a line that is not complete is part of this now.
      this.#queue.room.give({ records: held.records, bytes: held.bytes, deliveries: 0 })
      held.records = held.bytes = 0
      await stream.mayGoOn(exchange)
      if (!this.#queue.room.tryTake(need)) await this.#wait(exchange, need, undefined)
      stream.push(part, bytes)
    }
    try {
      await this.#readLines(body, reading, send, held)
    } catch (error) {
      // What was sent before is answered for.
      await stream.settled()
      throw error
    }
    await stream.settled()
    if (stream.refused) throw stopping()
  }

  async #readLines(
    body: BodyReader,
    reading: Reading,
    send: (part: DecodedPart, bytes: number) => Promise<void>,
    held: Held,
  ): Promise<void> {
    const { bodyBytesMax } = this.#settings
    const lines = new LineSplitter()
    let part = emptyPart()
    let bytes = 0
    /** Bytes since the last record: blank lines without end are a body without end. */
    let empty = 0
    const flush = async (): Promise<void> => {
      if (part.records.length === 0 && part.deadLetters.length === 0 && part.dropped === 0) return
      const [sent, sentBytes] = [part, bytes]
      part = emptyPart()
      bytes = 0
      body.resetTime()
      await send(sent, sentBytes)
    }
    const take = async (line: Uint8Array): Promise<void> => {
      if (line.length > bodyBytesMax) throw this.#lineTooLong(lines.line)
      if (bytes + line.length > bodyBytesMax) await flush()
      const before = part.records.length
      try {
        if (reading === 'jsonLines') this.#decoder.jsonLine(line, lines.line, part)
        else this.#decoder.textLine(line, lines.line, part)
      } catch (error) {
        await flush()
        throw error
      }
      bytes += line.length
      empty = part.records.length > before ? 0 : empty + line.length + 1
      if (empty > bodyBytesMax)
        throw new HttpRefusal(413, 'BODY_TOO_LARGE', `More than ${bodyBytesMax} bytes hold no record.`, { line: lines.line })
      if (part.records.length + part.deadLetters.length >= this.#partRecords) await flush()
    }
    for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
      lines.push(chunk)
      for (let line = lines.next(); line !== undefined; line = lines.next()) await take(line)
      await flush()
      this.#holdRest(lines, held)
    }
    const last = lines.last()
    if (last !== undefined) await take(last)
    await flush()
  }

  /** A line that is not complete counts by its bytes. @throws HttpRefusal */
  #holdRest(lines: LineSplitter, held: Held): void {
    const { restBytes } = lines
    const { room } = this.#queue
    if (restBytes > this.#settings.bodyBytesMax) throw this.#lineTooLong(lines.line + 1)
    if (restBytes > held.bytes) {
      if (!room.tryExtend({ records: 0, bytes: restBytes - held.bytes, deliveries: 0 })) throw room.closed ? stopping() : this.#overloaded()
    } else room.give({ records: 0, bytes: held.bytes - restBytes, deliveries: 0 })
    held.bytes = restBytes
  }

  #tooLarge(): HttpRefusal {
    return new HttpRefusal(413, 'BODY_TOO_LARGE', `A body has at most ${this.#settings.bodyBytesMax} bytes.`)
  }

  #lineTooLong(line: number): HttpRefusal {
    return new HttpRefusal(413, 'BODY_TOO_LARGE', `A line has at most ${this.#settings.bodyBytesMax} bytes.`, { line })
  }

  #overloaded(): HttpRefusal {
    const { status, retryAfterSeconds } = this.#settings.overload
    return new HttpRefusal(status, 'OVERLOADED', 'There is no room now: come again later.', {
      headers: { 'retry-after': String(retryAfterSeconds) },
    })
  }

  #refuse(exchange: HttpExchange, request: HttpRequest, { accepted, invalid }: Progress, error: unknown): void {
    const { metrics, log } = this.#context
    if (error instanceof ClientGone) {
      metrics.count('disconnected')
      if (accepted > 0) metrics.count('accepted', accepted)
      return
    }
    let refusal: HttpRefusal
    if (error instanceof HttpRefusal) refusal = error
    else {
      log.error(`a request to ${this.path} failed: ${error instanceof Error ? error.message : String(error)}`)
      refusal = new HttpRefusal(500, 'FAILED', 'The request failed.')
    }
    metrics.count(refusal.code === 'OVERLOADED' || refusal.code === 'STOPPING' ? 'refused' : 'invalid')
    const retryAfterSeconds = refusal.headers['retry-after']
    const outcome = {
      status: refusal.status,
      accepted,
      invalid,
      error: refusal.told,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds: Number(retryAfterSeconds) }),
    }
    this.#answer(exchange, request, outcome, refusal.headers)
  }

  #answer(exchange: HttpExchange, request: HttpRequest, outcome: HttpOutcome, headers: Readonly<Record<string, string>>): void {
    const { metrics } = this.#context
    if (outcome.accepted > 0) metrics.count('accepted', outcome.accepted)
    if (exchange.isOver) {
      metrics.count('unanswered')
      this.#unanswered++
      return
    }
    const { format } = this.#options
    if (typeof format === 'object' && format.reply !== undefined) {
      try {
        const { status = outcome.status, headers: more, body = '' } = format.reply(outcome, request)
        exchange.answer(status, { ...headers, ...more }, Buffer.from(body as string))
        return
      } catch (error) {
        // What became of the records stands; the client is told that in the words of everybody.
        this.#context.log.error(`reply to a request to ${this.path} failed: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    exchange.answer(outcome.status, { 'content-type': 'application/json', ...headers }, Buffer.from(JSON.stringify(answerOf(outcome))))
  }
}

/** What a request came to so far. */
interface Progress {
  accepted: number
  invalid: number
}

/** What is left of the room that a request took. */
interface Held {
  records: number
  bytes: number
  deliveries: number
}

/** The parts of a stream on their way. */
class LineStream {
  refused = false
  readonly #queue: IngressQueue
  readonly #progress: Progress
  #open = 0
  #changed: (() => void) | undefined

  constructor(queue: IngressQueue, progress: Progress) {
    this.#queue = queue
    this.#progress = progress
  }

  push(part: DecodedPart, bytes: number): void {
    this.#open++
    this.#queue.push({
      ...part,
      bytes,
      isPart: true,
      settle: ({ accepted, records }) => {
        this.#open--
        this.#progress.accepted += records
        if (accepted) this.#progress.invalid += part.dropped + part.deadLetters.length
        else this.refused = true
        const changed = this.#changed
        this.#changed = undefined
        changed?.()
      },
    })
  }

  /** Waits where too many parts are not acknowledged. @throws HttpRefusal where the job has stopped, ClientGone */
  async mayGoOn(exchange: HttpExchange): Promise<void> {
    while (this.#open >= PARTS_MAX && !this.refused && !exchange.isOver) await this.#change(exchange)
    if (this.refused) throw stopping()
    if (exchange.isOver) throw new ClientGone()
  }

  async settled(): Promise<void> {
    while (this.#open > 0) await this.#change(undefined)
  }

  #change(exchange: HttpExchange | undefined): Promise<void> {
    return new Promise<void>((resolve) => {
      const changed = (): void => {
        if (exchange !== undefined) exchange.onGone = undefined
        resolve()
      }
      this.#changed = changed
      if (exchange !== undefined) exchange.onGone = changed
    })
  }
}

function stopping(): HttpRefusal {
  return new HttpRefusal(503, 'STOPPING', 'The job stops.', { headers: { 'retry-after': '1' } })
}

function typeRefused(types: string): HttpRefusal {
  return new HttpRefusal(415, 'TYPE_UNSUPPORTED', `This path takes content-type ${types}.`)
}

function answerOf({ accepted, invalid, error }: HttpOutcome): object {
  return { ...(error === undefined ? {} : { error }), accepted, ...(invalid === 0 ? {} : { invalid }) }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header
}

function requestOf(exchange: HttpExchange, hasToken: boolean): HttpRequest {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(exchange.headers)) {
    const text = textOf(value)
    if (text === undefined || name.startsWith(':') || (hasToken && name === 'authorization')) continue
    headers[name] = text
  }
  const contentType = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return { method: exchange.method, path: exchange.path, query: exchange.query, headers, contentType }
}
