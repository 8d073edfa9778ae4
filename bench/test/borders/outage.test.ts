/** The experiment with an outage in short: its own assertions hold, it is drawn, and the protected variants send less than the naive one. */
import { expect, test } from 'vitest'
import { drawCharts } from '../../dist/charts/draw-charts.js'
import { measureOutage, type OutageVariant } from '../../dist/contenders/outage.js'
import { borderFigures } from '../../dist/figures/borders.js'
import type { Measurement } from '../../dist/harness/figure.js'
import { figureResult } from '../../dist/harness/results.js'

const measured = (variant: OutageVariant): Promise<Measurement> => measureOutage(variant, { quick: true })

test('a breaker sends next to nothing to what is down, and what fails at once is replayed', async () => {
  const naive = await measured({ mode: 'naive', outage: 'refused' })
  const wait = await measured({ mode: 'wait', outage: '503' })
  const fail = await measured({ mode: 'fail', outage: 'refused' })
  // 32 calls, ten times a second each, for three seconds; on a machine that has other things to do it is less.
  expect(naive.value).toBeGreaterThan(10 * wait.value)
  expect(wait.details).toMatchObject({ lost: 0, 'dead letters, replayed': 0 })
  expect(fail.details?.['dead letters, replayed']).toBeGreaterThan(100)
  for (const { series } of [wait, fail]) expect(series?.['breaker']).toContain(1)
  const figure = borderFigures.find(({ id }) => id === 'borders/outage-wait')!
  const result = figureResult(figure, [{ contender: figure.contenders[0]!, measurements: [wait], failures: [] }])
  const drawn = await drawCharts('borders', [result])
  expect([...drawn.keys()]).toEqual(['outage'])
  expect(drawn.get('outage')).toMatch(/^<svg[\s\S]*<\/svg>\s*$/)
  expect(drawn.get('outage')).not.toContain('NaN')
}, 120_000)
