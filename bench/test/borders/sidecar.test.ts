/** The experiment with a collector beside an application in short: its own assertions hold, and what sends to the back end itself waits and loses spans. */
import { expect, test } from 'vitest'
import { drawCharts } from '../../dist/charts/draw-charts.js'
import { measureSidecar } from '../../dist/contenders/sidecar.js'
import { borderFigures } from '../../dist/figures/borders.js'
import { figureResult } from '../../dist/harness/results.js'

test('spans wait on disk while the back end is down, and all of them arrive in order', async () => {
  const beside = await measureSidecar({ sends: 'beside' }, { quick: true })
  const direct = await measureSidecar({ sends: 'direct' }, { quick: true })
  expect(beside.details).toMatchObject({ 'spans that did not arrive': 0, 'out of order': 0 })
  expect(beside.details?.['on disk at most, kB']).toBeGreaterThan(1)
  expect(direct.details?.['spans that did not arrive']).toBeGreaterThan(100)
  // Whoever sends to the back end waits for as long as it waits.
  const halfWhileDown = (of: typeof beside): number => of.details?.['p50 while down'] as number
  expect(halfWhileDown(direct)).toBeGreaterThan(2 * halfWhileDown(beside))
  // Nor would it be much where the collector stood still for a moment.
  expect(beside.value).toBeLessThan(5_000)
  const figure = borderFigures.find(({ id }) => id === 'borders/sidecar-beside')!
  const result = figureResult(figure, [{ contender: figure.contenders[0]!, measurements: [beside], failures: [] }])
  const drawn = await drawCharts('borders', [result])
  expect([...drawn.keys()]).toEqual(['sidecar'])
  expect(drawn.get('sidecar')).not.toContain('NaN')
})
