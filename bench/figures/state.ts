/** Keyed state: how the cost of a record and the memory of a key change with the number of keys; and what sliding windows cost. */
import type { Figure } from '../harness/figure.js'

const KEYS = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
const WINDOW_KEYS = 1_000
const SLIDES: readonly { readonly name: string; readonly slideMs: number }[] = [
  { name: '1m', slideMs: 60_000 },
  { name: '1s', slideMs: 1_000 },
]

const stateFigure = (keys: number): Figure => ({
  id: `state/${keys.toExponential().replace('e+', 'e')}`,
  title: `Count and sum per key, ${keys.toLocaleString('en')} keys`,
  unit: 'ns per record',
  better: 'lower',
  quick: keys === 1_000,
  contenders: [
    {
      id: 'sluice',
      label: 'Sluice',
      role: 'sluice',
      measure: async (options) => (await import('../contenders/state.js')).measureState(keys, options),
    },
    {
      id: 'limit',
      label: 'loop over typed arrays',
      role: 'limit',
      measure: async (options) => (await import('../contenders/state.js')).measureStateLoop('typedColumns', keys, options),
    },
    {
      id: 'map',
      label: 'loop over a Map of objects',
      role: 'peer',
      measure: async (options) => (await import('../contenders/state.js')).measureStateLoop('mapOfObjects', keys, options),
    },
  ],
})

export const stateFigures: readonly Figure[] = [
  ...KEYS.map(stateFigure),
  ...SLIDES.map(
    ({ name, slideMs }): Figure => ({
      id: `windows/sliding-${name}`,
      title: `Sliding windows, 10 min every ${name === '1m' ? 'minute' : 'second'}, ${WINDOW_KEYS.toLocaleString('en')} keys`,
      unit: 'ns per record',
      better: 'lower',
      quick: slideMs === 1_000,
      contenders: [
        {
          id: 'sluice',
          label: 'Sluice',
          role: 'sluice',
          measure: async (options) => (await import('../contenders/windows.js')).measureSliding(slideMs, WINDOW_KEYS, options),
        },
      ],
    }),
  ),
]
