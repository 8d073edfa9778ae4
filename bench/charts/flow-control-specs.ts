/** The four charts of flow control, from the series of the figures. Pure. */
import type { FigureResult } from '../harness/results.js'
import type { ChartSpec } from './render-chart.js'

const WIDTH = 640
const HEIGHT = 150
const KIB = 1024

type Row = Readonly<Record<string, string | number>>
type Panel = Readonly<Record<string, unknown>>

/** The rows of several figures under one name each: what a line of a chart is drawn from. */
function rowsOf(figures: readonly FigureResult[], nameOf: (id: string) => string): Row[] {
  return figures.flatMap(({ id, contenders }) => {
    const series = Object.entries(contenders[0]?.series ?? {})
    const length = Math.max(0, ...series.map(([, values]) => values.length))
    return Array.from({ length }, (_, at) => ({
      name: nameOf(id),
      ...Object.fromEntries(series.map(([name, values]) => [name, values[at] ?? Number.NaN] as const)),
    }))
  })
}

function behind(id: string, prefix: string): string {
  return id.slice(id.indexOf(prefix) + prefix.length)
}

interface Lines {
  readonly x: string
  readonly xTitle: string
  readonly y: string
  readonly yTitle: string
  readonly log?: boolean
  readonly legend: string
  readonly order: readonly string[]
  readonly height?: number
}

/** One panel: a line per name. */
function lines({ x, xTitle, y, yTitle, log = false, legend, order, height = HEIGHT }: Lines): Panel {
  return {
    width: WIDTH,
    height,
    mark: { type: 'line', strokeWidth: 1.5 },
    encoding: {
      x: { field: x, type: 'quantitative', title: xTitle, scale: { zero: false, nice: false } },
      y: { field: y, type: 'quantitative', title: yTitle, ...(log ? { scale: { type: 'log' } } : {}) },
      color: { field: 'name', type: 'nominal', title: legend, sort: [...order] },
    },
  }
}

function chart(title: string, values: readonly Row[], panels: readonly Panel[]): ChartSpec {
  const spec: unknown = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title,
    background: 'white',
    data: { values },
    vconcat: panels,
    config: { font: 'sans-serif', axis: { labelFontSize: 11, titleFontSize: 11 } },
  }
  return spec as ChartSpec
}

export function slowConsumerChart(figures: readonly FigureResult[]): ChartSpec {
  const nameOf = (id: string): string => {
    const hops = behind(id, 'slow-consumer-')
    return hops === '1' ? '1 edge' : `${hops} edges`
  }
  const values = rowsOf(figures, nameOf).map((row) => ({
    ...row,
    source: (row.source as number) / 1e3,
    fill: (row.fillMean as number) * 100,
    window: (row.lastWindow as number) / KIB,
  }))
  const xTitle = 'seconds since the consumer became ten times slower'
  const common = { x: 'seconds', xTitle, legend: 'behind', order: figures.map(({ id }) => nameOf(id)) }
  return chart('A consumer becomes ten times slower, and 10 s later as fast as before', values, [
    lines({ ...common, y: 'source', yTitle: 'source, k records/s' }),
    lines({ ...common, y: 'fill', yTitle: 'mean fill of windows, %' }),
    lines({ ...common, y: 'window', yTitle: 'window of the last edge, KiB' }),
  ])
}

export function rampChart(figures: readonly FigureResult[]): ChartSpec {
  const nameOf = (id: string): string => behind(id, 'ramp-').replace('us', ' us per record')
  const values = figures.flatMap((figure) => {
    const max = (figure.contenders[0]?.details['lambda_max, k/s']?.median ?? Number.NaN) * 1e3
    return rowsOf([figure], nameOf).map((row) => ({
      ...row,
      load: ((row.offered as number) / max) * 100,
      share: ((row.delivered as number) / max) * 100,
    }))
  })
  const common = { x: 'load', xTitle: 'offered load, % of lambda_max', legend: 'consumer', order: figures.map(({ id }) => nameOf(id)) }
  return chart('Ramp to overload', values, [
    lines({ ...common, y: 'share', yTitle: 'delivered, % of lambda_max' }),
    lines({ ...common, y: 'blockedMsPerSecond', yTitle: 'producer blocked, ms per s' }),
  ])
}

export function fanOutChart(figures: readonly FigureResult[]): ChartSpec {
  const nameOf = (id: string): string => behind(id, 'fan-out-')
  const rows = rowsOf(figures, nameOf)
  // What takes nothing has no place on a logarithmic scale.
  const panel = (field: string, title: string): Panel => ({
    width: WIDTH,
    height: 220,
    title,
    data: { values: rows.filter((row) => (row[field] as number) > 0) },
    mark: { type: 'line', point: true, strokeWidth: 1.5 },
    encoding: {
      x: { field: 'pace', type: 'quantitative', title: 'what the consumer can take, records/s', scale: { type: 'log' } },
      y: { field, type: 'quantitative', title: 'what it got, records/s', scale: { type: 'log' } },
      color: { field: 'name', type: 'nominal', title: 'slow branches', sort: figures.map(({ id }) => nameOf(id)) },
    },
  })
  return chart('One source, twelve consumers at speeds from 1 to 1/2048', rows, [
    panel('before', 'all of them take records'),
    panel('stalled', 'one of the slowest takes none'),
  ])
}

export function overloadChart(figures: readonly FigureResult[]): ChartSpec {
  const nameOf = (id: string): string => behind(id, 'overload-')
  const order = figures.map(({ id }) => nameOf(id))
  const common = { x: 'seconds', xTitle: 'seconds', legend: 'policy', order }
  return chart('Twice as many records as the consumer can take', rowsOf(figures, nameOf), [
    lines({ ...common, y: 'p99', yTitle: 'p99 from due to sink, ms', log: true, height: 220 }),
    lines({ ...common, y: 'memory', yTitle: 'resident memory, MiB' }),
    {
      width: WIDTH,
      height: HEIGHT,
      data: { values: figures.map(({ id, contenders }) => ({ name: nameOf(id), goodput: contenders[0]?.median ?? 0 })) },
      mark: 'bar',
      encoding: {
        y: { field: 'name', type: 'nominal', title: 'policy', sort: order },
        x: { field: 'goodput', type: 'quantitative', title: 'goodput, k records/s' },
        color: { field: 'name', type: 'nominal', sort: order },
      },
    },
  ])
}
