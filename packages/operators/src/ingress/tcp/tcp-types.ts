/** What users say to `fromTcp`. */
import type { ByteSize } from '../../duration/byte-size.js'
import type { Duration } from '../../duration/duration.js'
import type { ListenTls } from '../http/http-types.js'

/** What waits for the job, over all connections. */
export interface TcpQueueOptions {
  /** Records. Default 10,000. */
  readonly records?: number | undefined
  /** Their bytes as they were sent. Default '16mb'. */
  readonly bytes?: ByteSize | undefined
}

/**
 * A format of one's own: how messages become records. Runs in the thread that listens.
 *
 * @example
 * const format = {
 *   framing: 'lengthPrefixed' as const,
 *   decode: (message: Uint8Array) => {
 *     const view = new DataView(message.buffer, message.byteOffset)
 *     return [{ sensor: view.getUint32(0), value: view.getFloat64(4) }]
 *   },
 * }
 * job.source('sensors', fromTcp({ port: 9000, format }))
 */
export interface TcpFormat<T> {
  /** How messages are told apart: a line each, without its break, or with their length in four bytes (big-endian) in front. */
  readonly framing: 'lines' | 'lengthPrefixed'
  /** The records of one message, which is valid during the call only. What it throws makes the message invalid, with the message as the reason. */
  readonly decode: (message: Uint8Array) => readonly T[]
}

/** What happens to what cannot be read or does not fit the schema. `close`: its connection is closed; what came before it was taken, nothing behind it is. */
export type TcpInvalidPolicy = 'close' | 'fail' | 'drop' | 'deadLetter'

/** What `fromTcp` takes besides format and schema. */
export interface FromTcpOptions {
  /** 0: the system chooses one. `source.listening` in the log and the event `listening` of `run` say which. */
  readonly port: number
  /** The address to listen on. Default '127.0.0.1': nobody else can connect. */
  readonly host?: string | undefined
  /** Default 'close'. */
  readonly onInvalid?: TcpInvalidPolicy | undefined
  /** Connections that are open at once; a further one is closed. Default 1,024. */
  readonly connectionsMax?: number | undefined
  /** The longest line or message; a client that sends a longer one is disconnected. Default '1mb'. */
  readonly messageBytesMax?: ByteSize | undefined
  /** After how long without a byte a connection is closed; time in which the job does not read does not count. false: never. Default '5m'. */
  readonly idleTimeout?: Duration | false | undefined
  /** Default: plain TCP. */
  readonly tls?: ListenTls | undefined
  readonly queue?: TcpQueueOptions | undefined
}
