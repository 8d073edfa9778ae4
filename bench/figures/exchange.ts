/** Row 2: a keyed exchange with a count per key, two subtasks to two subtasks. */
import type { Figure } from '../harness/figure.js'

export const exchangeFigures: readonly Figure[] = [
  {
    id: 'exchange/count',
    title: 'Keyed exchange and count per key, parallelism 2',
    unit: 'M records/s',
    better: 'higher',
    quick: true,
    contenders: [
      {
        id: 'sluice',
        label: 'Sluice',
        role: 'sluice',
        measure: async (options) => (await import('../contenders/exchange-sluice.js')).measureExchange(options),
      },
      {
        id: 'limit',
        label: 'loops written by hand',
        role: 'limit',
        measure: async (options) => (await import('../contenders/exchange-ring.js')).measureExchangeLoop(options),
      },
    ],
  },
]
