/** A request of the official definitions as OTLP/JSON, by the rules of the specification: written apart from the code that is tested. */
import { Buffer } from 'node:buffer'
import { officialFields } from './official-definitions.js'
import type { Message } from './official-requests.js'

const messages = officialFields()

export function toOtlpJson(name: string, message: Message): unknown {
  return JSON.parse(JSON.stringify(convert(name, message)))
}

function convert(name: string, message: Message): Message {
  const json: Message = {}
  for (const { name: field, type, repeated } of messages.get(name)!) {
    const value = message[field]
    if (value === undefined || value === null) continue
    json[field] = repeated ? (value as unknown[]).map((item) => convertValue(type, field, item)) : convertValue(type, field, value)
  }
  return json
}

function convertValue(type: string, field: string, value: unknown): unknown {
  if (type.includes('.')) return convert(type, value as Message)
  if (type === 'bytes') return Buffer.from(value as Uint8Array).toString(field.endsWith('Id') ? 'hex' : 'base64')
  if (type === 'double' && (!Number.isFinite(value) || Object.is(value, -0))) return Object.is(value, -0) ? '-0' : String(value)
  return value
}
