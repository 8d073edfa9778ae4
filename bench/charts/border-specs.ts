/** The charts of what happens at the borders of a job, from the series of the figures. Pure. */
import type { FigureResult } from '../harness/results.js'
import { behind, chart, lines, rowsOf } from './panels.js'
import type { ChartSpec } from './render-chart.js'

const titles: Readonly<Record<string, string>> = {
  naive: 'naive retry',
  retry: 'retry with budget',
  wait: 'breaker, wait',
  'wait-503': 'breaker, wait (503)',
  webhook: 'toWebhook, breaker, wait (503)',
  fail: 'breaker, dead letters',
}

export function outageChart(figures: readonly FigureResult[]): ChartSpec {
  const nameOf = (id: string): string => titles[behind(id, 'outage-')] ?? id
  const order = figures.map(({ id }) => nameOf(id))
  const common = { x: 'seconds', xTitle: 'seconds since it went down', legend: 'variant', order }
  return chart('What is called is down for 30 s', rowsOf(figures, nameOf), [
    lines({ ...common, y: 'sent', yTitle: 'requests sent/s', scale: 'symlog', height: 200 }),
    lines({ ...common, y: 'done', yTitle: 'records done/s' }),
    lines({ ...common, y: 'breaker', yTitle: 'breaker: 1 open, 0.5 half-open', height: 100, interpolate: 'step-after' }),
  ])
}

const traces: Readonly<Record<string, string>> = {
  usual: '1 to 200 spans',
  long: '10 to 2,000 spans',
  tight: '10 to 2,000, too little room',
}

export function telemetryChart(figures: readonly FigureResult[]): ChartSpec {
  const nameOf = (id: string): string => traces[behind(id, 'telemetry-')] ?? id
  const order = figures.map(({ id }) => nameOf(id))
  const common = { x: 'seconds', xTitle: 'seconds', legend: 'traces', order }
  return chart('Tail sampling: what is held', rowsOf(figures, nameOf), [
    lines({ ...common, y: 'megabytes', yTitle: 'MB of state (spans as encoded)' }),
    lines({ ...common, y: 'resident', yTitle: 'MB of the process' }),
  ])
}

const senders: Readonly<Record<string, string>> = { beside: 'to a Sluice beside it', direct: 'to the back end' }

export function sidecarChart(figures: readonly FigureResult[]): ChartSpec {
  const nameOf = (id: string): string => senders[behind(id, 'sidecar-')] ?? id
  const order = figures.map(({ id }) => nameOf(id))
  const common = { x: 'seconds', xTitle: 'seconds since the back end went down', legend: 'sends', order }
  return chart('The back end of telemetry is down for 60 s', rowsOf(figures, nameOf), [
    lines({ ...common, y: 'p99', yTitle: 'p99 of a request, ms', scale: 'log' }),
    lines({ ...common, y: 'p50', yTitle: 'p50 of a request, ms', scale: 'log' }),
    lines({ ...common, y: 'disk', yTitle: 'kB on disk' }),
  ])
}

const protocols: Readonly<Record<string, string>> = { http1: 'HTTP/1.1', http2: 'HTTP/2', tcp: 'TCP' }

export function ingressChart(figures: readonly FigureResult[]): ChartSpec {
  const nameOf = (id: string): string => protocols[behind(id, 'ingress-')] ?? id
  const order = figures.map(({ id }) => nameOf(id))
  const common = { x: 'seconds', xTitle: 'seconds', legend: 'over', order }
  return chart('Twice as many records over a port as the job can take', rowsOf(figures, nameOf), [
    lines({ ...common, y: 'accepted', yTitle: 'accepted/s; TCP: written/s', scale: 'symlog' }),
    lines({ ...common, y: 'refused', yTitle: 'refused with 429/s' }),
    lines({ ...common, y: 'p99', yTitle: 'p99 of the accepted, ms' }),
    lines({ ...common, y: 'memory', yTitle: 'resident memory, MiB' }),
  ])
}
