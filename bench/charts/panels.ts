/** What charts are put together from: rows of figures, panels of lines. Pure. */
import type { FigureResult } from '../harness/results.js'
import type { ChartSpec } from './render-chart.js'

export const WIDTH = 640
export const HEIGHT = 150

export type Row = Readonly<Record<string, string | number>>
export type Panel = Readonly<Record<string, unknown>>

/** The rows of several figures under one name each: what a line of a chart is drawn from. */
export function rowsOf(figures: readonly FigureResult[], nameOf: (id: string) => string): Row[] {
  return figures.flatMap(({ id, contenders }) => {
    const series = Object.entries(contenders[0]?.series ?? {})
    const length = Math.max(0, ...series.map(([, values]) => values.length))
    return Array.from({ length }, (_, at) => ({
      name: nameOf(id),
      ...Object.fromEntries(series.map(([name, values]) => [name, values[at] ?? Number.NaN] as const)),
    }))
  })
}

export function behind(id: string, prefix: string): string {
  return id.slice(id.indexOf(prefix) + prefix.length)
}

export interface Lines {
  readonly x: string
  readonly xTitle: string
  readonly y: string
  readonly yTitle: string
  readonly scale?: 'log' | 'symlog'
  readonly interpolate?: 'step-after'
  readonly legend: string
  readonly order: readonly string[]
  readonly height?: number
}

/** One panel: a line per name. */
export function lines({ x, xTitle, y, yTitle, scale, interpolate, legend, order, height = HEIGHT }: Lines): Panel {
  return {
    width: WIDTH,
    height,
    mark: { type: 'line', strokeWidth: 1.5, ...(interpolate === undefined ? {} : { interpolate }) },
    encoding: {
      x: { field: x, type: 'quantitative', title: xTitle, scale: { zero: false, nice: false } },
      y: { field: y, type: 'quantitative', title: yTitle, ...(scale === undefined ? {} : { scale: { type: scale } }) },
      color: { field: 'name', type: 'nominal', title: legend, sort: [...order] },
    },
  }
}

export function chart(title: string, values: readonly Row[], panels: readonly Panel[]): ChartSpec {
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
