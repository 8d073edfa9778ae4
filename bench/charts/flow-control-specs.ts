/** The four charts of flow control, from the series of the figures. Pure. */
import type { FigureResult } from '../harness/results.js'
import { behind, chart, HEIGHT, lines, type Panel, rowsOf, WIDTH } from './panels.js'
import type { ChartSpec } from './render-chart.js'

const KIB = 1024

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
    lines({ ...common, y: 'p99', yTitle: 'p99 from due to sink, ms', scale: 'log', height: 220 }),
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
