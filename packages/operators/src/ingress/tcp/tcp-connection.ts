/**
 * One client. Its bytes become messages, messages records, and records go to the queue in parts, where there is room; where there is none the socket is not read, so that TCP's window closes
 * and the client waits. Holds a chunk, one part and one message that is not complete. Runs in the thread of the source.
 */
import type { Socket } from 'node:net'
import type { Delivery } from '../ingress-queue.js'
import type { IngressRoom } from '../ingress-room.js'
import { type DecodedPart, emptyPart } from '../http/record-decoder.js'
import { createSplitter, type Framing, type MessageSplitter, MessageTooLong } from './message-splitter.js'

/** Why a connection was ended from here. */
export type Ending = 'invalid' | 'tooLong' | 'idle' | 'stopped'

export interface ConnectionHost {
  readonly framing: Framing
  readonly messageBytesMax: number
  readonly idleTimeoutMs: number | undefined
  readonly room: IngressRoom
  /** Adds the records of a message. @throws what makes the message invalid */
  decode(message: Uint8Array, connection: TcpConnection, part: DecodedPart): void
  /** Takes a part for which there is room. */
  push(delivery: Pick<Delivery, 'records' | 'bytes' | 'deadLetters' | 'dropped'>): void
  /** It begins (1) or ceases (-1) to wait for room. */
  waits(change: 1 | -1): void
  /** Nothing more comes of it. */
  ended(connection: TcpConnection, ending: Ending | undefined, because: string): void
}

/** Records of a part: what a connection has decoded and not pushed is no more than a few of these. */
const PART_RECORDS = 256
const PART_BYTES = 65_536

export class TcpConnection {
  /** `127.0.0.1:50412`. */
  readonly client: string
  /** Messages that were complete. */
  messages = 0
  /** Records that were given to the queue. */
  pushed = 0
  /** Read, and not pushed when it ended. */
  lost = 0
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #splitter: MessageSplitter
  readonly #partRecordsMax: number
  readonly #partBytesMax: number
  /** Decoded, and not pushed. */
  #part: DecodedPart = emptyPart()
  #partBytes = 0
  /** Messages of the chunk at hand are left. */
  #more = false
  /** Why nothing is read any more, behind what was decoded. */
  #ending: { readonly ending: Ending; readonly because: string } | undefined
  #sent = false
  #over = false
  #leave: (() => void) | undefined

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket
    this.#host = host
    this.client = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`
    this.#splitter = createSplitter(host.framing, host.messageBytesMax)
    const { recordsMax, bytesMax } = host.room.bounds
    this.#partRecordsMax = Math.min(PART_RECORDS, recordsMax)
    // The message that fills a part may be as long as any.
    this.#partBytesMax = Math.min(PART_BYTES, bytesMax - host.messageBytesMax)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.once('end', () => this.#onEnd())
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#onClose())
    const { idleTimeoutMs } = host
    if (idleTimeoutMs === undefined) return
    socket.setTimeout(idleTimeoutMs)
    socket.on('timeout', () => this.#onIdle(idleTimeoutMs))
  }

  /** Where a message ends is not known of these bytes. */
  get midMessage(): boolean {
    return this.#splitter.begun
  }

  /** Ends it at once; what was decoded and not pushed is lost. */
  end(ending: Ending, because: string): void {
    this.#ending ??= { ending, because }
    this.#finish()
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return
    this.#splitter.push(chunk)
    this.#more = true
    this.#drive()
  }

  /** Goes on until the chunk is used up or there is no room. */
  #drive(): void {
    const { room } = this.#host
    for (;;) {
      if (this.#more) this.#decodePart()
      if (this.#isEmpty) break
      const records = Math.min(this.#part.records.length, this.#partRecordsMax)
      const need = { records, bytes: this.#partBytes, deliveries: 0 }
      if (!room.tryTake(need)) {
        this.#socket.pause()
        this.#host.waits(1)
        this.#leave = room.wait(this, need, (granted) => this.#onRoom(granted, records))
        return
      }
      this.#push(records)
    }
    if (this.#ending !== undefined || this.#sent) this.#finish()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  #onRoom(granted: boolean, records: number): void {
    this.#leave = undefined
    this.#host.waits(-1)
    if (!granted) {
      this.end('stopped', 'the job has stopped')
      return
    }
    this.#push(records)
    this.#drive()
  }

  get #isEmpty(): boolean {
    const { records, deadLetters, dropped } = this.#part
    return records.length === 0 && deadLetters.length === 0 && dropped === 0
  }

  /** Fills the part with messages of the chunk. */
  #decodePart(): void {
    const part = this.#part
    while (part.records.length + part.deadLetters.length < this.#partRecordsMax) {
      let message: Uint8Array | undefined
      try {
        message = this.#splitter.next()
        if (message === undefined) {
          this.#more = false
          return
        }
        this.messages++
        this.#partBytes += message.length
        this.#host.decode(message, this, part)
      } catch (error) {
        const because = error instanceof Error ? error.message : String(error)
        this.#ending = { ending: error instanceof MessageTooLong ? 'tooLong' : 'invalid', because }
        this.#more = false
        return
      }
      if (this.#partBytes >= this.#partBytesMax) return
    }
  }

  /** Room for it is taken. A message that became more records than may wait at once goes in several. */
  #push(count: number): void {
    const { records, deadLetters, dropped } = this.#part
    const bytes = this.#partBytes
    const rest = records.length > count ? records.splice(count) : []
    this.#part = emptyPart()
    this.#part.records.push(...rest)
    this.#partBytes = 0
    this.pushed += records.length
    this.#host.push({ records, deadLetters, dropped, bytes })
  }

  /** The client has sent its last byte. */
  #onEnd(): void {
    this.#sent = true
    if (this.#leave === undefined && !this.#more) this.#finish()
  }

  #onClose(): void {
    this.#sent = true
    // What was read goes to the job also where the client has left meanwhile.
    if (this.#leave === undefined) this.#finish()
  }

  #onIdle(idleTimeoutMs: number): void {
    // It is not the client that is silent.
    if (this.#leave !== undefined) this.#socket.setTimeout(idleTimeoutMs)
    else this.end('idle', `not a byte came in ${idleTimeoutMs} ms`)
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    if (this.#leave !== undefined) {
      this.#leave()
      this.#leave = undefined
      this.#host.waits(-1)
    }
    this.lost = this.#part.records.length + this.#part.deadLetters.length
    this.#part = emptyPart()
    this.#socket.destroy()
    this.#host.ended(this, this.#ending?.ending, this.#ending?.because ?? '')
  }
}
