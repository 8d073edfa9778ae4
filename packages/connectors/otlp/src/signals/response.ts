/**
 * Answers of receivers: `ExportTraceServiceResponse` and the two like it, which all have a message of the same form in field 1, and `google.rpc.Status`. In
 * protobuf and in JSON.
 */
import { Buffer, isUtf8 } from 'node:buffer'
import { message, own, text, wideInteger, objectOf } from '../json/json-fields.js'
import { createStringSite } from '../wire/string-memory.js'
import { WireReader } from '../wire/wire-reader.js'
import { WireWriter } from '../wire/wire-writer.js'

/** Records that a receiver refused, and why; a receiver that has something to say may refuse none. */
export interface PartialSuccess {
  readonly rejected: number
  readonly message: string
}

const NOTHING_REFUSED: PartialSuccess = { rejected: 0, message: '' }

export function writeResponse({ rejected, message }: PartialSuccess): Uint8Array {
  if (rejected === 0 && message === '') return new Uint8Array(0)
  const writer = new WireWriter()
  const start = writer.begin(10, 1)
  if (rejected !== 0) writer.int64(8, rejected)
  if (message !== '') writer.string(18, message)
  writer.end(start, 1)
  return writer.finish()
}

export function responseTo({ rejected, message }: PartialSuccess, rejectedName: string): object {
  if (rejected === 0 && message === '') return {}
  return { partialSuccess: { [rejectedName]: String(rejected), errorMessage: message } }
}

/** @throws MalformedTelemetry */
export function readResponse(bytes: Uint8Array): PartialSuccess {
  const reader = new WireReader()
  let partial = NOTHING_REFUSED
  reader.open(bytes)
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 10) partial = readPartial(reader)
    else reader.skip(tag)
  }
  return partial
}

function readPartial(reader: WireReader): PartialSuccess {
  const outer = reader.enter()
  let rejected = 0
  let message = ''
  while (reader.at < reader.limit) {
    const tag = reader.uint32()
    if (tag === 8) rejected = Number(reader.int64())
    else if (tag === 18) message = reader.string(createStringSite())
    else reader.skip(tag)
  }
  reader.leave(outer)
  return { rejected, message }
}

/** @throws MalformedTelemetry, SyntaxError */
export function responseFrom(bytes: Uint8Array, rejectedName: string): PartialSuccess {
  const partial = message(objectOf(JSON.parse(Buffer.from(bytes).toString()), 'the answer'), 'partialSuccess')
  if (partial === undefined) return NOTHING_REFUSED
  const rejected = own(partial, rejectedName)
  return { rejected: rejected === undefined ? 0 : Number(wideInteger(rejected, rejectedName)), message: text(partial, 'errorMessage') }
}

/** `google.rpc.Status`. */
export function writeStatus(code: number, reason: string): Uint8Array {
  const writer = new WireWriter()
  writer.uint32(8, code)
  writer.string(18, reason)
  return writer.finish()
}

/** The message of a `google.rpc.Status`, for the log; '' where the answer is something else. */
export function statusMessage(bytes: Uint8Array, isJson: boolean): string {
  try {
    if (isJson) return text(objectOf(JSON.parse(Buffer.from(bytes).toString()), 'the answer'), 'message')
    const reader = new WireReader()
    reader.open(bytes)
    let found = ''
    while (reader.at < reader.limit) {
      const tag = reader.uint32()
      if (tag === 18) found = reader.string(createStringSite())
      else reader.skip(tag)
    }
    return found
  } catch {
    // Proxies in between answer in words of their own.
    return isUtf8(bytes) ? Buffer.from(bytes).toString() : ''
  }
}
