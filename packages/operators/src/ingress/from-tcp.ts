/** Records that clients send over TCP. */
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkChoice, checkSchema } from '../options/check-options.js'
import { defineSource } from '../source/define-source.js'
import type { Source } from '../source/source.js'
import { planTcp } from './tcp/tcp-settings.js'
import type { FromTcpOptions, TcpFormat } from './tcp/tcp-types.js'

/**
 * The records that clients send over connections to a port. `format: 'lines'` (the default) takes a line of UTF-8 as a string, `'jsonLines'` a line of JSON, `'lengthPrefixed'` a
 * Uint8Array with its length in four bytes (big-endian) in front, `'bytes'` pieces of bytes, cut anywhere; or a format of your own.
 *
 * Where the job is behind, connections are not read: TCP's window closes, and clients that write wait. Nothing is answered, so it is at most once: what was sent and not taken when the job
 * stops or fails is lost, and a message that a connection ends in is not taken.
 *
 * One subtask listens, and a port belongs to one source; use `rebalance()` behind it for work in parallel.
 *
 * @throws SLUICE_OPTIONS_INVALID; SLUICE_SOURCE_FAILED where the port is in use; SLUICE_RECORD_INVALID and SLUICE_INPUT_MALFORMED with `onInvalid: 'fail'`.
 * @example
 * job.source('lines', fromTcp({ port: 9000 })).sink('out', toJsonLines('lines.jsonl'))
 * @example
 * const Reading = z.object({ sensor: z.number(), value: z.number() })
 * job.source('readings', fromTcp({ port: 9001, format: 'jsonLines', schema: Reading, onInvalid: 'deadLetter' })).sink('all', toJsonLines('readings.jsonl'))
 */
export function fromTcp<T>(options: FromTcpOptions & { readonly format: TcpFormat<T>; readonly schema?: undefined }): Source<T>
export function fromTcp<S extends StandardSchemaV1>(
  options: FromTcpOptions & { readonly format: 'lines' | 'jsonLines' | TcpFormat<unknown>; readonly schema: S },
): Source<StandardSchemaV1.InferOutput<S>>
export function fromTcp(
  options: FromTcpOptions & { readonly format: 'lengthPrefixed' | 'bytes'; readonly schema?: undefined },
): Source<Uint8Array>
export function fromTcp<T = unknown>(options: FromTcpOptions & { readonly format: 'jsonLines'; readonly schema?: undefined }): Source<T>
export function fromTcp(options: FromTcpOptions & { readonly format?: 'lines' | undefined; readonly schema?: undefined }): Source<string>
export function fromTcp(
  options: FromTcpOptions & {
    readonly format?: 'lines' | 'jsonLines' | 'lengthPrefixed' | 'bytes' | TcpFormat<unknown> | undefined
    readonly schema?: StandardSchemaV1 | undefined
  },
): Source<unknown> {
  const settings = planTcp(options)
  const { format = 'lines', schema } = options
  if (typeof format === 'object' && format !== null) checkFormat(format)
  else checkChoice('fromTcp: format', format, ['lines', 'jsonLines', 'lengthPrefixed', 'bytes'])
  if (schema !== undefined && (format === 'lengthPrefixed' || format === 'bytes'))
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `fromTcp: format '${format}' gives bytes, which have no schema.`, {
      hint: 'Give a format of your own with { framing, decode }.',
    })
  checkSchema('fromTcp', schema)
  const { host, port, tls, ...limits } = settings
  const source = defineSource<unknown>({
    open: async (_split, context) => {
      const { TcpSource } = await import('./tcp/tcp-source.js')
      return TcpSource.open({ settings, format, schema }, context)
    },
    parallelismMax: { value: 1, because: 'a port has one listener' },
    holdsBytes: settings.queue.bytesMax,
    schema,
    options: {
      type: 'tcp',
      listen: `${host}:${port}`,
      format: typeof format === 'object' ? format.framing : format,
      tls: tls !== undefined,
      ...limits,
    },
  })
  return {
    ...source,
    // Where the system chooses the port it is nobody else's.
    listens: port === 0 ? undefined : { address: `${host}:${port}`, route: 'every connection', server: { protocol: 'tcp' } },
    functions: typeof format === 'object' ? [format.decode] : undefined,
  }
}

function checkFormat({ framing, decode }: TcpFormat<unknown>): void {
  if ((framing === 'lines' || framing === 'lengthPrefixed') && typeof decode === 'function') return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', "fromTcp: format is a word, or { framing: 'lines' | 'lengthPrefixed', decode(message) }.")
}
