/** The borders of a job: what it calls, and what sends to it, when one side cannot keep up or is gone. Taken by `--only borders`. */
import type { IngressProtocol } from '../contenders/ingress.js'
import type { OutageVariant } from '../contenders/outage.js'
import type { SidecarVariant } from '../contenders/sidecar.js'
import type { TelemetryVariant } from '../contenders/telemetry.js'
import type { Figure, Measurement, MeasureOptions } from '../harness/figure.js'
import { type Described, sluiceFigure } from './sluice-figure.js'

/** They take minutes: one process each. */
const figure = (
  described: Omit<Described, 'quick' | 'processesMax' | 'better'> & Partial<Pick<Figure, 'better'>>,
  measure: (options: MeasureOptions) => Promise<Measurement>,
): Figure => sluiceFigure('borders', { better: 'lower', ...described, quick: true, processesMax: 1 }, measure)

const outages: readonly (OutageVariant & { readonly id: string; readonly title: string })[] = [
  { id: 'naive', mode: 'naive', outage: 'refused', title: 'tried again every 100 ms by the function itself' },
  { id: 'retry', mode: 'retry', outage: 'refused', title: '`retry` with its budget' },
  { id: 'wait', mode: 'wait', outage: 'refused', title: '`retry` and a `circuitBreaker` that waits' },
  { id: 'wait-503', mode: 'wait', outage: '503', title: 'the same, answered with 503' },
  { id: 'webhook', mode: 'webhook', outage: '503', title: '`toWebhook` with both, batches of 8, answered with 503' },
  { id: 'fail', mode: 'fail', outage: 'refused', title: 'a `circuitBreaker` that fails, dead letters replayed' },
]

const outageFigures = outages.map(
  ({ id, title, ...variant }): Figure =>
    figure(
      {
        id: `outage-${id}`,
        title: `Down for 30 s, ${title}`,
        unit: 'requests',
        valueName: 'while it is down',
      },
      async (options) => (await import('../contenders/outage.js')).measureOutage(variant, options),
    ),
)

const telemetry: readonly (TelemetryVariant & { readonly title: string })[] = [
  { traces: 'usual', title: '200 k spans/s in traces of 1 to 200' },
  { traces: 'long', title: 'the same in traces of 10 to 2,000' },
  { traces: 'tight', title: 'the same with too little room for them' },
]

const telemetryFigures = telemetry.map(
  ({ title, ...variant }): Figure =>
    figure(
      {
        id: `telemetry-${variant.traces}`,
        title: `Tail sampling, ${title}`,
        unit: 'k records/s',
        better: 'higher',
      },
      async (options) => (await import('../contenders/telemetry.js')).measureTelemetry(variant, options),
    ),
)

const sidecars: readonly (SidecarVariant & { readonly title: string })[] = [
  { sends: 'beside', title: 'to a Sluice beside it' },
  { sends: 'direct', title: 'to the back end itself' },
]

const sidecarFigures = sidecars.map(
  ({ title, ...variant }): Figure =>
    figure(
      {
        id: `sidecar-${variant.sends}`,
        title: `Back end of telemetry down for 60 s, an application that sends ${title}`,
        unit: 'ms',
        valueName: 'p99 while down',
        timeLimitMs: 5 * 60_000,
      },
      async (options) => (await import('../contenders/sidecar.js')).measureSidecar(variant, options),
    ),
)

const ingresses: readonly { readonly protocol: IngressProtocol; readonly title: string }[] = [
  { protocol: 'http1', title: 'HTTP/1.1' },
  { protocol: 'http2', title: 'HTTP/2' },
  { protocol: 'tcp', title: 'TCP' },
]

const ingressFigures = ingresses.map(
  ({ protocol, title }): Figure =>
    figure(
      {
        id: `ingress-${protocol}`,
        title: `Ingress at twice the capacity for 60 s, 1,000 connections, ${title}`,
        unit: 'ms',
        valueName: 'p99 of the accepted',
      },
      async (options) => (await import('../contenders/ingress.js')).measureIngress(protocol, options),
    ),
)

export const borderFigures: readonly Figure[] = [...outageFigures, ...ingressFigures, ...telemetryFigures, ...sidecarFigures]
