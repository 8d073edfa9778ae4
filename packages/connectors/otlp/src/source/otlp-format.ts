/**
 * OTLP as a format of `fromHttp`: requests in protobuf or JSON become records, and are answered in the encoding that they came in. Runs in the thread that
 * listens.
 */
import { Buffer, isUtf8 } from 'node:buffer'
import type { HttpFormat, HttpOutcome, HttpReply, HttpRequest } from '@sluice/operators'
import type { Decoded } from '../records/decoded.js'
import { responseTo, writeResponse, writeStatus } from '../signals/response.js'
import { JSON_TYPE, PROTOBUF, type SignalCodec } from '../signals/signals.js'
import { malformed } from '../wire/malformed.js'

/** Codes of gRPC, as `google.rpc.Status` has them. */
const INVALID_ARGUMENT = 3
const UNKNOWN = 2
const grpcCodes: Readonly<Record<number, number>> = {
  400: INVALID_ARGUMENT,
  401: 16,
  404: 5,
  408: 4,
  413: 8,
  415: INVALID_ARGUMENT,
  429: 8,
  503: 14,
}

export function otlpFormat<T>(codec: SignalCodec<T>): HttpFormat<T> {
  /** What was left out of requests that are not answered yet. */
  const refused = new WeakMap<HttpRequest, Decoded<T>>()
  return {
    types: [PROTOBUF, JSON_TYPE],
    decode: (body, request) => {
      const decoded = request.contentType === JSON_TYPE ? codec.readJson(parse(body)) : codec.readProtobuf(body)
      if (decoded.rejected > 0) refused.set(request, decoded)
      return decoded.records
    },
    reply: (outcome, request) => {
      const isJson = request.contentType !== PROTOBUF
      const headers = { 'content-type': isJson ? JSON_TYPE : PROTOBUF }
      if (outcome.status !== 200) return { headers, body: refusalOf(outcome, isJson) }
      const { rejected = 0, reason = '' } = refused.get(request) ?? {}
      return { headers, body: successOf(codec, rejected, reason, isJson) }
    },
  }
}

function successOf(codec: { readonly rejectedName: string }, rejected: number, reason: string, isJson: boolean): HttpReply['body'] {
  const partial = { rejected, message: reason }
  return isJson ? JSON.stringify(responseTo(partial, codec.rejectedName)) : writeResponse(partial)
}

function refusalOf({ status, error }: HttpOutcome, isJson: boolean): HttpReply['body'] {
  const code = grpcCodes[status] ?? UNKNOWN
  const message = error?.message ?? ''
  return isJson ? JSON.stringify({ code, message }) : writeStatus(code, message)
}

function parse(body: Uint8Array): unknown {
  // A text of other bytes would not be what was sent.
  if (!isUtf8(body)) malformed('the body is not UTF-8')
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  } catch (error) {
    return malformed(`the body is no JSON: ${(error as Error).message}`)
  }
}
