/** From the options of `fromTcp` to settings: defaults stand here, and what contradicts is refused while the job is declared. */
import { SluiceError } from '@sluice/engine'
import { parseByteSize } from '../../duration/byte-size.js'
import { parseDuration } from '../../duration/duration.js'
import { checkChoice, checkInteger, checkOptions } from '../../options/check-options.js'
import { checkTls } from '../http/http-settings.js'
import type { ListenTls } from '../http/http-types.js'
import type { RoomBounds } from '../ingress-room.js'
import type { FromTcpOptions, TcpInvalidPolicy } from './tcp-types.js'

export interface TcpSettings {
  readonly port: number
  readonly host: string
  readonly tls: ListenTls | undefined
  readonly onInvalid: TcpInvalidPolicy
  readonly connectionsMax: number
  readonly messageBytesMax: number
  /** undefined: never. */
  readonly idleTimeoutMs: number | undefined
  readonly queue: RoomBounds
}

const OPTIONS = ['port', 'host', 'format', 'schema', 'onInvalid', 'connectionsMax', 'messageBytesMax', 'idleTimeout', 'tls', 'queue']
const LOOPBACK = '127.0.0.1'
const PORT_MAX = 65_535
const CONNECTIONS_MAX = 1_024
const IDLE_TIMEOUT_MS = 300_000
const QUEUE_RECORDS = 10_000

/** @throws SLUICE_OPTIONS_INVALID, SLUICE_DURATION_INVALID */
export function planTcp(options: FromTcpOptions): TcpSettings {
  checkOptions('fromTcp', options, OPTIONS)
  const { port, host = LOOPBACK, tls, onInvalid = 'close', connectionsMax = CONNECTIONS_MAX, queue = {} } = options
  checkOptions('queue of fromTcp', queue, ['records', 'bytes'])
  checkInteger('fromTcp: port', port, 0)
  if (port > PORT_MAX) throw invalid(`fromTcp: port is ${port}, and ports end at ${PORT_MAX}.`)
  if (typeof host !== 'string' || host === '') throw invalid("fromTcp: host is the address to listen on, such as '127.0.0.1' or '0.0.0.0'.")
  if (tls !== undefined) checkTls('fromTcp', tls)
  checkChoice('fromTcp: onInvalid', onInvalid, ['close', 'fail', 'drop', 'deadLetter'])
  checkInteger('fromTcp: connectionsMax', connectionsMax, 1)
  const messageBytesMax = parseByteSize(options.messageBytesMax ?? '1mb', 'fromTcp: messageBytesMax')
  if (messageBytesMax < 1) throw invalid('fromTcp: messageBytesMax is 0: nobody could send anything.')
  const bytesMax = parseByteSize(queue.bytes ?? '16mb', 'fromTcp: queue.bytes')
  const recordsMax = queue.records ?? QUEUE_RECORDS
  checkInteger('fromTcp: queue.records', recordsMax, 1)
  if (messageBytesMax > bytesMax) {
    throw invalid(
      `fromTcp: a message may have ${messageBytesMax} bytes (messageBytesMax), and the queue takes ${bytesMax} (queue.bytes): there would never be room for it.`,
    )
  }
  const idleTimeoutMs =
    options.idleTimeout === false ? undefined : parseDuration(options.idleTimeout ?? IDLE_TIMEOUT_MS, 'fromTcp: idleTimeout')
  if (idleTimeoutMs === 0) throw invalid('fromTcp: idleTimeout is 0: nobody could send anything in that time. false: never.')
  // Parts of connections are no deliveries: nobody waits for an answer.
  return { port, host, tls, onInvalid, connectionsMax, messageBytesMax, idleTimeoutMs, queue: { recordsMax, bytesMax, deliveriesMax: 1 } }
}

function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_OPTIONS_INVALID', message)
}
