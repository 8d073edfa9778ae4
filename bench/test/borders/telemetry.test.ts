/** The experiment with spans in short: its own assertions hold, something was late, something was bounded, and it is drawn. */
import { expect, test } from 'vitest'
import { drawCharts } from '../../dist/charts/draw-charts.js'
import { measureTelemetry } from '../../dist/contenders/telemetry.js'
import { borderFigures } from '../../dist/figures/borders.js'
import { figureResult } from '../../dist/harness/results.js'

test('traces that fail are whole, late spans follow, and long traces are held to the bounds', async () => {
  const usual = await measureTelemetry({ traces: 'usual' }, { quick: true })
  const long = await measureTelemetry({ traces: 'long' }, { quick: true })
  const tight = await measureTelemetry({ traces: 'tight' }, { quick: true })
  expect(usual.details?.['traces that failed']).toBeGreaterThan(3)
  expect(usual.details?.['of them whole']).toBe(usual.details?.['traces that failed'])
  expect(long.details?.['of them whole']).toBe(long.details?.['traces that failed'])
  expect(tight.details?.['decided early']).toBeGreaterThan(0)
  const figure = borderFigures.find(({ id }) => id === 'borders/telemetry-usual')!
  const result = figureResult(figure, [{ contender: figure.contenders[0]!, measurements: [usual], failures: [] }])
  const drawn = await drawCharts('borders', [result])
  expect([...drawn.keys()]).toEqual(['telemetry'])
  expect(drawn.get('telemetry')).not.toContain('NaN')
}, 120_000)
