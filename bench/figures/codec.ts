/** Row 5: encoding and decoding. Sluice's codec is not public: an extra row. */
import type { CodecName, Direction } from '../contenders/codec.js'
import type { Contender, Figure } from '../harness/figure.js'
import type { CodecKind } from '../records/codec-records.js'

const titles: Readonly<Record<CodecKind, string>> = {
  numbers64: '8 numbers',
  text49: '5 fields, one a string of 49 characters',
  order: 'an order with nested lines',
}

const codecs: readonly { name: CodecName; label: string; role: Contender['role'] }[] = [
  { name: 'sluice', label: 'Sluice (inside a channel)', role: 'sluice' },
  { name: 'msgpackrRecords', label: 'msgpackr, record structures', role: 'peer' },
  { name: 'msgpackr', label: 'msgpackr', role: 'peer' },
  { name: 'v8', label: '`v8.serialize`', role: 'peer' },
  { name: 'json', label: 'JSON', role: 'peer' },
]

export const codecFigures: readonly Figure[] = (Object.keys(titles) as CodecKind[]).flatMap((kind) =>
  (['encode', 'decode'] satisfies Direction[]).map(
    (direction): Figure => ({
      id: `codec/${kind}-${direction}`,
      title: `Codec, ${direction}: ${titles[kind]}`,
      unit: 'ns per record',
      better: 'lower',
      quick: kind === 'text49' && direction === 'decode',
      processesMax: 3,
      contenders: codecs.map(({ name, label, role }) => ({
        id: name,
        label,
        role,
        measure: async (options) => (await import('../contenders/codec.js')).measureCodec(name, kind, direction, options),
      })),
    }),
  ),
)
