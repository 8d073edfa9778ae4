/** A chart is drawn of what was taken, with a line for each figure. */
import { expect, test } from 'vitest'
import { drawCharts } from '../../dist/charts/draw-charts.js'
import { figureResult } from '../../dist/harness/results.js'
import { flowControlFigures } from '../../dist/figures/flow-control.js'

const series = (names: readonly string[]): Record<string, number[]> =>
  Object.fromEntries(names.map((name, position) => [name, [1, 2, 3, 4].map((value) => value * (position + 1))]))

const names: Record<string, readonly string[]> = {
  'slow-consumer': ['seconds', 'source', 'consumer', 'fillMean', 'firstWindow', 'lastWindow'],
  ramp: ['offered', 'delivered', 'blockedMsPerSecond'],
  'fan-out': ['pace', 'before', 'stalled'],
  overload: ['seconds', 'p50', 'p99', 'memory'],
}

test('every experiment has its chart, and every figure a line of its own', async () => {
  const results = flowControlFigures.map((figure) => {
    const experiment = Object.keys(names).find((name) => figure.id.includes(`/${name}-`)) as string
    const measurement = { value: 1, details: { 'lambda_max, k/s': 0.004 }, series: series(names[experiment] as readonly string[]) }
    return figureResult(figure, [{ contender: figure.contenders[0] as never, measurements: [measurement], failures: [] }])
  })
  const drawn = await drawCharts('flow-control', results)
  expect([...drawn.keys()]).toEqual(Object.keys(names))
  for (const [name, svg] of drawn) {
    expect(svg).toMatch(/^<svg[\s\S]*<\/svg>\s*$/)
    expect(svg).not.toContain('NaN')
    const figures = flowControlFigures.filter(({ id }) => id.includes(`/${name}-`))
    const lines = svg.match(/aria-roledescription="line mark"[^>]*d="M[^"]*L/g) ?? []
    expect(lines.length).toBeGreaterThanOrEqual(2 * figures.length)
  }
})

test('what was not taken, or failed, is not drawn', async () => {
  expect((await drawCharts('flow-control', [])).size).toBe(0)
})
