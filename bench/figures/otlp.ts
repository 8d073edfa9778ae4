/** Telemetry at the border: what a span costs between the bytes of a request and a record. Taken with the borders. */
import type { OtlpCodec, OtlpDirection } from '../contenders/otlp.js'
import type { Contender, Figure } from '../harness/figure.js'

const directions: readonly { readonly direction: OtlpDirection; readonly title: string }[] = [
  { direction: 'read', title: 'from bytes to spans' },
  { direction: 'write', title: 'from spans to bytes' },
]
const codecs: readonly { readonly name: OtlpCodec; readonly label: string; readonly role: Contender['role'] }[] = [
  { name: 'sluice', label: 'Sluice, flat records', role: 'sluice' },
  { name: 'official', label: 'official definitions (protobufjs), messages', role: 'peer' },
]

export const otlpFigures: readonly Figure[] = directions.map(
  ({ direction, title }): Figure => ({
    id: `otlp/${direction}`,
    title: `OTLP, ${title}`,
    unit: 'ns per record',
    better: 'lower',
    quick: direction === 'read',
    section: 'borders',
    processesMax: 3,
    contenders: codecs.map(({ name, label, role }) => ({
      id: name,
      label,
      role,
      measure: async (options) => (await import('../contenders/otlp.js')).measureOtlp(name, direction, options),
    })),
  }),
)
