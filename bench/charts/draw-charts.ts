/** Draws the charts of those experiments that were taken. */
import type { Section } from '../harness/figure.js'
import type { FigureResult } from '../harness/results.js'
import { ingressChart, outageChart, sidecarChart, telemetryChart } from './border-specs.js'
import { fanOutChart, overloadChart, rampChart, slowConsumerChart } from './flow-control-specs.js'
import type { ChartSpec } from './render-chart.js'

type Charts = Readonly<Record<string, (figures: readonly FigureResult[]) => ChartSpec>>

/** By name of the experiment: figures of it are called `<section>/<name>-...`. */
const charts: Readonly<Record<Section, Charts>> = {
  'flow-control': { 'slow-consumer': slowConsumerChart, ramp: rampChart, 'fan-out': fanOutChart, overload: overloadChart },
  borders: { outage: outageChart, ingress: ingressChart, telemetry: telemetryChart, sidecar: sidecarChart },
}

/** SVG by name of the experiment, of one section. */
export async function drawCharts(section: Section, figures: readonly FigureResult[]): Promise<ReadonlyMap<string, string>> {
  const drawn = new Map<string, string>()
  for (const [name, specOf] of Object.entries(charts[section])) {
    const taken = figures.filter(({ id, contenders }) => id.startsWith(`${section}/${name}-`) && contenders[0]?.series !== undefined)
    if (taken.length === 0) continue
    // Only where something is drawn, because it is large.
    const { renderChart } = await import('./render-chart.js')
    drawn.set(name, await renderChart(specOf(taken)))
  }
  return drawn
}
