/**
 * The official definitions, as the package of OpenTelemetry has them: messages and their fields, read from the text of the decoders that were generated
 * from them, and these decoders and encoders themselves. What the tests make of it has every field there is.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export interface OfficialField {
  readonly number: number
  readonly name: string
  /** As protobufjs calls it (`fixed64`), or the full name of a message. */
  readonly type: string
  readonly repeated: boolean
  readonly packed: boolean
}

/** Encodes and decodes one message. */
export interface OfficialMessage {
  fromObject(value: object): object
  encode(message: object): { finish(): Uint8Array }
  decode(bytes: Uint8Array): object
  toObject(message: object, options: object): Record<string, unknown>
}

const require = createRequire(import.meta.url)
const file = require.resolve('@opentelemetry/otlp-transformer/build/src/generated/root.js')
// Without Long, protobufjs rounds integers of 64 bits; it does not find it by itself everywhere.
const protobufjs = createRequire(createRequire(file).resolve('protobufjs/minimal'))
const { util, configure } = protobufjs('./minimal') as { util: { Long: unknown }; configure(): void }
const long = protobufjs('long') as { default?: unknown }
util.Long = long.default ?? long
configure()
const root = require(file) as Record<string, unknown>

export function officialMessage(name: string): OfficialMessage {
  return name.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], root) as OfficialMessage
}

/** The fields of every message by its full name. */
export function officialFields(): ReadonlyMap<string, readonly OfficialField[]> {
  const messages = new Map<string, OfficialField[]>()
  const text = readFileSync(file, 'utf8')
  const decoders = text.matchAll(/\.decode = function decode\(reader, length, error\) \{([\s\S]*?)\n +\};/g)
  for (const [, body] of decoders) {
    const name = /new \$root\.([\w.]+)\(\)/.exec(body!)![1]!
    const fields = [...body!.matchAll(/case (\d+): \{([\s\S]*?)\n +break;\n +\}/g)].map(([, number, code]): OfficialField => {
      const field = /message\.(\w+)/.exec(code!)![1]!
      const scalar = /reader\.(\w+)\(\)\)?;?\s*$/.exec(code!)?.[1]
      const type = /\$root\.([\w.]+)\.decode\(/.exec(code!)?.[1] ?? scalar!
      return { number: Number(number), name: field, type, repeated: code!.includes('.push('), packed: code!.includes('end2') }
    })
    messages.set(name, fields)
  }
  return messages
}
