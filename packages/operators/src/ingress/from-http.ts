/** Records that clients send over HTTP. */
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkChoice, checkSchema } from '../options/check-options.js'
import { defineSource } from '../source/define-source.js'
import type { Source } from '../source/source.js'
import { planHttp } from './http/http-settings.js'
import type { HttpFormat, HttpInvalidPolicy, HttpListenOptions } from './http/http-types.js'

export interface FromHttpOptions extends HttpListenOptions {
  /** What happens to a record that does not fit its schema or cannot be parsed. Default 'reject': the client is told, and the job sees nothing of it. */
  readonly onInvalid?: HttpInvalidPolicy | undefined
}

type AnyHttpOptions = FromHttpOptions & {
  readonly format?: 'json' | 'lines' | 'bytes' | HttpFormat<unknown> | undefined
  readonly schema?: StandardSchemaV1 | undefined
}

/**
 * The records of requests. `format: 'json'` takes `application/json` (a record, or a list of records that is taken whole or not at all) and `application/x-ndjson` (a record per line,
 * taken as they come), `'lines'` takes the lines of `text/plain`, `'bytes'` a body of any type as one record, a Uint8Array.
 *
 * A request is answered with 200 when the job has its records (`ack: 'accepted'`), or when a checkpoint covers them (`ack: 'checkpoint'`, which takes as long as the interval). Where the job
 * is behind, requests are answered with 429 and `Retry-After`, and streams of lines are not read, so that their clients block.
 *
 * At most once with `ack: 'accepted'`: what was answered and is in flight when the process dies is lost. At least once with `ack: 'checkpoint'`, where clients send again what was not answered.
 *
 * @throws SLUICE_OPTIONS_INVALID; SLUICE_SOURCE_FAILED where the port is in use; SLUICE_RECORD_INVALID and SLUICE_INPUT_MALFORMED with `onInvalid: 'fail'`.
 * @example
 * const Order = z.object({ id: z.string(), amount: z.number() })
 * job.source('orders', fromHttp({ port: 8080, path: '/orders', schema: Order })).sink('out', toJsonLines('orders.jsonl'))
 */
export function fromHttp<T>(options: FromHttpOptions & { readonly format: HttpFormat<T>; readonly schema?: undefined }): Source<T>
export function fromHttp<S extends StandardSchemaV1>(
  options: FromHttpOptions & { readonly format?: 'json' | 'lines' | HttpFormat<unknown> | undefined; readonly schema: S },
): Source<StandardSchemaV1.InferOutput<S>>
export function fromHttp(options: FromHttpOptions & { readonly format: 'lines'; readonly schema?: undefined }): Source<string>
export function fromHttp(options: FromHttpOptions & { readonly format: 'bytes'; readonly schema?: undefined }): Source<Uint8Array>
export function fromHttp<T = unknown>(
  options: FromHttpOptions & { readonly format?: 'json' | undefined; readonly schema?: undefined },
): Source<T>
export function fromHttp(options: AnyHttpOptions): Source<unknown> {
  return httpSource('fromHttp', options)
}

/** The same for a connector. `caller`: what a user called, in messages. */
export function httpSource<T>(caller: string, options: FromHttpOptions & { readonly format: HttpFormat<T> }): Source<T>
export function httpSource(caller: string, options: AnyHttpOptions): Source<unknown>
export function httpSource(caller: string, options: AnyHttpOptions): Source<unknown> {
  const settings = planHttp(caller, options)
  const { format = 'json', schema, onInvalid = 'reject' } = options
  checkChoice(`${caller}: onInvalid`, onInvalid, ['reject', 'fail', 'drop', 'deadLetter'])
  if (typeof format === 'object' && format !== null) checkFormat(caller, format)
  else checkChoice(`${caller}: format`, format, ['json', 'lines', 'bytes'])
  if (schema !== undefined && format === 'bytes')
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${caller}: format 'bytes' gives bytes, which have no schema.`, {
      hint: 'Give a format of your own with { types, decode }.',
    })
  checkSchema(caller, schema)
  const { listener, path, method, acknowledge, tokens, bodyBytesMax, queue } = settings
  const { host, port, tls } = listener
  const source = defineSource<unknown>({
    open: async (_split, context) => {
      const { HttpSource } = await import('./http/http-source.js')
      return HttpSource.open({ settings, format, schema, policy: onInvalid }, context)
    },
    parallelismMax: { value: 1, because: 'a port has one listener' },
    colocation: `listen ${host}:${port}`,
    holdsBytes: queue.bytesMax,
    delivery: acknowledge === 'checkpoint' ? 'at-least-once' : 'at-most-once',
    schema,
    options: {
      type: 'http',
      listen: `${host}:${port}`,
      path,
      method,
      ack: acknowledge,
      format: typeof format === 'object' ? format.types : format,
      onInvalid,
      tls: tls !== undefined,
      token: tokens.length > 0,
      bodyBytesMax,
      queue,
    },
  })
  return {
    ...source,
    listens: {
      address: `${host}:${port}`,
      route: `${method} ${path}`,
      server: {
        protocol: 'http',
        tls: tls === undefined ? undefined : `${String(tls.cert)}${String(tls.key)}`,
        headerBytesMax: listener.headerBytesMax,
        headersTimeout: listener.headersTimeoutMs,
        connectionsMax: listener.connectionsMax,
      },
    },
    needsCheckpoints: acknowledge === 'checkpoint' ? "ack: 'checkpoint'" : undefined,
    functions: typeof format === 'object' ? [format.decode, ...(format.reply === undefined ? [] : [format.reply])] : undefined,
  }
}

function checkFormat(caller: string, { types, decode, reply }: HttpFormat<unknown>): void {
  const known =
    Array.isArray(types) &&
    types.length > 0 &&
    types.every((type) => typeof type === 'string' && type === type.toLowerCase() && type !== '')
  if (known && typeof decode === 'function' && (reply === undefined || typeof reply === 'function')) return
  throw new SluiceError(
    'SLUICE_OPTIONS_INVALID',
    `${caller}: format is a word, or { types, decode(body, request), reply? } with content types in lower case.`,
  )
}
