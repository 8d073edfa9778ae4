/** Draws the charts of those experiments that were taken. */
import type { Section } from '../harness/figure.js'
import type { FigureResult } from '../harness/results.js'
import { outageChart } from './border-specs.js'
import { fanOutChart, overloadChart, rampChart, slowConsumerChart } from './flow-control-specs.js'
import type { ChartSpec } from './render-chart.js'

/** By section and the name of the experiment: its figures are called `section/name-...`. */
const charts: Readonly<Record<Section, Readonly<Record<string, (figures: readonly FigureResult[]) => ChartSpec>>>> = {
  'flow-control': {
    'slow-consumer': slowConsumerChart,
    ramp: rampChart,
    'fan-out': fanOutChart,
    overload: overloadChart,
  },
  borders: {
    outage: outageChart,
  },
}

export interface Chart {
  readonly section: Section
  /** Of the experiment. */
  readonly name: string
  readonly svg: string
}

export async function drawCharts(figures: readonly FigureResult[]): Promise<readonly Chart[]> {
  const drawn: Chart[] = []
  for (const [section, specs] of Object.entries(charts) as [Section, (typeof charts)[Section]][]) {
    for (const [name, specOf] of Object.entries(specs)) {
      const taken = figures.filter(({ id, contenders }) => id.startsWith(`${section}/${name}-`) && contenders[0]?.series !== undefined)
      if (taken.length === 0) continue
      // Only where something is drawn, because it is large.
      const { renderChart } = await import('./render-chart.js')
      drawn.push({ section, name, svg: await renderChart(specOf(taken)) })
    }
  }
  return drawn
}
