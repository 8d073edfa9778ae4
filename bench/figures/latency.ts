/** Row 4: latency of handing records to another thread at a given rate, open loop. */
import type { Figure } from '../harness/figure.js'

export const latencyFigures: readonly Figure[] = [10_000, 100_000].map((rate) => ({
  id: `latency/${rate / 1000}k`,
  title: `Latency from due to arrived, ${rate / 1000} k records/s`,
  unit: 'us',
  better: 'lower',
  valueName: 'p99',
  quick: rate === 10_000,
  contenders: [
    {
      id: 'sluice',
      label: 'Sluice',
      role: 'sluice',
      measure: async (options) => (await import('../contenders/latency.js')).measureLatency(rate, options),
    },
    {
      id: 'limit',
      label: '`Atomics.wait` on both sides',
      role: 'limit',
      measure: async (options) => (await import('../contenders/latency.js')).measureWakeLoop('wait', rate, options),
    },
    {
      id: 'waitAsync',
      label: '`Atomics.waitAsync` at the consumer',
      role: 'peer',
      measure: async (options) => (await import('../contenders/latency.js')).measureWakeLoop('waitAsync', rate, options),
    },
  ],
}))
