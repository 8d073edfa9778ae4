/** Draws the charts of those experiments that were taken. */
import type { FigureResult } from '../harness/results.js'
import { fanOutChart, overloadChart, rampChart, slowConsumerChart } from './flow-control-specs.js'
import type { ChartSpec } from './render-chart.js'

const charts: Readonly<Record<string, (figures: readonly FigureResult[]) => ChartSpec>> = {
  'slow-consumer': slowConsumerChart,
  ramp: rampChart,
  'fan-out': fanOutChart,
  overload: overloadChart,
}

/** SVG by name of the experiment. */
export async function drawFlowControl(figures: readonly FigureResult[]): Promise<ReadonlyMap<string, string>> {
  const drawn = new Map<string, string>()
  for (const [name, specOf] of Object.entries(charts)) {
    const taken = figures.filter(({ id, contenders }) => id.startsWith(`flow-control/${name}-`) && contenders[0]?.series !== undefined)
    if (taken.length === 0) continue
    // Only where something is drawn, because it is large.
    const { renderChart } = await import('./render-chart.js')
    drawn.set(name, await renderChart(specOf(taken)))
  }
  return drawn
}
