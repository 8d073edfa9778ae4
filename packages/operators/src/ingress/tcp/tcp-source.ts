/**
 * A source that clients of TCP send to. It counts what becomes of connections and says it in the log, a line for many. Runs in the thread that listens, which is that of the subtask.
 */
import { SluiceError } from '@sluice/engine'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { SourceReadContext, SourceReader, TypedBatch } from '../../source/define-source.js'
import { cannotListen } from '../cannot-listen.js'
import { type DecodedPart, RecordDecoder } from '../http/record-decoder.js'
import { type Delivery, type DeliveryOutcome, IngressQueue } from '../ingress-queue.js'
import type { IngressRoom } from '../ingress-room.js'
import { loadTls } from '../load-tls.js'
import type { Framing } from './message-splitter.js'
import { type ConnectionHost, type Ending, TcpConnection } from './tcp-connection.js'
import type { TcpSettings } from './tcp-settings.js'
import type { TcpFormat } from './tcp-types.js'

export interface TcpSourceOptions {
  readonly settings: TcpSettings
  readonly format: 'lines' | 'jsonLines' | 'lengthPrefixed' | 'bytes' | TcpFormat<unknown>
  readonly schema: StandardSchemaV1 | undefined
}

/** Connections that end badly are told together, so often at most. */
const TELL_MS = 10_000
const HANDSHAKE_MS = 10_000

/** How a connection ended, in words of the log. */
const endingInWords: Readonly<Record<Exclude<Ending, 'stopped'> | 'midMessage', string>> = {
  invalid: 'sent what cannot be taken',
  tooLong: 'sent too much at once',
  idle: 'fell silent',
  midMessage: 'left in the middle of a message',
}

export class TcpSource implements SourceReader<unknown>, ConnectionHost {
  readonly readsAhead = false
  readonly framing: Framing
  readonly messageBytesMax: number
  readonly idleTimeoutMs: number | undefined
  readonly #options: TcpSourceOptions
  readonly #context: SourceReadContext
  readonly #queue: IngressQueue
  readonly #decoder: RecordDecoder
  readonly #connections: Set<TcpConnection> = new Set()
  readonly #sockets: Set<Socket> = new Set()
  #server: Server | undefined
  /** Connections that ended badly and were not told yet, by what was wrong; the last one in words. */
  readonly #untold: Map<keyof typeof endingInWords, { count: number; last: string }> = new Map()
  #toldAtMs: number = Number.NEGATIVE_INFINITY
  /** Connections that are not read, because there is no room. */
  #waiting = 0
  #closing = false

  private constructor(options: TcpSourceOptions, context: SourceReadContext) {
    const { settings, format, schema } = options
    this.#options = options
    this.#context = context
    this.framing = framingOf(format)
    this.messageBytesMax = settings.messageBytesMax
    this.idleTimeoutMs = settings.idleTimeoutMs
    this.#queue = new IngressQueue({ ...settings.queue, acknowledge: 'accepted', signal: context.signal })
    this.#decoder = new RecordDecoder({
      schema,
      policy: settings.onInvalid === 'close' ? 'reject' : settings.onInvalid,
      operator: context.operator,
      sender: 'A client of',
      fail: (code, message) => this.#queue.fail(new SluiceError(code, message, { operator: context.operator })),
    })
  }

  static async open(options: TcpSourceOptions, context: SourceReadContext): Promise<TcpSource> {
    const source = new TcpSource(options, context)
    await source.#listen()
    return source
  }

  get room(): IngressRoom {
    return this.#queue.room
  }

  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    return this.#queue.next()
  }

  taken(records: number, deadLetters: number): void {
    this.#queue.taken(records, deadLetters)
  }

  async close(): Promise<void> {
    this.#closing = true
    for (const connection of this.#connections) connection.end('stopped', 'the job has stopped')
    this.#queue.close()
    // Also those that have not finished to shake hands.
    for (const socket of this.#sockets) socket.destroy()
    const server = this.#server
    if (server?.listening === true) await new Promise((resolve) => server.close(resolve))
    this.#tell()
  }

  decode(message: Uint8Array, { client, messages }: TcpConnection, part: DecodedPart): void {
    const { format } = this.#options
    this.#decoder.place = `${client} `
    switch (format) {
      case 'lines':
        this.#decoder.textLine(message, messages, part)
        return
      case 'jsonLines':
        this.#decoder.jsonLine(message, messages, part)
        return
      case 'lengthPrefixed':
      case 'bytes':
        // The bytes belong to the connection.
        this.#decoder.record(new Uint8Array(message), messages, part)
        return
      default:
        this.#decodeWith(format, message, messages, part)
    }
  }

  push(part: Pick<Delivery, 'records' | 'bytes' | 'deadLetters' | 'dropped'>): void {
    this.#queue.push({ ...part, isPart: true, settle: this.#settled(part.records.length) })
  }

  waits(change: 1 | -1): void {
    this.#waiting += change
    this.#context.metrics.gauge('paused', this.#waiting)
  }

  ended(connection: TcpConnection, ending: Ending | undefined, because: string): void {
    this.#connections.delete(connection)
    const { client, lost, pushed, midMessage } = connection
    if (lost > 0) this.#context.countDropped(lost, ending ?? 'left')
    if (ending === 'invalid' || ending === 'tooLong') this.#context.countDropped(1, ending)
    else if (midMessage && ending !== 'stopped') this.#context.countDropped(1, 'incomplete')
    if (ending === 'stopped' || (ending === undefined && !midMessage)) return
    const how = ending ?? 'midMessage'
    const what = because === '' ? '' : `: ${because}`
    const told = this.#untold.get(how)
    this.#untold.set(how, {
      count: (told?.count ?? 0) + 1,
      last: `${client} after ${pushed} ${pushed === 1 ? 'record' : 'records'}${what}`,
    })
    if (this.#context.now() - this.#toldAtMs >= TELL_MS) this.#tell()
  }

  #decodeWith(format: TcpFormat<unknown>, message: Uint8Array, number: number, part: DecodedPart): void {
    let records: readonly unknown[]
    try {
      records = format.decode(message)
      if (!Array.isArray(records)) throw new TypeError('decode of the format gave no list of records')
    } catch (error) {
      this.#decoder.unreadable(new Uint8Array(message), error instanceof Error ? error.message : String(error), `message ${number}`, part)
      return
    }
    for (const record of records) this.#decoder.record(record, number, part)
  }

  #settled(count: number): (outcome: DeliveryOutcome) => void {
    return ({ accepted, records }) => {
      this.#context.metrics.count('accepted', records)
      if (!accepted && count > records) this.#context.countDropped(count - records, 'stopped')
    }
  }

  async #listen(): Promise<void> {
    const { settings } = this.#options
    const { host, port, tls, connectionsMax } = settings
    const onSocket = (socket: Socket): void => this.#accept(socket)
    const { createServer } = await import('node:net')
    let server: Server
    if (tls === undefined) server = createServer({ noDelay: false }, onSocket)
    else {
      const secure = await import('node:tls')
      server = secure.createServer({ ...(await loadTls(tls)), handshakeTimeout: HANDSHAKE_MS }, onSocket)
      server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy())
    }
    server.maxConnections = connectionsMax
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('drop', () => this.#context.metrics.count('connectionsRefused'))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(settings, error)))
      server.listen({ port, host }, resolve)
    })
    // A failure to accept a connection (too many open files) is that connection's.
    server.on('error', () => undefined)
    this.#server = server
    const bound = (server.address() as AddressInfo).port
    const url = `${tls === undefined ? 'tcp' : 'tls'}://${host.includes(':') ? `[${host}]` : host}:${bound}`
    this.#context.announce({ url, host, port: bound })
  }

  #accept(socket: Socket): void {
    // One whose client has left may still wait for room.
    if (this.#closing || this.#connections.size >= this.#options.settings.connectionsMax) {
      this.#context.metrics.count('connectionsRefused')
      socket.on('error', () => undefined)
      socket.destroy()
      return
    }
    this.#context.metrics.count('connections')
    this.#connections.add(new TcpConnection(socket, this))
  }

  #tell(): void {
    this.#toldAtMs = this.#context.now()
    for (const [how, { count, last }] of this.#untold) {
      const who = count === 1 ? 'a client' : `${count} clients`
      this.#context.log.warn(`${who} ${endingInWords[how]}${count === 1 ? '' : ', the last one'}: ${last}`, { connections: count })
    }
    this.#untold.clear()
  }
}

function framingOf(format: TcpSourceOptions['format']): Framing {
  if (typeof format === 'object') return format.framing
  if (format === 'bytes') return 'none'
  return format === 'lengthPrefixed' ? format : 'lines'
}
