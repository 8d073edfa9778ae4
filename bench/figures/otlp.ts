/** Telemetry at the border: what a span costs between the bytes of a request and a record. Taken with the borders. */
import type { OtlpCodec, OtlpDirection } from '../contenders/otlp.js'
import type { OtlpEnd } from '../contenders/otlp-http.js'
import type { Contender, Figure } from '../harness/figure.js'

const directions: readonly { readonly direction: OtlpDirection; readonly title: string }[] = [
  { direction: 'read', title: 'from bytes to spans' },
  { direction: 'write', title: 'from spans to bytes' },
]
const codecs: readonly { readonly name: OtlpCodec; readonly label: string; readonly role: Contender['role'] }[] = [
  { name: 'sluice', label: 'Sluice, flat records', role: 'sluice' },
  { name: 'official', label: 'official definitions (protobufjs), messages', role: 'peer' },
]

const ends: readonly { readonly end: OtlpEnd; readonly title: string }[] = [
  { end: 'receive', title: 'fromOtlp over HTTP, into nothing' },
  { end: 'send', title: 'toOtlp over HTTP, to a peer that looks at nothing' },
]

const codecFigures: readonly Figure[] = directions.map(
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

const httpFigures: readonly Figure[] = ends.map(
  ({ end, title }): Figure => ({
    id: `otlp/${end}`,
    title: `OTLP, ${title}`,
    unit: 'ns per record',
    better: 'lower',
    valueName: 'CPU time of the process of the job',
    quick: end === 'receive',
    section: 'borders',
    processesMax: 3,
    contenders: [
      {
        id: 'sluice',
        label: 'Sluice',
        role: 'sluice',
        measure: async (options) => (await import('../contenders/otlp-http.js')).measureOtlpHttp(end, options),
      },
    ],
  }),
)

export const otlpFigures: readonly Figure[] = [...codecFigures, ...httpFigures]
