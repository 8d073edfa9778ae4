/** The charts of what happens at the borders of a job, from the series of the figures. Pure. */
import type { FigureResult } from '../harness/results.js'
import { behind, chart, type Lines, lines, rowsOf } from './panels.js'
import type { ChartSpec } from './render-chart.js'

interface TimeChart {
  readonly title: string
  /** Of the ids of its figures, and what each is called in the chart by what stands behind it. */
  readonly prefix: string
  readonly names: Readonly<Record<string, string>>
  readonly xTitle: string
  readonly legend: string
}

/** Panels over the seconds of a run, a line for each figure. */
function overTime(
  figures: readonly FigureResult[],
  { title, prefix, names, xTitle, legend }: TimeChart,
  panels: readonly Omit<Lines, 'x' | 'xTitle' | 'legend' | 'order'>[],
): ChartSpec {
  const nameOf = (id: string): string => names[behind(id, prefix)] ?? id
  const order = figures.map(({ id }) => nameOf(id))
  return chart(
    title,
    rowsOf(figures, nameOf),
    panels.map((panel) => lines({ x: 'seconds', xTitle, legend, order, ...panel })),
  )
}

const titles: Readonly<Record<string, string>> = {
  naive: 'naive retry',
  retry: 'retry with budget',
  wait: 'breaker, wait',
  'wait-503': 'breaker, wait (503)',
  webhook: 'toWebhook, breaker, wait (503)',
  fail: 'breaker, dead letters',
}

export const outageChart = (figures: readonly FigureResult[]): ChartSpec =>
  overTime(
    figures,
    { title: 'What is called is down for 30 s', prefix: 'outage-', names: titles, xTitle: 'seconds since it went down', legend: 'variant' },
    [
      { y: 'sent', yTitle: 'requests sent/s', scale: 'symlog', height: 200 },
      { y: 'done', yTitle: 'records done/s' },
      { y: 'breaker', yTitle: 'breaker: 1 open, 0.5 half-open', height: 100, interpolate: 'step-after' },
    ],
  )

const traces: Readonly<Record<string, string>> = {
  usual: '1 to 200 spans',
  long: '10 to 2,000 spans',
  tight: '10 to 2,000, too little room',
}

export const telemetryChart = (figures: readonly FigureResult[]): ChartSpec =>
  overTime(figures, { title: 'Tail sampling: what is held', prefix: 'telemetry-', names: traces, xTitle: 'seconds', legend: 'traces' }, [
    { y: 'megabytes', yTitle: 'MB of state (spans as encoded)' },
    { y: 'resident', yTitle: 'MB of the process' },
  ])

const senders: Readonly<Record<string, string>> = { beside: 'to a Sluice beside it', direct: 'to the back end' }

export const sidecarChart = (figures: readonly FigureResult[]): ChartSpec =>
  overTime(
    figures,
    {
      title: 'The back end of telemetry is down for 60 s',
      prefix: 'sidecar-',
      names: senders,
      xTitle: 'seconds since the back end went down',
      legend: 'sends',
    },
    [
      { y: 'p99', yTitle: 'p99 of a request, ms', scale: 'log' },
      { y: 'p50', yTitle: 'p50 of a request, ms', scale: 'log' },
      { y: 'disk', yTitle: 'kB on disk' },
    ],
  )

const protocols: Readonly<Record<string, string>> = { http1: 'HTTP/1.1', http2: 'HTTP/2', tcp: 'TCP' }

export const ingressChart = (figures: readonly FigureResult[]): ChartSpec =>
  overTime(
    figures,
    {
      title: 'Twice as many records over a port as the job can take',
      prefix: 'ingress-',
      names: protocols,
      xTitle: 'seconds',
      legend: 'over',
    },
    [
      { y: 'accepted', yTitle: 'accepted/s; TCP: written/s', scale: 'symlog' },
      { y: 'refused', yTitle: 'refused with 429/s' },
      { y: 'p99', yTitle: 'p99 of the accepted, ms' },
      { y: 'memory', yTitle: 'resident memory, MiB' },
    ],
  )
